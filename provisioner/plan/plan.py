"""The plan as a value. Same inputs, same bytes; it never holds a secret and cannot do anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from provisioner.diagnostics import Diagnostic
from provisioner.model.address import Address
from provisioner.model.canonical import digest
from provisioner.model.change import Action, Cause, Change
from provisioner.model.coverage import ScopeCoverage
from provisioner.model.instant import Instant
from provisioner.model.outstanding import Outstanding

APPROVED_CAUSES = frozenset({Cause.DECLARED, Cause.LEAVER})


@dataclass(frozen=True, slots=True)
class TargetView:
    """What the plan knows of one target. `coverage` lists the scopes that were not read completely; `read` counts live
    resources by kind; `failed` says in words why nothing could be read, `system` what the target really is. `refused`
    is the code of the guardrail that refuses the whole target: it gets no call. `records` is the number of the newest
    record that the journal had of it; `unrecorded` how many things carry our mark there of which a journal that is lost
    said more, None where none is missing; `unseen` what the files stopped giving and no reading shows, to be asked for
    by name before the target is called in order.
    """

    complete: bool
    mode: str
    coverage: tuple[ScopeCoverage, ...] = ()
    read: Mapping[str, int] = field(default_factory=dict)
    calls: int = 0
    system: str | None = None
    failed: str | None = None
    refused: str | None = None
    records: int = 0
    unrecorded: int | None = None
    unseen: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting:
    """Due later: a leaver's account that is kept for `retention`, a grant that has not begun; or (without a time) what
    somebody was invited to and has not accepted yet."""

    address: Address
    action: Action
    not_before: Instant | None
    identity: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Stray:
    """Live, and neither declared nor ours: left alone. `newly_managed`: it was held before its group or grant came
    under mode `full`, and stays until somebody acknowledges that it goes."""

    address: Address
    why: str = ""
    identity: str | None = None
    newly_managed: bool = False


@dataclass(frozen=True, slots=True)
class Withheld:
    """A change that would be made and is not: `rule` is the code of what holds it back (a guardrail's, or
    `not-reviewed`), `why` says it in words. It is not part of `changes`, and nothing that needs it is either."""

    change: Change
    rule: str
    why: str


@dataclass(frozen=True)
class Plan:
    """`revision` is null before the first commit; `uncommitted` says that the working tree differs from it. `person`
    names the one identity that the plan is for, if it is not for all. `preview`: it is of a time to come (`--as-of`),
    and is not applied. `left` counts, by target, what this run is not for and another is to do (`expire` gives
    nothing): as long as something is left, a target is not as the files say. `judged_by` is the tree of the access
    files whose guardrails judged it: the base's, or its own."""

    engine: str
    as_of: Instant
    tree: str
    revision: str | None = None
    uncommitted: bool = False
    person: str | None = None
    targets: Mapping[str, TargetView] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    strays: tuple[Stray, ...] = ()
    outstanding: tuple[Outstanding, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    preview: bool = False
    left: Mapping[str, int] = field(default_factory=dict)
    judged_by: str = ""

    @property
    def summary(self) -> dict[str, int]:
        counted = dict.fromkeys((a.value for a in Action), 0)
        for change in self.changes:
            counted[change.action.value] += 1
        return counted

    @cached_property
    def approves(self) -> str:
        """Hash over the sorted ids of what the files ask for and of leavers: what a reviewer approves."""
        return digest(sorted(c.id for c in self.changes if c.cause in APPROVED_CAUSES))

    @property
    def complete(self) -> bool:
        return all(view.complete for view in self.targets.values())

    @property
    def refused(self) -> bool:
        """Whether something was held back by a rule of safety rather than by trouble."""
        return any(d.is_error for d in self.diagnostics)

    @property
    def unsettled(self) -> bool:
        """Whether somebody must answer for what the plan was made without, although nothing is held back for it: the
        journal of a target is lost."""
        return any(view.unrecorded is not None for view in self.targets.values())
