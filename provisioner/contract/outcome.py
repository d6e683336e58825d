"""What became of one change."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.contract.errors import ProviderError
from provisioner.model.instant import Instant
from provisioner.model.way import Way


@dataclass(frozen=True, slots=True)
class Done:
    """From a writer: the call succeeded. From the executor: read back from the live system; `proof` says how."""

    proof: str = ""


@dataclass(frozen=True, slots=True)
class AlreadySo:
    proof: str = ""


@dataclass(frozen=True, slots=True)
class StillHas:
    """Ours is gone, the access is not: it holds in other ways."""

    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Accepted:
    """The system works on it; not done before it has settled."""

    receipt: str
    settles_by: Instant | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """A success that waits for somebody (an invitation)."""

    for_whom: str
    lapses: Instant | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Not tried: `why` in words (moved live value, a change it needs failed, unsupported). `moved`: the writer found a
    third value, which somebody else wrote after the last look."""

    why: str
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    error: ProviderError


@dataclass(frozen=True, slots=True)
class Unknown:
    """Sent and unanswered: the live system must be looked at before anything is said or tried again."""

    look_after: Instant | None = None
    error: ProviderError | None = None


Outcome = Done | AlreadySo | StillHas | Accepted | Waiting | Refused | Failed | Unknown


def is_success(outcome: Outcome) -> bool:
    return isinstance(outcome, Done | AlreadySo | Waiting)
