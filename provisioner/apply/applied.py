"""What an apply came to: a value for reports and exit statuses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from provisioner.contract import Accepted, Failed, Outcome, Refused, StillHas, Unknown
from provisioner.contract.outcome import is_success
from provisioner.diagnostics import Diagnostic
from provisioner.model.change import Change
from provisioner.records.entries import Reason, Result
from provisioner.records.run import RunInfo


@dataclass(frozen=True, slots=True)
class Progress:
    """Told as work goes on, from any thread, one at a time: `done` of `of` changes of `target`. `words` are those of
    the change in hand, or of the last one that was finished."""

    target: str
    done: int
    of: int
    words: str


@dataclass(frozen=True)
class TargetApplied:
    """What became of one target's changes. `why_not` says what keeps it from having converged."""

    target: str
    changes: tuple[Change, ...]
    results: Mapping[str, Result]
    converged: bool = False
    why_not: str = ""

    @property
    def succeeded(self) -> tuple[Change, ...]:
        return tuple(c for c in self.changes if is_success(self.results[c.id].outcome))

    @property
    def failed(self) -> tuple[Change, ...]:
        return tuple(c for c in self.changes if is_failure(self.results[c.id]))


@dataclass(frozen=True)
class Applied:
    """`outcomes` and `reasons` are by change id and have every change of the plan that this run was for.

    For exit statuses: `interrupted` (130), `any_failed` (8), `unreadable` (5). `diagnostics` is what went wrong beside
    the changes themselves (the journal could not be written any more)."""

    run: RunInfo
    changes: tuple[Change, ...]
    results: Mapping[str, Result]
    targets: Mapping[str, TargetApplied] = field(default_factory=dict)
    converged: frozenset[str] = frozenset()
    unreadable: frozenset[str] = frozenset()
    interrupted: bool = False
    diagnostics: tuple[Diagnostic, ...] = ()

    @cached_property
    def outcomes(self) -> Mapping[str, Outcome]:
        return {i: r.outcome for i, r in self.results.items()}

    @cached_property
    def reasons(self) -> Mapping[str, Reason]:
        return {i: r.reason for i, r in self.results.items()}

    @property
    def succeeded(self) -> tuple[Change, ...]:
        return self._those(is_success(r.outcome) for r in self._in_order())

    @property
    def failed(self) -> tuple[Change, ...]:
        """Failed, moved, not to be looked at, unanswered, accepted past its time, or still held in another way."""
        return self._those(is_failure(r) for r in self._in_order())

    @property
    def moved(self) -> tuple[Change, ...]:
        return self._those(r.reason is Reason.MOVED for r in self._in_order())

    @property
    def skipped(self) -> tuple[Change, ...]:
        """Not tried: what they need failed, their time is over, or the run was stopped."""
        reasons = (Reason.NEEDS, Reason.TIME, Reason.STOPPED)
        return self._those(r.reason in reasons for r in self._in_order())

    @property
    def accepted(self) -> tuple[Change, ...]:
        """The systems work on them; not done, and not failed yet."""
        return self._those(isinstance(r.outcome, Accepted) for r in self._in_order())

    @property
    def any_failed(self) -> bool:
        return bool(self.failed) or any(r.reason is Reason.NEEDS for r in self.results.values()) or self.in_trouble

    @property
    def in_trouble(self) -> bool:
        """Whether something went wrong beside the changes: the journal could not be written any more."""
        return any(d.is_error for d in self.diagnostics)

    def _in_order(self) -> Iterable[Result]:
        return (self.results[c.id] for c in self.changes)

    def _those(self, chosen: Iterable[bool]) -> tuple[Change, ...]:
        return tuple(c for c, yes in zip(self.changes, chosen, strict=True) if yes)


def is_failure(result: Result) -> bool:
    """Whether somebody must be told that this did not work. What was accepted has time; what was skipped follows from
    something else that failed."""
    if isinstance(result.outcome, Refused):
        return result.reason in (Reason.NONE, Reason.MOVED, Reason.UNSEEN, Reason.SYSTEM)
    return isinstance(result.outcome, Failed | Unknown | StillHas)
