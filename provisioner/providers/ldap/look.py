"""Point reads: the named accounts, groups and what hangs on them, a hundred in one search. Writes nothing.

An address is settled when it was found, or when the searches that would have found it came back whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from provisioner.contract import ProviderError, Reading
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.way import Way
from provisioner.providers.ldap import convert, dn, memberships, names
from provisioner.providers.ldap.calls import ReadCalls, ShortEntryError
from provisioner.providers.ldap.convert import Entry, Named

CHUNK = 100
"""Names in one search."""
_ACCOUNTS = frozenset({PrincipalKind.PERSON, PrincipalKind.SERVICE})


@dataclass
class Found:
    """The entries that have one of the names asked for; `gap` says why there may be more."""

    by_name: dict[str, Named] = field(default_factory=dict)
    shared: dict[str, list[str]] = field(default_factory=dict)
    gap: str | None = None

    def get(self, name: str) -> Named | None:
        return self.by_name.get(dn.fold(name))

    def is_absent(self, name: str) -> bool:
        return self.gap is None and dn.fold(name) not in self.by_name and dn.fold(name) not in self.shared

    @classmethod
    def of(cls, entries: Iterable[Entry], attribute: str, base: str, gap: str | None) -> Found:
        known, shared = convert.named(entries, attribute, base)
        return cls({dn.fold(n.name): n for n in known}, {dn.fold(name): found for name, found in shared.items()}, gap)


class Looking:
    """One point read of `these`."""

    def __init__(
        self,
        target: str,
        people: str,
        groups: str,
        calls: ReadCalls,
        these: Collection[Address],
        account_attributes: Sequence[str] = convert.ACCOUNT_LOOK,
    ) -> None:
        self._target, self._people_base, self._groups_base = target, people, groups
        self._calls = calls
        self._these = these
        self._account_attributes = account_attributes
        self._logins: dict[str, None] = {}
        self._groups: dict[str, None] = {}
        for address in these:
            self._note(address)

    def _note(self, address: Address) -> None:
        who = address.principal
        if address.kind is Kind.ACCOUNT:
            self._logins[address.object] = None
        elif address.kind in (Kind.GROUP, Kind.MEMBERSHIP) or address.object.startswith(names.OWNER):
            self._groups[names.group_of(address)] = None
        if who is not None and who.kind in _ACCOUNTS:
            self._logins[who.id] = None
        elif who is not None and who.kind is PrincipalKind.GROUP:
            self._groups[who.id] = None

    @property
    def searches(self) -> int:
        """How many searches this takes."""
        return -(-len(self._logins) // CHUNK) - (-len(self._groups) // CHUNK)

    def by_name(self) -> tuple[Found, Found]:
        """Accounts and groups, looked up by name."""
        people = self._find(self._logins, "uid", self._people_base, convert.ACCOUNT_FILTER, self._account_attributes)
        groups = self._find(self._groups, "cn", self._groups_base, convert.GROUP_FILTER, convert.GROUP_LOOK)
        return people, groups

    def _find(self, wanted: Iterable[str], attribute: str, base: str, filter_: str, attributes: Sequence[str]) -> Found:
        entries: list[Entry] = []
        placed: list[Named] = []
        gap = None
        pending = list(wanted)
        try:
            for at in range(0, len(pending), CHUNK):
                tests = "".join(f"({attribute}={dn.escape_filter(n)})" for n in pending[at : at + CHUNK])
                entries += self._calls.search(base, f"(&{filter_}(|{tests}))", attributes)
            for name in pending:
                if "=" in name:  # may be where one of several entries of one name lies
                    placed += self._at(name, base, filter_, attributes)
        except ProviderError as error:
            if not self._calls.bound_once:
                raise
            gap = f"{error.message} after {len(entries)} entries under {base}"
        found = Found.of(entries, attribute, base, gap)
        for item in placed:
            found.by_name.setdefault(dn.fold(item.name), item)
        return found

    def _at(self, name: str, base: str, filter_: str, attributes: Sequence[str]) -> list[Named]:
        try:
            dn.parse(name)
        except ValueError:
            return []
        entry = self._calls.entry(f"{name},{base}", attributes, filter_)
        return [] if entry is None else [Named(name, entry)]

    def settle(
        self, people: Found, groups: Found, accounts: Mapping[str, Resource], hides: frozenset[str] = frozenset()
    ) -> Reading:
        """What is known of each address, in the spelling that was asked for. `accounts` are the people found, by name;
        `hides` what cannot be seen of them."""
        state: dict[Address, Resource] = {}
        looked: set[Address] = set()
        scopes: dict[Scope, ScopeCoverage] = {}
        whole: dict[str, tuple[Entry, bool]] = {}
        for address in self._these:
            found, settled = self._one(address, people, groups, accounts, whole)
            if found is not None:
                state[address] = found
            if settled or found is not None:
                looked.add(address)
            scope = _scope(address)
            unseen = hides if address.kind is Kind.ACCOUNT else frozenset()
            if address not in looked:
                gap = people.gap or groups.gap or "the name is shared, or its members are hidden"
                scopes[scope] = ScopeCoverage(scope, Verdict.PARTIAL, gap, unseen)
            elif scope not in scopes:
                scopes[scope] = ScopeCoverage(scope, Verdict.COMPLETE, "looked up by name, result 0", unseen)
        return Reading(State.from_mapping(state), Coverage(scopes.values()), looked=frozenset(looked))

    def _one(
        self,
        address: Address,
        people: Found,
        groups: Found,
        accounts: Mapping[str, Resource],
        whole: dict[str, tuple[Entry, bool]],
    ) -> tuple[Resource | None, bool]:
        """The resource, or None; and whether it is known to be absent."""
        name = address.object
        if address.kind is Kind.ACCOUNT:
            if (found := people.get(name)) is not None:
                live = accounts[found.name]
                return Resource(address, live.attributes, live.ways, mark=live.mark, facts=live.facts), True
            return self._shared(address, people), people.is_absent(name)
        if address.kind is Kind.GROUP:
            if (found := groups.get(name)) is not None:
                live = convert.group(self._target, found)
                return Resource(address, live.attributes, live.ways, mark=live.mark, facts=live.facts), True
            return self._shared(address, groups), groups.is_absent(name)
        who = address.principal
        if who is None:
            return None, True
        if address.kind is Kind.CREDENTIAL:
            return self._credential(address, who, people)
        if address.kind is Kind.MEMBERSHIP or name.startswith(names.OWNER):
            return self._membership(address, who, people, groups, whole)
        return None, True

    def _shared(self, address: Address, found: Found) -> Resource | None:
        holders = found.shared.get(dn.fold(address.object))
        return convert.stand_in(self._target, address.kind, address.object, holders) if holders else None

    def _credential(self, address: Address, who: Principal, people: Found) -> tuple[Resource | None, bool]:
        holder = people.get(who.id)
        if holder is None:
            return None, people.is_absent(who.id)
        for live in convert.credentials(self._target, holder):
            if live.address.object == address.object:
                return Resource(address, ways=live.ways), True
        return None, True

    def _membership(
        self, address: Address, who: Principal, people: Found, groups: Found, whole: dict[str, tuple[Entry, bool]]
    ) -> tuple[Resource | None, bool]:
        group_name = names.group_of(address)
        group = groups.get(group_name)
        if group is None:
            return None, groups.is_absent(group_name)
        if group.name not in whole:
            whole[group.name] = self._whole(group.entry)
        entry, complete = whole[group.name]
        attributes = (convert.OWNER_ATTRIBUTE,) if address.kind is Kind.GRANT else convert.MEMBER_ATTRIBUTES
        keys, uids, certain = self._standing_for(who, people, groups)
        ways = tuple(
            Way(memberships.way_id(attribute, convert.text(value)))
            for attribute, value in memberships.values_of(entry, attributes, keys, uids)
        )
        if ways:
            return Resource(address, ways=ways), True
        return None, certain and complete and not convert.hides_members(entry)

    def _standing_for(self, who: Principal, people: Found, groups: Found) -> tuple[set[str], set[str], bool]:
        """The member values that mean `who`: entry names and uids; and whether there can be no others."""
        if who.kind in _ACCOUNTS:
            account = people.get(who.id)
            if account is not None:
                uids = {dn.fold(uid) for uid in account.entry.texts("uid")}
                return {dn.loose_key(account.entry.dn)}, uids, True
            if not people.is_absent(who.id):
                return set(), set(), False
            # No such account: what it may have left behind still counts, the next one of that name would inherit it.
            return {dn.key(dn.child("uid", who.id, self._people_base))}, {dn.fold(who.id)}, True
        if who.kind is PrincipalKind.GROUP:
            group = groups.get(who.id)
            return ({dn.loose_key(group.entry.dn)} if group else set()), set(), groups.gap is None
        return {dn.loose_key(who.id)}, {dn.fold(who.id)}, True

    def _whole(self, entry: Entry) -> tuple[Entry, bool]:
        """The group with all its members, or with those that came, and whether that is all."""
        try:
            return self._calls.whole(entry), True
        except ShortEntryError as error:
            return error.entry, False
        except ProviderError:
            return entry, False


def _scope(address: Address) -> Scope:
    if address.kind is Kind.CREDENTIAL and address.principal is not None:
        return Scope(address.kind, address.principal.id)
    return Scope(address.kind, address.object)
