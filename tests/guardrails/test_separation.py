"""Nobody holds both of what is kept apart: by the files, live, by a group, on two targets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioner.diagnostics import Location
from provisioner.engine import make_plan
from provisioner.guardrails.separation import declared_conflicts
from provisioner.model.access import DeclaredAccess
from provisioner.model.rules import Rules, Separate
from provisioner.model.target import AccountsPolicy
from provisioner.providers.memory import PROVIDER
from provisioner.providers.memory.calls import Held
from provisioner.resolve.desired import desire
from tests.builders import NOW
from tests.guardrails.stories import company, living, message_of, plan_of, refusals, withheld
from tests.worlds import a_role, a_target, a_world, account, block, codes, group, said, situation

LINE = Location("access/guardrails.yaml", 5, 14)
PUSH, RELEASE = a_role("push", ["writers"]), a_role("release", ["release"], target="two")
TARGETS = [a_target("mem"), a_target("two", accounts=AccountsPolicy.EXISTING)]


def apart(one: dict[str, Any], other: dict[str, Any]) -> Rules:
    first, second = ({t: block(b, "access/guardrails.yaml") for t, b in s.items()} for s in (one, other))
    return Rules(separate=(Separate("push-or-release", (first, second), LINE),))


RULE = apart({"mem": {"groups": ["writers"]}}, {"two": {"groups": ["release"]}})
TEAM = ["p00", "p01", "p02"]


def worlds(writers: list[str], release: list[str]) -> None:
    living(TEAM, writers=writers)
    a_world("two", accounts={n: account(n) for n in TEAM}, groups={"release": group(*release)})


def declared(rules: Rules = RULE, **also: list[str]) -> DeclaredAccess:
    return company(PUSH, RELEASE, people=TEAM, also=also, targets=TARGETS, rules=rules)


def test_the_second_of_two_things_on_another_target_is_not_given() -> None:
    worlds(["p00"], ["p01"])
    after = declared(push=["p00"], release=["p00", "p01", "p02"])
    plan = plan_of(after, declared(push=["p00"], release=["p01"]))
    assert withheld(plan) == ["separate: create two:membership/release/p00"]
    assert said(plan) == ["create two:membership/release/p02"]
    assert "`push-or-release`: p00 would hold both" in message_of(plan, "separate")


def test_neither_is_given_to_somebody_who_would_get_both_at_once() -> None:
    worlds([], [])
    plan = plan_of(declared(push=["p00"], release=["p00"]))
    assert sorted(withheld(plan)) == [
        "separate: create mem:membership/writers/p00",
        "separate: create two:membership/release/p00",
    ]


def test_changing_from_one_to_the_other_is_fine() -> None:
    worlds(["p00"], ["p01"])
    after = declared(push=["p01"], release=["p00"])
    plan = plan_of(after, declared(push=["p00"], release=["p01"]))
    assert not plan.refused and len(plan.changes) == 4


def test_who_holds_both_already_is_told_and_nothing_is_taken_for_it() -> None:
    worlds(["p00"], ["p00"])
    both = declared(push=["p00"], release=["p00"])
    plan = plan_of(both, both)
    assert plan.changes == () and codes(plan) == ["separate-held"] and not plan.refused
    mends = plan_of(declared(push=["p00"]), both)
    assert "separate-held" not in codes(mends)


def test_what_was_given_by_hand_counts() -> None:
    worlds([], ["p00"])  # nobody's line gives p00 the release
    a_world("two", accounts={"p00": account("p00")}, groups={"release": group("p00"), "x": group("p00")})
    other = a_role("x", ["x"], target="two")

    def said_by(*push: str) -> DeclaredAccess:
        also = {"push": push, "x": ["p00"]}
        return company(PUSH, RELEASE, other, people=TEAM, also=also, targets=TARGETS, rules=RULE)

    plan = plan_of(said_by("p00"), said_by())
    assert withheld(plan) == ["separate: create mem:membership/writers/p00"]


@pytest.mark.parametrize("how", ["right of a group", "group in a group"])
def test_a_way_through_a_group_counts(how: str) -> None:
    world = living(TEAM, writers=["p00"], release=["group:inner"] if how == "group in a group" else [], inner=[])
    rule = apart({"mem": {"groups": ["writers"]}}, {"mem": {"groups": ["release"], "objects": {"site": ["push"]}}})
    if how == "right of a group":
        world.policy[("site", "push")] = {"group:inner": [Held()]}
    inner = a_role("inner", ["inner"])
    targets = [a_target()]
    before = company(PUSH, inner, people=TEAM, also={"push": ["p00"]}, targets=targets, rules=rule)
    both = {"push": ["p00"], "inner": ["p00", "p01"]}
    after = company(PUSH, inner, people=TEAM, also=both, targets=targets, rules=rule)
    plan = plan_of(after, before)
    assert withheld(plan) == ["separate: create mem:membership/inner/p00"]
    assert said(plan) == ["create mem:membership/inner/p01"]


def test_a_right_that_a_group_is_given_counts_for_everybody_in_it() -> None:
    living(TEAM, writers=["p00"], inner=["p00", "p01"])
    rule = apart({"mem": {"groups": ["writers"]}}, {"mem": {"objects": {"site": ["push"]}}})
    roles = (PUSH, a_role("inner", ["inner"]))
    also = {"push": ["p00"], "inner": ["p00", "p01"]}
    none, site = ([a_target(objects={"groups": {"inner": {"objects": o}}})] for o in ({}, {"site": ["push"]}))
    before = company(*roles, people=TEAM, also=also, targets=none, rules=rule)
    plan = plan_of(company(*roles, people=TEAM, also=also, targets=site, rules=rule), before)
    assert withheld(plan) == ["separate: create mem:grant/site/group:inner#push"]
    assert refusals(plan) == ["separate"]


def test_a_target_that_cannot_be_read_counts_as_the_files_say() -> None:
    worlds([], ["p00"])
    a_world("two", down=True)
    plan = plan_of(declared(push=["p00"], release=["p00"]), declared(release=["p00"]))
    assert withheld(plan) == ["separate: create mem:membership/writers/p00"]


def test_a_target_that_is_not_for_this_run_counts_as_the_files_say() -> None:
    worlds([], ["p00"])
    both = situation(declared(push=["p00"], release=["p00"]), only=["mem"])
    elsewhere = {"two": PROVIDER.declare(TARGETS[1])}
    assert withheld(make_plan(both).plan) == []
    assert withheld(make_plan(replace(both, others=elsewhere)).plan) == ["separate: create mem:membership/writers/p00"]


def test_the_files_alone_show_whose_roles_give_both() -> None:
    worlds([], [])
    files = declared(push=["p00", "p01"], release=["p00"])
    declares = situation(files).declares
    found = list(declared_conflicts(files, declares, desire(files, declares, NOW)))
    assert [d.code for d in found] == ["separate"] and "p00 would" in found[0].message and found[0].location == LINE
    assert "p01" not in found[0].message
