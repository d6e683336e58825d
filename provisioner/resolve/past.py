"""What the files said since a target last converged: who was declared, and what they were to hold.

A past revision is resolved without regard to time: what was ever to be held may be taken back. Who held what is worked
out login by login, when something of theirs is found that nobody asks for; mostly nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NamedTuple

from provisioner.contract import Declare
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant
from provisioner.model.past import Once, Past, PastDeclared
from provisioner.model.principal import Principal
from provisioner.model.resource import Resource
from provisioner.model.target import Mode, Target
from provisioner.resolve.desired import Resolver


def trace(current: DeclaredAccess, revisions: Sequence[PastDeclared]) -> DeclaredAccess:
    """`current`, in which everybody has all their earlier ids, also those that `was` names in a past revision only, and
    whether they had an end.

    Whoever was renamed twice names their first id no longer, and a `was` line may be tidied away before every target
    has heard of it. A line that is gone is believed only where the e-mail says, too, that it is one person.
    """
    current = _with_ends(current, revisions)
    former = {old: identity.id for identity in current.identities.values() for old in identity.was}
    more: dict[str, tuple[str, ...]] = {}
    for revision in revisions:
        for identity in (i for i in revision.declared.identities.values() if i.was):
            heir = current.identities.get(identity.id) or current.identities.get(former.get(identity.id, ""))
            if heir is None:
                continue
            for old in identity.was:
                if old in former or old in current.identities:
                    continue
                if heir.id != identity.id or _mail_of(old, revisions) == (heir.email or "").casefold() != "":
                    former[old] = heir.id
                    more[heir.id] = (*more.get(heir.id, ()), old)
    if not more:
        return current
    traced = {i.id: replace(i, was=(*i.was, *more[i.id])) if i.id in more else i for i in current.identities.values()}
    return replace(current, identities=traced)


def _with_ends(current: DeclaredAccess, revisions: Sequence[PastDeclared]) -> DeclaredAccess:
    """Whose end was taken out of the files: a target that holds it has to be told."""
    bounded = {i.id for r in revisions for i in r.declared.identities.values() if i.until is not None}
    found = {
        who: replace(identity, had_end=True)
        for who in bounded
        if (identity := current.identities.get(who)) is not None and identity.until is None
    }
    return replace(current, identities={**current.identities, **found}) if found else current


def _mail_of(old: str, revisions: Iterable[PastDeclared]) -> str:
    found = (r.declared.identities[old].email for r in revisions if old in r.declared.identities)
    return (next(found, None) or "").casefold()


def remember(
    revisions: Iterable[PastDeclared],
    current: DeclaredAccess,
    declares: Mapping[str, Declare],
    now: Instant,
    *,
    converged: Collection[str] | None = None,
    declare_as: Callable[[Target], Declare] | None = None,
) -> dict[str, Past]:
    """`revisions` newest first, `current` as `trace` gives it. The newest wording wins where a thing was asked for more
    than once. What was only to begin after `now` was never given by any of them.

    `converged` are the targets whose oldest revision is one that they converged on (None: all of them are): only there
    was anything under management. `declare_as` gives the pure side of a target as it was declared then.
    """
    told: dict[str, list[_Revision]] = {name: [] for name in declares}
    kept: list[_Revision] = []  # ids of values are compared, so the values must stay alive
    wanted = {name: _Wanted(name, told[name], now) for name in declares}
    pasts = {
        name: Past(wanted=wanted[name], logins=_Logins(name, told[name]), given_to=wanted[name].given_to)
        for name in declares
    }
    heirs: dict[str, str] = {}  # earlier ids of those who left, and under which id they did
    here = set(current.identities) | {old for i in current.identities.values() for old in i.was}
    done: set[tuple[int, tuple[int, ...]]] = set()
    for revision in revisions:
        names = {n: d for n, d in declares.items() if n in revision.targets}
        context = _context(revision.declared, names)
        identities = revision.declared.identities
        fresh = [i for i in identities.values() if (id(i), context) not in done]
        done.update((id(i), context) for i in fresh)
        gone = [i for i in identities.values() if i.id not in here]
        for identity in gone:
            heirs.update((old, heirs.get(identity.id, identity.id)) for old in identity.was if old not in heirs)
        resolver = Resolver(_with_targets_of(revision.declared, current), names, None)
        one = _Revision(revision, resolver, fresh)
        kept.append(one)
        for name in names:
            for identity in gone:
                _leave(pasts[name].departed, identity, heirs.get(identity.id), revision.name)
            told[name].append(one)
    for name, past in pasts.items():
        if told[name] and (converged is None or name in converged):
            _manage(past, name, told[name], declare_as or partial(_as_today, declares[name]))
    return pasts


def _as_today(declare: Declare, _target: Target) -> Declare:
    return declare


def _manage(past: Past, name: str, told: list[_Revision], declare_as: Callable[[Target], Declare]) -> None:
    """What was under management: at the oldest revision, and at any since. Revisions with the same roles and the same
    things under the target are looked at once."""
    done: set[tuple[int, ...]] = set()
    for revision in reversed(told):
        then = revision.past.declared.targets.get(name)
        if then is None:
            continue
        key = (id(then.objects), id(then.mode), *sorted(id(r) for r in revision.past.declared.roles.values()))
        if key in done:
            continue
        done.add(key)
        target = replace(revision.resolver.target(name), objects=then.objects)
        things = revision.things(target, declare_as(target))
        managed, complete = things.managed, set(things.complete)
        if past.mode is None:
            past.mode = then.mode
            past.settled = _Settled(name, revision, things.state)
            past.managed = managed if then.mode is Mode.FULL else set()
        if then.mode is not Mode.REPORT:
            past.once |= managed
            past.complete |= complete


def _leave(departed: dict[str, tuple[Identity, str]], identity: Identity, heir: str | None, revision: str) -> None:
    """Adds who left; an earlier id of one who left under another is theirs, and nobody by itself."""
    last = departed.get(heir) if heir is not None else None
    if last is None:
        departed.setdefault(identity.id, (identity, revision))
        return
    more = tuple(old for old in identity.was if old not in last[0].was)
    if more:
        departed[last[0].id] = (replace(last[0], was=(*last[0].was, *more)), last[1])


@dataclass
class _Revision:
    """One past state; `fresh` are the identities that no newer one has the very same."""

    past: PastDeclared
    resolver: Resolver
    fresh: list[Identity]

    def things(self, target: Target, declare: Declare) -> _Things:
        """What was managed on `target` as it was declared then, whose grants were declared completely, and what the
        target and the roles themselves asked for."""
        declared = self.resolver.declared
        then = replace(declared, targets={**declared.targets, target.name: target})
        found = Resolver(then, {target.name: declare}, None).resolve((), things=True)[target.name]
        return _Things(found.managed, frozenset(declare.complete()), found.state.resources)


class _Things(NamedTuple):
    managed: set[tuple[Kind, str]]
    complete: frozenset[tuple[Kind, Principal]]
    state: Mapping[Address, Resource]


@dataclass
class _Settled(Mapping[Address, Resource]):
    """`Past.settled` of one target: things at once, what people hold when one of them is asked for."""

    target: str
    revision: _Revision
    things: Mapping[Address, Resource]
    _held: Mapping[Address, Resource] | None = None

    def _people(self) -> Mapping[Address, Resource]:
        if self._held is None:
            identities = self.revision.past.declared.identities.values()
            self._held = self.revision.resolver.resolve(identities)[self.target].state.resources
        return self._held

    def __getitem__(self, address: Address) -> Resource:
        found = self.things.get(address)
        return found if found is not None else self._people()[address]

    def __iter__(self) -> Iterator[Address]:
        return iter({**self.things, **self._people()})

    def __len__(self) -> int:
        return len({**self.things, **self._people()})


@dataclass
class _Wanted(Mapping[Address, Once]):
    """`Past.wanted` of one target."""

    target: str
    revisions: list[_Revision]
    now: Instant
    _holders: dict[str, list[tuple[_Revision, list[Identity]]]] | None = None
    _known: dict[str, dict[Address, Once]] = field(default_factory=dict)

    def _by_login(self) -> Mapping[str, list[tuple[_Revision, list[Identity]]]]:
        """Newest first: who went by a login, revision by revision."""
        if self._holders is None:
            self._holders = {}
            for revision in self.revisions:
                found: dict[str, list[Identity]] = {}
                for identity in revision.fresh:
                    found.setdefault(identity.login_on(self.target), []).append(identity)
                for login, identities in found.items():
                    self._holders.setdefault(login, []).append((revision, identities))
        return self._holders

    def given_to(self, login: str) -> Collection[Address]:
        """`Past.given_to`."""
        return self._of(login)

    def _of(self, login: str) -> Mapping[Address, Once]:
        known = self._known.get(login)
        if known is None:
            known = self._known[login] = {}
            for revision, identities in self._by_login().get(login, ()):
                desired = revision.resolver.resolve(identities)[self.target]
                holder = desired.logins.get(login)
                if holder is None:
                    continue
                for address, resource in desired.state.resources.items():
                    if resource.starts is None or resource.starts <= self.now:
                        known.setdefault(address, Once(holder.id, resource.sources, revision.past.name))
        return known

    def __getitem__(self, address: Address) -> Once:
        if address.principal is None and address.kind is not Kind.ACCOUNT:
            raise KeyError(address)
        return self._of(address.principal.id if address.principal is not None else address.object)[address]

    def __iter__(self) -> Iterator[Address]:
        return (address for login in self._by_login() for address in self._of(login))

    def __len__(self) -> int:
        return sum(len(self._of(login)) for login in self._by_login())


@dataclass
class _Logins(Mapping[str, frozenset[str]]):
    """`Past.logins` of one target."""

    target: str
    revisions: list[_Revision]
    _known: dict[str, frozenset[str]] | None = None

    def _all(self) -> Mapping[str, frozenset[str]]:
        if self._known is None:
            found: dict[str, set[str]] = {}
            for revision in self.revisions:
                for identity in revision.fresh:
                    found.setdefault(identity.id, set()).add(identity.login_on(self.target))
            self._known = {who: frozenset(logins) for who, logins in found.items()}
        return self._known

    def __getitem__(self, identity: str) -> frozenset[str]:
        return self._all()[identity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _context(declared: DeclaredAccess, names: Iterable[str]) -> tuple[int, ...]:
    return (
        *sorted(id(r) for r in declared.roles.values()),
        *sorted(id(e) for e in declared.environments.values()),
        hash(frozenset((name, _labels(declared.targets.get(name))) for name in names)),
    )


def _labels(target: Target | None) -> object:
    """What of a target decides who gets something there."""
    if target is None:
        return None
    return target.environment, frozenset(target.labels.items()), frozenset(target.object_environments.items())


def _with_targets_of(past: DeclaredAccess, current: DeclaredAccess) -> DeclaredAccess:
    """The target's own settings of today read yesterday's grants: a moved base or account is today's to know. Its
    labels are those of then: they decided who was given what."""
    targets = {**past.targets, **current.targets}
    for name, then in past.targets.items():
        if name in current.targets and _labels(then) != _labels(targets[name]):
            labels, things = then.labels, then.object_environments
            targets[name] = replace(
                targets[name], environment=then.environment, labels=labels, object_environments=things
            )
    return DeclaredAccess(
        identities=past.identities,
        roles=past.roles,
        environments=past.environments,
        targets=targets,
        records=current.records,
        tree=past.tree,
    )
