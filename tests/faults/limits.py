"""Rate limits: what a forge says of them is kept to, to the second, and shared; and from what did not come, nothing is
drawn.

In virtual time: whoever waits is through at once, the server's clock and ours are put forward together. Two ways to be
limited: an answer that says so in place of the server's (429 or 403, with `Retry-After`, without, with more than anyone
waits for), and the server's own budgets, of which its answers tell what is left.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from tests.faults import reads
from tests.faults.script import Fault, Kind, Script
from tests.faults.stage import Play, Stage
from tests.faults.systems import System, made
from tests.faults.systems.circleci import CircleSystem
from tests.faults.systems.github import GithubSystem
from tests.faults.virtual import VirtualTime
from tests.faults.wire import Call

if TYPE_CHECKING:
    from provisioner.engine import Situation
    from provisioner.plan.plan import Plan

UNSAID = 60.0
"""How long GitHub wants to be left alone where it names no time: at least a minute."""
AT_ONCE = 8
Seconds = Callable[[Random], float | None]


@dataclass(slots=True)
class Report:
    """`hits`: answers that told of a limit; `early`: calls that came before the time that was told, `in_hand` those of
    them that were on their way when it was; `waited` virtual seconds; `whole` and `busy` are plans."""

    seeds: int = 0
    seconds: float = 0.0
    calls: int = 0
    hits: int = 0
    early: int = 0
    in_hand: int = 0
    waited: float = 0.0
    whole: int = 0
    busy: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, str]] = field(default_factory=list)

    def add(self, other: Report) -> None:
        for name in ("seeds", "calls", "hits", "early", "in_hand", "waited", "whole", "busy"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.by_kind += other.by_kind
        self.failed += other.failed
        self.seconds = max(self.seconds, other.seconds)


class Told:
    """The script of one seed: limits some calls, and keeps what was told to whom, and who came too early. With each hit
    so many others as `at_once` allows may be on their way."""

    def __init__(self, times: Mapping[str, VirtualTime], seed: int, hits: int, seconds: Seconds, at_once: int) -> None:
        self._times, self._seconds, self._at_once = times, seconds, at_once
        self._chances = {name: Random(f"{seed} {name}") for name in times}
        self._left = dict.fromkeys(times, hits)
        self._until, self._in_hand = dict.fromkeys(times, 0.0), dict.fromkeys(times, 0)
        self.told = dict.fromkeys(times, 0.0)
        self.hits = self.early = self.in_hand = 0

    def __call__(self, call: Call) -> Fault | None:
        name, now = call.system, self._times[call.system].monotonic()
        if now < self._until[name]:
            allowed = self._in_hand[name] > 0
            self._in_hand[name] -= 1
            self.in_hand += allowed
            self.early += not allowed
        chance = self._chances[name]
        if not self._left[name] or chance.random() > 0.2:
            return None
        self._left[name] -= 1
        self._in_hand[name] += self._at_once - 1
        self.hits += 1
        seconds = self._seconds(chance)
        wait = UNSAID if seconds is None else seconds
        self.told[name] += wait
        self._until[name] = max(self._until[name], now + wait)
        return Fault(Kind.BUSY, seconds)


def session(folder: Path, seeds: Iterable[int], until: float | None = None, systems: Sequence[str] = ()) -> Report:
    """The seeds one after another."""
    began = time.monotonic()
    if until is not None and began > until:
        return Report()
    with Stage(folder, reads.story_of(systems), made(systems, small_pages=True)) as stage:
        report = stage.case(lambda play: _play(play, list(seeds), until))
    report.seconds = time.monotonic() - began
    return report


def _play(play: Play, seeds: list[int], until: float | None) -> Report:
    situation, report = reads._situation(play), Report()
    clean = reads._plan(play, situation, {})
    held = {s.name: s.held(play.story.logins) for s in play.systems}
    for seed in seeds:
        if until is not None and time.monotonic() > until:
            break
        report.seeds += 1
        kind = list(_KINDS)[seed % len(_KINDS)]
        report.by_kind[kind] += 1
        report.failed += [
            (seed, f"{problem} [{kind}]") for problem in _KINDS[kind](play, situation, clean, seed, report)
        ]
    assert all(s.held(play.story.logins) == held[s.name] for s in play.systems), "a plan has written"
    return report


def _times(play: Play, told: Callable[[str, float], None] = lambda _name, _seconds: None) -> dict[str, VirtualTime]:
    log = next(iter(play.proxies.values())).log

    def quiet(name: str) -> bool:
        return all(call.ended for call in list(log.calls) if call.system == name)

    return {s.name: VirtualTime(partial(told, s.name), partial(quiet, s.name)) for s in play.systems}


def _planned(
    play: Play, situation: Situation, scripts: Mapping[str, Script], times: Mapping[str, VirtualTime], at_once: int
) -> Plan:
    def rule() -> None:
        for name, when in times.items():
            when.rules(name, at_once=at_once)

    return reads._plan(play, situation, scripts, rule)


def _told(play: Play, situation: Situation, clean: Plan, seed: int, report: Report, *, seconds: Seconds) -> list[str]:
    """Some answers say that it was too much; `seconds` is what they say."""
    chance, times = Random(seed), _times(play)
    at_once = chance.choice((1, AT_ONCE))
    script = Told(times, seed, chance.randint(1, 2), seconds, at_once)
    plan = _planned(play, situation, dict.fromkeys(times, script), times, at_once)
    report.hits += script.hits
    report.early += script.early
    report.in_hand += script.in_hand
    wrong = [f"{script.early} calls came before the time that was told"] if script.early else []
    for name, when in times.items():
        if when.ahead > 1.2 * script.told[name] + 10:
            wrong.append(f"{when.ahead:.0f} s were waited for {name}, which told {script.told[name]:.0f} s")
    return wrong + _judged(play, plan, clean, times, report)


def _budget(play: Play, situation: Situation, clean: Plan, seed: int, report: Report) -> list[str]:
    """The server has little left for this hour or minute, and says so. It is never asked once more than it has."""
    chance, wrong = Random(seed), []
    soon = chance.random() < 0.7
    github = next((s for s in play.systems if isinstance(s, GithubSystem)), None)
    circleci = next((s for s in play.systems if isinstance(s, CircleSystem)), None)
    times = _times(play, partial(_forward, play.systems))
    refused: Counter[str] = Counter()
    servers = [s.server for s in (github, circleci) if s is not None]
    kept = [list(server.watchers) for server in servers]
    for server in servers:
        server.watchers.append(lambda e: refused.update([e.call] if e.answer[0] in (403, 429) else []))
    if github is not None:
        limits = github.server.limits
        limits.per_hour.update(core=chance.randint(3, 12), graphql=5000)
        limits._windows.clear()
        window = limits.window(f"user {github.bot.id}", "core")
        if soon:  # the hour is nearly over
            window.ends = github.server.world.now() + (window.ends - github.server.world.now()) / 120  # type: ignore[operator]
    if circleci is not None:
        circleci.server._spent.clear()
        circleci.server.per_minute = chance.randint(8, 30)
    plan = _planned(play, situation, {}, times, 1)
    for server, watchers in zip(servers, kept, strict=True):
        server.watchers[:] = watchers
    if github is not None:
        github.server.limits.per_hour.update(core=5000)
        github.server.limits._windows.clear()
    if circleci is not None:
        circleci.server.per_minute = None
    report.hits += sum(refused.values())
    if refused:
        wrong.append(f"the server had to refuse {dict(refused)}")
    return wrong + _judged(play, plan, clean, times, report)


def _forward(systems: Iterable[System], name: str, seconds: float) -> None:
    for system in systems:
        if system.name == name and isinstance(system, GithubSystem | CircleSystem):
            system.server.clock.advance(seconds=seconds)


def _judged(play: Play, plan: Plan, clean: Plan, times: Mapping[str, VirtualTime], report: Report) -> list[str]:
    """A target that was read to its end has the plan that it always had; of another nothing is taken."""
    wrong = []
    report.waited += sum(when.ahead for when in times.values())
    report.calls += len(next(iter(play.proxies.values())).log.calls)
    for system in play.systems:
        view = plan.targets[system.name]
        report.whole += view.complete
        report.busy += not view.complete
        if view.complete and (other := reads._differs(plan, clean, system.name)):
            wrong.append(f"{system.name} was read to its end, and the plan differs: {other}")
        if not view.complete:
            there = reads.existing(system, play.story.logins)
            wrong += reads._judged(play, system, plan, set()) + reads.needless_ones(system, plan, there)
    return wrong


_KINDS: dict[str, Callable[[Play, Any, Any, int, Report], list[str]]] = {
    "a time to wait is told": partial(_told, seconds=lambda chance: float(chance.choice((1, 5, 30, 60)))),
    "no time is told": partial(_told, seconds=lambda _chance: None),
    "more is told than anybody waits for": partial(_told, seconds=lambda chance: float(chance.choice((600, 3600)))),
    "little is left of the budget": _budget,
}
