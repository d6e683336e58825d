"""Every way to spoil an answer, one by one: whoever reads carefully sees it, and nothing is drawn from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import reads
from tests.faults.script import At, Fault, Kind, Script
from tests.faults.stage import Play, Stage
from tests.faults.systems import TOGETHER, made
from tests.faults.wire import Call, Spoil
from tests.rigs.need import need
from tests.rigs.slapd import slapd_missing_reason


class Fitting:
    """The first answer, after some that are passed over, that can be spoiled so."""

    def __init__(self, spoil: Spoil, passing: int) -> None:
        self._fault, self._passing = Fault(Kind.SPOIL, spoil=spoil), passing
        self._tried: Call | None = None

    def __call__(self, call: Call) -> Fault | None:
        if not call.scope or (self._tried is not None and self._tried.fault):
            return None
        if self._passing:
            self._passing -= 1
            return None
        self._tried = call
        return self._fault


def _scripts(system: str, number: int, spoil: Spoil) -> Iterable[tuple[str, Script]]:
    """At each of the first five answers that are part of a whole; of a forge, which has fewer of more kinds, at one
    that it fits: the first, or a later one where there is one."""
    if system in ("github", "circleci"):
        return [(f"after {passing}", Fitting(spoil, passing)) for passing in ((4, 0) if number % 2 else (0,))]
    fault = Fault(Kind.SPOIL, spoil=spoil)
    return [(f"at {n}", At(n, fault, lambda call: bool(call.scope))) for n in range(1, 6)]


def _all_spoils(play: Play) -> list[str]:
    """Each spoil at some of the answers that are part of a whole: what does not hold."""
    situation = reads._situation(play)
    clean = reads._plan(play, situation, {})
    wrong, hit = [], set()
    for system in play.systems:
        alone = replace(situation, connections={system.name: situation.connections[system.name]})
        there = reads.existing(system, play.story.logins)
        for number, spoil in enumerate(system.wire.spoils):
            for where, script in _scripts(system.name, number, spoil):
                if where == "after 0" and spoil.name in hit:
                    continue
                try:
                    plan = reads._plan(play, alone, {system.name: script})
                except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
                    wrong.append(f"{spoil.name} {where}: {reads.crashed(error)}")
                    continue
                calls = play.proxies[system.name].log.calls
                if not any(c.fault for c in calls):
                    continue
                hit.add(spoil.name)
                damaged = reads.damaged_by(calls)
                problems = reads._judged(play, system, plan, damaged) + reads.needless_ones(system, plan, there)
                if not any(c.shows for c in calls if c.fault) and (other := reads._differs(plan, clean, system.name)):
                    problems.append(f"the plan differs: {other}")
                wrong += [f"{spoil.name} {where}: {p}" for p in problems]
    never = {s.name for system in play.systems for s in system.wire.spoils} - hit
    return wrong + [f"{name}: never came to pass" for name in sorted(never)]


@pytest.mark.parametrize("systems", TOGETHER, ids="-".join)
def test_every_spoiled_answer_is_seen_and_nothing_is_drawn_from_it(systems: tuple[str, ...], tmp_path: Path) -> None:
    if "ldap" in systems:
        need(slapd_missing_reason())
    with Stage(tmp_path, reads.story_of(systems), made(systems, small_pages=True)) as stage:
        assert stage.case(_all_spoils) == []
