"""kill -9 at every call boundary of an apply; then again while the next run finishes what was begun; then a run that is
left alone. Every case must converge.

Boundaries of a call: before it is sent, after the server did it and before its answer, after its answer was read; and
of a journal record: right before it has its name on disk, and right after. All are a real SIGKILL of the process that
runs the command line.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from pathlib import Path
from random import Random

from tests.faults import invariants
from tests.faults.engine import AtRecord
from tests.faults.script import At, Fault, Kind
from tests.faults.stage import Play, Run, Stage
from tests.faults.story import Story
from tests.faults.systems import TOGETHER, made

RECORDS = ", lease: 4s, deadline: 2s"
"""A run that was killed is taken over from when it has shown no sign of life for the lease; shorter ones would end runs
that live, on a machine that is busy."""
FRESH = 8
"""One in so many points kills a process that was started anew, the others one forked with everything loaded."""
CALL_POINTS = (Kind.KILL_BEFORE, Kind.KILL_SENT, Kind.KILL_ANSWERED)


@dataclass(frozen=True, slots=True)
class Point:
    """Where the engine dies: at a call of `system`, or (`system` empty) at a journal record."""

    system: str
    number: int
    kind: Kind | None = None
    after: bool = False

    def __str__(self) -> str:
        if self.kind is None:
            return f"{'after' if self.after else 'before'} journal record {self.number}"
        return f"{self.kind.value}, call {self.number} to {self.system}"


@dataclass(slots=True)
class Case:
    """What came of one point. `killed`: how many runs really died by SIGKILL. `wrong`: what did not hold."""

    point: str
    killed: int = 0
    fresh: int = 0
    missed: bool = False
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(slots=True)
class Report:
    """Figures of a whole session."""

    points: int = 0
    of: int = 0
    kills: int = 0
    fresh: int = 0
    missed: int = 0
    changes: int = 0
    calls: int = 0
    seconds: float = 0.0
    by_kind: dict[str, int] = field(default_factory=dict)
    failed: list[Case] = field(default_factory=list)

    def take(self, case: Case) -> None:
        self.points += 1
        self.kills += case.killed
        self.fresh += case.fresh
        self.missed += case.missed
        label = case.point.partition(", call")[0].rstrip("0123456789 ")
        self.by_kind[label] = self.by_kind.get(label, 0) + 1
        if case.wrong:
            self.failed.append(case)

    def add(self, other: Report) -> None:
        self.points += other.points
        self.kills += other.kills
        self.fresh += other.fresh
        self.missed += other.missed
        self.of = max(self.of, other.of)
        self.changes, self.calls = other.changes, other.calls
        self.seconds = max(self.seconds, other.seconds)
        for label, count in other.by_kind.items():
            self.by_kind[label] = self.by_kind.get(label, 0) + count
        self.failed += other.failed


def measure(stage: Stage) -> tuple[dict[str, int], int, int]:
    """Of a run without faults: its calls by system, its journal records, its changes. It must be right in itself."""

    def play(play: Play) -> tuple[dict[str, int], int, int]:
        run = play.run("apply")
        wrong = invariants.at_the_end(play, run, play.run("plan", "--format", "json"))
        assert not wrong, "\n".join(wrong)
        calls = {s.name: sum(c.system == s.name for c in run.calls) for s in play.systems}
        records = sum(after - before for before, after in run.records.values())
        changes = sum(len(r.body["changes"]) for s in play.systems for r in _intents(play, s.name, run))
        return calls, records, changes

    return stage.case(play)


def points(calls: dict[str, int], records: int) -> list[Point]:
    """Every boundary of that run."""
    found = [
        Point(s, n, kind) for s, count in sorted(calls.items()) for n in range(1, count + 1) for kind in CALL_POINTS
    ]
    return found + [Point("", n, after=after) for n in range(1, records + 1) for after in (False, True)]


def sampled(all_points: Sequence[Point], seed: int, count: int) -> list[Point]:
    """`count` of them by seed, every kind of boundary in turn, in the seed's order."""
    chance = Random(seed)
    kinds: dict[tuple[str, bool], list[Point]] = {}
    for point in chance.sample(list(all_points), len(all_points)):
        kinds.setdefault((str(point.kind), point.after), []).append(point)
    mixed = [point for turn in zip_longest(*kinds.values()) for point in turn if point is not None]
    return mixed[:count]


def play_point(point: Point, seed: int, calls: dict[str, int], play: Play) -> Case:
    """One case: killed there, killed again during recovery, then left alone."""
    case, began = Case(str(point)), time.monotonic()
    fresh = Random(f"{seed} {point} fresh").randrange(FRESH) == 0
    first = _killed(play, point, fresh=fresh)
    case.fresh += fresh and point.kind is not None and first.ended.killed
    case.killed += first.ended.killed
    case.missed = not first.ended.killed
    case.wrong += _unless_killed(first)
    case.wrong += invariants.at_any_moment(play)
    chance = Random(f"{seed} {point}")
    system = chance.choice(sorted(calls))
    again = Point(system, chance.randint(1, max(1, calls[system] // 2)), chance.choice(CALL_POINTS))
    second = _killed(play, again)
    case.killed += second.ended.killed
    case.wrong += _unless_killed(second)
    last = play.run("apply")
    case.wrong += invariants.at_the_end(play, last, play.run("plan", "--format", "json"))
    case.seconds = time.monotonic() - began
    case.wrong = [f"{w} [killed at: {point}; then: {again}]" for w in dict.fromkeys(case.wrong)]
    return case


def session(
    folder: Path,
    story: Story,
    seed: int,
    count: int | None = None,
    share: tuple[int, int] = (0, 1),
    until: float | None = None,
    systems: Sequence[str] = TOGETHER[0],
) -> Report:
    """The points of a story, all or `count` by seed, in the seed's order; `share` (this worker, of so many) takes its
    part of them; no new point is begun after `until` (monotonic)."""
    began = time.monotonic()
    with Stage(folder, story, made(systems), records=RECORDS) as stage:
        calls, written, changes = measure(stage)
        every = points(calls, written)
        picked = sampled(every, seed, len(every) if count is None else count)
        report = Report(of=len(every), changes=changes, calls=sum(calls.values()))
        for point in picked[share[0] :: share[1]]:
            if until is not None and time.monotonic() > until:
                break
            report.take(stage.case(partial(play_point, point, seed, calls)))
        report.seconds = time.monotonic() - began
        return report


def _killed(play: Play, point: Point, *, fresh: bool = False) -> Run:
    if point.kind is None:
        return play.run("apply", die=AtRecord(point.number, point.after))
    return play.run("apply", scripts={point.system: At(point.number, Fault(point.kind))}, fresh=fresh)


def _unless_killed(run: Run) -> list[str]:
    """A run that was over before its point must have ended well."""
    if run.ended.killed or run.ended.status == 0:
        return []
    return [f"a run that was not killed ended with {run.ended.status}: {run.ended.out[-800:]} {run.ended.err[-800:]}"]


def _intents(play: Play, target: str, run: Run) -> list[invariants.Written]:
    before, after = run.records[target]
    found = invariants.journal(play, target)
    return [r for r in found if before < r.n <= after and r.kind == "intent" and r.body["step"] == "write"]
