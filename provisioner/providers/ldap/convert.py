"""Entries -> resources. Pure: knows what entries look like, makes no calls and decides nothing.

An account is an entry below `base.people` with a `uid`, a group one below `base.groups` with a class from
`GROUP_CLASSES`. Whose a member value is, the name of the entry tells, never a likeness: a name elsewhere in the tree is
nobody's here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, NamedTuple

from provisioner.model.address import Address, Kind
from provisioner.model.instant import Instant, format_instant
from provisioner.model.mark import Mark, looks_like_mark
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Facts, Resource
from provisioner.model.way import Way
from provisioner.providers.ldap import dn, names

GROUP_CLASSES: Mapping[str, str] = {
    "groupofnames": "member",
    "groupofuniquenames": "uniqueMember",
    "groupofmembers": "member",
    "organizationalrole": "roleOccupant",
    "posixgroup": "memberUid",
}
"""The classes that make an entry a group, and the attribute that holds its members (RFC 4519, RFC 2307)."""
NEVER_EMPTY = frozenset({"groupofnames", "groupofuniquenames"})
"""Classes whose schema demands a member: an emptied group keeps its own name in its place."""
MEMBER_ATTRIBUTES = ("member", "uniqueMember", "roleOccupant", "memberUid")
UID_ATTRIBUTES = frozenset({"memberUid"})
OWNER_ATTRIBUTE = "owner"

ACCOUNT_ATTRIBUTES = (
    "uid",
    "cn",
    "mail",
    "description",
    "entryUUID",
    "pwdAccountLockedTime",
    "pwdEndTime",
    "sshPublicKey",
    "userCertificate",
)
ACCOUNT_LOOK = (*ACCOUNT_ATTRIBUTES, "entryCSN")
GROUP_ATTRIBUTES = ("cn", "objectClass", *MEMBER_ATTRIBUTES, OWNER_ATTRIBUTE, "description", "entryUUID")
GROUP_LOOK = (*GROUP_ATTRIBUTES, "entryCSN")
CREDENTIAL_ATTRIBUTES: Mapping[str, str] = {
    "sshpublickey": names.SSH_KEY,
    "usercertificate": names.CERTIFICATE,
    "usercertificate;binary": names.CERTIFICATE,
}

# Not by class: a filter that excludes a class the server does not know matches nothing (RFC 4511 section 4.5.1.7).
ACCOUNT_FILTER = "(uid=*)"
GROUP_FILTER = "(|" + "".join(f"(objectClass={c})" for c in GROUP_CLASSES) + ")"

LOCKED_BY_HAND = "000001010000Z"
"""The value of pwdAccountLockedTime that no wrong password leaves behind and no time lifts
(draft-behera-ldap-password-policy, section 5.3.3)."""
KEPT = "provision-before/1 "
"""Begins the note beside the mark of a disabled account: what ENABLE puts back."""


class Entry(NamedTuple):
    """`values` are as the server has them, by lower-case attribute name."""

    dn: str
    values: Mapping[str, Sequence[bytes]]

    def texts(self, name: str) -> list[str]:
        return [text(value) for value in self.values.get(name.lower(), ())]

    def first(self, name: str) -> str | None:
        found = self.values.get(name.lower())
        return text(found[0]) if found else None

    @property
    def classes(self) -> frozenset[str]:
        return frozenset(c.lower() for c in self.texts("objectClass"))


def text(value: bytes) -> str:
    """A value as text; bytes that are no UTF-8 are shown as `\\xff`."""
    return value.decode("utf-8", "backslashreplace")


@dataclass(frozen=True, slots=True)
class Switches:
    """What keeps an account from binding here: `ends` says that the server knows pwdEndTime, `locks` that it obeys
    locks."""

    ends: bool = True
    locks: bool = True


# Names


class Named(NamedTuple):
    """An entry and what it is called in addresses."""

    name: str
    entry: Entry


def named(entries: Iterable[Entry], attribute: str, base: str) -> tuple[list[Named], dict[str, list[str]]]:
    """Each entry with its name; and the names that several entries share, which are then called by where they lie
    (`cn=admins,ou=payroll`), because nobody can tell which one is meant.
    """
    found = [(label, e) for e in entries if (label := label_of(e, attribute)) is not None]
    holders: dict[str, list[str]] = {}
    for label, entry in found:
        holders.setdefault(dn.fold(label), []).append(entry.dn)
    shared = {folded: sorted(dns) for folded, dns in holders.items() if len(dns) > 1}
    if not shared:
        return [Named(label, entry) for label, entry in found], {}
    result = []
    for label, entry in found:
        apart = dn.fold(label) in shared
        result.append(Named(dn.relative(entry.dn, base) if apart else label, entry))
    return result, {label: shared[dn.fold(label)] for label, _ in found if dn.fold(label) in shared}


def label_of(entry: Entry, attribute: str) -> str | None:
    """The value that the entry is named by; of several values without that, the least, so that it stays the same."""
    values = entry.values.get(attribute)
    if not values:
        return None
    if len(values) == 1:
        return text(values[0])
    texts = sorted(text(v) for v in values)
    try:
        own = {dn.fold(value) for name, value in dn.parse(entry.dn)[0] if name == attribute}
    except (ValueError, IndexError):
        own = set()
    return next((t for t in texts if dn.fold(t) in own), texts[0])


# Accounts


def account(target: str, found: Named, now: Instant, switches: Switches) -> Resource:
    """The account, without what hangs on it."""
    entry = found.entry
    mark, foreign = marks(entry.texts("description"))
    ended = end_of(entry, now)
    attributes: dict[str, Any] = {"enabled": not is_off(entry, mark, now, switches)}
    name, email = entry.first("cn"), entry.first("mail")
    if name is not None:
        attributes["name"] = name
    if email is not None:
        attributes["email"] = email
    if (end := own_end(entry, mark)) is not None:
        attributes["ends"] = format_instant(end)
    if mark is not None and mark.disabled_since is None:
        ended = None  # its own end keeps nobody's keys out: when they leave, it is disabled all the same
    more = {"dn": entry.dn}
    csn = entry.first("entryCSN")
    if csn is not None:
        more["entryCSN"] = csn
    facts = Facts(entry.first("entryUUID"), email, name, disabled_since=ended, foreign_mark=foreign, more=more)
    return Resource(Address(target, Kind.ACCOUNT, found.name), attributes, mark=mark, facts=facts)


def is_off(entry: Entry, mark: Mark | None, now: Instant, switches: Switches) -> bool:
    """Whether the account cannot log in. Where the server has no switch, our mark's date says that its password is
    gone."""
    if end_of(entry, now) is not None or (switches.locks and is_locked(entry)):
        return True
    return not switches.ends and not switches.locks and mark is not None and mark.disabled_since is not None


def is_locked(entry: Entry) -> bool:
    """Locked for good. A lock that wrong passwords brought about is the server's own business and passes."""
    return entry.first("pwdAccountLockedTime") == LOCKED_BY_HAND


def is_marked_off(entry: Entry) -> bool:
    """Whether our mark says since when it is disabled."""
    if not any(b" d=" in value for value in entry.values.get("description", ())):
        return False
    mark, _ = marks(entry.texts("description"))
    return mark is not None and mark.disabled_since is not None


def end_of(entry: Entry, now: Instant) -> Instant | None:
    """The account's end (pwdEndTime), if it has passed."""
    ended = stored_end(entry)
    return ended if ended is not None and ended <= now else None


def own_end(entry: Entry, mark: Mark | None) -> Instant | None:
    """The end that an account has beside any lock of ours: the one that we set with a lock is part of that."""
    return None if mark is not None and mark.disabled_since is not None else stored_end(entry)


def stored_end(entry: Entry) -> Instant | None:
    """The account's end (pwdEndTime), whether it has passed or not."""
    text = entry.first("pwdEndTime")
    return generalized_time(text) if text else None


def credentials(target: str, found: Named) -> list[Resource]:
    """Keys and certificates on the entry: applications may accept them whatever the password."""
    values = found.entry.values
    if values.keys().isdisjoint(CREDENTIAL_ATTRIBUTES):  # nearly always
        return []
    result = []
    who = Principal(target, PrincipalKind.PERSON, found.name)
    for attribute, prefix in CREDENTIAL_ATTRIBUTES.items():
        for value in values.get(attribute, ()):
            hashed = fingerprint(value)
            way = Way(f"{attribute}:{hashed}")
            result.append(Resource(Address(target, Kind.CREDENTIAL, prefix + hashed, who), ways=(way,)))
    return result


def fingerprint(value: bytes) -> str:
    """A short name for a key or certificate that stays the same when others come and go."""
    return hashlib.sha256(value.strip()).hexdigest()[:16]


def marks(descriptions: Iterable[str]) -> tuple[Mark | None, str | None]:
    """Our mark among the values of `description`, and what has its shape and cannot be read, or contradicts it."""
    read: list[Mark] = []
    foreign: list[str] = []
    for text in descriptions:
        if looks_like_mark(text):
            mark = Mark.parse(text)
            if mark is None:
                foreign.append(text)
            elif mark not in read:
                read.append(mark)
    if len(read) > 1:
        return None, "; ".join(sorted([str(m) for m in read] + foreign))
    return (read[0] if read else None), ("; ".join(sorted(foreign)) or None)


def own_description(descriptions: Iterable[str]) -> str | None:
    """What people wrote into `description`: the first value that is neither mark nor note."""
    return next((t for t in descriptions if not is_ours(t)), None)


def is_ours(description: str) -> bool:
    return looks_like_mark(description) or description.startswith(KEPT)


def generalized_time(text: str) -> Instant | None:
    """LDAP's GeneralizedTime (RFC 4517 section 3.3.13), or None where it is not one."""
    found = re.fullmatch(r"(\d{10})(\d\d)?(\d\d)?(?:[.,]\d+)?(Z|[+-]\d\d(?:\d\d)?)", text)
    if found is None:
        return None
    try:
        value = datetime.strptime(found[1] + (found[2] or "00") + (found[3] or "00") + "+0000", "%Y%m%d%H%M%S%z")
    except ValueError:
        return None
    if found[4] == "Z":
        return value.astimezone(UTC)
    offset = timedelta(hours=int(found[4][1:3]), minutes=int(found[4][3:5] or 0))
    return value.replace(tzinfo=timezone(-offset if found[4][0] == "-" else offset)).astimezone(UTC)


def to_generalized_time(value: Instant) -> str:
    return value.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")


# Groups


def group(target: str, found: Named) -> Resource:
    """The group, without its members."""
    entry = found.entry
    descriptions = entry.texts("description")
    mark, foreign = marks(descriptions)
    told = own_description(descriptions)
    facts = Facts(entry.first("entryUUID"), foreign_mark=foreign, more={"dn": entry.dn})
    attributes = {} if told is None else {"description": told}
    return Resource(Address(target, Kind.GROUP, found.name), attributes, mark=mark, facts=facts)


def stand_in(target: str, kind: Kind, name: str, holders: Sequence[str]) -> Resource:
    """For a name that several entries share: it is taken, and it is nobody's to use or change."""
    told = f"{len(holders)} entries of this name: {'; '.join(holders[:3])}"
    attributes = {"enabled": True} if kind is Kind.ACCOUNT else {}
    return Resource(
        Address(target, kind, name),
        attributes,
        ways=(Way(locked_by=told),),
        facts=Facts(foreign_mark=told, more={"shared": told}),
    )


def hides_members(entry: Entry) -> bool:
    """Whether an access rule hides the members: the schema demands one, and none was shown."""
    return any(c in NEVER_EMPTY and not entry.values.get(GROUP_CLASSES[c].lower()) for c in entry.classes)
