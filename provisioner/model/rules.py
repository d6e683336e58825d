"""What one plan may not do: the guardrails as the files say them, with the lines that say so. Judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.diagnostics import NOWHERE, Location
from provisioner.model.address import Kind
from provisioner.model.block import Block
from provisioner.model.instant import Instant

NEWCOMERS = 10
"""How many people may come newly into a protected environment by one plan, where it says nothing else."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A percentage; `location` is None where the files do not say it and the default counts."""

    percent: int
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class Administrators:
    """Of one target, or of each instance of one: how many there must be, and who is always among them."""

    minimum: int = 1
    required: tuple[str, ...] = ()
    location: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Separate:
    """Two things that nobody may hold both of; each is a grants block by target, and any part of it is the thing."""

    name: str
    sides: tuple[Mapping[str, Block], Mapping[str, Block]]
    location: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """The reviewed way through, until its end. It names people, a role or addresses; or how many of a kind may go from
    a target; or that a target is another system now; or that its journal is lost (`journal_lost`)."""

    reason: str
    until: Instant
    people: tuple[str, ...] = ()
    role: str | None = None
    addresses: tuple[str, ...] = ()
    target: str | None = None
    kind: Kind | None = None
    count: int | None = None
    system: str | None = None
    removals: bool = False
    location: Location = NOWHERE
    journal_lost: bool = False

    def reaches(self, target: str) -> bool:
        """Whether it is about `target`, or about all of them."""
        return self.target is None or self.target in (target, target.partition("/")[0])


@dataclass(frozen=True)
class Rules:
    """Everything under `guardrails:`. `administrators` is keyed by target, or target/instance (the narrower wins);
    `break_glass` by id. `owners` approve changes to the guardrails, and to what nobody else owns. `approvals_required`:
    `apply` gives nothing that lacks the approval of its owners."""

    group: Limit = Limit(50)
    target: Limit = Limit(10)
    administrators: Mapping[str, Administrators] = field(default_factory=dict)
    break_glass: Mapping[str, Location] = field(default_factory=dict)
    separate: tuple[Separate, ...] = ()
    acknowledgements: tuple[Acknowledgement, ...] = ()
    owners: tuple[str, ...] = ()
    approvals_required: bool = False

    def administrators_of(self, target: str) -> Administrators | None:
        """The rule for one target or instance, if there is one."""
        return self.administrators.get(target) or self.administrators.get(target.partition("/")[0])
