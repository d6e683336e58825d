"""Everything that a tree of access files declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from provisioner.model.block import Block
from provisioner.model.environment import Environment
from provisioner.model.identity import Identity
from provisioner.model.role import Role
from provisioner.model.target import EMPTY, Target


@dataclass(frozen=True, slots=True)
class Records:
    """Where journal, lock and published declarations lie, and the owner id that goes into every mark. `plan_age` is how
    long a saved plan may be applied."""

    owner: str | None = None
    journal: str | None = None
    plan_age: timedelta | None = None


@dataclass(frozen=True)
class DeclaredAccess:
    """`identities` holds people and services by id: an id is unique over both. `targets` is keyed by full name, so the
    instances of a target that has many are each their own entry. `tree` is git's tree id of the access folder, computed
    from the files as read. `guardrails` and the raw blocks below it are carried for the rooms that use them.
    """

    identities: Mapping[str, Identity] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    records: Records = Records()
    guardrails: Block = EMPTY
    stores: Block = EMPTY
    pipelines: Block = EMPTY
    sources: Block = EMPTY
    tree: str = ""

    def family(self, name: str) -> Iterator[Target]:
        """The target called `name`, or all its instances."""
        return (t for t in self.targets.values() if t.family == name)
