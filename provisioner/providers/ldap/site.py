"""What the writers share: the directory as they need it while they write, our own marks, and refusals in words.

Everything that a change rests on is read again right before it. Names of accounts are remembered within one run,
because the same people are put into many groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from provisioner.contract import Failed, Outcome, ProviderError, Refused, Trouble, Unknown
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.instant import Instant
from provisioner.model.mark import Mark, owner8
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.providers.ldap import convert, dn, names
from provisioner.providers.ldap.calls import WriteCalls
from provisioner.providers.ldap.convert import Entry
from provisioner.providers.ldap.look import Found, Looking

ACCOUNT_WRITE = (*convert.ACCOUNT_LOOK, "objectClass", "sn", "loginShell", "shadowExpire")
TRIES = 4
"""How often a change is worked out anew because somebody else changed the entry meanwhile."""


class Holder(NamedTuple):
    """An account as groups know it."""

    dn: str
    login: str
    uids: frozenset[str]


@dataclass
class Site:
    """One directory and our way into it. `owner` is `records.owner`."""

    target: str
    people: str
    groups: str
    calls: WriteCalls
    owner: str | None
    now: Callable[[], Instant] = field(default=lambda: datetime.now(UTC))
    holders: dict[str, Holder] = field(default_factory=dict)

    def find(self, logins: Iterable[str] = (), groups: Iterable[str] = ()) -> tuple[Found, Found]:
        """Accounts and groups by name, as they are now. ProviderError where the search was not whole."""
        these = [Address(self.target, Kind.ACCOUNT, n) for n in logins]
        these += [Address(self.target, Kind.GROUP, n) for n in groups]
        found = Looking(self.target, self.people, self.groups, self.calls, these, ACCOUNT_WRITE).by_name()
        for part in found:
            if part.gap is not None:
                raise ProviderError(Trouble.PARTIAL, part.gap, call=f"search {self.people}")
        return found

    def account(self, login: str) -> Entry:
        """The account's entry. ProviderError `gone`, or `conflict` where several have that login."""
        return _only(self.find(logins=[login])[0], login, "account")

    def group(self, name: str) -> Entry:
        """The group's entry with all its members, likewise."""
        return self.calls.whole(_only(self.find(groups=[name])[1], name, "group"))

    def know(self, logins: Iterable[str]) -> None:
        """Look up the accounts that are not known yet, in one search; those that are not there stay unknown."""
        missing = [login for login in dict.fromkeys(logins) if dn.fold(login) not in self.holders]
        if not missing:
            return
        people, _ = self.find(logins=missing)
        for login in missing:
            found = people.get(login)
            if found is not None:
                self.remember(login, found.entry)

    def remember(self, login: str, entry: Entry) -> None:
        uids = frozenset(dn.fold(uid) for uid in entry.texts("uid"))
        self.holders[dn.fold(login)] = Holder(entry.dn, convert.label_of(entry, "uid") or login, uids)

    def forget(self, login: str) -> None:
        self.holders.pop(dn.fold(login), None)

    def holder(self, who: Principal) -> Holder | None:
        """The account of a principal that `know` has looked for."""
        return self.holders.get(dn.fold(who.id)) if who.kind in (PrincipalKind.PERSON, PrincipalKind.SERVICE) else None

    # Marks

    def mark(self, key: str, since: Instant | None = None) -> Mark:
        return Mark(key, owner8(self.owner), since)

    @staticmethod
    def key(change: Change, present: Mark | None = None) -> str:
        """The `k` of the mark that a change writes: whose it is, else what is there, else the name."""
        return change.identity or (present.key if present else names.key_for_mark(change.address.object))

    def is_ours(self, mark: Mark | None) -> bool:
        return mark is not None and mark.owner == owner8(self.owner)

    def why_foreign(self, entry: Entry) -> str | None:
        """Why this entry must not be touched: it carries somebody else's mark."""
        mark, foreign = convert.marks(entry.texts("description"))
        if foreign is not None:
            return f"{entry.dn} carries a mark that is not ours or cannot be read: {foreign}"
        if mark is not None and mark.owner is not None and not self.is_ours(mark):
            return f"{entry.dn} carries the mark of another owner: {mark}"
        return None

    @staticmethod
    def remarked(entry: Entry, mark: Mark | None, note: str | None = None) -> list[tuple[str, list[bytes]]]:
        """The steps on `description` that leave exactly `mark` and `note` of ours, and people's own words untouched."""
        wanted = [text.encode() for text in ([str(mark)] if mark else []) + ([note] if note else [])]
        present = [v for v in entry.values.get("description", ()) if convert.is_ours(convert.text(v))]
        gone = [v for v in present if v not in wanted]
        new = [v for v in wanted if v not in present]
        return [(how, values) for how, values in (("DELETE", gone), ("ADD", new)) if values]


def _only(found: Found, name: str, what: str) -> Entry:
    entry = found.get(name)
    if entry is not None:
        return entry.entry
    shared = found.shared.get(dn.fold(name))
    if shared:
        told = f"{len(shared)} entries are called `{name}`: {'; '.join(shared[:3])}"
        raise ProviderError(Trouble.CONFLICT, told, call=f"find {what} {name}")
    raise ProviderError(Trouble.GONE, f"there is no {what} `{name}`", call=f"find {what} {name}")


def why_other(entry: Entry, expect: Resource | None) -> ProviderError | None:
    """The name has another entry than the one that was read: somebody else's account by now."""
    told = expect.facts.native_id if expect is not None and expect.facts is not None else None
    uuid = entry.first("entryUUID")
    if told is None or uuid is None or told == uuid:
        return None
    message = f"{entry.dn} is another entry now (entryUUID {uuid}, expected {told})"
    return ProviderError(Trouble.CONFLICT, message, call=f"check {entry.dn}")


def third_value(change: Change, expect: Resource | None, found: Mapping[str, Any], mark: Mark | None) -> Outcome | None:
    """What was written by somebody else since the last look is never written over: each compared attribute is as it was
    then, or as it is to be. None where that is so."""
    was = expect.attributes if expect is not None else (change.before or {})
    after = change.after or {}
    known = set(change.before or {}) | (set(after) if expect is not None else set())
    for name in sorted(known & _COMPARED):
        now = found.get(name)
        if now not in (was.get(name), after.get(name)):
            return Refused(f"the live value has moved: {name} was {was.get(name)!r}, and is now {now!r}", moved=True)
    if change.action is Action.ADOPT:
        keys = {None if m is None else m.key for m in (expect.mark if expect is not None else None, mark)}
        if keys - {(change.before or {}).get("mark"), after.get("mark")}:
            return Refused(f"the live value has moved: it is now marked for {mark.key if mark else None}", moved=True)
    return None


_COMPARED = frozenset({"name", "email", "description", "ends"})
_PLAIN = frozenset({"cn", "sn", "mail", "description"})


def unchanged(entry: Entry, steps: Iterable[str] = ()) -> str | None:
    """A filter that the entry matches only as long as it is the very one, in the very state, that was read. Where the
    server does not tell `entryCSN`, as long as the attributes of `steps` hold the values that were read."""
    facts: Mapping[str, str | None] = {"entryUUID": entry.first("entryUUID"), "entryCSN": entry.first("entryCSN")}
    tests = [f"({name}={dn.escape_filter(value)})" for name, value in facts.items() if value]
    if not facts["entryCSN"]:
        for name in sorted(_PLAIN.intersection(s.lower() for s in steps)):
            tests += [f"({name}={dn.escape_filter(v)})" for v in entry.texts(name)] or [f"(!({name}=*))"]
    return f"(&{''.join(tests)})" if tests else None


def outcome_of(error: ProviderError) -> Outcome:
    """What a failed call means for its change."""
    return Unknown(error=error) if error.trouble is Trouble.UNKNOWN else Failed(error)


def refused(why: str) -> Outcome:
    return Refused(why)
