"""Grants that begin with the apply (`from: merge`): from when until when, once it is known when that was.

When a line was first applied stands beside the journal, by what the line says. A line that changes is another grant,
and begins anew; one that is taken out and put in again later, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from provisioner.model.access import DeclaredAccess
from provisioner.model.assignment import Assignment
from provisioner.model.canonical import digest
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant


def has_any(declared: DeclaredAccess) -> bool:
    """Whether somebody holds something that begins with the apply."""
    return any(held.length is not None for identity in declared.identities.values() for held in identity.roles)


def begin(
    declared: DeclaredAccess, known: Mapping[str, Instant], at: Instant | None
) -> tuple[DeclaredAccess, dict[str, Instant]]:
    """`declared` with start and end for each of them, and when each began, by what its line says. What is not `known`
    begins `at`; with None it has not begun, and is not held."""
    begun: dict[str, Instant] = {}
    changed: dict[str, Identity] = {}
    for identity in declared.identities.values():
        if any(held.length is not None for held in identity.roles):
            roles = [_settled(identity, held, known, at, begun) for held in identity.roles]
            changed[identity.id] = replace(identity, roles=tuple(held for held in roles if held is not None))
    if not changed:
        return declared, begun
    return replace(declared, identities={**declared.identities, **changed}), begun


def _settled(
    identity: Identity, held: Assignment, known: Mapping[str, Instant], at: Instant | None, begun: dict[str, Instant]
) -> Assignment | None:
    if held.length is None:
        return held
    key = _key(identity, held)
    start = known.get(key, at)
    if start is None:
        return None
    begun[key] = start
    return held._replace(starts=start, until=start + held.length, length=None, floats=True)


def _key(identity: Identity, held: Assignment) -> str:
    assert held.length is not None
    return digest(
        {
            "identity": identity.id,
            "role": held.role,
            "environments": None if held.environments is None else sorted(held.environments),
            "seconds": int(held.length.total_seconds()),
            "reason": held.reason,
        }
    )
