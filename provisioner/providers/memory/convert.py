"""Rows of the world into resources."""

from __future__ import annotations

from collections.abc import Collection

from provisioner.model.address import Address, Kind
from provisioner.model.mark import Mark, looks_like_mark
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Facts, Resource
from provisioner.model.way import Phase, Way
from provisioner.providers.memory.calls import Held, MemoryAccount, MemoryGroup

GROUP = "group:"
"""Begins a holder that is a group, in the rows of the world."""


def holder(target: str, login: str, *, known: bool = True) -> Principal:
    if login.startswith(GROUP):
        return Principal(target, PrincipalKind.GROUP, login.removeprefix(GROUP))
    return Principal(target, PrincipalKind.PERSON if known else PrincipalKind.UNKNOWN, login)


def row(who: Principal) -> str:
    """The holder as the world's rows have it."""
    return f"{GROUP}{who.id}" if who.kind is PrincipalKind.GROUP else who.id


def account(target: str, login: str, row: MemoryAccount, hides: frozenset[str]) -> Resource:
    mark = Mark.parse(row.note)
    foreign = row.note if mark is None and looks_like_mark(row.note) else None
    attributes = {"enabled": row.enabled, "name": row.name, "email": row.email}
    return Resource(
        Address(target, Kind.ACCOUNT, login),
        {k: v for k, v in attributes.items() if k not in hides},
        mark=mark,
        facts=Facts(row.native_id, row.email or None, row.name or None, foreign_mark=foreign),
    )


def group(target: str, name: str, row: MemoryGroup) -> Resource:
    # Never written by us, but another repository's may be there.
    mark = Mark.parse(row.description)
    return Resource(Address(target, Kind.GROUP, name), {"description": row.description}, mark=mark, facts=Facts(name))


def membership(
    target: str, name: str, login: str, ways: list[Held], accounts: Collection[str], group_lock: str | None
) -> Resource:
    """A member whose account is not among `accounts` is unknown: kept, and told as such."""
    who = holder(target, login, known=login in accounts)
    address = Address(target, Kind.MEMBERSHIP, name, who)
    return Resource(address, ways=tuple(_way(target, who, w, group_lock) for w in ways))


def grant(target: str, path: str, privilege: str, login: str, ways: list[Held]) -> Resource:
    who = holder(target, login)
    address = Address(target, Kind.GRANT, path, who, privilege)
    return Resource(address, ways=tuple(_way(target, who, w, None) for w in ways))


def credential(target: str, login: str, key: str, active: bool) -> Resource:
    address = Address(target, Kind.CREDENTIAL, key, Principal(target, PrincipalKind.PERSON, login))
    return Resource(address, ways=(Way(key, Phase.ACTIVE if active else Phase.SUSPENDED),))


def control(target: str, name: str, open_to: list[str]) -> Resource:
    return Resource(Address(target, Kind.CONTROL, name), {"open_to": sorted(open_to)})


def _way(target: str, who: Principal, held: Held, group_lock: str | None) -> Way:
    via = Address(target, Kind.MEMBERSHIP, held.via, who) if held.via else None
    return Way(held.grantor, Phase(held.phase), via, held.until, locked_by=held.locked_by or group_lock)
