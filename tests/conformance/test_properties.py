"""What must hold for any files and any world, tried on the memory provider."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.model.access import DeclaredAccess
from provisioner.model.change import Action
from provisioner.model.effect import Direction
from provisioner.plan.plan import Plan
from provisioner.plan.planfile import dump, parse
from provisioner.providers.memory.calls import Held, World
from tests.runs import failures, run
from tests.worlds import a_role, a_world, account, files, group, planned, said, situation, someone

PEOPLE = ["ada", "bob", "cyd", "dot"]
GROUPS = ["alpha", "beta", "gamma"]
FOREIGN = ["xan", "yve"]

roles = st.dictionaries(st.sampled_from(["r1", "r2", "r3"]), st.sets(st.sampled_from(GROUPS), min_size=1), min_size=1)
holders = st.dictionaries(st.sampled_from(PEOPLE), st.sets(st.sampled_from(["r1", "r2", "r3"])))
memberships = st.dictionaries(st.sampled_from(GROUPS), st.sets(st.sampled_from(PEOPLE + FOREIGN)))


def declared(roles: Mapping[str, set[str]], people: Mapping[str, set[str]]) -> DeclaredAccess:
    made = [a_role(name, sorted(groups)) for name, groups in sorted(roles.items())]
    return files([someone(who, *sorted(held & set(roles))) for who, held in sorted(people.items())], made)


def world_of(live: Mapping[str, set[str]], marked: set[str]) -> World:
    accounts = {who: account(who, mark=who if who in marked else None) for who in PEOPLE + FOREIGN}
    return a_world(accounts=accounts, groups={name: group(*sorted(members)) for name, members in sorted(live.items())})


def effective(world: World) -> dict[str, set[str]]:
    return {name: set(g.members) for name, g in world.groups.items()}


@settings(max_examples=60)
@given(roles, holders, memberships, st.sets(st.sampled_from(PEOPLE)))
def test_applying_reaches_what_the_files_ask_and_the_next_plan_is_empty(
    by_role: dict[str, set[str]], people: dict[str, set[str]], live: dict[str, set[str]], marked: set[str]
) -> None:
    world = world_of(live, marked)
    before = effective(world)
    access = declared(by_role, people)
    with tempfile.TemporaryDirectory() as folder:
        _, applied = run(situation(access), Path(folder))
    assert failures(applied) == []
    for who, held in people.items():
        for role in held & set(by_role):
            assert all(who in world.groups[name].members for name in by_role[role])
    for who in FOREIGN:
        assert {n for n, m in effective(world).items() if who in m} == {n for n, m in before.items() if who in m}
        assert world.accounts[who] == account(who)
    assert said(planned(access).plan) == []


@settings(max_examples=60)
@given(roles, holders, holders, memberships)
def test_only_leavers_and_removed_lines_lose_anything(
    by_role: dict[str, set[str]], before: dict[str, set[str]], after: dict[str, set[str]], live: dict[str, set[str]]
) -> None:
    world_of(live, set(before) | set(after))
    old, new = declared(by_role, before), declared(by_role, after)
    once = {(who, name) for who, held in before.items() for role in held & set(by_role) for name in by_role[role]}
    for change in planned(new, old).plan.changes:
        if change.action is Action.REVOKE:
            who = change.address.principal.id if change.address.principal else ""
            assert who not in FOREIGN
            assert who not in after or (who, change.address.object) in once


@settings(max_examples=40)
@given(roles, holders, memberships, st.integers(0, 5))
def test_no_short_read_takes_anything_away_or_makes_an_account(
    by_role: dict[str, set[str]], people: dict[str, set[str]], live: dict[str, set[str]], cut: int
) -> None:
    world = world_of(live, set(PEOPLE))
    world.cut_after = cut
    plan = planned(declared(by_role, {}), declared(by_role, people)).plan
    assert not [c for c in plan.changes if c.effect.direction is Direction.NARROWS]
    assert not [c for c in plan.changes if str(c.address).startswith("mem:account/") and c.action is Action.CREATE]


@settings(max_examples=60)
@given(roles, holders, holders, memberships)
def test_order_respects_needs_and_narrowing_goes_first(
    by_role: dict[str, set[str]], before: dict[str, set[str]], after: dict[str, set[str]], live: dict[str, set[str]]
) -> None:
    world_of(live, set(before) | set(after))
    changes = planned(declared(by_role, after), declared(by_role, before)).plan.changes
    place = {c.id: i for i, c in enumerate(changes)}
    for change in changes:
        assert all(place[need] < place[change.id] for need in change.needs)
    narrowing = [i for i, c in enumerate(changes) if c.effect.direction is Direction.NARROWS]
    widening = [i for i, c in enumerate(changes) if c.effect.direction is Direction.WIDENS]
    assert not narrowing or not widening or max(narrowing) < min(widening)


@settings(max_examples=40)
@given(roles, holders, memberships)
def test_plan_files_round_trip(
    by_role: dict[str, set[str]], people: dict[str, set[str]], live: dict[str, set[str]]
) -> None:
    world_of(live, set())
    plan: Plan = planned(declared(by_role, people)).plan
    again = parse(dump(plan))
    assert dump(again) == dump(plan) and again.approves == plan.approves


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["admin", "hr", "tree"]), min_size=1, max_size=3, unique=True))
def test_what_still_holds_in_another_way_is_never_called_gone(grantors: list[str]) -> None:
    world = a_world(accounts={"ada": account("ada", mark="ada")}, groups={"alpha": group("ada")})
    ways = [Held(g, via="beta" if g == "tree" else None) for g in grantors]
    world.groups["alpha"].members["ada"] = ways
    with tempfile.TemporaryDirectory() as folder:
        planned_, applied = run(situation(files([])), Path(folder))
    revoked = [c for c in planned_.plan.changes if c.action is Action.REVOKE]
    assert bool(revoked) == any(w.via is None for w in ways)
    for change in revoked:
        assert (change in applied.succeeded) == ("tree" not in grantors)
