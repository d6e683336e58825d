"""What the files said since a target last converged: who was declared, and what they were to hold.

A past revision is resolved without regard to time: what was ever to be held may be taken back. Work is spared where a
revision shares its files with the next newer one: an identity that is the very same value under the same roles, targets
and environments is not resolved again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from provisioner.contract import Declare
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.identity import Identity
from provisioner.model.past import Once, Past, PastDeclared
from provisioner.resolve.desired import desire


def remember(
    revisions: Iterable[PastDeclared], current: DeclaredAccess, declares: Mapping[str, Declare]
) -> dict[str, Past]:
    """`revisions` newest first. The newest wording wins where a thing was asked for more than once."""
    pasts = {name: Past() for name in declares}
    here = set(current.identities) | {old for i in current.identities.values() for old in i.was}
    done: set[tuple[int, tuple[int, ...]]] = set()
    kept: list[DeclaredAccess] = []  # ids of values are compared, so the values must stay alive
    for revision in revisions:
        kept.append(revision.declared)
        names = {n: d for n, d in declares.items() if n in revision.targets}
        for name in names:
            pasts[name].known = True
        context = _context(revision.declared, names)
        fresh = [i for i in revision.declared.identities.values() if (id(i), context) not in done]
        done.update((id(i), context) for i in fresh)
        for name in names:
            pasts[name].ids.update(revision.declared.identities)
        for identity in revision.declared.identities.values():
            if identity.id not in here:
                for name in names:
                    pasts[name].departed.setdefault(identity.id, (identity, revision.name))
        # The target's own settings of today read yesterday's grants: a moved base or account is today's to know.
        at_hand = _with_targets_of(revision.declared, current)
        for name, desired in desire(at_hand, names, None, only=fresh).items():
            past = pasts[name]
            past.managed = desired.managed
            for address, resource in desired.state.resources.items():
                holder = _holder(desired.logins, address)
                if holder is not None and address not in past.wanted:
                    past.wanted[address] = Once(holder, resource.sources, revision.name)
    return pasts


def _holder(logins: Mapping[str, Identity], address: Address) -> str | None:
    principal = address.principal
    if address.kind is not Kind.ACCOUNT and (principal is None or not principal.is_account):
        return None
    login = principal.id if principal is not None else address.object
    identity = logins.get(login)
    return identity.id if identity is not None else None


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
