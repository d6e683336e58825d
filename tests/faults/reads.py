"""Plans made from answers that were cut, shortened, repeated, reordered, or never came.

The oracle knows what the servers hold and which answers were tampered with, from the proxies' logs. From a scope that
was not read to its end, no removal may be drawn, no account made, and not that nothing is left to do.
"""

from __future__ import annotations

import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.faults.applies import Wholes
from tests.faults.invariants import thing
from tests.faults.script import Drawn, Kind, Script
from tests.faults.stage import Play, Stage
from tests.faults.story import Story
from tests.faults.systems import TOGETHER, System, made
from tests.faults.systems.base import GONE
from tests.faults.virtual import anew
from tests.faults.wire import Call

if TYPE_CHECKING:
    from provisioner.engine import Situation
    from provisioner.plan.plan import Plan

_STORIES = {"ldap": Story(1, stay=115), "aws": Story(1, stay=115), "github": Story(1, stay=30)}
"""Enough people for several pages on each system: of 100 from slapd, of 25 from AWS, of 15 from GitHub. CircleCI knows
no people, and has pages of two contexts."""
KINDS = ("account", "group", "membership", "grant", "control", "credential", "key")
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


def story_of(systems: Sequence[str]) -> Story:
    """The longest that one of them needs."""
    return max((_STORIES.get(name, Story(1)) for name in systems), key=lambda story: story.stay)


def session(
    folder: Path, seeds: Iterable[int], until: float | None = None, systems: Sequence[str] = TOGETHER[0]
) -> Report:
    """The seeds one after another, on servers that nothing can change: a plan cannot write."""
    began = time.monotonic()
    if until is not None and began > until:
        return Report()
    with Stage(folder, story_of(systems), made(systems, small_pages=True)) as stage:
        report = stage.case(lambda play: _play(play, list(seeds), until))
    report.seconds = time.monotonic() - began
    return report


def _play(play: Play, seeds: list[int], until: float | None) -> Report:
    situation = _situation(play)
    clean = _plan(play, situation, {})
    held = {s.name: s.held(play.story.logins) for s in play.systems}
    wrong = _same_as_the_story(play, clean)
    assert not wrong, wrong
    there = {s.name: existing(s, play.story.logins) for s in play.systems}
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


def turns(systems: tuple[str, ...], seed: int) -> tuple[str, ...]:
    """Which targets a seed plans for: each alone and then all together, in turn."""
    each = [*((name,) for name in systems), systems]
    return each[seed // 10 % len(each)]


def _one(
    play: Play,
    situation: Situation,
    clean: Plan,
    there: Mapping[str, frozenset[str]],
    seed: int,
    report: Report,
) -> None:
    scripts, silent = script(seed, play)
    names = turns(tuple(s.name for s in play.systems), seed)
    alone = replace(situation, connections={n: situation.connections[n] for n in names})
    report.seeds += 1
    report.silent += silent
    try:
        plan = _plan(play, alone, scripts)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        report.failed.append((seed, crashed(error)))
        return
    calls = list(next(iter(play.proxies.values())).log.calls)
    report.tampered += sum(bool(c.fault) for c in calls)
    report.by_fault.update(c.fault for c in calls if c.fault)
    fooled = False
    for system in (s for s in play.systems if s.name in names):
        own = [c for c in calls if c.system == system.name]
        damaged = damaged_by(own)
        hidden = any(c.fault and not c.shows for c in own) and silent
        report.broken += bool(damaged)
        report.whole += not damaged
        problems = _judged(play, system, plan, damaged)
        needless = needless_ones(system, plan, there[system.name])
        fooled = fooled or (hidden and bool(needless))
        problems += [] if hidden else needless
        touched = any(c.fault and c.shows for c in own)
        if not touched and not hidden and (other := _differs(plan, clean, system.name)):
            problems.append(f"nothing was lost on {system.name}, and the plan differs: {other}")
        report.failed += [(seed, p) for p in problems]
    report.fooled += fooled


def _plan(
    play: Play,
    situation: Situation,
    scripts: Mapping[str, Script],
    rule: Callable[[], None] = anew,
) -> Plan:
    """In virtual time, which begins anew each time."""
    from provisioner.engine import make_plan

    rule()
    next(iter(play.proxies.values())).log.calls.clear()
    for name, proxy in play.proxies.items():
        proxy.begin(scripts[name]) if name in scripts else proxy.begin()
    try:
        return make_plan(situation).plan
    finally:
        for proxy in play.proxies.values():
            proxy.hang_up()  # clients of this process keep theirs open


def damaged_by(calls: Iterable[Call]) -> set[str]:
    """The wholes of which a part did not come, also when it was asked for again."""
    whole = {c.key: c.number for c in calls if c.ok and c.passed and not (c.fault and c.shows)}
    hurt = [c for c in calls if c.scope and c.fault and c.shows and whole.get(c.key, 0) < c.number]
    return {c.scope for c in hurt}


def crashed(error: Exception) -> str:
    """A plan that ends otherwise than with a plan."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"


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


def existing(system: System, logins: frozenset[str]) -> frozenset[str]:
    """What is there that a plan could want to make: accounts, groups, contexts."""
    held = {thing for thing in system.held(logins) if thing.startswith(("group/", "control/"))}
    return frozenset({*held, *(f"account/{login}" for login in system.accounts(logins))})


def needless_ones(system: System, plan: Plan, there: frozenset[str]) -> list[str]:
    """What the plan would make and exists."""
    made = [c.address for c in plan.changes if c.address.target == system.name and c.action.value == "create"]
    return [f"create {a}: it exists" for a in made if thing(str(a)) in there]


def _differs(plan: Plan, clean: Plan, target: str) -> str:
    mine = {c.id for c in plan.changes if c.address.target == target}
    right = {c.id for c in clean.changes if c.address.target == target}
    names = {c.id: f"{c.action.value} {c.address}" for c in (*plan.changes, *clean.changes)}
    return ", ".join(sorted(names[i] for i in mine ^ right))[:400]


def _same_as_the_story(play: Play, clean: Plan) -> list[str]:
    """The plan without faults does what the story says, or nothing here can be judged."""
    wrong = []
    for system in play.systems:
        old, new = (_addresses(play.story.things(system, after=side)) for side in (False, True))
        of = [c for c in clean.changes if c.address.target == system.name]
        gone = {thing(str(c.address)) for c in of if c.action.value in GONE}
        given = {thing(str(c.address)) for c in of if c.action.value == "create"}
        if given != new - old or {g for g in gone if not g.startswith("credential/")} != old - new:
            wrong.append(f"{system.name}: {sorted(given ^ (new - old))} {sorted(gone ^ (old - new))}")
    return wrong


def _addresses(things: Iterable[str]) -> frozenset[str]:
    """Those that are an address, and not only what one is like."""
    return frozenset(t for t in things if t.partition("/")[0] in KINDS)
