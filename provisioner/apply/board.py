"""What is finished, over all targets: where a change that needs another target's waits for it.

Nobody waits for ever: changes are in an order in which each comes after what it needs, every target takes the first of
its own that is ready, and a target that ends, however it ends, finishes all that it had.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto

from provisioner.apply.applied import Progress
from provisioner.contract import Accepted, StillHas
from provisioner.contract.outcome import is_success
from provisioner.model.change import Change
from provisioner.records.entries import Result


class Ready(Enum):
    YES = auto()
    NOT_YET = auto()
    NEVER = auto()


class Board:
    """Shared by all threads. `stop` may be called from a signal handler."""

    def __init__(self, changes: Iterable[Change], tell: Callable[[Progress], None] | None = None) -> None:
        self._changes: Mapping[str, Change] = {c.id: c for c in changes}
        self._results: dict[str, Result] = {}
        self._news = threading.Condition()
        self._stop = threading.Event()
        self._tell = tell
        self._telling = threading.Lock()
        self._working = 1
        self._waiting = 0
        self.version = 0

    def ready(self, change: Change) -> Ready:
        answer = Ready.YES
        for need in change.needs:
            result = self._results.get(need)
            if need not in self._changes:
                return Ready.NEVER
            if result is None:
                answer = Ready.NOT_YET
            elif not _enough(result, change):
                return Ready.NEVER
        return answer

    def why_never(self, change: Change) -> str:
        """What a change needs and will not get, in words."""
        for need in change.needs:
            other, result = self._changes.get(need), self._results.get(need)
            if other is None:
                return "needs a change that is not part of this run"
            if result is not None and not _enough(result, change):
                accepted = isinstance(result.outcome, Accepted)
                return f"needs {other.address}, which {'has not settled yet' if accepted else 'was not done'}"
        return "needs something that will not come"

    def finish(self, results: Mapping[str, Result]) -> None:
        """Say what became of changes; the first word on each stands."""
        with self._news:
            for change_id, result in results.items():
                self._results.setdefault(change_id, result)
            self._tell_all()

    def results(self) -> dict[str, Result]:
        with self._news:
            return dict(self._results)

    def result(self, change: Change) -> Result | None:
        return self._results.get(change.id)

    def begin(self, workers: int) -> None:
        """How many threads there are; each calls `leave` when it ends."""
        self._working = workers

    def leave(self) -> None:
        with self._news:
            self._working -= 1
            self._tell_all()

    def wait_past(self, version: int) -> bool:
        """Until something is finished that was not at `version`, or the run is to stop. False: everybody waits, and
        nothing will come."""
        with self._news:
            if self.version == version:
                self._waiting += 1
            while self.version == version and not self._stop.is_set():
                if self._waiting >= self._working:
                    return False
                self._news.wait(0.5)  # a signal handler cannot notify: it may run while this lock is held
            return True

    def _tell_all(self) -> None:
        """Whoever waits has something new to look at, and does not wait any more."""
        self.version += 1
        self._waiting = 0
        self._news.notify_all()

    def stop(self) -> None:
        self._stop.set()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def sleep(self, seconds: float) -> None:
        """Until then, or until the run is to stop."""
        self._stop.wait(seconds)

    def tell(self, progress: Progress) -> None:
        """A screen that is gone (a closed pipe) does not stop the work."""
        with self._telling:
            if self._tell is not None:
                try:
                    self._tell(progress)
                except OSError:
                    self._tell = None


def _enough(result: Result, dependent: Change) -> bool:
    """Whether what a change needs is done. To take more away, it is enough that ours is gone."""
    return is_success(result.outcome) or (dependent.narrows and isinstance(result.outcome, StillHas))
