"""How many people one plan may bring into a protected environment who had nothing there before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from provisioner.diagnostics import Location
from provisioner.model.access import DeclaredAccess
from provisioner.model.environment import Environment
from provisioner.model.role import Role
from provisioner.model.target import AccountsPolicy
from tests.guardrails.stories import (
    NAMES,
    acknowledged,
    fix_of,
    let,
    living,
    message_of,
    plan_of,
    refusals,
    rules,
    withheld,
)
from tests.worlds import a_role, a_target, a_world, account, files, group, held, said, someone

LINE = Location("access/environments.yaml", 4, 3)
PRODUCTION = Environment("production", True, location=LINE)
LABELLED = [a_target(objects={"groups": {"live": {}}}, object_environments={("groups", "live"): "production"})]


def deployers(*who: str, environment: Environment = PRODUCTION, **more: Any) -> DeclaredAccess:
    role = a_role("deploy", ["live"], environments=("production",))
    people = [someone(n, "all", *([held("deploy", ["production"])] if n in who else [])) for n in NAMES]
    roles: list[Role] = [a_role("all", ["staff"]), role]
    return files(people, roles, more.pop("targets", LABELLED), [environment], **more)


def test_ten_may_come_in_at_a_time_and_an_eleventh_keeps_them_all_out() -> None:
    living(live=[])
    assert len(plan_of(deployers(*NAMES[:10])).changes) == 10
    plan = plan_of(deployers(*NAMES[:11]))
    assert refusals(plan) == ["protected-newcomers"] and plan.changes == ()
    assert withheld(plan)[0] == "protected-newcomers: create mem:membership/live/p00"
    assert "11 people would be new in production, and one plan brings in at most 10" in message_of(
        plan, "protected-newcomers"
    )


def test_only_what_leads_there_is_held_back() -> None:
    living(NAMES[1:], live=[])
    plan = plan_of(deployers(*NAMES[:11]))
    assert said(plan) == ["create mem:account/p00", "create mem:membership/staff/p00"]


def test_what_the_refusal_proposes_lets_them_in() -> None:
    living(live=[])
    fix = fix_of(plan_of(deployers(*NAMES[:11])), "protected-newcomers")
    plan = plan_of(deployers(*NAMES[:11], rules=rules(*acknowledged(fix))))
    assert not plan.refused and len(plan.changes) == 11
    for entry in (let(role="deploy"), let(addresses=("mem:membership/live",))):
        assert not plan_of(deployers(*NAMES[:11], rules=rules(entry))).refused
    for entry in (let(role="deploy", removals=True), let(people=("p00",)), let(role="all")):
        told = plan_of(deployers(*NAMES[:12], rules=rules(entry)))
        assert told.refused, entry


def test_who_is_in_there_already_is_not_new_whatever_more_they_get() -> None:
    living(live=NAMES[:8])
    plan = plan_of(deployers(*NAMES[:18]))
    assert not plan.refused and len(plan.changes) == 10
    # One who has something there on another target is not new either.
    living(live=[])
    a_world("two", accounts={n: account(n) for n in NAMES[:5]}, groups={"x": group()})
    targets = [*LABELLED, a_target("two", accounts=AccountsPolicy.EXISTING, environment="production")]
    assert not plan_of(deployers(*NAMES[:15], targets=targets), deployers(targets=targets)).refused


def test_taking_the_label_off_in_the_same_change_does_not_help() -> None:
    living(live=[])
    base = deployers()
    change = deployers(*NAMES[:11], targets=[a_target(objects={"groups": {"live": {}}})])
    change = replace(change, environments={"production": Environment("production")})
    plan = plan_of(change, base=base)
    assert refusals(plan) == ["protected-newcomers"]
    why = next(d.why for d in plan.diagnostics if d.code == "protected-newcomers")
    assert "access/environments.yaml:4:3 of the base" in why


def test_an_environment_says_how_many_are_usual() -> None:
    living(live=[])
    wide = Environment("production", True, newcomers=30)
    assert not plan_of(deployers(*NAMES[:30], environment=wide)).refused
    assert plan_of(deployers(*NAMES[:31], environment=wide)).refused
    none = Environment("production", True, newcomers=0)
    assert plan_of(deployers("p00", environment=none)).refused
    free = Environment("production")
    assert not plan_of(deployers(*NAMES, environment=free)).refused


def test_a_target_of_the_environment_is_it_as_a_whole_and_adopting_brings_nobody_in() -> None:
    targets = [a_target(environment="production")]
    a_world(accounts={n: account(n) for n in NAMES[:11]}, groups={"live": group(*NAMES[:11]), "staff": group()})
    plan = plan_of(deployers(*NAMES[:11], targets=targets))
    assert not plan.refused and [c.action.value for c in plan.changes] == ["adopt"] * 11
    a_world(groups={"live": group(), "staff": group()})
    empty = plan_of(deployers(*NAMES[:11], targets=targets))
    assert empty.changes == () and len(withheld(empty)) == 22
