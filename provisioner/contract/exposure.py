"""Things that hold secrets and stand open: what a provider says of one, for a guardrail to judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from provisioner.model.resource import Resource


@dataclass(frozen=True, slots=True)
class Exposure:
    """`thing` is what stands open, by its name, and `how` to whom; both in the system's own terms."""

    code: str
    thing: str
    how: str
    why: str
    fix: str


@runtime_checkable
class Exposes(Protocol):
    """A `Declare` of a system with such things."""

    def exposure(self, resource: Resource, guarded: str | None) -> Exposure | None:
        """How `resource`, desired or live, stands open, if it does. `guarded` is the protected environment that it is
        labelled with."""
        ...

    def secrets_to_come(self, live: Resource) -> tuple[str, ...]:
        """The names of secrets that the files want in it and that are not there yet."""
        ...
