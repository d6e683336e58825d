"""Nobody is locked out: required administrators, how many there must be, our own access, break-glass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.diagnostics import Location
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.environment import Environment
from provisioner.model.rules import Administrators, Limit, Rules
from provisioner.providers.memory.calls import Held
from tests.guardrails.stories import (
    NAMES,
    acknowledged,
    company,
    fix_of,
    let,
    living,
    message_of,
    plan_of,
    refusals,
    rules,
    withheld,
)
from tests.runs import failures, run
from tests.worlds import a_role, a_target, codes, files, held, said, situation, someone

ADMIN = a_role("admin", ["admins"])
LINE = Location("access/guardrails.yaml", 3, 3)


def demand(minimum: int = 1, *required: str) -> Rules:
    return Rules(administrators={"mem": Administrators(minimum, required, LINE)})


def admins(*who: str, rules: Rules | None = None, people: list[str] | None = None) -> DeclaredAccess:
    return company(ADMIN, people=people or NAMES, also={"admin": who}, rules=rules)


def test_a_required_administrator_beats_their_own_offboarding_and_the_rest_of_them_goes() -> None:
    world = living(admins=["p00", "p01"], developers=["p00"])
    world.accounts["p00"].keys = {"k1": True}
    rule = demand(1, "p00")
    before = company(ADMIN, a_role("dev", ["developers"]), also={"admin": ["p00", "p01"], "dev": ["p00"]}, rules=rule)
    after = company(ADMIN, a_role("dev", ["developers"]), people=NAMES[1:], also={"admin": ["p01"]}, rules=rule)
    plan = plan_of(after, before)
    assert sorted(said(plan)) == ["revoke mem:membership/developers/p00", "revoke mem:membership/staff/p00"]
    assert sorted(withheld(plan)) == [
        "administrators-required: disable mem:account/p00",
        "administrators-required: revoke mem:credential/k1/p00",
        "administrators-required: revoke mem:membership/admins/p00",
    ]
    assert plan.refused and "p00 stays an administrator" in message_of(plan, "administrators-required")
    anyway = replace(after, rules=replace(rule, acknowledgements=(let(people=("p00",), removals=True),)))
    assert sorted(withheld(plan_of(anyway, before))) == sorted(withheld(plan))


def test_a_required_administrator_may_change_from_one_admin_group_to_another_and_never_holds_none(
    tmp_path: Path,
) -> None:
    world = living(admins=["p00"], owners=[])
    world.policy[("site", "own")] = {"group:owners": [Held()]}
    owner = a_role("owner", ["owners"])
    rule = demand(1, "p00")
    before = company(ADMIN, owner, also={"admin": ["p00"]}, rules=rule)
    after = company(ADMIN, owner, also={"owner": ["p00"]}, rules=rule)
    plan = plan_of(after, before)
    assert said(plan) == ["create mem:membership/owners/p00", "revoke mem:membership/admins/p00"]
    _, applied = run(situation(after, before), tmp_path)
    assert not failures(applied)
    assert [line[:2] for line in world.log] == [("add_member", "owners"), ("remove_member", "admins")]


def test_the_new_administrator_is_there_before_the_last_one_goes_and_if_that_fails_the_last_one_stays(
    tmp_path: Path,
) -> None:
    for rule in (None, demand(1)):
        world = living(admins=["p00"])
        before, after = admins("p00", rules=rule), admins("p01", rules=rule)
        plan = plan_of(after, before)
        assert said(plan) == ["create mem:membership/admins/p01", "revoke mem:membership/admins/p00"]
        world.refuses.add(("add_member", "admins"))
        run(situation(after, before), tmp_path / str(rule is None))
        assert set(world.groups["admins"].members) == {"p00"}


def test_narrowing_goes_first_where_enough_administrators_stay() -> None:
    living(admins=["p00", "p01"])
    plan = plan_of(admins("p01", "p02"), admins("p00", "p01"))
    assert said(plan) == ["revoke mem:membership/admins/p00", "create mem:membership/admins/p02"]


def test_never_fewer_administrators_than_the_minimum_and_who_leaves_goes_before_who_stays() -> None:
    living(admins=["p00", "p01", "p02"])
    rule = demand(2)
    before = admins("p00", "p01", "p02", rules=rule)
    plan = plan_of(admins("p02", rules=rule, people=NAMES[1:]), before)
    assert "disable mem:account/p00" in said(plan)
    assert withheld(plan) == ["administrators-minimum: revoke mem:membership/admins/p01"]
    assert "must keep 2 administrators, of 3 there are now: p01 stays one" in message_of(plan, "administrators-minimum")


def test_a_minimum_that_is_not_met_already_lets_nobody_go() -> None:
    living(admins=["p00"])
    rule = demand(3)
    plan = plan_of(admins(rules=rule), admins("p00", rules=rule))
    assert withheld(plan) == ["administrators-minimum: revoke mem:membership/admins/p00"]


def test_a_disabled_account_is_no_administrator() -> None:
    world = living(admins=["p00", "p01"])
    world.accounts["p01"].enabled = False
    rule = demand(1)
    plan = plan_of(admins("p01", rules=rule), admins("p00", "p01", rules=rule))
    assert "administrators-minimum: revoke mem:membership/admins/p00" in withheld(plan)


def test_who_was_only_invited_is_no_administrator_yet() -> None:
    world = living(admins=["p00", "p01"])
    world.groups["admins"].members["p01"] = [Held(phase="pending")]
    rule = demand(1)
    plan = plan_of(admins("p01", rules=rule), admins("p00", "p01", rules=rule))
    assert withheld(plan) == ["administrators-minimum: revoke mem:membership/admins/p00"]


def test_administrators_that_were_not_read_completely_are_not_counted_but_kept() -> None:
    world = living(admins=["p00", "p01", "p02"])
    world.refuses.add(("get_policy", ""))  # what groups may do is not told
    rule = demand(1)
    plan = plan_of(admins("p01", "p02", rules=rule), admins("p00", "p01", "p02", rules=rule))
    assert withheld(plan) == ["administrators-minimum: revoke mem:membership/admins/p00"]
    assert "could not be read" in message_of(plan, "administrators-minimum")


@pytest.mark.parametrize("how", ["the group's right", "the group within the group"])
def test_who_is_one_by_a_group_counts_and_so_does_what_the_group_loses(how: str) -> None:
    if how == "the group's right":
        world = living(owners=NAMES[:3])
        world.policy[("site", "own")] = {"group:owners": [Held()]}
    else:
        living(owners=NAMES[:3], admins=["group:owners"])
    declared = a_target(objects={"groups": {"owners": {"objects": {}}, "admins": {}}})
    role = a_role("owner", ["owners"])
    rule = demand(1, "p00")
    before = company(role, also={"owner": NAMES[:3]}, rules=rule, targets=[declared])
    after = company(role, also={"owner": NAMES[1:3]}, rules=rule, targets=[declared])
    plan = plan_of(after, before)
    left = withheld(plan)
    if how == "the group's right":
        # The right of the group is declared away in the same change: p00 is one by it.
        assert "administrators-required: revoke mem:grant/site/group:owners#own" in left
    assert "administrators-required: revoke mem:membership/owners/p00" in left


def test_without_a_rule_one_persons_admin_access_may_go_and_that_of_two_needs_a_word() -> None:
    living(admins=NAMES[:6])
    before = admins(*NAMES[:6])
    assert not plan_of(admins(*NAMES[1:6]), before).refused
    plan = plan_of(admins(*NAMES[2:6]), before)
    assert refusals(plan) == ["administrators-taken"] and plan.changes == ()
    assert "2 people: p00, p01" in message_of(plan, "administrators-taken")
    meant = rules(*acknowledged(fix_of(plan, "administrators-taken")))
    assert not plan_of(admins(*NAMES[2:6], rules=meant), before).refused
    counted = rules(let(target="mem", kind=Kind.MEMBERSHIP, count=2))
    assert not plan_of(admins(*NAMES[2:6], rules=counted), before).refused


def test_changing_from_one_admin_group_to_another_takes_nothing_from_anybody() -> None:
    world = living(admins=NAMES[:3], owners=[])
    world.policy[("site", "own")] = {"group:owners": [Held()]}
    owner = a_role("owner", ["owners"])
    before = company(ADMIN, owner, also={"admin": NAMES[:3]}, rules=Rules(group=Limit(100)))
    plan = plan_of(company(ADMIN, owner, also={"owner": NAMES[:3]}, rules=Rules(group=Limit(100))), before)
    assert not plan.refused and len(plan.changes) == 6


def test_our_own_account_is_left_alone_with_all_that_it_hangs_on() -> None:
    world = living(tools=["p00", "p01"], inner=["p00"])
    world.groups["outer"] = replace(world.groups["inner"], members={"group:inner": [Held()]})
    world.policy[("site", "write")] = {"group:outer": [Held()], "p00": [Held()], "p01": [Held()]}
    world.own = "p00"
    roles = (a_role("tool", ["tools", "inner"]), a_role("site", objects={"site": ["write"]}))
    declared = [a_target(objects={"groups": {"outer": {"objects": {}}}})]
    before = company(*roles, also={"tool": ["p00", "p01"], "site": ["p00", "p01"]}, targets=declared)
    plan = plan_of(company(*roles, people=NAMES[2:], targets=declared), before)
    ours = {
        "own-access: disable mem:account/p00",
        "own-access: revoke mem:grant/site/group:outer#write",
        "own-access: revoke mem:grant/site/p00#write",
        "own-access: revoke mem:membership/inner/p00",
        "own-access: revoke mem:membership/staff/p00",
        "own-access: revoke mem:membership/tools/p00",
    }
    assert set(withheld(plan)) == ours
    assert {c.identity for c in plan.changes} == {"p01"}
    assert "memory as p00" in next(d.why for d in plan.diagnostics if d.code == "own-access")


def test_our_own_account_is_not_renamed_either() -> None:
    world = living(["p00", "p01"])
    world.own = "p00"
    renamed = files([someone("p00", "all", login="tool"), someone("p01", "all")], [a_role("all", ["staff"])])
    plan = plan_of(renamed, company(people=["p00", "p01"]))
    assert withheld(plan) == ["own-access: rename mem:account/tool"]


def test_nothing_of_break_glass_is_taken_also_when_they_leave_the_files_in_the_same_change() -> None:
    world = living(vault=["p00"], shared=["p00", "p01"])
    world.policy[("site", "write")] = {"group:shared": [Held()]}
    declared = [a_target(objects={"groups": {"shared": {"objects": {}}}})]
    role = a_role("vault", ["vault", "shared"])
    base = company(role, also={"vault": ["p00", "p01"]}, targets=declared, rules=Rules(break_glass={"p00": LINE}))
    plan = plan_of(company(role, people=NAMES[2:], targets=declared), base, base=base)
    assert {c.identity for c in plan.changes} == {"p01"}
    assert {w.rule for w in plan.withheld} == {"break-glass"}
    assert "break-glass: revoke mem:grant/site/group:shared#write" in withheld(plan)
    assert "break-glass: disable mem:account/p00" in withheld(plan)
    assert "access/guardrails.yaml:3:3 of the base" in next(d.why for d in plan.diagnostics if d.code == "break-glass")


def test_break_glass_counts_for_no_limit_because_it_does_not_go() -> None:
    living(four=["p00", "p01", "p02", "p03"])
    role = a_role("four", ["four"])
    rule = Rules(break_glass={"p00": LINE})
    before = company(role, also={"four": NAMES[:4]}, rules=rule)
    plan = plan_of(company(role, also={"four": ["p03"]}, rules=rule), before)
    assert said(plan) == ["revoke mem:membership/four/p01", "revoke mem:membership/four/p02"]
    assert codes(plan) == ["break-glass"]


def test_who_would_come_and_may_not_keeps_the_one_who_would_go() -> None:
    """The new administrator is held back by another rule: then the old one stays, whatever the order of the two."""
    living(admins=["p00"])
    admin = a_role("admin", ["admins"], environments=("production",))
    closed = Environment("production", True, newcomers=0)
    targets = [a_target(objects={"groups": {"admins": {}}}, object_environments={("groups", "admins"): "production"})]

    def said_by(who: str) -> DeclaredAccess:
        people = [someone(n, "all", *([held("admin", ["production"])] if n == who else [])) for n in NAMES]
        return files(people, [a_role("all", ["staff"]), admin], targets, [closed])

    plan = plan_of(said_by("p01"), said_by("p00"))
    assert sorted(withheld(plan)) == [
        "protected-newcomers: create mem:membership/admins/p01",
        "protected-newcomers: revoke mem:membership/admins/p00",
    ]
