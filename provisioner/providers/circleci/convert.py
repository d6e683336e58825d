"""CircleCI's answers -> resources. Pure; knows shapes, makes no calls, and decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.model.address import Address, Kind
from provisioner.model.resource import Facts, Resource
from provisioner.providers.circleci import openness

Row = Mapping[str, Any]
GROUP, PROJECT, EXPRESSION = "group", "project", "expression"
VARIABLES = "variables"
"""The fact that holds the names of a context's variables, where they were read."""


@dataclass(frozen=True)
class Restriction:
    """One restriction of a context; `name` is what CircleCI calls the group or project."""

    id: str
    kind: str
    value: str
    name: str

    @classmethod
    def of(cls, row: Row) -> Restriction:
        kind = str(row.get("restriction_type") or "")
        value = str(row.get("restriction_value") or row.get("project_id") or "")
        return cls(str(row["id"]), kind, value, str(row.get("name") or value))

    @property
    def key(self) -> tuple[str, str]:
        """What it is, whatever its id. Spaces in a rule mean nothing."""
        return self.kind, " ".join(self.value.split()) if self.kind == EXPRESSION else self.value


@dataclass(frozen=True)
class Place:
    """The organization whose contexts they are: its id, whether it has groups for them, names of projects by id."""

    id: str
    has_groups: bool = True
    projects: Mapping[str, str] = field(default_factory=dict)


def open_to(restrictions: Iterable[Restriction], place: Place) -> openness.OpenTo:
    """Who they let in. The group of all members goes by the organization's own id; where there are no groups, all
    members come in, as far as the rest lets them."""
    rows = list(restrictions)
    groups = [r for r in rows if r.kind == GROUP]
    return openness.live(
        (group_name(r.name) for r in groups if r.value != place.id),
        any(r.value == place.id for r in groups) or not (groups or place.has_groups),
        (place.projects.get(r.value) or openness.short(r.name) for r in rows if r.kind == PROJECT),
        (r.key[1] for r in rows if r.kind == EXPRESSION),
    )


def group_name(name: str) -> str:
    """As the forge's slug has it."""
    return openness.short(name).replace(" ", "-")


def context(target: str, row: Row, restrictions: Iterable[Restriction], place: Place) -> Resource:
    address = Address(target, Kind.CONTROL, str(row["name"]))
    return Resource(address, {"open_to": open_to(restrictions, place)}, facts=Facts(str(row["id"])))


def holding(context: Resource, names: Iterable[str]) -> Resource:
    """With the names of its variables, which are not compared as access is."""
    native = context.facts.native_id if context.facts is not None else None
    return replace(context, facts=Facts(native, more={VARIABLES: " ".join(sorted(names))}))
