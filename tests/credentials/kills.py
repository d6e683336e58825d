"""A rotation killed by SIGKILL at each of its steps, and gone on with.

Points are: before and after each write to a system (done, and not answered), and before and after each journal record,
of the runs that make a key, switch off the old one, and delete it. The run that goes on is killed too, at one of its
writes. After each kill, and after each run that follows, the consumer of every place signs in with what it has.

All points: `python -m tests.credentials.kills [FIRST] [LAST]`; the suite takes a sample.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from tests.credentials import gate as gates
from tests.credentials.gate import Gate
from tests.credentials.rig import Company, Everywhere, Ran, company, everywhere
from tests.faults.engine import AtRecord, Engine

ALL = ["circleci", "github", "manager", "vault"]
MAKES, DUE = ("rotate", "deploy-bot"), ("rotate", "--due")
PHASES = ("make", "retire", "delete")
OVERLAP = 1.1
"""Seconds: that of the files, and a little."""


@dataclass(frozen=True)
class Point:
    """`number` counts writes, or (`record`) journal records, of the run that does `phase`."""

    phase: str
    number: int
    after: bool
    record: bool

    def __str__(self) -> str:
        what = "journal record" if self.record else "write"
        return f"{self.phase}, {'after' if self.after else 'before'} {what} {self.number}"


@dataclass
class Stage:
    """Everything there is, with one key that lies everywhere, and a process that runs the command line."""

    there: Everywhere
    gate: Gate
    engine: Engine
    kills: int = 0
    again: int = 0
    most: int = 0
    seen: dict[str, list[str]] = field(default_factory=dict)

    @property
    def acme(self) -> Company:
        return self.there.acme

    def run(self, *arguments: str, die: AtRecord | None = None, at: int = 0, after: bool = False) -> tuple[bool, Ran]:
        """Whether it was killed, and what it said."""
        self.gate.arm(at, after=after)
        self.engine.start(arguments, self.acme.root, dict(os.environ), die=die)
        ended = self.engine.wait()
        self.gate.arm()
        return ended.killed, Ran(ended.status, ended.out, ended.err)

    def check(self, ran: Ran, when: str) -> None:
        """What holds at any moment."""
        self.acme.nothing_leaked(ran)
        live = self.acme.live()
        self.most = max(self.most, len(live))
        assert len(live) <= 2, f"{when}: {len(live)} keys"
        assert self.there.working() == ALL, f"{when}: only {self.there.working()} work; {ran.out}{ran.err}"

    def settle(self, when: str) -> None:
        """Runs of the schedule until one key is left, which lies everywhere."""
        for _ in range(60):
            ran = self.acme.run(*DUE)
            self.check(ran, f"{when}, then {DUE}")
            assert ran.status == 0, f"{when}: {ran.out}{ran.err}"
            live = self.acme.live()
            if len(live) == 1:
                assert set(live) == self.there.keys(), when
                return
            time.sleep(0.1)
        raise AssertionError(f"{when}: still {self.acme.live()}")

    def until(self, phase: str) -> tuple[str, ...]:
        """The run that does it comes next."""
        if phase == "make":
            return MAKES
        assert self.acme.run(*MAKES).status == 0
        time.sleep(OVERLAP)
        if phase == "delete":
            assert self.acme.run(*DUE).status == 0
            time.sleep(OVERLAP)
        return DUE

    def play(self, point: Point) -> None:
        """Killed there, killed once more while the next run goes on, then left alone."""
        arguments = self.until(point.phase)
        die = AtRecord(point.number, point.after) if point.record else None
        at = 0 if point.record else point.number
        killed, ran = self.run(*arguments, die=die, at=at, after=point.after)
        assert killed, f"{point}: it was over before: {ran.out}{ran.err}"
        self.kills += 1
        self.check(ran, f"killed at {point}")
        self.unlock()
        chance = Random(str(point))
        killed, ran = self.run(*DUE, at=chance.randint(1, 4), after=chance.random() < 0.5)
        self.again += killed
        self.check(ran, f"killed at {point}, and again")
        self.unlock()
        self.settle(f"killed at {point}, and again")

    def unlock(self) -> None:
        """That a dead run's lock is taken over from after its lease is told elsewhere, and takes a while."""
        shutil.rmtree(self.acme.root / ".provision" / "lock", ignore_errors=True)


@contextmanager
def stage(folder: Path, env: pytest.MonkeyPatch) -> Iterator[Stage]:
    gate = Gate()
    with ExitStack() as stack:
        acme = stack.enter_context(company(folder, env, gates.aws(gate)))
        there = stack.enter_context(everywhere(acme, folder, gates.github(gate), gates.circleci(gate)))
        env.setenv("BAO_ADDR", stack.enter_context(gates.before(there.bao.url, gate)))
        engine = Engine(folder / "said", ["aws", "github", "circleci"])
        stack.callback(engine.stop)
        made = Stage(there, gate, engine)

        def kill() -> None:
            while not engine.running:
                time.sleep(0.001)
            engine.kill()

        gate.kill = kill
        assert acme.run("apply", "--target", "aws").status == 0
        yield made


def measured(play: Stage) -> list[Point]:
    """Of runs without a kill: every point there is."""
    found = []
    for phase in PHASES:
        arguments = play.until(phase)
        before = _height(play)
        play.gate.arm()
        ran = play.acme.run(*arguments)
        assert ran.status == 0, ran.err
        play.seen[phase] = list(play.gate.seen)
        for record, count in ((False, len(play.gate.seen)), (True, _height(play) - before)):
            found += [Point(phase, n, after, record) for n in range(1, count + 1) for after in (False, True)]
        play.settle("measured")
    return found


def _height(play: Stage) -> int:
    return len(list((play.acme.root / ".provision" / "journal" / "aws").glob("*.json")))


def main(arguments: Sequence[str]) -> int:
    first, last = (int(arguments[0]) if arguments else 1), (int(arguments[1]) if len(arguments) > 1 else 10_000)
    failed = 0
    with (
        pytest.MonkeyPatch.context() as env,
        tempfile.TemporaryDirectory() as folder,
        stage(Path(folder), env) as play,
    ):
        every = measured(play)
        print(f"{len(every)} points; writes: {play.seen}", flush=True)  # noqa: T201
        for number, point in enumerate(every, 1):
            if not first <= number <= last:
                continue
            try:
                play.play(point)
                print(f"{number}: {point}: ok", flush=True)  # noqa: T201
            except AssertionError as error:
                failed += 1
                print(f"{number}: {point}: WRONG: {error}", flush=True)  # noqa: T201
        print(f"{play.kills} and {play.again} kills, {failed} wrong, at most {play.most} keys", flush=True)  # noqa: T201
        os.chdir("/")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
