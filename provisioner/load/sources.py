"""An entry of `sources` as the value that the other rooms use."""

from __future__ import annotations

from typing import Any

from provisioner.diagnostics import Location
from provisioner.load.places import At
from provisioner.load.schema import SourceModel
from provisioner.model.assignment import Assignment
from provisioner.model.source import AccountAttributes, Attributes, Source, SourceGroup


def source_of(model: SourceModel, at: At) -> Source:
    """`at` is the place of the entry, `model` what stands there."""
    name = str(at.base[-1])
    attributes = Attributes()
    if model.attributes is not None:
        accounts = {target: AccountAttributes(a.login, a.id) for target, a in model.attributes.accounts.items()}
        attributes = Attributes(model.attributes.name, model.attributes.email, accounts)
    groups = {}
    for group, meant in model.groups.items():
        roles = tuple(_given(held, at.key(("groups", group, "roles", n)), name) for n, held in enumerate(meant.roles))
        groups[group] = SourceGroup(roles, meant.id, at.key(("groups", group)))
    return Source(
        name,
        model.target,
        model.base,
        model.filter,
        model.disabled,
        model.system,
        attributes,
        groups,
        model.shrink.percent,
        model.shrink.people,
        tuple(model.owners),
        at.key(()),
    )


def _given(held: Any, place: Location, source: str) -> Assignment:
    if isinstance(held, str):
        return Assignment(held, location=place, source=source)
    environments = tuple(held.environments) if held.environments is not None else None
    return Assignment(held.role, environments, None, None, held.reason, place, source)
