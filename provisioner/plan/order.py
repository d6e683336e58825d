"""The order of a plan: what takes away before what gives, dependencies before what hangs on them, the gravest first.

Within that, by target and person, so that the same plan always has the same bytes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import replace

from provisioner.contract import Declare
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.effect import Level
from provisioner.model.resource import Resource

_NARROW, _NEUTRAL, _WIDEN = range(3)
_KIND = {
    Kind.CREDENTIAL: 0,
    Kind.GRANT: 1,
    Kind.MEMBERSHIP: 2,
    Kind.CONTROL: 3,
    Kind.ACCOUNT: 4,
    Kind.GROUP: 5,
}
_ACTION = {Action.DISABLE: 6, Action.DELETE: 7}
_LEVEL = {Level.ADMIN: 0, Level.ELEVATED: 1, Level.ORDINARY: 2}

Rank = tuple[int, int, int, int, str, str, str, str]


def in_order(
    changes: Iterable[Change], outstanding: frozenset[tuple[Address, Action]], needs: Mapping[str, tuple[str, ...]]
) -> tuple[Change, ...]:
    """A stable topological sort by rank. `needs` maps a change to those that must be done before it."""
    by_id = {c.id: c for c in changes}
    waits = {i: {n for n in needs.get(i, ()) if n in by_id} for i in by_id}
    follows: dict[str, list[str]] = {}
    for change_id, before in waits.items():
        for other in before:
            follows.setdefault(other, []).append(change_id)
    ranks = {i: _rank(c, (c.address, c.action) in outstanding) for i, c in by_id.items()}
    ready = [(ranks[i], i) for i, before in waits.items() if not before]
    heapq.heapify(ready)
    ordered: list[Change] = []
    while ready:
        _, change_id = heapq.heappop(ready)
        ordered.append(
            replace(by_id[change_id], needs=tuple(sorted(n for n in needs.get(change_id, ()) if n in by_id)))
        )
        for other in follows.get(change_id, ()):
            waits[other].discard(change_id)
            if not waits[other]:
                heapq.heappush(ready, (ranks[other], other))
    if len(ordered) != len(by_id):
        stuck = sorted(str(by_id[i].address) for i, before in waits.items() if before)
        raise AssertionError(f"changes need each other in a circle: {', '.join(stuck[:5])}")
    return tuple(ordered)


def _rank(change: Change, outstanding: bool) -> Rank:
    group = _NARROW if change.narrows else _WIDEN
    if not change.narrows and change.action in (Action.RENAME, Action.ADOPT, Action.RELEASE, Action.UPDATE):
        group = _NEUTRAL
    kind = _KIND[change.address.kind]
    if group == _NARROW:
        kind = _ACTION.get(change.action, kind)
    elif group == _WIDEN:
        kind = {Kind.GROUP: 0, Kind.ACCOUNT: 1}.get(change.address.kind, 2)
    return (
        group,
        0 if outstanding else 1,
        kind,
        _LEVEL[change.effect.level],
        change.address.target,
        change.identity or "",
        str(change.address),
        change.action.value,
    )


def dependencies(
    changes: Iterable[Change], declares: Mapping[str, Declare], desired: Mapping[str, Mapping[Address, Resource]]
) -> dict[str, tuple[str, ...]]:
    """What must be done before each change, also on other targets: an account and its group before a membership, all
    that an account holds before the account is deleted, a rename before anything under the new name."""
    changes = list(changes)
    gives = {c.address: c.id for c in changes if c.action in (Action.CREATE, Action.RENAME)}
    renames = {(c.address.target, c.address.object): c.id for c in changes if c.action is Action.RENAME}
    takes: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        principal = change.address.principal
        if change.action is Action.REVOKE and principal is not None and principal.is_account:
            takes.setdefault((change.address.target, principal.id), []).append(change.id)
    found: dict[str, tuple[str, ...]] = {}
    for change in changes:
        needs: set[str] = set()
        address = change.address
        if change.action in (Action.CREATE, Action.UPDATE):  # what something becomes may name a thing that is made here
            resource = desired.get(address.target, {}).get(address)
            if resource is not None and address.target in declares:
                needs |= {gives[a] for a in declares[address.target].needs(resource) if a in gives}
        login = address.principal.id if address.principal is not None else address.object
        if change.action in (Action.DELETE, Action.RELEASE) and address.kind is Kind.ACCOUNT:
            needs |= set(takes.get((address.target, address.object), ()))
        elif _is_theirs(address) and change.action is not Action.RENAME:
            needs |= {renames[key] for key in ((address.target, login),) if key in renames}
        needs.discard(change.id)
        if needs:
            found[change.id] = tuple(sorted(needs))
    return found


def _is_theirs(address: Address) -> bool:
    """Whether it is an account, or hangs on one."""
    if address.principal is None:
        return address.kind is Kind.ACCOUNT
    return address.principal.is_account
