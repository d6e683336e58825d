"""What is worth another try, and what must be looked at first."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.contract import Done, Failed, Unknown
from provisioner.model.unit import Unit, UnitMode
from tests.apply.fakes import Rig, T
from tests.builders import at, change, plan

ADA, BOB = f"{T}:membership/devs/ada", f"{T}:membership/devs/bob"
REVOKE_ADA, CREATE_BOB = change("revoke", ADA), change("create", BOB)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.system.have(ADA)
    return rig


@pytest.mark.parametrize("fault", ["busy", "unreachable"])
def test_what_was_not_sent_is_sent_again(rig: Rig, fault: str) -> None:
    rig.system.faults[ADA] = [fault, fault]
    done = rig.apply(plan(REVOKE_ADA))
    assert not done.any_failed
    assert rig.system.writes() == [ADA] * 3
    assert rig.records().count("intent") == 1


@pytest.mark.parametrize("fault", ["denied", "invalid", "conflict"])
def test_other_failures_are_not_tried_again(rig: Rig, fault: str) -> None:
    rig.system.faults[ADA] = [fault]
    done = rig.apply(plan(REVOKE_ADA))
    assert isinstance(done.outcomes[REVOKE_ADA.id], Failed)
    assert rig.system.writes() == [ADA]


def test_busy_for_ever_ends(rig: Rig) -> None:
    rig.system.faults[ADA] = ["busy"] * 50
    done = rig.apply(plan(REVOKE_ADA))
    assert isinstance(done.outcomes[REVOKE_ADA.id], Failed)
    assert len(rig.system.writes()) == rig.waits.tries


def test_while_each_call_does_some_of_a_unit_it_goes_on_and_the_rest_is_given_up_only_when_none_does(
    rig: Rig,
) -> None:
    rig.system.units = lambda _: Unit("all", UnitMode.TRANSACTION)
    many = [change("create", f"{T}:membership/devs/p{i}") for i in range(9)]
    rig.system.faults = {str(c.address): ["busy"] * i for i, c in enumerate(many)}
    assert not rig.apply(plan(*many)).any_failed
    assert rig.system.writes().count(str(many[-1].address)) == 9 > rig.waits.tries
    stuck = [change("create", f"{T}:membership/devs/q{i}") for i in range(2)]
    rig.system.faults = {str(stuck[1].address): ["busy"] * 50}
    done = rig.apply(plan(*stuck))
    assert [type(done.outcomes[c.id]) for c in stuck] == [Done, Failed]
    assert rig.system.writes().count(str(stuck[1].address)) == 1 + rig.waits.tries


def test_unanswered_call_that_was_done_is_not_sent_again(rig: Rig) -> None:
    for fault, one in (("unknown", REVOKE_ADA), ("unknown-raised", CREATE_BOB)):
        rig.system.faults[str(one.address)] = [fault]
        done = rig.apply(plan(one))
        assert isinstance(done.outcomes[one.id], Done)
    assert rig.system.writes() == [ADA, BOB]


def test_unanswered_call_that_was_not_done_is_sent_again_after_a_look(rig: Rig) -> None:
    rig.system.faults[ADA] = ["lost"]
    done = rig.apply(plan(REVOKE_ADA))
    assert isinstance(done.outcomes[REVOKE_ADA.id], Done)
    assert rig.system.writes() == [ADA, ADA]
    assert len(rig.system.looks) == 3


def test_call_that_is_never_answered_stays_unknown(rig: Rig) -> None:
    rig.system.faults[ADA] = ["lost"] * 9
    done = rig.apply(plan(REVOKE_ADA))
    assert isinstance(done.outcomes[REVOKE_ADA.id], Unknown)
    assert rig.left() == [(ADA, "revoke")]
    assert done.any_failed


def test_gone_by_somebody_else_is_success(rig: Rig) -> None:
    """The call fails because the thing went at the same moment."""
    rig.system.faults[ADA] = ["gone"]

    def step(name: str) -> None:
        if name == "write: not sent":
            rig.system.live.pop(at(ADA), None)

    rig.system.steps = step
    done = rig.apply(plan(REVOKE_ADA))
    assert isinstance(done.outcomes[REVOKE_ADA.id], Done)
