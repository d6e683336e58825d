"""What the files said since a target last converged: who was declared, and what they were to hold.

A past revision is resolved without regard to time: what was ever to be held may be taken back. Who held what is worked
out login by login, when something of theirs is found that nobody asks for; mostly nothing is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from provisioner.contract import Declare
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.identity import Identity
from provisioner.model.past import Once, Past, PastDeclared
from provisioner.resolve.desired import Resolver


def remember(
    revisions: Iterable[PastDeclared], current: DeclaredAccess, declares: Mapping[str, Declare]
) -> dict[str, Past]:
    """`revisions` newest first. The newest wording wins where a thing was asked for more than once."""
    told: dict[str, list[_Revision]] = {name: [] for name in declares}
    kept: list[_Revision] = []  # ids of values are compared, so the values must stay alive
    pasts = {name: Past(wanted=_Wanted(name, told[name])) for name in declares}
    here = set(current.identities) | {old for i in current.identities.values() for old in i.was}
    done: set[tuple[int, tuple[int, ...]]] = set()
    for revision in revisions:
        names = {n: d for n, d in declares.items() if n in revision.targets}
        context = _context(revision.declared, names)
        identities = revision.declared.identities
        fresh = [i for i in identities.values() if (id(i), context) not in done]
        done.update((id(i), context) for i in fresh)
        gone = [i for i in identities.values() if i.id not in here]
        # The target's own settings of today read yesterday's grants: a moved base or account is today's to know.
        resolver = Resolver(_with_targets_of(revision.declared, current), names, None)
        one = _Revision(revision, resolver, fresh)
        kept.append(one)
        for name in names:
            pasts[name].known = True
            pasts[name].ids.update(identities)
            for identity in gone:
                pasts[name].departed.setdefault(identity.id, (identity, revision.name))
            told[name].append(one)
    for name, past in pasts.items():
        if told[name]:
            past.managed = told[name][-1].managed(name)
    return pasts


@dataclass
class _Revision:
    """One past state; `fresh` are the identities that no newer one has the very same."""

    past: PastDeclared
    resolver: Resolver
    fresh: list[Identity]
    _managed: dict[str, set[tuple[Kind, str]]] | None = None

    def managed(self, target: str) -> set[tuple[Kind, str]]:
        if self._managed is None:
            self._managed = {n: d.managed for n, d in self.resolver.resolve((), things=True).items()}
        return self._managed[target]


@dataclass
class _Wanted(Mapping[Address, Once]):
    """`Past.wanted` of one target."""

    target: str
    revisions: list[_Revision]
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


def _context(declared: DeclaredAccess, names: Iterable[str]) -> tuple[int, ...]:
    return (
        *sorted(id(r) for r in declared.roles.values()),
        *sorted(id(e) for e in declared.environments.values()),
        hash(frozenset(names)),
    )


def _with_targets_of(past: DeclaredAccess, current: DeclaredAccess) -> DeclaredAccess:
    return DeclaredAccess(
        identities=past.identities,
        roles=past.roles,
        environments=past.environments,
        targets={**past.targets, **current.targets},
        records=current.records,
        tree=past.tree,
    )
