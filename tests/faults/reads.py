"""Plans made from answers that were cut, shortened, repeated, reordered, or never came.

The oracle knows what the servers hold and which answers were tampered with, from the proxies' logs. From a scope that
was not read to its end, no removal may be drawn, no account made, and not that nothing is left to do.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.faults.applies import Wholes
from tests.faults.invariants import thing
from tests.faults.script import Drawn, Kind, Script
from tests.faults.stage import Play, Stage
from tests.faults.story import Story
from tests.faults.systems import System
from tests.faults.systems.aws import AwsSystem
from tests.faults.systems.base import GONE
from tests.faults.systems.slapd import SlapdSystem

if TYPE_CHECKING:
    from provisioner.engine import Situation
    from provisioner.plan.plan import Plan

STORY = Story(1, stay=115)
"""Several pages on each system: of 100 from slapd, of 25 from AWS."""
_TURNS: tuple[tuple[str, ...], ...] = (("corp-ldap",), ("aws",), ())
"""Which targets a seed plans for, in turn; empty: all."""
_FAILING = {
    Kind.ERROR: 3, Kind.BUSY: 3, Kind.UNAVAILABLE: 2, Kind.REFUSE: 2, Kind.LOSE: 3, Kind.CUT: 4, Kind.DELAY: 1,
}  # fmt: skip


@dataclass(slots=True)
class Report:
    """`by_fault` counts the answers that were tampered with; `broken` the targets that could not be read to their end;
    `silent` the seeds with answers whose shortness nobody can see, of which `fooled` had a needless CREATE in the plan
    (which `apply` does not make: it looks first)."""

    seeds: int = 0
    seconds: float = 0.0
    tampered: int = 0
    broken: int = 0
    whole: int = 0
    silent: int = 0
    fooled: int = 0
    by_fault: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Report) -> None:
        self.seeds += other.seeds
        self.tampered += other.tampered
        self.broken += other.broken
        self.whole += other.whole
        self.silent += other.silent
        self.fooled += other.fooled
        self.by_fault += other.by_fault
        self.failed += other.failed
        self.seconds = max(self.seconds, other.seconds)


def session(folder: Path, seeds: Iterable[int], until: float | None = None) -> Report:
    """The seeds one after another, on servers that nothing can change: a plan cannot write."""
    began = time.monotonic()
    if until is not None and began > until:
        return Report()
    systems: tuple[System, ...] = (SlapdSystem(size_pr=100), AwsSystem())
    for system in systems:
        system.small_pages()
    with Stage(folder, STORY, systems) as stage:
        report = stage.case(lambda play: _play(play, list(seeds), until))
    report.seconds = time.monotonic() - began
    return report


def _play(play: Play, seeds: list[int], until: float | None) -> Report:
    situation = _situation(play)
    clean = _plan(play, situation, {})
    held = {s.name: s.held(play.story.logins) for s in play.systems}
    wrong = _same_as_the_story(play, clean)
    assert not wrong, wrong
    there = {s.name: s.accounts(play.story.logins) for s in play.systems}
    report = Report()
    for seed in seeds:
        if until is not None and time.monotonic() > until:
            break
        _one(play, situation, clean, there, seed, report)
    for system in play.systems:
        assert system.held(play.story.logins) == held[system.name], "a plan has written"
        assert system.foreign(play.story.logins) == play.before[system.name], "a plan has written"
    return report


def _situation(play: Play) -> Situation:
    """What `plan` works from, made once: the files, the history and the journal do not change."""
    from provisioner.cli.wiring import Wanted, prepare

    os.environ.update({**play.environment, "AWS_MAX_ATTEMPTS": "1"})
    os.chdir(play.root)
    return prepare(Wanted(Path("access"))).situation


def script(seed: int, play: Play) -> tuple[dict[str, Script], bool]:
    """By system, and whether the answers are short without a sign. Most seeds spoil a few answers; some make many calls
    fail; some do both."""
    chance = Random(seed)
    silent = seed % 10 == 9
    seen = {s.name: s.wire.spoils for s in play.systems}
    spoils = {s.name: s.silent for s in play.systems} if silent else seen
    if silent or chance.random() < 0.6:
        rate, kinds, most = chance.choice((0.05, 0.3, 1.0)), {Kind.SPOIL: 1}, chance.choice((1, 2, 100))
    elif chance.random() < 0.7:
        rate, kinds, most = chance.choice((0.02, 0.1, 0.4)), _FAILING, 100
    else:
        rate, kinds, most = chance.choice((0.1, 0.4)), {**_FAILING, Kind.SPOIL: 18}, 100
    made = {}
    for name in play.proxies:
        drawn = Drawn(seed, rate, kinds, {}, spoils=spoils, most=most, seconds=lambda _: 0.01)
        made[name] = Wholes(drawn) if chance.random() < 0.5 else drawn
    return dict(made), silent


def _one(
    play: Play,
    situation: Situation,
    clean: Plan,
    there: Mapping[str, Mapping[str, int]],
    seed: int,
    report: Report,
) -> None:
    scripts, silent = script(seed, play)
    names = _TURNS[seed // 10 % len(_TURNS)] or tuple(situation.connections)
    plan = _plan(play, replace(situation, connections={n: situation.connections[n] for n in names}), scripts)
    calls = list(next(iter(play.proxies.values())).log.calls)
    report.seeds += 1
    report.silent += silent
    report.tampered += sum(bool(c.fault) for c in calls)
    report.by_fault.update(c.fault for c in calls if c.fault)
    fooled = False
    for system in (s for s in play.systems if s.name in names):
        own = [c for c in calls if c.system == system.name]
        damaged = {c.scope for c in own if c.scope and c.fault and c.shows}
        hidden = any(c.fault and not c.shows for c in own) and silent
        report.broken += bool(damaged)
        report.whole += not damaged
        problems = _judged(play, system, plan, damaged)
        needless = _needless(system, plan, there[system.name])
        fooled = fooled or (hidden and bool(needless))
        problems += [] if hidden else needless
        touched = any(c.fault and c.shows for c in own)
        if not touched and not hidden and (other := _differs(plan, clean, system.name)):
            problems.append(f"nothing was lost on {system.name}, and the plan differs: {other}")
        report.failed += [(seed, p) for p in problems]
    report.fooled += fooled


def _plan(play: Play, situation: Situation, scripts: Mapping[str, Script]) -> Plan:
    from provisioner.engine import make_plan

    next(iter(play.proxies.values())).log.calls.clear()
    for name, proxy in play.proxies.items():
        proxy.begin(scripts[name]) if name in scripts else proxy.begin()
    try:
        return make_plan(situation).plan
    finally:
        for proxy in play.proxies.values():
            proxy.hang_up()  # clients of this process keep theirs open


def _judged(play: Play, system: System, plan: Plan, damaged: set[str]) -> list[str]:
    """Nothing that is drawn from what is not whole."""
    wrong = []
    view = plan.targets[system.name]
    old, new = play.story.things(system, after=False), play.story.things(system, after=True)
    leavers = {p.name for p in play.story.people if p.leaves}
    if damaged and view.complete:
        wrong.append(f"{system.name} passes for complete, and {sorted(damaged)} did not come whole")
    for change in plan.changes:
        if change.address.target != system.name:
            continue
        name, action = thing(str(change.address)), change.action.value
        who = name.rpartition("/")[2]
        own = name.startswith("credential/") and who in leavers
        if action in GONE and name not in old - new and not own:
            wrong.append(f"{action} {change.address}: nobody asked for that")
        if system.rests_on(action, name, frozenset(damaged)):
            wrong.append(f"{action} {change.address}: drawn from {sorted(damaged)}, which did not come whole")
    return wrong


def _needless(system: System, plan: Plan, there: Mapping[str, int]) -> list[str]:
    """Accounts that the plan would make and that exist."""
    made = [c.address for c in plan.changes if c.address.target == system.name and c.action.value == "create"]
    return [f"create {a}: it exists" for a in made if a.kind.value == "account" and there.get(a.object)]


def _differs(plan: Plan, clean: Plan, target: str) -> str:
    mine = {c.id for c in plan.changes if c.address.target == target}
    right = {c.id for c in clean.changes if c.address.target == target}
    names = {c.id: f"{c.action.value} {c.address}" for c in (*plan.changes, *clean.changes)}
    return ", ".join(sorted(names[i] for i in mine ^ right))[:400]


def _same_as_the_story(play: Play, clean: Plan) -> list[str]:
    """The plan without faults does what the story says, or nothing here can be judged."""
    wrong = []
    for system in play.systems:
        old, new = play.story.things(system, after=False), play.story.things(system, after=True)
        of = [c for c in clean.changes if c.address.target == system.name]
        gone = {thing(str(c.address)) for c in of if c.action.value in GONE}
        given = {thing(str(c.address)) for c in of if c.action.value == "create"}
        if given != new - old or {g for g in gone if not g.startswith("credential/")} != old - new:
            wrong.append(f"{system.name}: {sorted(given ^ (new - old))} {sorted(gone ^ (old - new))}")
    return wrong
