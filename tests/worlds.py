"""Stories over the memory provider: files said in Python, a world said in rows, a plan made by the engine itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from provisioner.contract import Connection
from provisioner.diagnostics import Location
from provisioner.engine import Known, Planned, Situation, make_plan
from provisioner.model.access import DeclaredAccess, Records
from provisioner.model.assignment import Assignment
from provisioner.model.block import Block, Path
from provisioner.model.environment import Environment
from provisioner.model.identity import AccountName, Identity, IdentityKind, Suspension
from provisioner.model.outstanding import Outstanding
from provisioner.model.past import PastDeclared
from provisioner.model.role import GrantBlock, Role
from provisioner.model.rules import Rules
from provisioner.model.target import AccountsPolicy, Mode, Target
from provisioner.plan.plan import Plan
from provisioner.providers.memory import PROVIDER
from provisioner.providers.memory.calls import WORLDS, Held, MemoryAccount, MemoryGroup, World
from tests.builders import NOW

OWNER = "5f1c0a9b7e3d"


def block(data: Mapping[str, Any], file: str) -> Block:
    """Places are told by depth alone: line 1 and a column for each step."""

    def locate(path: Path) -> Location:
        return Location(file, 1, 1 + len(path))

    return Block(data, locate)


def held(
    role: str,
    environments: Iterable[str] | None = None,
    *,
    starts: datetime | None = None,
    until: datetime | None = None,
    line: int = 5,
    file: str = "access/people.yaml",
) -> Assignment:
    chosen = tuple(environments) if environments is not None else None
    return Assignment(role, chosen, starts, until, None, Location(file, line, 5))


def someone(
    name: str,
    *roles: str | Assignment,
    was: tuple[str, ...] = (),
    email: str | None = "",
    login: str | None = None,
    pin: str | None = None,
    until: datetime | None = None,
    suspended: str | None = None,
    service: bool = False,
) -> Identity:
    file = f"access/people/{name}.yaml"
    accounts = {"mem": AccountName(login, pin, Location(file, 3, 5))} if login or pin else {}
    return Identity(
        IdentityKind.SERVICE if service else IdentityKind.PERSON,
        name,
        name.title(),
        f"{name}@example.com" if email == "" else email,
        was=was,
        until=until,
        suspended=Suspension(NOW - timedelta(days=1), suspended) if suspended else None,
        accounts=accounts,
        roles=tuple(held(r, file=file) if isinstance(r, str) else r for r in roles),
        location=Location(file, 2, 3),
    )


def a_role(
    name: str,
    groups: Iterable[str] = (),
    *,
    objects: Mapping[str, list[str]] | None = None,
    includes: tuple[str, ...] = (),
    environments: tuple[str, ...] = (),
    target: str = "mem",
    where: Mapping[str, str] | None = None,
) -> Role:
    data: dict[str, Any] = {}
    if groups:
        data["groups"] = list(groups)
    if objects:
        data["objects"] = dict(objects)
    file = f"access/roles/{name}.yaml"
    grants = (GrantBlock(target, block(data, file), where or {}, Location(file, 4, 7)),) if data else ()
    return Role(name, (), includes, environments, grants, Location(file, 2, 3))


def a_target(
    name: str = "mem",
    *,
    mode: Mode = Mode.ADD,
    accounts: AccountsPolicy = AccountsPolicy.CREATE,
    environment: str | None = None,
    labels: Mapping[str, str] | None = None,
    objects: Mapping[str, Any] | None = None,
    object_environments: Mapping[tuple[str, str], str] | None = None,
) -> Target:
    return Target(
        name,
        name.partition("/")[0],
        "memory",
        mode,
        accounts,
        environment=environment,
        labels=labels or {},
        settings=block({"world": name}, "access/targets.yaml"),
        objects=block(objects or {}, "access/targets.yaml"),
        object_environments=object_environments or {},
        location=Location("access/targets.yaml", 2, 3),
    )


def files(
    identities: Iterable[Identity] = (),
    roles: Iterable[Role] = (),
    targets: Iterable[Target] = (),
    environments: Iterable[Environment] = (),
    tree: str = "t1",
    rules: Rules | None = None,
) -> DeclaredAccess:
    chosen = list(targets) or [a_target()]
    return DeclaredAccess(
        {i.id: i for i in identities},
        {r.id: r for r in roles},
        {e.id: e for e in environments},
        {t.name: t for t in chosen},
        Records(OWNER),
        tree=tree,
        rules=rules or Rules(),
    )


def a_world(name: str = "mem", **fields: Any) -> World:
    """A fresh world under that name."""
    world = World(name, **fields)
    WORLDS[name] = world
    return world


def account(
    login: str, *, mark: str | None = None, since: str = "", email: str | None = None, **more: Any
) -> MemoryAccount:
    """`mark` is the id in our mark; `since` a disabled-since date in it."""
    note = f"provision/1 o={OWNER[:8]} k={mark}" + (f" d={since}" if since else "") if mark else ""
    mail = f"{login}@example.com" if email is None else email
    more.setdefault("name", login.title())
    return MemoryAccount(f"native-{login}", email=mail, note=note, **more)


def group(*members: str, **more: Any) -> MemoryGroup:
    return MemoryGroup({m: [Held()] for m in members}, **more)


def situation(
    declared: DeclaredAccess,
    *before: DeclaredAccess,
    now: datetime = NOW,
    person: str | None = None,
    outstanding: tuple[Outstanding, ...] = (),
    counts: Mapping[str, int] | None = None,
    kept: frozenset[str] = frozenset(),
    only: Iterable[str] | None = None,
    base: DeclaredAccess | None = None,
    systems: Mapping[str, str] | None = None,
    records: Mapping[str, int] | None = None,
    gap: datetime | None = None,
) -> Situation:
    names = set(declared.targets) if only is None else set(only)
    connections = {
        name: Connection(target, PROVIDER, PROVIDER.declare(target), {}, declared.records.owner)
        for name, target in declared.targets.items()
        if name in names
    }
    past = tuple(PastDeclared(f"rev{i}", d, frozenset(names)) for i, d in enumerate(before, 1))
    pinned = systems or {}
    known = {
        name: Known(
            tuple(o for o in outstanding if o.address.target == name),
            counts,
            kept,
            pinned.get(name),
            records=(records or {}).get(name),
            gap=gap,
        )
        for name in names
    }
    return Situation(declared, connections, now, past, known, person=person, judging=base)


def planned(declared: DeclaredAccess, *before: DeclaredAccess, **more: Any) -> Planned:
    return make_plan(situation(declared, *before, **more))


def said(plan: Plan) -> list[str]:
    """The changes in order, one short line each."""
    return [f"{c.action.value} {c.address}" for c in plan.changes]


def codes(plan: Plan) -> list[str]:
    return [d.code for d in plan.diagnostics]
