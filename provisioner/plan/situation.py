"""What a plan is made of, and for whom: the values that the engine is given, and gives back. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner import __version__
from provisioner.contract import Connection, Declare, Reading
from provisioner.diagnostics import Diagnostic
from provisioner.model.access import DeclaredAccess
from provisioner.model.desired import Desired
from provisioner.model.instant import Instant
from provisioner.model.outstanding import Outstanding
from provisioner.model.past import PastDeclared
from provisioner.model.rotation import Rotation
from provisioner.model.slot import Slot
from provisioner.plan.leavers import Departed
from provisioner.plan.plan import Plan
from provisioner.plan.side import Side, TargetPlan
from provisioner.plan.turns import Choose


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of one target: what is outstanding, how much there was at the last converged run, and what
    system it was when it was last applied to. `converged` False: there was no such run, and the history goes back to
    the beginning. `records` is the number of the newest record, 0 where there is none, None where nobody looked; `gap`
    since when it goes on after a chain that is lost. `rotations` are credentials of services by their slots, None where
    nobody looked."""

    outstanding: tuple[Outstanding, ...] = ()
    counts: Mapping[str, int] | None = None
    kept: frozenset[str] = frozenset()
    system: str | None = None
    converged: bool = True
    records: int | None = None
    gap: Instant | None = None
    rotations: Mapping[str, Rotation] | None = None


@dataclass(frozen=True)
class Situation:
    """Everything that a run is given. `past` is what the files said since each target converged, newest first.
    `connections` holds the targets of this run; `person` narrows it to one identity, present or gone; `choose` leaves
    out what this run is not for (`expire` gives nothing, a reviewed apply nothing that was not reviewed). `judging` are
    the files whose guardrails count (the base's); None: the very files that are applied. `others` are the targets that
    are not for this run. `held` are those who were cut off before the files said so, with words for it: `declared` does
    not have them, `past` does; `by_source` are those of them whom a directory has no more. `preview` says that `now` is
    still to come. `journal` says for people where the journal lies. `ended` are targets that the files once had and
    that hold nothing of ours any more. `slots` are the credentials of services that the files declare.
    """

    declared: DeclaredAccess
    connections: Mapping[str, Connection]
    now: Instant
    past: tuple[PastDeclared, ...] = ()
    known: Mapping[str, Known] = field(default_factory=dict)
    revision: str | None = None
    uncommitted: bool = False
    person: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    choose: Choose | None = None
    judging: DeclaredAccess | None = None
    others: Mapping[str, Declare] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    by_source: frozenset[str] = frozenset()
    preview: bool = False
    journal: str = ""
    ended: frozenset[str] = frozenset()
    slots: tuple[Slot, ...] = ()
    engine: str = __version__

    @property
    def judges(self) -> DeclaredAccess:
        """The files whose guardrails count."""
        return self.judging or self.declared

    def known_of(self, target: str) -> Known:
        """What the journal knows of `target`; nothing, where it was never applied to."""
        return self.known.get(target, Known())

    @property
    def declares(self) -> dict[str, Declare]:
        return {name: connection.declare for name, connection in self.connections.items()}


@dataclass(frozen=True)
class Planned:
    """A plan, and what it was made of: for `apply`, and for answers to questions."""

    plan: Plan
    desired: Mapping[str, Desired]
    readings: Mapping[str, Reading]
    sides: Mapping[str, Side]
    departed: Mapping[str, Departed]
    parts: Mapping[str, TargetPlan] = field(default_factory=dict)
