"""Random companies, random edits: whatever a plan lets through is within the limits, and locks nobody out on its way.

The oracle looks at the rows of the world before and after, and knows nothing of how the guardrails count.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.change import Action, Change
from provisioner.model.rules import Administrators, Limit, Rules
from provisioner.model.target import Target
from provisioner.plan.plan import Plan
from provisioner.providers.memory.calls import Held, World
from provisioner.providers.memory.convert import row
from tests.builders import NOW
from tests.guardrails.stories import let, plan_of
from tests.worlds import a_role, a_target, a_world, account, files, group, someone

GROUPS = ("staff", "build", "ops", "admins", "owners")
ROLES = [a_role(name, [name]) for name in GROUPS] + [a_role("site", objects={"site": ["write", "own"]})]
SEEDS = 240


@dataclass
class Story:
    """What the world was, the rules, and what the files said before and say now."""

    world: World
    rules: Rules
    before: DeclaredAccess
    after: DeclaredAccess


def a_story(seed: int) -> Story:
    chance = random.Random(seed)
    people = [f"p{n:02}" for n in range(chance.choice([3, 8, 12, 30, 60]))]
    held = {p: {"staff"} | {g for g in GROUPS[1:3] if chance.random() < 0.5} for p in people}
    few = people[:4]  # those whom rules name, and changes too: or the two would hardly ever meet
    for who in few[: chance.randint(0, 4)]:
        held[who].add(chance.choice(["admins", "admins", "owners", "site"]))
    rules = Rules(
        group=Limit(chance.choice([10, 50, 50, 80, 100])),
        target=Limit(chance.choice([0, 10, 10, 25, 60])),
        administrators={"mem": Administrators(chance.randint(0, 3), tuple(chance.sample(few, chance.randint(0, 1))))}
        if chance.random() < 0.6
        else {},
        break_glass={chance.choice(few): let().location} if chance.random() < 0.3 else {},
    )
    right = chance.choice([None, ["own"], ["write"]])
    world = a_world(
        accounts={p: account(p, mark=p, enabled=chance.random() < 0.95) for p in people},
        groups={g: group(*(p for p in people if g in held[p])) for g in GROUPS},
        own=chance.choice([None, *people[:2]]),
    )
    if chance.random() < 0.3:
        world.groups["admins"].members["group:ops"] = [Held()]
    for privilege in ("write", "own"):
        holders = {p: [Held()] for p in people if "site" in held[p]}
        if right == [privilege]:
            holders["group:owners"] = [Held()]
        world.policy[("site", privilege)] = holders
    said = _edited(chance, people, held)
    kept = [] if right is None or chance.random() < 0.3 else right
    before = _files(held, [_target(right)], rules)
    return Story(world, rules, before, _files(said, [_target(kept if right else None)], rules))


def _target(right: list[str] | None) -> Target:
    objects = {} if right is None else {"objects": {"site": right} if right else {}}
    return a_target(objects={"groups": {"owners": objects}})


def _edited(chance: random.Random, people: list[str], held: dict[str, set[str]]) -> dict[str, set[str]]:
    """Somebody's change: a few people, a group, or far too much."""
    said = {p: set(g) for p, g in held.items()}
    for _ in range(chance.randint(1, 3)):
        how = chance.choice(["leave", "leave", "drop", "role", "many", "swap", "swap", "swap", "join", "all"])
        few = people[:4]
        some = chance.sample(people, min(len(people), chance.randint(1, 8)))
        if how in ("leave", "many"):
            for who in some if how == "many" else [chance.choice(few)]:
                said.pop(who, None)
        elif how == "drop":
            for who in some:
                said.get(who, set()).discard(chance.choice(GROUPS))
        elif how == "role":
            gone = chance.choice([*GROUPS, "site"])
            for groups in said.values():
                groups.discard(gone)
        elif how == "swap":
            for old, new in zip(few, chance.sample(people, len(few)), strict=True):
                if "admins" in said.get(old, ()) and new in said and chance.random() < 0.5:
                    said[old].discard("admins")
                    said[new].add(chance.choice(["admins", "owners"]))
        elif how == "join":
            said[f"n{chance.randint(0, 9)}"] = {"staff", chance.choice(GROUPS)}
        elif chance.random() < 0.2:
            said.clear()
    return said


def _files(held: dict[str, set[str]], targets: list[Target], rules: Rules) -> DeclaredAccess:
    people = [someone(p, *sorted(groups)) for p, groups in held.items()]
    return replace(files(people, ROLES, targets), rules=rules)


def done(world: World, changes: tuple[Change, ...]) -> Iterator[World]:
    """The world after each change, by its rows alone."""
    at = copy.deepcopy(world)
    for change in changes:
        address = change.address
        if address.kind is Kind.ACCOUNT:
            if change.action is Action.DISABLE:
                at.accounts[address.object].enabled = False
            elif change.action is Action.CREATE:
                at.accounts[address.object] = account(address.object)
            elif change.action is Action.DELETE:
                at.accounts.pop(address.object)
        elif address.principal is not None:
            grant = address.kind is Kind.GRANT
            rights = at.policy.setdefault((address.object, address.slot or ""), {}) if grant else {}
            rows = rights if grant else at.groups[address.object].members
            if change.action is Action.CREATE:
                rows[row(address.principal)] = [Held()]
            else:
                rows.pop(row(address.principal))
        yield copy.deepcopy(at)


def inside(world: World, name: str) -> set[str]:
    found: set[str] = set()
    for member in world.groups[name].members:
        found |= inside(world, member.removeprefix("group:")) if member.startswith("group:") else {member}
    return found


def things(world: World) -> dict[str, set[str]]:
    """Everything that each login has, by every way."""
    found: dict[str, set[str]] = {login: {"login"} for login, a in world.accounts.items() if a.enabled}
    for name in world.groups:
        for login in inside(world, name):
            found.setdefault(login, set()).add(f"in {name}")
    for (path, privilege), holders in world.policy.items():
        for holder in holders:
            for login in inside(world, holder.removeprefix("group:")) if holder.startswith("group:") else {holder}:
                found.setdefault(login, set()).add(f"{privilege} {path}")
    return found


def admins(world: World) -> set[str]:
    usable = {login for login, a in world.accounts.items() if a.enabled}
    strong = inside(world, "admins") | {w for w, t in things(world).items() if "own site" in t}
    return strong & usable


def check(story: Story, plan: Plan) -> None:
    world, rules = story.world, story.rules
    states = [world, *done(world, plan.changes)]
    end = states[-1]
    had, has = things(world), things(end)
    enabled = {login for login, a in world.accounts.items() if a.enabled}
    losers = {w for w in enabled if had[w] - has.get(w, set())}
    assert len(losers) < 5 or len(losers) * 100 <= rules.target.percent * len(enabled)
    for name, was in world.groups.items():
        gone = was.members.keys() - end.groups[name].members.keys()
        assert len(was.members) < 4 or len(gone) < 2 or len(gone) * 100 <= rules.group.percent * len(was.members)
    kept = [*rules.break_glass, *([world.own] if world.own else [])]
    for who in kept:
        assert had.get(who, set()) <= has.get(who, set()), f"{who} lost {had[who] - has.get(who, set())}"
    start, finish = admins(world), admins(end)
    rule = rules.administrators.get("mem")
    if rule is None:
        assert len(start - finish) <= 1
        return
    for who in rule.required:
        assert who not in start or all(who in admins(state) for state in states)
    fewest = min(len(admins(state)) for state in states)
    assert fewest >= min(rule.minimum, len(start))


@pytest.mark.parametrize("part", range(6))
def test_no_plan_that_passes_takes_too_much_or_locks_anybody_out(part: int) -> None:
    refused = passed = 0
    for seed in range(part * SEEDS // 6, (part + 1) * SEEDS // 6):
        story = a_story(seed)
        plan = plan_of(story.after, story.before)
        try:
            check(story, plan)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        refused += plan.refused
        passed += bool(plan.changes)
        assert plan.as_of == NOW
    assert refused > 8 and passed > 8


def test_the_oracle_sees_what_would_be_done_without_guardrails() -> None:
    """Otherwise it would find nothing, whatever they let through."""
    found = 0
    for seed in range(60):
        story = a_story(seed)
        plan = plan_of(story.after, story.before)
        everything = tuple(w.change for w in plan.withheld) + plan.changes
        try:
            check(story, replace(plan, changes=everything))
        except AssertionError:
            found += 1
    assert found > 15
