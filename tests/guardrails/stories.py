"""A memory world of many people for guardrails: who is in it, what the files say, and what a refusal proposes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import yaml

from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.identity import Identity
from provisioner.model.instant import parse_instant
from provisioner.model.role import Role
from provisioner.model.rules import Acknowledgement, Rules
from provisioner.plan.plan import Plan
from provisioner.providers.memory.calls import World
from tests.builders import NOW
from tests.worlds import a_role, a_world, account, files, group, planned, someone

SOON = NOW + timedelta(days=7)
NAMES = [f"p{number:02}" for number in range(40)]


def company(*roles: Role, people: Iterable[str] = NAMES, rules: Rules | None = None, **more: Any) -> DeclaredAccess:
    """Everybody in `people` holds the role `all`, and those whom `also` names (by role) more."""
    also = more.pop("also", {})
    everybody = [someone(n, "all", *(r for r, who in also.items() if n in who)) for n in people]
    return files(everybody, [a_role("all", ["staff"]), *roles], rules=rules, **more)


def living(people: Iterable[str] = NAMES, **groups: Iterable[str]) -> World:
    """A world in which these people have marked accounts and are in `staff`, and in these groups."""
    people = list(people)
    return a_world(
        accounts={n: account(n, mark=n) for n in people},
        groups={"staff": group(*people), **{name: group(*members) for name, members in groups.items()}},
    )


def acknowledged(fix: str) -> tuple[Acknowledgement, ...]:
    """The entries that a refusal proposes, as the files would have them."""
    text = fix[fix.index("acknowledgements:") :]
    entries = yaml.safe_load(text)["acknowledgements"]
    assert entries, fix
    return tuple(_entry(**e) for e in entries)


def _entry(reason: str, until: Any, kind: str | None = None, **more: Any) -> Acknowledgement:
    more = {k: tuple(v) if isinstance(v, list) else v for k, v in more.items()}
    return Acknowledgement(reason, parse_instant(f"{until}T23:59:59Z"), kind=Kind(kind) if kind else None, **more)


def rules(*said: Acknowledgement, **more: Any) -> Rules:
    return Rules(acknowledgements=said, **more)


def let(**more: Any) -> Acknowledgement:
    """An acknowledgement that still counts."""
    return Acknowledgement("meant", more.pop("until", SOON), **more)


def plan_of(declared: DeclaredAccess, *before: DeclaredAccess, **more: Any) -> Plan:
    return planned(declared, *before, **more).plan


def refusals(plan: Plan) -> list[str]:
    return [d.code for d in plan.diagnostics if d.is_error]


def fix_of(plan: Plan, code: str) -> str:
    return next(d.fix for d in plan.diagnostics if d.code == code)


def message_of(plan: Plan, code: str) -> str:
    return next(d.message for d in plan.diagnostics if d.code == code)


def withheld(plan: Plan) -> list[str]:
    return [f"{w.rule}: {w.change.action.value} {w.change.address}" for w in plan.withheld]


def without(people: Iterable[Identity | str], *gone: str) -> list[str]:
    return [n for n in map(str, people) if n not in gone]
