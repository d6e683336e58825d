"""What two parties have in common in a cluster: privileges on datasets, as a set of atoms, and roles that both are in.
Pure.

Everything here only allows, so what is left out narrows. What a role gives that the files do not describe counts only
where both are in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce

from provisioner.contract import Shared
from provisioner.model.address import Kind
from provisioner.model.instant import Instant
from provisioner.model.resource import Resource
from provisioner.providers.postgresql import names
from provisioner.providers.postgresql.names import Thing

Atom = tuple[Thing, str]
"""A thing and one privilege on it."""


@dataclass
class _Held:
    """What one party has. `direct` are the things themselves."""

    atoms: dict[Atom, Resource] = field(default_factory=dict)
    groups: dict[str, Resource] = field(default_factory=dict)


def shared(
    person: Iterable[Resource],
    scope: Iterable[Resource],
    inside: Mapping[str, tuple[Resource, ...]],
    main: str,
) -> Shared:
    """`inside` has what declared roles hold, for those of which the files say it completely; `main` is the database of
    bare paths."""
    mine, theirs = _held(person, inside, main), _held(scope, inside, main)
    atoms: dict[Atom, Resource] = {}
    for wide_atoms, narrow_atoms in ((mine.atoms, theirs.atoms), (theirs.atoms, mine.atoms)):
        for (narrow, privilege), resource in narrow_atoms.items():
            over = [r.until for (t, p), r in wide_atoms.items() if p == privilege and t.covers(narrow, privilege)]
            if over:
                atoms[narrow, privilege] = replace(resource, until=_first(resource.until, reduce(_later, over)))
    kept = {
        (thing, privilege): resource
        for (thing, privilege), resource in atoms.items()
        if not any(t != thing and p == privilege and t.covers(thing, p) for t, p in atoms)
    }
    groups = {
        name: replace(resource, until=_first(resource.until, theirs.groups[name].until))
        for name, resource in mine.groups.items()
        if name in theirs.groups and name not in inside
    }
    cannot = [f"whoever is in {name} can make themselves the superuser" for name in groups if name in names.ADMIN_ROLES]
    cannot += [
        f"with {privilege} on {thing.text(main)} a run makes things that work with others' rights, after its end too"
        for thing, privilege in kept
        if privilege in names.MAKES
    ]
    things = sorted((*kept.values(), *groups.values()), key=lambda r: (r.address.object, r.address.slot or ""))
    return Shared(tuple(things), tuple(cannot))


def _held(things: Iterable[Resource], inside: Mapping[str, tuple[Resource, ...]], main: str) -> _Held:
    held = _Held()
    for resource in things:
        address = resource.address
        if address.kind is Kind.MEMBERSHIP:
            held.groups[address.object] = resource
            for given in inside.get(address.object, ()):
                _add(held, replace(given, until=resource.until), main)
        elif address.kind is Kind.GRANT:
            _add(held, resource, main)
    return held


def _add(held: _Held, resource: Resource, main: str) -> None:
    address = resource.address
    if names.is_other(address.object) or address.slot is None:
        return
    atom = (names.parse(address.object, main), address.slot)
    known = held.atoms.get(atom)
    held.atoms[atom] = resource if known is None else replace(resource, until=_later(known.until, resource.until))


def _first(one: Instant | None, other: Instant | None) -> Instant | None:
    ends = [end for end in (one, other) if end is not None]
    return min(ends) if ends else None


def _later(one: Instant | None, other: Instant | None) -> Instant | None:
    return None if one is None or other is None else max(one, other)
