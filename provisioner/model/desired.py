"""What should exist on one target, and on whose word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.diagnostics import Diagnostic, Location
from provisioner.model.address import Address, Kind
from provisioner.model.assignment import Assignment
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant
from provisioner.model.state import State
from provisioner.model.target import Target


@dataclass(frozen=True, slots=True)
class Because:
    """Why somebody should hold something: the assignment, and the path of roles from it to the grants block."""

    path: tuple[str, ...]
    assignment: Assignment
    environments: frozenset[str]
    grant: Location


@dataclass(frozen=True, slots=True)
class Over:
    """A grant that the files still have and whose time is over."""

    until: Instant
    identity: str
    sources: tuple[Location, ...]


@dataclass(slots=True)
class Desired:
    """What should exist on one target. `logins` says whose each desired login is; `because` (worked out when asked) on
    whose word somebody should hold something; `later` when what has not begun does; `over` what has lapsed; `managed`
    the things (kind of what hangs on them, object) that some role grants or the target declares; `explicit` the
    addresses that the target itself declares; `impossible` the identities whose account the system cannot hold, with
    the reason among `unsupported`.
    """

    target: Target
    state: State = field(default_factory=State)
    logins: dict[str, Identity] = field(default_factory=dict)
    because: Mapping[Address, tuple[Because, ...]] = field(default_factory=dict)
    later: dict[Address, tuple[Instant, str]] = field(default_factory=dict)
    over: dict[Address, Over] = field(default_factory=dict)
    managed: set[tuple[Kind, str]] = field(default_factory=set)
    explicit: set[Address] = field(default_factory=set)
    impossible: set[str] = field(default_factory=set)
    unsupported: list[Diagnostic] = field(default_factory=list)
