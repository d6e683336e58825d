"""An environment: a label on things, and the rules for holding a role in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from provisioner.diagnostics import NOWHERE, Location
from provisioner.model.rules import NEWCOMERS


@dataclass(frozen=True, slots=True)
class Environment:
    """`standing` are roles that may be held here without an end, whatever `max_duration` says. `newcomers` is how many
    people may come in newly by one plan, where the files say it."""

    id: str
    protected: bool = False
    max_duration: timedelta | None = None
    needs_reason: bool = False
    standing: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    location: Location = NOWHERE
    newcomers: int | None = None

    @property
    def most_newcomers(self) -> int | None:
        """The limit that counts; None where there is none."""
        if self.newcomers is not None:
            return self.newcomers
        return NEWCOMERS if self.protected else None
