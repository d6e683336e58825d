"""An environment: a label on things, and the rules for holding a role in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from provisioner.diagnostics import NOWHERE, Location


@dataclass(frozen=True, slots=True)
class Environment:
    """`standing` are roles that may be held here without an end, whatever `max_duration` says."""

    id: str
    protected: bool = False
    max_duration: timedelta | None = None
    needs_reason: bool = False
    standing: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    location: Location = NOWHERE
