"""One live reason why an address holds. An address may hold in several at once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from provisioner.model.address import Address
from provisioner.model.instant import Instant


class Phase(StrEnum):
    ACTIVE = "active"
    PENDING = "pending"
    SCHEDULED = "scheduled"
    SUSPENDED = "suspended"
    LAPSED = "lapsed"


EFFECTIVE = frozenset({Phase.ACTIVE, Phase.PENDING, Phase.SCHEDULED})
"""Phases in which a way gives access, or will. A suspended one (an inactive key) or a lapsed one does not."""


class Ownership(StrEnum):
    OWNED = "owned"
    FOREIGN = "foreign"
    UNCLAIMED = "unclaimed"


class Evidence(StrEnum):
    """Why something is ours to take away, strongest first."""

    MARK = "mark"
    CONTAINER = "container"
    SUBJECT = "subject"
    HISTORY = "history"
    JOURNAL = "journal"


@dataclass(frozen=True, slots=True)
class Way:
    """`native_id` is what ends it, in the system's own terms; `via` is the address it comes through, none if direct;
    `locked_by` names what keeps it from being changed here (synced from elsewhere). `ownership` is what the system
    itself tells of this one way (a mark on it); None where a way cannot hold a mark.
    """

    native_id: str = ""
    phase: Phase = Phase.ACTIVE
    via: Address | None = None
    until: Instant | None = None
    ownership: Ownership | None = None
    evidence: Evidence | None = None
    locked_by: str | None = None

    @property
    def gives_access(self) -> bool:
        return self.phase in EFFECTIVE


DIRECT = Way()
"""A plain, active way whose native id is the address itself: shared, because there are so many of them."""
