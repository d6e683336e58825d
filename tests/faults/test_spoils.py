"""Every way to spoil an answer, one by one: whoever reads carefully sees it, and nothing is drawn from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.faults import reads
from tests.faults.script import At, Fault, Kind
from tests.faults.stage import Play, Stage
from tests.faults.systems import System
from tests.faults.systems.aws import AwsSystem
from tests.faults.systems.slapd import SlapdSystem
from tests.rigs.need import need
from tests.rigs.slapd import slapd_missing_reason


def _all_spoils(play: Play) -> list[str]:
    """Each spoil at the first, and at the second answer that is part of a whole: what does not hold."""
    situation = reads._situation(play)
    clean = reads._plan(play, situation, {})
    wrong, hit = [], set()
    for system in play.systems:
        alone = replace(situation, connections={system.name: situation.connections[system.name]})
        there = system.accounts(play.story.logins)
        for spoil in system.wire.spoils:
            for number in (1, 2, 3, 4):
                script = At(number, Fault(Kind.SPOIL, spoil=spoil), lambda call: bool(call.scope))
                plan = reads._plan(play, alone, {system.name: script})
                hurt = [c for c in play.proxies[system.name].log.calls if c.fault]
                if not hurt:
                    continue
                hit.add(spoil.name)
                damaged = {c.scope for c in hurt if c.shows}
                problems = reads._judged(play, system, plan, damaged) + reads._needless(system, plan, there)
                if not damaged and (other := reads._differs(plan, clean, system.name)):
                    problems.append(f"the plan differs: {other}")
                wrong += [f"{spoil.name} at {number}: {p}" for p in problems]
    never = {s.name for system in play.systems for s in system.wire.spoils} - hit
    return wrong + [f"{name}: never came to pass" for name in sorted(never)]


def test_every_spoiled_answer_is_seen_and_nothing_is_drawn_from_it(tmp_path: Path) -> None:
    need(slapd_missing_reason())
    systems: tuple[System, ...] = (SlapdSystem(size_pr=100), AwsSystem())
    for system in systems:
        system.small_pages()
    with Stage(tmp_path, reads.STORY, systems) as stage:
        assert stage.case(_all_spoils) == []
