"""Whole stories by chance: files, what they said before, a world that others touch too; planned, applied, planned."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.engine import make_plan
from provisioner.model.access import DeclaredAccess
from provisioner.model.change import Action
from provisioner.model.identity import Identity
from provisioner.model.target import AccountsPolicy, Mode, Target
from provisioner.providers.memory.calls import World
from tests.builders import NOW
from tests.runs import failures, journal, run
from tests.worlds import OWNER, a_role, a_target, a_world, account, files, group, held, said, situation, someone

PEOPLE, GROUPS = ("ada", "bob", "cyd", "dan"), ("g1", "g2", "g3")
GIVES = {"r1": {"g1"}, "r2": {"g2"}, "r3": {"g1", "g3"}}
ROLES = [a_role(name, sorted(groups)) for name, groups in GIVES.items()]
DAY = timedelta(days=1)


def a_person(chance: random.Random, name: str) -> Identity:
    def line(role: str) -> object:
        ended, later = held(role, until=NOW - DAY), held(role, starts=NOW + DAY)
        return chance.choices([role, ended, later], [8, 1, 1])[0]

    return someone(
        name,
        *(line(role) for role in GIVES if chance.random() < 0.5),  # type: ignore[arg-type]
        login=chance.choice([None, None, None, f"{name}-x"]),
        until=chance.choice([*[None] * 6, NOW - timedelta(hours=1)]),
        suspended=chance.choice([*[None] * 8, "leave"]),
        service=chance.random() < 0.1,
    )


def some_files(chance: random.Random, target: Target) -> DeclaredAccess:
    return files([a_person(chance, n) for n in PEOPLE if chance.random() < 0.8], ROLES, [target])


def some_world(chance: random.Random) -> World:
    accounts = {}
    marked: set[str] = set()
    for login in (*PEOPLE, "eve", "ada-x", "bob-x"):
        if chance.random() < 0.3:
            continue
        name = login.removesuffix("-x")
        ours = name in PEOPLE and name not in marked and chance.random() < 0.5
        marked |= {name} if ours else set()
        since = chance.choice(["", "2026-11-01T00:00:00Z", "2026-01-01T00:00:00Z"]) if ours else ""
        mail = chance.choice([f"{name}@example.com", "other@example.net"])
        found = account(login, mark=name if ours else None, since=since, email=mail, enabled=chance.random() < 0.85)
        if chance.random() < 0.1:
            found.note = f"provision/1 o=aaaaaaaa k={name}"
        accounts[login] = found
    unknown = ["ghost"] if chance.random() < 0.2 else []
    groups = {g: group(*(a for a in accounts if chance.random() < 0.4), *unknown) for g in (*GROUPS, "hand")}
    return a_world(accounts=accounts, groups=groups)


def given(trees: Iterable[DeclaredAccess], name: str, *, now: bool) -> set[str]:
    """The groups that `name` is to have, or (not `now`) ever was to have."""
    found: set[str] = set()
    for identity in (t.identities[name] for t in trees if name in t.identities):
        for line in identity.roles:
            ended = (line.until is not None and line.until <= NOW) or identity.departed_at(NOW)
            if (line.starts is None or line.starts <= NOW) and not (now and ended):
                found |= GIVES[line.role]
    return found


def check(before: World, world: World, declared: DeclaredAccess, past: list[DeclaredAccess]) -> None:
    """Told without the engine: who may have lost what, and who may not have kept it."""
    for login, old in before.accounts.items():
        name, ours, foreign = login.removesuffix("-x"), OWNER[:8] in old.note, "o=aaaaaaaa" in old.note
        who = declared.identities.get(name)
        here = who is not None and not who.departed_at(NOW)
        wanted = given([declared], name, now=True)
        taken_back = given([declared, *past], name, now=False) - wanted
        may_have_left = not here and (ours or any(name in tree.identities for tree in (declared, *past)))
        today = who.login_on("mem") if who is not None and here and ours and wanted else login
        assert not foreign or world.accounts[login] == old
        for place, members in before.groups.items():
            if login not in members.members:
                continue
            left = world.groups[place].members
            if login not in left and today not in left:
                assert not foreign and (may_have_left or place in taken_back), f"{login} lost {place}"
            elif ours:
                assert here and place not in taken_back, f"{login} kept {place}"


@pytest.mark.parametrize("seed", range(60))
def test_nobody_loses_what_is_not_ours_to_take_and_the_next_plan_is_empty(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    accounts = chance.choice([AccountsPolicy.CREATE] * 3 + [AccountsPolicy.EXISTING])
    target = a_target(mode=chance.choice([Mode.ADD, Mode.ADD, Mode.FULL]), accounts=accounts)
    world, declared = some_world(chance), some_files(chance, target)
    past = [declared, *(some_files(chance, target) for _ in range(chance.randint(0, 3)))]
    before = copy.deepcopy(world)
    planned, applied = run(situation(declared, *past), tmp_path)
    if any(d.is_error for d in planned.plan.diagnostics):
        assert not applied.converged
        return
    assert failures(applied) == [] and applied.converged == {"mem"}
    if target.mode is Mode.ADD and accounts is AccountsPolicy.CREATE:
        check(before, world, declared, past)
    point = journal(tmp_path).chain("mem").converged()
    assert point is not None
    assert said(make_plan(situation(declared, declared, kept=point.kept)).plan) == []


@pytest.mark.parametrize("seed", range(60))
def test_short_read_takes_nothing_away_and_makes_no_account(seed: int) -> None:
    chance = random.Random(seed)
    target = a_target(mode=chance.choice([Mode.ADD, Mode.FULL]))
    world, declared = some_world(chance), some_files(chance, target)
    world.cut_after = chance.randint(0, 3)
    plan = make_plan(situation(declared, *(some_files(chance, target) for _ in range(2)))).plan
    suspended = {i.id for i in declared.identities.values() if i.suspended}
    taken = [c for c in plan.changes if c.action in (Action.REVOKE, Action.DISABLE, Action.DELETE)]
    if len(world.accounts) > world.cut_after:
        assert [str(c.address) for c in taken if c.identity not in suspended] == []
        assert [c for c in said(plan) if c.startswith("create mem:account/")] == []
    assert {c.action for c in taken} <= {Action.DISABLE}  # all four groups never fit into a listing
    assert not plan.complete
