"""Adoption by chance: any world and any files; what is written is valid, plans nothing but ADOPT, and then nothing."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from provisioner.adopt import Settled
from provisioner.diagnostics import Location
from provisioner.engine import make_plan
from provisioner.load import load_files
from provisioner.model.change import Action
from provisioner.model.identity import IdentityKind
from provisioner.providers.memory.calls import WORLDS, Held, MemoryGroup, World
from tests.adopt.steps import PROVIDERS, adopted, new_changes, planned, situation_of
from tests.builders import NOW
from tests.runs import failures, run
from tests.worlds import OWNER, a_world, account

PEOPLE = ("ada", "bob", "cyd", "dan", "eve", "fay")
GROUPS = ("g1", "g2", "g3", "prod", "hand")
TARGETS = """\
records: {{owner: {owner}}}
environments:
  production: {{protected: true, needs_reason: true}}
  short: {{protected: true, max_duration: 7d}}
targets:
  mem:
    provider: memory
    world: mem
    mode: {mode}
    accounts: {accounts}
    groups: {{prod: {{environment: {environment}}}}}
  two:
    provider: memory
    world: two
"""


@pytest.fixture(autouse=True)
def no_worlds() -> Iterator[None]:
    WORLDS.clear()
    yield
    WORLDS.clear()


def a_grown_world(chance: random.Random, name: str) -> World:
    """Accounts with and without e-mail, marks of ours and of others, ways of every kind."""
    accounts = {}
    for login in (*PEOPLE, "ada-admin", "Bob", "zoé", "ci-bot", "fay2"):
        if chance.random() < 0.35:
            continue
        mail = chance.choices(["", f"{login}@example.com", "ada@example.com"], [4, 8, 1])[0]
        found = account(login, email=mail, name=chance.choices([login.title(), "Ada", ""], [8, 1, 1])[0])
        found.native_id = f"{name}-{login}"
        found.enabled = chance.random() < 0.9
        if chance.random() < 0.08:
            found.note = "provision/1 o=aaaaaaaa k=other"
        accounts[login] = found
    groups = {
        g: MemoryGroup(members_of(chance, accounts), locked_by=chance.choice([*[None] * 9, "hr"])) for g in GROUPS
    }
    policy = {("repo", p): members_of(chance, accounts, 0.2) for p in ("pull", "push")}
    policy = {k: v for k, v in policy.items() if v}
    return a_world(name, accounts=accounts, groups=groups, policy=policy, controls={"gate": ["everyone"]})


def members_of(chance: random.Random, accounts: Mapping[str, object], share: float = 0.45) -> dict[str, list[Held]]:
    found = {}
    for login in [*accounts, "ghost"]:
        if chance.random() < (share if login != "ghost" else 0.1):
            kind = chance.choices(["plain", "via", "lapsed", "until", "both"], [12, 1, 1, 1, 1])[0]
            ways = [Held(via="g1" if kind == "via" else None, phase="lapsed" if kind == "lapsed" else "active")]
            if kind == "until":
                ways = [Held(until=NOW)]
            if kind == "both":
                ways.append(Held("other", via="g2"))
            found[login] = ways
    return found


def some_files(chance: random.Random) -> dict[str, bytes]:
    """A few people who are declared already, with roles on the first target."""
    text = TARGETS.format(
        owner=OWNER,
        mode=chance.choice(["add", "add", "full"]),
        accounts=chance.choice(["create", "create", "create", "existing"]),
        environment=chance.choice(["production", "short"]),
    )
    files = {"targets.yaml": text.encode()}
    roles = (
        "roles:\n  r1: {grants: {mem: {groups: [g1]}}}\n  wide: {grants: {mem: {groups: [g2]}, two: {groups: [g2]}}}\n"
    )
    files["roles.yaml"] = roles.encode()
    for who in PEOPLE:
        if chance.random() < 0.4:
            held = ", ".join(r for r in ("r1", "wide") if chance.random() < 0.3)
            said = f"people:\n  {who}:\n    name: {who.title()}\n    email: {who}@example.com\n    roles: [{held}]\n"
            if chance.random() < 0.2:
                said = f"people: {{{who}: {{name: {who.title()}, roles: [{held}]}}}}\n"
            files[f"people/{who}.yaml"] = said.encode()
    return files


@pytest.mark.parametrize("seed", range(60))
def test_what_is_written_is_valid_and_takes_over_what_is_there(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    worlds = [a_grown_world(chance, name) for name in ("mem", "two")]
    held = [copy.deepcopy((w.groups, w.policy)) for w in worlds]
    loaded = load_files(some_files(chance), PROVIDERS)
    assert loaded.ok, loaded.diagnostics
    for name in ("mem", "two"):
        adoption, loaded, before = adopted(loaded, name)
        assert loaded.ok, loaded.diagnostics
        after = planned(loaded, name)
        assert new_changes(before, after) == []
        told = {(d.code, d.message) for d in before.plan.diagnostics}
        assert [d for d in after.plan.diagnostics if d.is_error and (d.code, d.message) not in told] == []
        again, same, _ = adopted(loaded, name)
        assert same.files == loaded.files, [p for p in again.people if p.changes]
        everybody = {p.id for p in adoption.people}
        assert len(everybody) == len(adoption.people)
    if any(d.is_error for d in make_plan(situation_of(loaded)).plan.diagnostics):
        return
    # Nobody has lost anything by it, unless the files had said so before.
    first, applied = run(situation_of(loaded), tmp_path)
    assert [f for f in failures(applied) if "synced from hr" not in f] == []  # what the files had asked of those before
    taken = {str(c.address) for c in first.plan.changes if c.action is Action.REVOKE}
    for world, (groups, _) in zip(worlds, held, strict=True):
        for name, group in groups.items():
            gone = set(group.members) - set(world.groups[name].members)
            assert {f"{world.name}:membership/{name}/{login}" for login in gone} <= taken


def test_the_map_names_a_service_and_a_person_who_is_switched_off() -> None:
    a_world(
        accounts={"ci-bot": account("ci-bot"), "old": account("old", enabled=False), "ada": account("ada")},
        groups={"g1": MemoryGroup({m: [Held()] for m in ("ci-bot", "old", "ada")})},
    )
    a_world("two")
    loaded = load_files(
        {"targets.yaml": TARGETS.format(owner=OWNER, mode="add", accounts="create", environment="short").encode()},
        PROVIDERS,
    )
    place = Location("people.csv", 2)
    settled = {
        "ci-bot": Settled("mem", "ci-bot", "builder", IdentityKind.SERVICE, ("ada",), place),
        "old": Settled("mem", "old", "old", IdentityKind.PERSON, (), place),
    }
    adoption, loaded, before = adopted(loaded, "mem", settled)
    assert loaded.ok, loaded.diagnostics
    assert new_changes(before, planned(loaded, "mem")) == []
    assert loaded.declared.identities["old"].suspended is not None
    assert loaded.declared.identities["builder"].kind is IdentityKind.SERVICE
    assert adoption.doubts == ()
