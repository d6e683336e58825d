"""What is not known for sure: nothing is taken by a guess, nothing is called gone, and the plan says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.model.change import Action
from provisioner.model.outstanding import Outstanding
from provisioner.model.target import AccountsPolicy, Ignore, Mode
from provisioner.plan.plan import Plan
from provisioner.providers.memory.calls import Held
from tests.builders import NOW, at
from tests.runs import failures, run
from tests.worlds import (
    a_role,
    a_target,
    a_world,
    account,
    codes,
    files,
    group,
    planned,
    said,
    situation,
    someone,
)

DEV, OPS = a_role("dev", ["developers"]), a_role("ops", ["ops"])
BLIND = ("get_policy", "")
"""The call that lists grants, refused."""


def plan_of(*args: object, **more: object) -> Plan:
    return planned(*args, **more).plan  # type: ignore[arg-type]


# --- holders that are nobody's account ---------------------------------------------------------------------------


def test_unknown_members_and_ignored_strays_stay_in_full_mode_too() -> None:
    accounts = {n: account(n, mark="ada" if n == "ada" else None) for n in ("ada", "eve", "mallory")}
    a_world(accounts=accounts, groups={"developers": group("ada", "eve", "mallory", "ghost")})
    meant = Ignore("mem:membership/developers/eve", "ops", "keeps the lights on")
    full = files([someone("ada", "dev")], [DEV], [replace(a_target(mode=Mode.FULL), ignore=(meant,))])
    plan = plan_of(full, full)
    assert said(plan) == ["revoke mem:membership/developers/mallory"]
    assert "mem:membership/developers/unknown:ghost" in [str(s.address) for s in plan.strays]


# --- what was not read -------------------------------------------------------------------------------------------


def test_account_is_not_deleted_while_it_may_hold_what_could_not_be_read() -> None:
    off = account("ada", mark="ada", since="2026-01-01T00:00:00Z", enabled=False)
    world = a_world(accounts={"ada": off}, groups={"late": group("ada")})
    world.refuses.add(BLIND)
    assert said(plan_of(files([]))) == ["revoke mem:membership/late/ada"]
    world.refuses.clear()
    assert said(plan_of(files([]))) == ["revoke mem:membership/late/ada", "delete mem:account/ada"]


def test_account_of_somebody_present_is_not_closed_while_it_may_hold_what_could_not_be_read() -> None:
    world = a_world(
        accounts={"ada": account("ada", mark="ada")},
        groups={"developers": group()},
        policy={("db", "own"): {"ada": [Held()]}},
    )
    world.refuses.add(BLIND)
    plan = plan_of(files([someone("ada")], [DEV]), files([someone("ada", "dev")], [DEV]))
    assert said(plan) == [] and not plan.complete
    world.refuses.clear()
    assert codes(plan_of(files([someone("ada")], [DEV]))) == ["account-kept"]


def test_account_whose_mark_cannot_be_seen_is_neither_taken_nor_adopted() -> None:
    world = a_world(accounts={"ada": account("ada"), "bob": account("bob")}, groups={"developers": group("ada", "bob")})
    world.hides = frozenset({"mark"})
    plan = plan_of(files([someone("ada", "dev")], [DEV]), files([someone("ada", "dev"), someone("bob", "dev")], [DEV]))
    assert said(plan) == [] and not plan.complete
    existing = [a_target(accounts=AccountsPolicy.EXISTING)]
    assert plan_of(files([someone("ada", "dev")], [DEV], existing)).complete


# --- accounts ----------------------------------------------------------------------------------------------------


def test_leavers_account_that_others_locked_is_closed_by_us_and_dated() -> None:
    a_world(accounts={"ada": account("ada", mark="ada", enabled=False)})
    plan = plan_of(files([]))
    assert said(plan) == ["disable mem:account/ada"] and "nothing says since when" in plan.changes[0].why
    assert plan.waiting[0].not_before is not None


def test_closing_an_undated_account_settles_it(tmp_path: Path) -> None:
    a_world(accounts={"ada": account("ada", mark="ada", enabled=False)})
    _, applied = run(situation(files([])), tmp_path)
    assert failures(applied) == [] and said(plan_of(files([]))) == []


def test_suspended_person_whose_account_is_adopted_is_locked_in_the_same_run(tmp_path: Path) -> None:
    world = a_world(accounts={"ada": account("ada")}, groups={"developers": group("ada")})
    declared = files([someone("ada", "dev", suspended="leave of absence")], [DEV])
    planned, applied = run(situation(declared), tmp_path)
    assert said(planned.plan) == ["disable mem:account/ada", "adopt mem:account/ada"]
    assert failures(applied) == [] and not world.accounts["ada"].enabled
    assert said(plan_of(declared)) == []


def test_pinned_account_beside_the_one_that_carries_the_mark_is_an_error() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada"), "ada2": account("ada2", email="ada@example.com")},
        groups={"developers": group("ada"), "ops": group("ada")},
    )
    before = files([someone("ada", "dev", "ops")], [DEV, OPS])
    plan = plan_of(files([someone("ada", "dev", login="ada2", pin="native-ada2")], [DEV, OPS]), before)
    assert said(plan) == [] and codes(plan) == ["account-id-differs"]


def test_pinned_account_is_not_renamed_onto_a_strangers_login() -> None:
    a_world(
        accounts={"old": account("old"), "ada": account("ada", email="stranger@example.com")},
        groups={"developers": group("ada"), "ops": group("ada")},
    )
    pinned = files([someone("ada", "dev", "ops", pin="native-old")], [DEV, OPS])
    plan = plan_of(files([someone("ada", "dev", pin="native-old")], [DEV, OPS]), pinned)
    assert said(plan) == [] and codes(plan) == ["login-in-use"]


def test_what_hangs_on_an_account_that_cannot_be_renamed_is_not_taken_for_the_new_logins() -> None:
    a_world(
        accounts={"ada": account("ada", mark="ada"), "b": account("b", mark="bob")},
        groups={"developers": group("ada"), "hand": group("ada"), "other": group("b")},
    )
    before = files([someone("ada", "dev"), someone("bob", login="b")], [DEV])
    plan = plan_of(files([someone("ada", "dev", login="b")], [DEV]), before)
    assert said(plan) == ["revoke mem:membership/other/b", "disable mem:account/b"]
    assert codes(plan) == ["login-in-use"]


# --- outstanding work --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [Mode.ADD, Mode.REPORT])
def test_outstanding_work_is_listed_as_long_as_the_access_is_there_whatever_the_mode(mode: Mode) -> None:
    world = a_world(accounts={"ada": account("ada", mark="ada")}, groups={"z": group("ada")})
    left = (Outstanding(at("mem:membership/z/ada"), Action.REVOKE, NOW, "denied", "ada", "r1"),)
    assert plan_of(files([], [], [a_target(mode=mode)]), outstanding=left).outstanding == left
    world.groups["z"].members.clear()
    assert plan_of(files([], [], [a_target(mode=mode)]), outstanding=left).outstanding == ()


def test_outstanding_work_ends_when_the_files_ask_for_it_again() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"developers": group("ada")})
    left = (
        Outstanding(at("mem:membership/developers/ada"), Action.REVOKE, NOW, "denied", "ada", "r1"),
        Outstanding(at("mem:credential/k1/ada"), Action.REVOKE, NOW, "denied", "ada", "r1"),
    )
    assert plan_of(files([someone("ada", "dev")], [DEV]), outstanding=left).outstanding == ()


def test_existing_account_of_another_login_than_the_files_say_is_an_error_and_gets_nothing() -> None:
    target = a_target(accounts=AccountsPolicy.EXISTING)
    a_world(accounts={"ada.b": account("ada.b")}, groups={"developers": group()})
    plan = plan_of(files([someone("ada", "dev", pin="native-ada.b")], [DEV], [target]))
    assert said(plan) == [] and codes(plan) == ["login-differs"]
    said_so = files([someone("ada", "dev", login="ada.b", pin="native-ada.b")], [DEV], [target])
    assert said(plan_of(said_so)) == ["create mem:membership/developers/ada.b"]


def test_account_with_our_mark_that_is_nobodys_is_not_called_another_owners() -> None:
    a_world(accounts={"ada": account("ada", mark="ada"), "copy": account("copy", mark="ada")})
    plan = plan_of(files([someone("ada", "dev")], [DEV]))
    assert codes(plan) == ["marked-twice"] and {s.why for s in plan.strays} == {"nobody declares it"}


def test_person_whom_nobody_knows_is_told_and_a_leaver_or_an_earlier_id_is_not_mistaken_for_one() -> None:
    a_world(accounts={"gone": account("gone", mark="gone")}, groups={"developers": group()})
    declared = files([someone("ada", "dev", was=("ada-l",))], [DEV])
    told = [plan_of(declared, person=name).diagnostics for name in ("adaa", "ada-l")]
    assert [[d.code for d in found] for found in told] == [["unknown-person"], ["unknown-person"]]
    assert all("`ada`" in found[0].fix for found in told)
    assert codes(plan_of(declared, person="gone")) == codes(plan_of(declared, person="ada")) == []
