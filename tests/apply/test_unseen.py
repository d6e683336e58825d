"""What a system hides without a word while somebody leaves: a target is not called in order over it."""

from __future__ import annotations

from pathlib import Path

from provisioner.model.access import DeclaredAccess
from provisioner.model.identity import Identity
from tests.builders import at
from tests.runs import journal, run
from tests.worlds import a_role, a_world, account, files, group, planned, said, situation, someone

ADA, BOB = someone("ada", "dev"), someone("bob", "dev")


def declared(*people: Identity, tree: str = "t1", groups: tuple[str, ...] = ("devs",)) -> DeclaredAccess:
    return files(people, [a_role("dev", groups)], tree=tree)


def test_who_left_and_is_hidden_is_asked_for_by_name_and_not_forgotten(tmp_path: Path) -> None:
    world = a_world(accounts={n: account(n, mark=n) for n in ("ada", "bob")}, groups={"devs": group("ada", "bob")})
    before, after = declared(ADA, BOB), declared(BOB, tree="t2")
    world.unlisted = {"ada"}
    plan, applied = run(situation(after, before), tmp_path)
    assert said(plan.plan) == []
    assert plan.plan.targets["mem"].unseen == (at("mem:account/ada"), at("mem:membership/devs/ada"))
    assert applied.converged == frozenset() and applied.unreadable == {"mem"}
    assert applied.targets["mem"].why_not == (
        "nothing took away mem:account/ada, mem:membership/devs/ada, which the files stopped giving and which is there"
    )
    assert journal(tmp_path).chain("mem").converged() is None

    world.unlisted = set()
    plan, applied = run(situation(after, before), tmp_path, name="r2")
    assert "revoke mem:membership/devs/ada" in said(plan.plan)
    assert plan.plan.targets["mem"].unseen == ()
    assert applied.converged == {"mem"}


def test_what_is_gone_is_gone_and_what_cannot_be_asked_for_is_not_called_so(tmp_path: Path) -> None:
    world = a_world(accounts={"bob": account("bob", mark="bob")}, groups={"devs": group("bob")})
    before, after = declared(ADA, BOB), declared(BOB, tree="t2")
    world.refuses = {("look", "")}
    _, applied = run(situation(after, before), tmp_path)
    assert applied.converged == frozenset()
    assert "could not be asked for by name" in applied.targets["mem"].why_not
    world.refuses = set()
    _, applied = run(situation(after, before), tmp_path, name="r2")
    assert applied.converged == {"mem"}


def test_a_line_that_is_gone_from_somebody_who_stays_is_asked_for_too() -> None:
    a_world(accounts={"ada": account("ada", mark="ada")}, groups={"devs": group("ada"), "ops": group()})
    plan = planned(declared(ADA, tree="t2"), declared(ADA, groups=("devs", "ops"))).plan
    assert plan.targets["mem"].unseen == (at("mem:membership/ops/ada"),)


def test_nothing_is_asked_where_the_files_say_the_same_and_for_one_person_alone(tmp_path: Path) -> None:
    world = a_world(accounts={"bob": account("bob", mark="bob")}, groups={"devs": group("bob")})
    same = declared(BOB)
    plan, applied = run(situation(same, same), tmp_path)
    assert plan.plan.targets["mem"].unseen == () and applied.converged == {"mem"}
    assert world.calls["look"] == 0
    one = planned(declared(BOB, tree="t2"), declared(ADA, BOB), person="bob").plan
    assert one.targets["mem"].unseen == ()


def test_an_account_that_we_disabled_long_ago_gives_nothing(tmp_path: Path) -> None:
    off = account("ada", mark="ada", since="2026-11-20T08:00:00Z", enabled=False)
    world = a_world(accounts={"ada": off, "bob": account("bob", mark="bob")}, groups={"devs": group("bob")})
    world.unlisted = {"ada"}
    _, applied = run(situation(declared(BOB, tree="t2"), declared(ADA, BOB)), tmp_path)
    assert applied.converged == {"mem"}
