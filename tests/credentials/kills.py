"""A rotation killed by SIGKILL at each of its steps, and gone on with.

Points are: before and after each write to a system (done, and not answered), and before and after each journal record,
of the runs that make a key, switch off the old one, and delete it. The run that goes on is killed too, at one of its
writes. After each kill, and after each run that follows, the consumer of every place signs in with what it has.

All points: `python -m tests.credentials.kills [aws|postgresql|ldap] [FIRST] [LAST]`; the suite takes a sample.
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
from typing import Protocol

import pytest

from tests.credentials import gate as gates
from tests.credentials.gate import Gate
from tests.credentials.office import office
from tests.credentials.rig import Ran, company, everywhere
from tests.faults.engine import AtRecord, Engine
from tests.faults.proxy import Proxy
from tests.faults.systems.ldap_wire import LdapWire
from tests.faults.systems.postgres_wire import PostgresWire
from tests.rigs.openbao import Bao, openbao
from tests.rigs.postgres import Postgres
from tests.rigs.slapd import Slapd

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


class Scene(Protocol):
    """A repository whose bot has a credential, and the places where it is delivered."""

    @property
    def places(self) -> Sequence[str]: ...
    @property
    def target(self) -> str: ...
    @property
    def root(self) -> Path: ...
    def run(self, *arguments: str) -> Ran: ...
    def nothing_leaked(self, *ran: Ran) -> None: ...
    def live(self) -> dict[str, bool]:
        """The bot's credentials, as their system has them, by id."""
        ...

    def working(self) -> list[str]:
        """The places whose consumer can sign in, in order."""
        ...

    def keys(self) -> set[str]:
        """The ids that the places have."""
        ...


@dataclass
class Stage:
    """Everything there is, with one key that lies everywhere, and a process that runs the command line."""

    there: Scene
    gate: Gate
    engine: Engine
    kills: int = 0
    again: int = 0
    most: int = 0
    wholly: bool = False
    """Settle until nothing is due: a directory keeps nothing of what was switched off, and its end is still to be
    written down. Points are then counted from one and the same state."""
    seen: dict[str, list[str]] = field(default_factory=dict)

    def run(self, *arguments: str, die: AtRecord | None = None, at: int = 0, after: bool = False) -> tuple[bool, Ran]:
        """Whether it was killed, and what it said."""
        self.gate.arm(at, after=after)
        self.engine.start(arguments, self.there.root, dict(os.environ), die=die)
        ended = self.engine.wait()
        self.gate.arm()
        return ended.killed, Ran(ended.status, ended.out, ended.err)

    def check(self, ran: Ran, when: str) -> None:
        """What holds at any moment."""
        self.there.nothing_leaked(ran)
        live = self.there.live()
        self.most = max(self.most, len(live))
        assert len(live) <= 2, f"{when}: {len(live)} keys"
        assert self.there.working() == list(self.there.places), (
            f"{when}: only {self.there.working()} work; {ran.out}{ran.err}"
        )

    def settle(self, when: str) -> None:
        """Runs of the schedule until one key is left, which lies everywhere."""
        for _ in range(60):
            ran = self.there.run(*DUE)
            self.check(ran, f"{when}, then {DUE}")
            assert ran.status == 0, f"{when}: {ran.out}{ran.err}"
            live = self.there.live()
            if (
                len(live) == 1 and ran.out == "Nothing is due.\n"
            ):  # also where what was switched off is not there at all
                assert set(live) == self.there.keys(), when
                return
            time.sleep(0.1)
        raise AssertionError(f"{when}: still {self.there.live()}")

    def until(self, phase: str) -> tuple[str, ...]:
        """The run that does it comes next."""
        if phase == "make":
            return MAKES
        assert self.there.run(*MAKES).status == 0
        time.sleep(OVERLAP)
        if phase == "delete":
            assert self.there.run(*DUE).status == 0
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
        shutil.rmtree(self.there.root / ".provision" / "lock", ignore_errors=True)


@contextmanager
def stage(folder: Path, env: pytest.MonkeyPatch) -> Iterator[Stage]:
    """An access key that goes to four places."""
    gate = Gate()
    with ExitStack() as stack:
        acme = stack.enter_context(company(folder, env, gates.aws(gate)))
        there = stack.enter_context(everywhere(acme, folder, gates.github(gate), gates.circleci(gate)))
        env.setenv("BAO_ADDR", stack.enter_context(gates.before(there.bao.url, gate)))
        yield stack.enter_context(_ready(there, gate, folder, ["aws", "github", "circleci"]))


@contextmanager
def stage_of_password(
    folder: Path, env: pytest.MonkeyPatch, server: Postgres | Slapd, bao: Bao, **settings: str
) -> Iterator[Stage]:
    """A password of PostgreSQL, or of a directory, that goes to OpenBao and into a file."""
    gate = Gate()
    with ExitStack() as stack:
        wire = PostgresWire() if isinstance(server, Postgres) else LdapWire(server.people, server.groups)
        proxy = stack.enter_context(Proxy(server.__class__.__name__.lower(), wire, ("127.0.0.1", server.port)))
        gates.on_the_wire(proxy, gate)
        there = stack.enter_context(office(folder, env, server, bao, proxy.port, **settings))
        env.setenv("BAO_ADDR", stack.enter_context(gates.before(bao.url, gate)))
        yield stack.enter_context(_ready(there, gate, folder, [there.target]))


@contextmanager
def _ready(there: Scene, gate: Gate, folder: Path, systems: Sequence[str]) -> Iterator[Stage]:
    engine = Engine(folder / "said", systems)
    try:
        made = Stage(there, gate, engine)

        def kill() -> None:
            while not engine.running:
                time.sleep(0.001)
            engine.kill()

        gate.kill = kill
        ran = there.run("apply", "--target", there.target)
        assert ran.status == 0, ran.out + ran.err
        yield made
    finally:
        engine.stop()


def measured(play: Stage, phases: Sequence[str] = PHASES) -> list[Point]:
    """Of runs without a kill: every point there is."""
    found = []
    for phase in phases:
        arguments = play.until(phase)
        before = _height(play)
        play.gate.arm()
        ran = play.there.run(*arguments)
        assert ran.status == 0, ran.err
        play.seen[phase] = list(play.gate.seen)
        for record, count in ((False, len(play.gate.seen)), (True, _height(play) - before)):
            found += [Point(phase, n, after, record) for n in range(1, count + 1) for after in (False, True)]
        play.settle("measured")
    return found


def _height(play: Stage) -> int:
    return len(list((play.there.root / ".provision" / "journal" / play.there.target).glob("*.json")))


@contextmanager
def _staged(system: str, folder: Path, env: pytest.MonkeyPatch) -> Iterator[Stage]:
    if system == "aws":
        with stage(folder, env) as play:
            yield play
        return
    with ExitStack() as stack:
        bao = stack.enter_context(openbao(folder / "server"))
        server: Postgres | Slapd
        if system == "postgresql":
            server = stack.enter_context(Postgres())
            server.reset()
        else:
            server = stack.enter_context(Slapd(folder / "slapd"))
        yield stack.enter_context(stage_of_password(folder, env, server, bao))


def main(arguments: Sequence[str]) -> int:
    system, *numbers = arguments if arguments and not arguments[0].isdigit() else ("aws", *arguments)
    first, last = (int(numbers[0]) if numbers else 1), (int(numbers[1]) if len(numbers) > 1 else 10_000)
    failed = 0
    with (
        pytest.MonkeyPatch.context() as env,
        tempfile.TemporaryDirectory() as folder,
        _staged(system, Path(folder), env) as play,
    ):
        play.wholly = True
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
