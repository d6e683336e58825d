"""Everything that a tree of access files declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from provisioner.model.block import Block
from provisioner.model.environment import Environment
from provisioner.model.identity import Identity
from provisioner.model.role import Role
from provisioner.model.rules import Rules
from provisioner.model.source import Source
from provisioner.model.target import EMPTY, Target


@dataclass(frozen=True, slots=True)
class Records:
    """Where journal, lock and published declarations lie, and the owner id that goes into every mark.

    A run that shows no sign of life for a whole `lease` is taken for dead. `deadline` is how long one remote call may
    take, and how long whoever takes over from a dead run waits for its last one. `plan_age` is how long a saved plan
    may be applied."""

    owner: str | None = None
    journal: str | None = None
    lease: timedelta = timedelta(seconds=60)
    deadline: timedelta = timedelta(seconds=15)
    plan_age: timedelta | None = None


@dataclass(frozen=True)
class DeclaredAccess:
    """`identities` holds people and services by id: an id is unique over both. `targets` is keyed by full name, so the
    instances of a target that has many are each their own entry. `tree` is git's tree id of the access folder, computed
    from the files as read. `rules` is what `guardrails` says;
    the raw blocks are carried for the rooms that use them.
    """

    identities: Mapping[str, Identity] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    targets: Mapping[str, Target] = field(default_factory=dict)
    records: Records = Records()
    stores: Block = EMPTY
    pipelines: Block = EMPTY
    sources: Mapping[str, Source] = field(default_factory=dict)
    tree: str = ""
    rules: Rules = field(default_factory=Rules)

    def family(self, name: str) -> Iterator[Target]:
        """The target called `name`, or all its instances."""
        return (t for t in self.targets.values() if t.family == name)
