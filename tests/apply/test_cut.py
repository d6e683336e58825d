"""Sessions are cut first, and only those of the account that the plan meant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.contract import Capabilities, Done, Failed
from provisioner.model.address import Kind
from provisioner.model.change import Change
from provisioner.model.mark import Mark
from tests.apply.fakes import CAPABILITIES, NOW, Rig, System, T
from tests.builders import at, change, outstanding, plan

ACCOUNT = f"{T}:account/ada"
MEMBER = change("revoke", f"{T}:membership/devs/ada", cause="leaver", evidence="subject")
KEY = change("revoke", f"{T}:credential/key.1/ada", cause="leaver", evidence="subject")
OFF = {"enabled": False}
DISABLE = change("disable", ACCOUNT, cause="leaver", evidence="mark", before={"enabled": True}, after=OFF)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    rig = Rig(tmp_path)
    rig.system.have(ACCOUNT, str(MEMBER.address), str(KEY.address), f"{T}:membership/devs/bob")
    rig.system.cut = Done("sessions revoked")
    return rig


def verbs(rig: Rig) -> list[str]:
    return [c.verb for c in rig.system.log]


def test_leaver_is_cut_once_before_anything_else(rig: Rig) -> None:
    done = rig.apply(plan(KEY, MEMBER, DISABLE))
    assert verbs(rig)[:2] == ["cut", "write"]
    assert verbs(rig).count("cut") == 1
    assert done.converged == {T}
    assert sorted(map(str, rig.system.live)) == [ACCOUNT, f"{T}:membership/devs/bob"]
    assert rig.system.live[at(ACCOUNT)].attributes == {"enabled": False}


def test_cut_stands_in_the_journal_before_it_is_made(rig: Rig) -> None:
    rig.apply(plan(MEMBER, DISABLE))
    records = list(rig.journal.chain(T).records())
    assert [(r.kind, r.body.get("step")) for r in records[:4]] == [
        ("run", None),
        ("intent", "cut"),
        ("outcome", "cut"),
        ("intent", "write"),
    ]
    assert rig.system.log[0].records == 2


def test_system_without_sessions_is_no_failure(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.system.have(ACCOUNT)
    done = rig.apply(plan(DISABLE))
    assert not done.any_failed
    assert done.converged == {T}


def test_account_that_looks_disabled_by_the_cut_still_gets_its_date(rig: Rig) -> None:
    """A deny for everything makes an account look disabled; the day must be written all the same."""
    rig.system.capabilities = replace(CAPABILITIES, batch=1)

    def step(name: str) -> None:
        if name == "cut":
            address = at(ACCOUNT)
            rig.system.live[address] = replace(rig.system.live[address], attributes=OFF)

    rig.system.steps = step
    rig.apply(plan(KEY, DISABLE))
    mark = rig.system.live[at(ACCOUNT)].mark
    assert mark is not None
    assert mark.disabled_since == NOW


@pytest.mark.parametrize("fault", ["denied", "unknown", "busy"])
def test_cut_that_fails_is_tried_again_before_the_account_is_closed(rig: Rig, fault: str) -> None:
    rig.system.faults[f"cut {ACCOUNT}"] = [fault]
    done = rig.apply(plan(KEY, DISABLE))
    assert not done.any_failed
    assert verbs(rig).count("cut") == 2
    assert done.converged == {T}


def test_sessions_that_live_on_keep_a_closed_account_from_being_called_done(rig: Rig) -> None:
    rig.system.faults[f"cut {ACCOUNT}"] = ["denied"] * 2
    done = rig.apply(plan(KEY, MEMBER, DISABLE))
    assert isinstance(done.outcomes[DISABLE.id], Failed)
    assert "sessions could not be cut: denied today" in str(done.outcomes[DISABLE.id])
    assert rig.system.live[at(ACCOUNT)].attributes == {"enabled": False}, "the rest goes all the same"
    assert not rig.system.has(str(MEMBER.address))
    assert rig.left() == [(ACCOUNT, "disable")]
    assert done.converged == frozenset()


def test_next_run_cuts_what_lives_on(rig: Rig) -> None:
    rig.system.faults[f"cut {ACCOUNT}"] = ["denied"] * 2
    rig.apply(plan(KEY, DISABLE))
    left = outstanding("disable", ACCOUNT, "2026-11-22", "sessions live on", who="ada")
    done = rig.apply(plan(targets={T: plan(KEY).targets[T]}, outstanding=[left]))
    assert verbs(rig)[-1] == "cut"
    assert rig.left() == []
    assert done.converged == {T}


def test_what_lives_on_is_cut_before_the_next_run_gives_anything(rig: Rig) -> None:
    rig.system.faults[f"cut {ACCOUNT}"] = ["denied"] * 2
    rig.apply(plan(KEY, DISABLE))
    rig.system.log.clear()
    left = outstanding("disable", ACCOUNT, "2026-11-22", "sessions live on", who="ada")
    give = change("create", f"{T}:membership/devs/cem", after={})
    done = rig.apply(plan(give, outstanding=[left]))
    assert verbs(rig) == ["cut", "write"]
    assert rig.left() == []
    assert done.converged == {T}


def test_what_still_lives_on_is_tried_once_and_holds_up_nothing(rig: Rig) -> None:
    rig.system.faults[f"cut {ACCOUNT}"] = ["denied"] * 3
    rig.apply(plan(KEY, DISABLE))
    rig.system.log.clear()
    left = outstanding("disable", ACCOUNT, "2026-11-22", "sessions live on", who="ada")
    give = change("create", f"{T}:membership/devs/cem", after={})
    done = rig.apply(plan(give, outstanding=[left]))
    assert verbs(rig) == ["cut", "write"]
    assert rig.left() == [(ACCOUNT, "disable")]
    assert done.converged == frozenset()


def test_next_run_does_not_cut_who_is_back(rig: Rig) -> None:
    rig.system.faults[f"cut {ACCOUNT}"] = ["denied"] * 2
    rig.apply(plan(KEY, DISABLE))
    enable = change("enable", ACCOUNT, before=OFF, after={"enabled": True})
    done = rig.apply(plan(enable))
    assert verbs(rig).count("cut") == 2
    assert done.converged == {T}


def test_nobody_is_cut_whose_account_is_not_what_the_plan_saw(rig: Rig) -> None:
    rig.system.live[at(ACCOUNT)] = replace(rig.system.live[at(ACCOUNT)], mark=Mark("ada", "theirs"))
    done = rig.apply(plan(KEY, MEMBER, DISABLE))
    assert rig.system.log == []
    assert len(done.moved) == 3


def test_account_that_is_gone_is_not_cut_and_the_rest_goes(rig: Rig) -> None:
    del rig.system.live[at(ACCOUNT)]
    done = rig.apply(plan(MEMBER, DISABLE))
    assert verbs(rig) == ["write"]
    assert done.converged == {T}


def test_where_nothing_can_be_disabled_the_account_is_cut_before_it_is_deleted(tmp_path: Path) -> None:
    rig = Rig(tmp_path, System(capabilities=Capabilities(marks=frozenset({Kind.ACCOUNT}), disables=False)))
    rig.system.have(ACCOUNT, str(MEMBER.address))
    rig.system.cut = Done()
    delete: Change = change("delete", ACCOUNT, cause="leaver", before={"enabled": True}, needs=(MEMBER.id,))
    done = rig.apply(plan(MEMBER, delete))
    assert verbs(rig) == ["cut", "write", "write"]
    assert done.converged == {T}
    assert not rig.system.has(ACCOUNT)


def test_revocations_of_one_who_stays_cut_nobody(rig: Rig) -> None:
    rig.apply(plan(MEMBER, KEY))
    assert "cut" not in verbs(rig)
