"""Waiting for systems that finish later, and reading back: what makes `the call succeeded` into `done`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from provisioner.apply.freshness import Ours, addresses_of, proven, shows, still_waits
from provisioner.apply.retry import Waits, attempt, look, poll, was_not_sent
from provisioner.contract import (
    Accepted,
    Capabilities,
    Failed,
    Outcome,
    ProviderError,
    Reader,
    Reading,
    Trouble,
    Unknown,
    Waiting,
    Writer,
)
from provisioner.contract.outcome import is_success
from provisioner.model.change import Change
from provisioner.model.instant import Instant

_MAY_BE_SO = frozenset({Trouble.GONE, Trouble.CONFLICT})


def settle(writer: Writer, accepted: Accepted, waits: Waits, stopped: Callable[[], bool]) -> Outcome:
    """Poll what the system works on until it is done, has failed, or patience is over: then it is still `accepted`."""
    found: list[Outcome] = [accepted]

    def step() -> bool:
        outcome = attempt(1, lambda: (writer.settle(accepted.receipt, waits.deadline()),))[0]
        if was_not_sent(outcome) or isinstance(outcome, Unknown):
            return False  # the question got no answer: ask again
        found.append(outcome)
        return not isinstance(outcome, Accepted)

    poll(waits, waits.patience, step, stopped)
    return found[-1]


@dataclass
class ReadBack:
    """Looks until everything that was written shows, each for as long as its kind may take."""

    reader: Reader
    capabilities: Capabilities
    ours: Ours
    waits: Waits
    clock: Callable[[], Instant]
    stopped: Callable[[], bool]
    _last: Reading | None = None
    _error: ProviderError | None = None
    _proven: dict[str, Outcome] = field(default_factory=dict)

    def prove(self, changes: Sequence[Change], told: Mapping[str, Outcome]) -> dict[str, Outcome]:
        """What became of `changes`, of which the writer told `told`: done only where it was read back."""
        pending = [c for c in changes if _worth_a_look(told[c.id])]
        waiting = [c for c in pending if is_success(told[c.id])]
        start = self.waits.monotonic()
        limit = max((self._limit(c) for c in waiting), default=0.0)

        def step() -> bool:
            passed = self.waits.monotonic() - start
            self._look([c for c in pending if c.id not in self._proven], told)
            return all(c.id in self._proven or self._limit(c) < passed for c in waiting)

        if pending:
            poll(self.waits, limit, step, self.stopped)
        waited = self.waits.monotonic() - start
        return {c.id: self._proven.get(c.id) or self._unproven(c, told[c.id], waited) for c in changes}

    def _limit(self, change: Change) -> float:
        settles = self.capabilities.settle_seconds.get(change.address.kind, 0.0)
        return min(max(settles, self.waits.glance), self.waits.patience)

    def _look(self, changes: Sequence[Change], told: Mapping[str, Outcome]) -> None:
        try:
            self._last = look(self.reader, list(dict.fromkeys(a for c in changes for a in addresses_of(c))), self.waits)
        except ProviderError as error:
            self._last, self._error = None, error
            return
        for change in changes:
            outcome = proven(change, self._last, self.ours)
            if outcome is None and isinstance(told[change.id], Waiting):
                outcome = still_waits(change, self._last)
            if outcome is not None:
                self._proven[change.id] = outcome

    def _unproven(self, change: Change, told: Outcome, waited: float) -> Outcome:
        if not is_success(told):
            return told
        if self._last is None:
            return Unknown(error=self._error)
        settles = self.capabilities.settle_seconds.get(change.address.kind, 0.0)
        if waited < settles:
            return Accepted("read-back", self.clock() + timedelta(seconds=settles - waited))
        now = shows(change, self._last)
        error = ProviderError(Trouble.CONFLICT, f"the call succeeded, and reading back shows {now}", call="read-back")
        return Unknown(error=error) if self.stopped() else Failed(error)


def _worth_a_look(told: Outcome) -> bool:
    """Successes are proven. What was unanswered, accepted, gone or in the way may be as it should all the same."""
    if isinstance(told, Failed):
        return told.error.trouble in _MAY_BE_SO
    return is_success(told) or isinstance(told, Unknown | Accepted)
