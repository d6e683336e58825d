"""Who is in a source, by immutable id, and in which groups: a listing as this room wants it.

A listing that is not whole says so in `gaps`; what follows from that is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from provisioner.contract import Listing, SourceReader
from provisioner.model.address import Kind
from provisioner.model.coverage import Coverage
from provisioner.model.ownership import ownership
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import NOTHING, Facts
from provisioner.model.source import Source
from provisioner.model.way import Ownership

_NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody in a source. `place` is where their entry lies, `ours` says that the account carries our mark, and
    `groups` those that they are in, also by way of groups within groups."""

    id: str
    login: str
    place: str
    name: str | None = None
    email: str | None = None
    locked: bool = False
    switched_off: bool = False
    ours: bool = False
    groups: frozenset[str] = frozenset()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def disabled(self) -> bool:
        """Whether the source has them switched off: by a lock, or by what its own filter says."""
        return self.locked or self.switched_off


@dataclass(frozen=True)
class Roster:
    """`people` by immutable id; `groups` has the immutable id of each, by name; `strangers` how many members of a group
    are nobody of the source."""

    source: Source
    system: str
    people: Mapping[str, Listed]
    groups: Mapping[str, str | None] = field(default_factory=dict)
    strangers: Mapping[str, int] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    calls: int = 0

    @property
    def complete(self) -> bool:
        return not self.gaps


def read(source: Source, reader: SourceReader, owner: str | None, known: Collection[str], *, groups: bool) -> Roster:
    """`owner` is `records.owner`, by which an account's mark is ours; `known` are the ids that people are known by:
    whoever of them did not come is asked for once more. ProviderError where it could not be read."""
    found = roster(source, reader.system(), reader.people(groups=groups), owner)
    missing = frozenset(known) - found.people.keys()
    if not missing or not found.complete or found.system != source.system:
        return found
    there = reader.there(missing)
    if not there:
        return found
    gap = f"accounts: {len(there):,} did not come in bulk and are there ({', '.join(sorted(there)[:3])})"
    return replace(found, gaps=(*found.gaps, gap))


def roster(source: Source, system: str, listing: Listing, owner: str | None) -> Roster:
    """The listing by immutable ids. Whoever has none that can be seen is a gap: nobody could tell who is missing."""
    state, coverage = listing.reading.state, listing.reading.coverage
    in_groups, strangers = _in_groups(listing, source.target)
    people: dict[str, Listed] = {}
    nameless: list[str] = []
    for account in state.of_kind(Kind.ACCOUNT):
        facts = account.facts or _NO_FACTS
        if "shared" in facts.more:
            continue  # stands for several entries, each of which is listed by where it lies
        if facts.native_id is None:
            nameless.append(account.address.object)
            continue
        people[facts.native_id] = Listed(
            facts.native_id,
            account.address.object,
            facts.more.get("dn", account.address.object),
            facts.name,
            facts.email,
            account.attributes.get("enabled") is False,
            facts.native_id in listing.switched_off,
            ownership(account, owner) is Ownership.OWNED,
            frozenset(in_groups.get(account.address.object, ())),
            listing.values.get(facts.native_id, NOTHING),
        )
    found = {}
    for group in state.of_kind(Kind.GROUP):
        facts = group.facts or _NO_FACTS
        if "shared" not in facts.more:
            found[group.address.object] = facts.native_id
    gaps = _gaps(coverage, nameless)
    return Roster(source, system, people, found, strangers, gaps, listing.calls)


def _gaps(coverage: Coverage, nameless: list[str]) -> tuple[str, ...]:
    told = [f"{gap.scope}: {gap.proof}" for gap in coverage.gaps]
    if nameless:
        told.append(f"accounts: the immutable ids of {len(nameless):,} cannot be seen ({', '.join(nameless[:3])})")
    return tuple(told)


def _in_groups(listing: Listing, target: str) -> tuple[dict[str, set[str]], dict[str, int]]:
    """The groups that each account is in, and how many members of each group are no account that was read."""
    members: dict[str, list[Principal]] = {}
    for membership in listing.reading.state.of_kind(Kind.MEMBERSHIP):
        if membership.address.principal is not None and membership.gives_access:
            members.setdefault(membership.address.object, []).append(membership.address.principal)
    found: dict[str, set[str]] = {}
    strangers: dict[str, int] = {}
    for group in members:
        seen, waiting = {group}, [group]
        told: set[Principal] = set()
        while waiting:
            for who in members.get(waiting.pop(), ()):
                if who in told:
                    continue
                told.add(who)
                if who.kind is PrincipalKind.GROUP and who.realm == target:
                    if who.id not in seen:
                        seen.add(who.id)
                        waiting.append(who.id)
                elif who.is_account:
                    found.setdefault(who.id, set()).add(group)
                else:
                    strangers[group] = strangers.get(group, 0) + 1
    return found, strangers
