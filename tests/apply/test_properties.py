"""Whatever the systems do, wherever a run ends: nothing is done unrecorded, nothing forgotten, a rerun finishes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.contract import Done
from provisioner.contract.outcome import is_success
from provisioner.model.change import Change
from tests.apply.fakes import CAPABILITIES, Killed, Rig, System
from tests.apply.worlds import (
    WatchedStore,
    check_finished,
    check_intents,
    check_nothing_forgotten,
    live_now,
    what_is_left,
)
from tests.builders import change

FAULTS = ["", "busy", "unreachable", "denied", "drop", "unknown", "unknown-raised", "lost", "later", "later-fails"]
TARGETS = ("corp-ldap", "aws")


@dataclass
class Drawn:
    changes: list[Change]
    faults: dict[str, list[str]]
    batch: int


@st.composite
def stories(draw: st.DrawFn) -> Drawn:
    """Leavers and joiners on two targets, some of whose changes need others, also across targets."""
    narrow: list[Change] = []
    wide: list[Change] = []
    for i in range(draw(st.integers(1, 4))):
        target, needs = draw(st.sampled_from(TARGETS)), _needs(draw, narrow)
        narrow.append(change("revoke", f"{target}:membership/devs/out{i}", evidence="subject", needs=needs))
    for target in draw(st.sets(st.sampled_from(TARGETS))):
        off = {"enabled": False}
        narrow.append(change("disable", f"{target}:account/out0", before={"enabled": True}, after=off))
    for i in range(draw(st.integers(0, 4))):
        target, needs = draw(st.sampled_from(TARGETS)), _needs(draw, narrow + wide)
        wide.append(change("create", f"{target}:membership/devs/in{i}", needs=needs))
    places = [str(c.address) for c in narrow + wide]
    faults = draw(st.dictionaries(st.sampled_from(places), st.lists(st.sampled_from(FAULTS), max_size=2)))
    return Drawn(narrow + wide, faults, draw(st.integers(1, 3)))


def _needs(draw: st.DrawFn, earlier: list[Change]) -> tuple[str, ...]:
    return tuple(c.id for c in earlier if draw(st.integers(0, 4)) == 0)


def world(path: Path, drawn: Drawn) -> Rig:
    systems = [System(t, capabilities=replace(CAPABILITIES, batch=drawn.batch), cut=Done()) for t in TARGETS]
    for system in systems:
        system.have(f"{system.name}:account/out0", f"{system.name}:membership/devs/stranger")
        for one in drawn.changes:
            if one.address.target == system.name and one.action.value == "revoke":
                system.have(str(one.address))
        system.faults = {k: list(v) for k, v in drawn.faults.items()}
    return Rig(path, *systems)


def rerun_until_done(rig: Rig, drawn: Drawn) -> None:
    for _ in range(6):
        if len(rig.apply(what_is_left(rig, drawn.changes)).converged) == len(rig.systems):
            return
    raise AssertionError(f"never converges: {[rig.left(t) for t in TARGETS]}")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(stories())
def test_faults_never_lie_and_a_rerun_finishes(drawn: Drawn) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rig = world(Path(folder), drawn)
        before = live_now(rig)
        done = rig.apply(what_is_left(rig, drawn.changes))
        check_intents(rig)
        check_nothing_forgotten(rig, drawn.changes)
        remaining = {c.id for c in what_is_left(rig, drawn.changes).changes}
        for one in done.changes:
            result = done.results[one.id]
            assert not (is_success(result.outcome) and one.id in remaining), f"{one.address} is called done"
            failed_needs = [n for n in one.needs if not is_success(done.outcomes[n])]
            assert bool(failed_needs) == (result.reason.value == "needs"), "only what depends on a failure is skipped"
        rerun_until_done(rig, drawn)
        check_intents(rig)
        check_finished(rig, drawn.changes, before)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(stories(), st.lists(st.integers(0, 40), min_size=1, max_size=3))
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(drawn: Drawn, kills: list[int]) -> None:
    left = [0]

    def step(_name: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Killed

    with tempfile.TemporaryDirectory() as folder:
        rig = world(Path(folder), drawn)
        rig.store = WatchedStore(rig.store.path, step)
        for system in rig.systems:
            system.steps = step
        before = live_now(rig)
        for kill in kills:
            left[0] = kill + 1
            try:
                rig.apply(what_is_left(rig, drawn.changes))
            except Killed:
                check_intents(rig)
                check_nothing_forgotten(rig, drawn.changes)
        left[0] = -1
        rerun_until_done(rig, drawn)
        check_intents(rig)
        check_finished(rig, drawn.changes, before)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(stories())
def test_order_respects_needs_and_narrowing(drawn: Drawn) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rig = world(Path(folder), replace(drawn, faults={}))
        order: list[str] = []
        for system in rig.systems:
            system.faults.clear()
            system.order = order
        done = rig.apply(what_is_left(rig, drawn.changes))
        assert not done.any_failed
        written = {a: i for i, a in enumerate(order)}
        place = {c.id: written[str(c.address)] for c in drawn.changes}
        for one in drawn.changes:
            for need in one.needs:
                assert place[need] < place[one.id]
        for target in TARGETS:
            here = [c for c in sorted(drawn.changes, key=lambda c: place[c.id]) if c.address.target == target]
            assert [c.narrows for c in here] == sorted((c.narrows for c in here), reverse=True)
