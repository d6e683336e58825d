"""Accepted is not done, and a success answer is not proof."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.contract import Accepted, Done, Failed, Waiting
from provisioner.model.address import Kind
from provisioner.model.resource import Resource
from provisioner.model.way import Phase, Way
from tests.apply.fakes import CAPABILITIES, NOW, Rig, System, T
from tests.builders import at, change, plan

ADA, BOB = f"{T}:membership/devs/ada", f"{T}:membership/devs/bob"
REVOKE_ADA, CREATE_BOB = change("revoke", ADA), change("create", BOB)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path, System(capabilities=replace(CAPABILITIES, settle_seconds={Kind.MEMBERSHIP: 20.0})))
    rig.system.have(ADA)
    return rig


def test_success_that_stored_nothing_is_found_by_reading_back(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.system.have(ADA)
    rig.system.faults = {ADA: ["drop"], BOB: ["drop"]}
    done = rig.apply(plan(REVOKE_ADA, CREATE_BOB))
    assert len(done.failed) == 2
    assert "reading back shows it there" in str(done.outcomes[REVOKE_ADA.id])
    assert "reading back shows nothing there" in str(done.outcomes[CREATE_BOB.id])
    assert len(rig.left()) == 2
    assert len(rig.system.writes()) == 2


def test_stale_reads_are_waited_for_and_nothing_is_written_twice(rig: Rig) -> None:
    rig.system.stale = 3
    done = rig.apply(plan(REVOKE_ADA, CREATE_BOB))
    assert not done.any_failed
    assert rig.system.writes() == [ADA, BOB]
    assert done.converged == {T}


def test_read_back_that_may_take_longer_than_patience_is_accepted_not_done(tmp_path: Path) -> None:
    rig = Rig(tmp_path, System(capabilities=replace(CAPABILITIES, settle_seconds={Kind.MEMBERSHIP: 3600.0})))
    rig.system.have(ADA)
    rig.system.stale = 1000
    done = rig.apply(plan(REVOKE_ADA))
    outcome = done.outcomes[REVOKE_ADA.id]
    assert isinstance(outcome, Accepted)
    assert outcome.settles_by is not None
    assert outcome.settles_by > NOW + timedelta(minutes=30)
    assert not done.any_failed
    assert done.accepted == (REVOKE_ADA,)
    assert done.converged == frozenset()
    assert rig.left() == []
    rig.clock.seconds += 7200
    assert rig.left() == [(ADA, "revoke")]


def test_read_back_past_its_time_is_a_failure(rig: Rig) -> None:
    rig.system.stale = 1000
    done = rig.apply(plan(REVOKE_ADA))
    assert isinstance(done.outcomes[REVOKE_ADA.id], Failed)
    assert rig.clock.seconds >= 20


def test_slow_system_is_polled_until_it_is_done_and_then_read_back(rig: Rig) -> None:
    rig.system.faults = {ADA: ["later"], BOB: ["later"]}
    done = rig.apply(plan(REVOKE_ADA, CREATE_BOB))
    assert done.outcomes == {
        REVOKE_ADA.id: Done("read back: not there"),
        CREATE_BOB.id: Done("read back: present"),
    }


def test_accepted_is_on_record_before_it_is_polled(rig: Rig) -> None:
    rig.system.faults = {ADA: ["later"]}
    seen: list[str] = []

    def step(name: str) -> None:
        if name == "settle":
            seen.extend(r.body["results"][0]["outcome"] for r in rig.journal.chain(T).records() if r.kind == "outcome")

    rig.system.steps = step
    rig.apply(plan(REVOKE_ADA))
    assert seen == ["accepted"]
    assert rig.left() == []


def test_job_that_ends_failed_is_not_done(rig: Rig) -> None:
    rig.system.faults = {ADA: ["later-fails"]}
    done = rig.apply(plan(REVOKE_ADA))
    assert "ended FAILED" in str(done.outcomes[REVOKE_ADA.id])
    assert rig.left() == [(ADA, "revoke")]


def test_job_that_never_ends_stays_accepted(rig: Rig) -> None:
    rig.system.faults = {ADA: ["later-never"]}
    done = rig.apply(plan(REVOKE_ADA))
    assert isinstance(done.outcomes[REVOKE_ADA.id], Accepted)
    assert 30 <= rig.clock.seconds - 60 < 90
    assert done.converged == frozenset()


def test_invitation_waits_and_that_is_a_success(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.system.invites = True
    done = rig.apply(plan(CREATE_BOB))
    assert done.outcomes[CREATE_BOB.id] == Waiting("bob")
    assert done.converged == {T}


def test_invitation_that_nobody_can_find_is_a_failure_and_stays_outstanding(rig: Rig) -> None:
    rig.system.faults = {BOB: ["promise"]}
    done = rig.apply(plan(CREATE_BOB))
    assert "reading back shows nothing there" in str(done.outcomes[CREATE_BOB.id])
    assert rig.clock.seconds >= 20 and done.converged == frozenset()
    assert rig.left() == [(BOB, "create")]


def test_invitation_that_shows_late_is_waited_for(rig: Rig) -> None:
    rig.system.invites, rig.system.stale = True, 3
    done = rig.apply(plan(CREATE_BOB))
    assert done.outcomes[CREATE_BOB.id] == Waiting("bob")
    assert rig.system.writes() == [BOB]


def test_invitation_whose_level_was_changed_still_waits(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.system.live[at(BOB)] = Resource(at(BOB), {"role": "member"}, (Way("i1", Phase.PENDING),))
    one = change("update", BOB, before={"role": "member"}, after={"role": "lead"})
    done = rig.apply(plan(one))
    assert done.outcomes[one.id] == Waiting("bob")


def test_credential_made_inactive_gives_no_access(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.system.suspends = True
    key = f"{T}:credential/access-key.AKIA1/ada"
    rig.system.have(key)
    one = change("revoke", key)
    done = rig.apply(plan(one))
    assert done.outcomes[one.id] == Done("read back: gives no access")
    assert rig.system.has(key)


def test_read_back_that_breaks_is_unknown_not_done(rig: Rig) -> None:
    def step(name: str) -> None:
        if name == "write: answered":
            rig.system.down = True

    rig.system.steps = step
    done = rig.apply(plan(REVOKE_ADA))
    assert not done.succeeded
    assert rig.left() == [(ADA, "revoke")]
    rig.system.down = False
    rig.system.steps = lambda _: None
    assert rig.apply(plan(REVOKE_ADA)).converged == {T}
