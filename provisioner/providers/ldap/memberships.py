"""Whose a member value is: entries' names and uids -> memberships and owner grants, and back to the values. Pure.

The name of an entry tells, never a likeness: a name elsewhere in the tree is nobody's here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from provisioner.model.address import Address, Kind, address_of
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import NOTHING, Resource
from provisioner.model.way import Way
from provisioner.providers.ldap import dn, names
from provisioner.providers.ldap.convert import (
    GROUP_FILTER,
    MEMBER_ATTRIBUTES,
    OWNER_ATTRIBUTE,
    UID_ATTRIBUTES,
    Entry,
    Named,
    label_of,
    text,
)

_UNIQUE_ID = re.compile(r"#'[01]*'B\Z")


class People:
    """Who an entry's name or a `memberUid` stands for."""

    def __init__(self, target: str, accounts: Iterable[Named]) -> None:
        self._by_dn: dict[str, Principal | None] = {}
        self._by_uid: dict[str, Principal | None] = {}
        second: list[tuple[str, Principal]] = []
        for name, entry in accounts:
            who = Principal(target, PrincipalKind.PERSON, name)
            folded = dn.loose_key(entry.dn)
            self._by_dn[folded] = None if folded in self._by_dn else who
            uids = entry.texts("uid")
            login = uids[0] if len(uids) == 1 else label_of(entry, "uid")
            if login is not None:
                folded = dn.fold(login)
                self._by_uid[folded] = None if folded in self._by_uid else who  # two of one login: neither is meant
            second += [(dn.fold(uid), who) for uid in uids if uid != login]
        logins = set(self._by_uid)
        for folded, who in second:  # a further uid counts where it is nobody's login
            if folded not in logins:
                known = self._by_uid.setdefault(folded, who)
                self._by_uid[folded] = who if known == who else None

    def by_dn(self, folded: str) -> Principal | None:
        """`folded` is the name as `dn.loose_key` has it."""
        return self._by_dn.get(folded)

    def by_uid(self, uid: str) -> Principal | None:
        return self._by_uid.get(dn.fold(uid))


def strip_unique_id(value: str) -> str:
    """The name in a `uniqueMember`, which may end in `#'0101'B` (RFC 4517, Name and Optional UID)."""
    return _UNIQUE_ID.sub("", value)


def way_id(attribute: str, value: str) -> str:
    """What ends a membership: the attribute and the value as it is stored."""
    return f"{attribute}:{value}"


@dataclass
class Members:
    """Turns groups' values into memberships. Values repeat from group to group, so each is worked out once.

    `people_complete` False: some accounts were not read, so that a name that is none of them may still be somebody's.
    """

    target: str
    people: People
    groups: Sequence[Named]
    people_complete: bool = True
    _groups_by_dn: dict[str, Principal] = field(default_factory=dict)
    _seen: dict[str, dict[bytes, tuple[Principal, tuple[Way, ...]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, entry in self.groups:
            self._groups_by_dn[dn.loose_key(entry.dn)] = Principal(self.target, PrincipalKind.GROUP, name)

    def into(self, resources: dict[Address, Resource]) -> None:
        """Adds the memberships and owner grants of all groups."""
        target, membership, group = self.target, Kind.MEMBERSHIP, PrincipalKind.GROUP
        for name, entry in self.groups:
            for attribute in MEMBER_ATTRIBUTES:
                for who, ways in self._holders(entry, attribute):
                    if who.kind is group and who.id == name:
                        continue  # a group that holds itself is empty: its schema demands a member
                    _add(resources, address_of((target, membership, name, who, None)), ways)
            for who, ways in self._holders(entry, OWNER_ATTRIBUTE):
                if who.kind is PrincipalKind.PERSON or not self.people_complete:
                    _add(resources, Address(target, Kind.GRANT, names.OWNER + name, who), ways)

    def _holders(self, entry: Entry, attribute: str) -> Iterator[tuple[Principal, tuple[Way, ...]]]:
        """Whom the values of one attribute stand for."""
        seen = self._seen.setdefault(attribute, {})
        for value in entry.values.get(attribute.lower(), ()):
            known = seen.get(value)
            if known is None:
                stored = text(value)
                known = seen[value] = (self.principal(attribute, stored), (Way(way_id(attribute, stored)),))
            yield known

    def principal(self, attribute: str, text: str) -> Principal:
        """Who a value stands for: an account, a group, or the unknown that it names."""
        if attribute in UID_ATTRIBUTES:
            return self.people.by_uid(text) or Principal(self.target, PrincipalKind.UNKNOWN, text)
        name = strip_unique_id(text) if attribute == "uniqueMember" else text
        folded = dn.loose_key(name)
        return (
            self.people.by_dn(folded)
            or self._groups_by_dn.get(folded)
            or Principal(self.target, PrincipalKind.UNKNOWN, name)
        )


def _add(resources: dict[Address, Resource], address: Address, ways: tuple[Way, ...]) -> None:
    found = Resource(address, NOTHING, ways)
    known = resources.setdefault(address, found)
    if known is not found:  # the same member in another spelling or attribute
        resources[address] = Resource(address, NOTHING, tuple(dict.fromkeys((*known.ways, *ways))))


def values_of(
    entry: Entry, attributes: Iterable[str], keys: Collection[str], uids: Collection[str]
) -> list[tuple[str, bytes]]:
    """The member values of a group that stand for somebody, in whatever spelling: by `dn.key` of the entry's name, or
    by folded uid."""
    found = []
    for attribute in attributes:
        for value in entry.values.get(attribute.lower(), ()):
            stored = text(value)
            if attribute in UID_ATTRIBUTES:
                mine = dn.fold(stored) in uids
            else:
                mine = dn.loose_key(strip_unique_id(stored) if attribute == "uniqueMember" else stored) in keys
            if mine:
                found.append((attribute, value))
    return found


def holds_filter(account_dn: str, uids: Iterable[str]) -> str:
    """Matches the groups that hold an account, or are owned by it."""
    name = dn.escape_filter(account_dn)
    by_dn = "".join(f"({a}={name})" for a in (*MEMBER_ATTRIBUTES, OWNER_ATTRIBUTE) if a not in UID_ATTRIBUTES)
    by_uid = "".join(f"(memberUid={dn.escape_filter(uid)})" for uid in uids)
    return f"(&{GROUP_FILTER}(|{by_dn}{by_uid}))"
