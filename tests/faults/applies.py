"""Applies while systems throttle, fail, answer late or not at all, pretend, and show what was.

After the run with faults: what was done was intended and planned, nothing of others is touched, and what it says of
itself is so. After one more run, left alone: everything is as the files say.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from tests.faults import invariants
from tests.faults.script import Drawn, Fault, Kind, Script
from tests.faults.stage import Play, Run, Stage, parsed
from tests.faults.story import Story
from tests.faults.systems import TOGETHER, TRUTHFUL, made
from tests.faults.wire import Call

STORY = Story(1)
CLOCK = 10.0
LEVELS = ("pull", "triage", "push", "maintain", "admin")
"""What a grant is like that stands as a stray."""
RECORDS = ", lease: 60s, deadline: 120s"
"""The deadline of a call is counted by the engine's clock, which goes ten times as fast as the servers'."""
_NOISE = {
    Kind.ERROR: 3, Kind.BUSY: 3, Kind.UNAVAILABLE: 2, Kind.REFUSE: 2, Kind.LOSE: 3, Kind.CUT: 2, Kind.LOST_ERROR: 3,
    Kind.DELAY: 2,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Weather:
    """A kind of bad day. `believed`: what systems say is true, so that what the engine says must be true as well."""

    name: str
    rate: float
    reads: Mapping[Kind, int]
    writes: Mapping[Kind, int]
    seconds: Callable[[Random], float | None] = lambda _: 0.02
    believed: bool = True
    bulk: bool = False
    most: int = 10_000


WEATHERS = (
    Weather("5 % of calls fail", 0.05, _NOISE, _NOISE),
    Weather("30 % of calls fail", 0.3, _NOISE, _NOISE),
    Weather("done, and no answer", 0.3, {}, {Kind.LOSE: 3, Kind.LOST_ERROR: 2, Kind.CUT: 2}),
    Weather("throttled, no word on how long", 0.15, {Kind.BUSY: 1}, {Kind.BUSY: 1}, lambda _: None),
    Weather("throttled, with a time to wait", 0.15, {Kind.BUSY: 1}, {Kind.BUSY: 1}, lambda _: 0.2),
    Weather("done, and a hanging answer", 0.1, {}, {Kind.HANG: 1}, most=1),
    Weather("rights withdrawn now and then", 0.1, {Kind.DENIED: 1}, {Kind.DENIED: 1}),
    Weather("success told, nothing done", 0.15, {}, {Kind.PRETEND: 1}),
    Weather("old answers for a while", 0.3, {Kind.STALE: 1}, {}, believed=False),
    Weather("short answers without a sign", 0.5, {Kind.SPOIL: 1}, {}, believed=False, bulk=True),
)


_LIES = {Kind.PRETEND, Kind.STALE, Kind.SPOIL}


@dataclass(slots=True)
class Report:
    """`right`: runs with faults that ended with everything done; `partial`: those that said that they did not."""

    seeds: int = 0
    seconds: float = 0.0
    faults: int = 0
    right: int = 0
    partial: int = 0
    by_weather: Counter[str] = field(default_factory=Counter)
    by_fault: Counter[str] = field(default_factory=Counter)
    by_status: Counter[int] = field(default_factory=Counter)
    failed: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Report) -> None:
        self.seeds += other.seeds
        self.faults += other.faults
        self.right += other.right
        self.partial += other.partial
        self.by_weather += other.by_weather
        self.by_fault += other.by_fault
        self.by_status += other.by_status
        self.failed += other.failed
        self.seconds = max(self.seconds, other.seconds)


@dataclass(slots=True)
class _Case:
    status: int
    faults: Counter[str]
    right: bool
    wrong: list[str]


def session(
    folder: Path, seeds: Iterable[int], until: float | None = None, systems: Sequence[str] = TOGETHER[0]
) -> Report:
    """The seeds one after another, each from the saved state; the weather goes round."""
    weathers = [w for w in WEATHERS if not {*TRUTHFUL} & {*systems} or not _LIES & {*w.reads, *w.writes}]
    began, report = time.monotonic(), Report()
    if until is not None and began > until:
        return report
    with Stage(folder, STORY, made(systems), records=RECORDS, clock=CLOCK) as stage:
        for seed in seeds:
            if until is not None and time.monotonic() > until:
                break
            weather = weathers[seed % len(weathers)]
            case = stage.case(partial(_one, seed, weather))
            report.seeds += 1
            report.faults += sum(case.faults.values())
            report.right += case.right
            report.partial += not case.right
            report.by_weather[weather.name] += 1
            report.by_fault += case.faults
            report.by_status[case.status] += 1
            report.failed += [(seed, f"{w} [{weather.name}]") for w in case.wrong]
    report.seconds = time.monotonic() - began
    return report


def _one(seed: int, weather: Weather, play: Play) -> _Case:
    run = play.run("apply", scripts=_scripts(seed, weather, play))
    wrong = invariants.at_any_moment(play, believed=weather.believed)
    right = not invariants.d_as_declared(play)
    if weather.believed:
        wrong += invariants.i_honest(play, run) + invariants.j_proven(play)
        wrong += _says_so(run, right)
    elif run.ended.status in (70, -9):
        wrong.append(f"it ended with {run.ended.status}: {run.ended.err[-1500:]}")
    last = play.run("apply")
    second = play.run("plan", "--format", "json")
    wrong += invariants.at_the_end(play, last, second) if weather.believed else _after_lies(play, last, second)
    faults = Counter(c.fault for c in run.calls if c.fault)
    return _Case(run.ended.status, faults, right, list(dict.fromkeys(wrong)))


def _after_lies(play: Play, last: Run, second: Run) -> list[str]:
    """Of a system that hid what was there nobody can say that nothing is left. But what is left is nobody's secret:
    each plan lists it as a stray. And nothing is missing."""
    wrong = invariants.at_any_moment(play, believed=False) + invariants.e_nothing_left(second)
    strays = {invariants.thing(s["address"]) for s in parsed(second)["strays"]}
    strays |= {f"level.{word}/{s.removeprefix('grant/')}" for s in strays for word in LEVELS}
    for system in play.systems:
        held, wanted = system.held(play.story.logins), play.story.things(system, after=True)
        wrong += [f"{t} is missing on {system.name}" for t in sorted(wanted - held)]
        wrong += [f"{t} is left on {system.name}, and no plan says so" for t in sorted(held - wanted - strays)]
    return wrong + ([] if last.ended.status == 0 else [f"the last run ended with {last.ended.status}"])


def _says_so(run: Run, right: bool) -> list[str]:
    """A run that did not do everything ends with a status that says so."""
    if right or run.ended.status in (3, 5, 8):
        return []
    told = f"{run.ended.out[-600:]}{run.ended.err[-600:]}"
    return [f"I: not everything is done, and it ended with {run.ended.status}: {told}"]


def _scripts(seed: int, weather: Weather, play: Play) -> dict[str, Script]:
    made: dict[str, Script] = {}
    for system in play.systems:
        drawn = Drawn(
            seed,
            weather.rate,
            weather.reads,
            weather.writes,
            spoils={system.name: system.silent},
            most=weather.most,
            seconds=weather.seconds,
        )
        made[system.name] = Wholes(drawn) if weather.bulk else drawn
    return made


class Wholes:
    """Only answers that are part of a whole (all people, all groups)."""

    def __init__(self, inner: Script) -> None:
        self._inner = inner

    def __call__(self, call: Call) -> Fault | None:
        return self._inner(call) if call.scope else None
