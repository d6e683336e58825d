"""What an apply leaves in the journal, and when a target has converged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.model.change import Action
from provisioner.model.resource import Resource
from provisioner.model.way import Way
from provisioner.plan.plan import Plan
from provisioner.records.entries import Settled
from tests.apply.fakes import REVISION, TREE, Rig, System, T, ways
from tests.builders import at, change, outstanding, plan, view

ADA, BOB = f"{T}:membership/devs/ada", f"{T}:membership/devs/bob"
REVOKE_ADA, CREATE_BOB = change("revoke", ADA), change("create", BOB)
NOTHING = plan(targets={T: view(account=210)})


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.system.have(ADA)
    return rig


def test_converged_is_recorded_with_what_was_read_less_what_was_taken(rig: Rig) -> None:
    rig.apply(plan(REVOKE_ADA, targets={T: view(account=210, membership=900)}))
    point = rig.journal.chain(T).converged()
    assert point is not None
    assert (point.revision, point.tree, point.run) == (REVISION, TREE, "run1")
    assert rig.journal.chain(T).last_counts() == {"account": 210, "membership": 899}


def test_empty_plan_converges_and_calls_nobody(rig: Rig) -> None:
    done = rig.apply(NOTHING)
    assert done.converged == {T}
    assert rig.records() == ["converged"]
    assert rig.system.opened == []


def test_nothing_new_is_not_recorded_again(rig: Rig) -> None:
    for _ in range(3):
        assert rig.apply(NOTHING).converged == {T}
    assert rig.records() == ["converged"]
    rig.apply(plan(targets={T: view(account=211)}))
    rig.apply(plan(targets={T: view(account=211)}, revision="2" * 40))
    assert rig.records() == ["converged"] * 3


@pytest.mark.parametrize(
    "why",
    ["one person", "incomplete", "failed", "report"],
)
def test_what_was_not_whole_does_not_converge(rig: Rig, why: str) -> None:
    views = {
        "one person": view(),
        "incomplete": view(gaps={"membership": "size limit"}),
        "failed": view(failed="down"),
        "report": view(mode="report"),
    }
    done = rig.apply(plan(targets={T: views[why]}), whole=why != "one person")
    assert done.converged == frozenset()
    assert done.targets[T].why_not
    assert rig.records() == []


def test_one_target_alone_converges_when_all_of_it_was_planned(tmp_path: Path) -> None:
    rig = Rig(tmp_path, System(), System("aws"))
    done = rig.apply(plan(CREATE_BOB, change("create", "aws:membership/devs/bob")), only_targets=[T])
    assert done.converged == {T}
    assert rig.systems[1].opened == []
    assert rig.records("aws") == []


def test_outstanding_work_keeps_a_target_from_converging(rig: Rig) -> None:
    rig.system.faults[ADA] = ["denied"]
    rig.apply(plan(REVOKE_ADA))
    done = rig.apply(_outstanding(ADA))
    assert done.converged == frozenset()
    assert rig.left() == [(ADA, "revoke")], "it is still there"


def test_outstanding_work_that_is_gone_is_proven_by_a_look_and_settled(rig: Rig) -> None:
    rig.system.faults[ADA] = ["denied"]
    rig.apply(plan(REVOKE_ADA))
    del rig.system.live[at(ADA)]
    done = rig.apply(NOTHING)
    assert done.converged == {T}
    assert rig.left() == []
    assert rig.records()[-2:] == ["outcome", "converged"]


def test_a_target_that_a_guardrail_refuses_gets_no_call_also_not_for_old_work(rig: Rig) -> None:
    rig.system.faults[ADA] = ["denied"]
    rig.apply(plan(REVOKE_ADA))
    del rig.system.live[at(ADA)]
    records, opened, looks = rig.records(), list(rig.system.opened), len(rig.system.looks)
    views = {T: replace(view(account=210), refused="removals-of-group")}
    done = rig.apply(plan(targets=views))
    assert (rig.system.opened, len(rig.system.looks), rig.records()) == (opened, looks, records)
    assert done.targets[T].why_not == "it is refused (removals-of-group)"
    assert rig.left() == [(ADA, "revoke")]
    asked = rig.apply(plan(CREATE_BOB, targets=views))  # no plan of ours has changes there
    assert rig.system.opened == opened and asked.any_failed


def test_what_cannot_be_looked_at_is_not_settled(rig: Rig) -> None:
    rig.system.faults[ADA] = ["denied"]
    rig.apply(plan(REVOKE_ADA))
    del rig.system.live[at(ADA)]
    rig.system.unseen.add(ADA)
    assert rig.apply(NOTHING).converged == frozenset()
    rig.system.unseen.clear()
    rig.system.down = True
    assert rig.apply(NOTHING).converged == frozenset()
    assert rig.left() == [(ADA, "revoke")]


def test_what_was_to_be_taken_and_is_asked_for_again_is_settled_by_a_whole_plan(rig: Rig) -> None:
    """Live, direct, no stray, and a plan of everything does not take it: the files give it again."""
    rig.system.faults[ADA] = ["denied"]
    rig.apply(plan(REVOKE_ADA))
    assert rig.apply(NOTHING, whole=False).converged == frozenset()
    assert rig.apply(NOTHING).converged == {T}
    assert rig.system.has(ADA)
    assert rig.left() == []


def test_what_was_to_be_taken_and_is_left_alone_is_not_settled(rig: Rig) -> None:
    rig.system.faults[ADA] = ["denied"]
    rig.apply(plan(REVOKE_ADA))
    for kept in (plan(targets=NOTHING.targets, strays=[ADA]), _outstanding(ADA)):
        assert rig.apply(kept).converged == frozenset()
    assert rig.left() == [(ADA, "revoke")]


def test_access_that_remains_through_a_group_is_not_settled(rig: Rig) -> None:
    parent = Way("parent", via=at(f"{T}:membership/all/group:devs"))
    rig.system.live[at(ADA)] = Resource(at(ADA), ways=(*ways("direct"), parent))
    rig.apply(plan(change("revoke", ADA, ways=ways("direct"))))
    assert rig.apply(NOTHING).converged == frozenset()
    assert rig.left() == [(ADA, "revoke")]


def _outstanding(address: str) -> Plan:
    left = outstanding("revoke", address, "2026-11-22", "denied", who="ada")
    return plan(targets=NOTHING.targets, outstanding=[left])


def test_what_the_engine_knows_to_be_settled_is_settled(rig: Rig) -> None:
    rig.system.faults[ADA] = ["denied"]
    rig.apply(plan(REVOKE_ADA))
    told = [Settled(at(ADA), Action.REVOKE, "the files ask for it again")]
    assert rig.apply(_outstanding(ADA), settled=told).converged == {T}
    assert rig.system.has(ADA)


def test_what_was_to_be_given_and_is_not_asked_for_any_more_is_settled_by_a_whole_plan(rig: Rig) -> None:
    rig.system.faults[BOB] = ["denied"]
    rig.apply(plan(CREATE_BOB))
    assert rig.left() == [(BOB, "create")]
    assert rig.apply(NOTHING, whole=False).converged == frozenset()
    assert rig.left() == [(BOB, "create")]
    assert rig.apply(NOTHING).converged == {T}


def test_rerun_does_only_what_is_left(rig: Rig) -> None:
    rig.system.faults[ADA] = ["denied"]
    first = rig.apply(plan(REVOKE_ADA, CREATE_BOB))
    assert len(first.failed) == 1
    rig.system.log.clear()
    assert rig.apply(plan(REVOKE_ADA)).converged == {T}
    assert rig.system.writes() == [ADA]
    assert rig.left() == []


def test_records_tell_request_and_call_of_a_failure(rig: Rig) -> None:
    rig.system.faults[ADA] = ["denied"]
    rig.apply(plan(REVOKE_ADA))
    (result,) = next(r for r in rig.journal.chain(T).records() if r.kind == "outcome").body["results"]
    assert (result["call"], result["request"], result["trouble"]) == ("modify", "r-1", "denied")
    assert result["id"] == REVOKE_ADA.id
    assert result["identity"] == "ada"


def test_saved_plan_that_another_run_has_overtaken_does_not_converge(rig: Rig) -> None:
    old = plan(REVOKE_ADA, targets={T: view()})
    rig.apply(plan(CREATE_BOB, targets={T: view()}))
    point = rig.journal.chain(T).converged()
    done = rig.apply(old, saved=True)
    assert done.succeeded == old.changes and not done.converged
    assert "another run was here" in done.targets[T].why_not
    assert rig.journal.chain(T).converged() == point
    assert rig.apply(NOTHING).converged == {T}


def test_trees_that_were_applied_are_told_until_the_target_converges(rig: Rig) -> None:
    rig.system.faults["no-reader"] = []
    for tree in ("a" * 40, "b" * 40, "a" * 40):
        rig.apply(replace(plan(REVOKE_ADA, targets={T: view()}), tree=tree))
    assert rig.journal.chain(T).trees() == ("a" * 40, "b" * 40)
    rig.system.faults.clear()
    rig.apply(plan(REVOKE_ADA, targets={T: view()}))
    assert rig.journal.chain(T).trees() == ()
