"""The sign of life of a run: an object that it overwrites every few seconds, and what ends it when it cannot.

Others see a run that shows none for a whole lease as dead. So a run must be over by then: it stops before its next
write when half of the lease went by without one, and a process of its own is ended by the kernel at the end of the
lease, even one that was stopped meanwhile and would go on as if nothing had happened.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.records.store import RecordStore

_BEATS = 5
_LONGEST_PAUSE = 2.0


def since_boot() -> float:
    """Seconds that no clock setting moves, and that count on while the machine sleeps."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


@dataclass(frozen=True, slots=True)
class Times:
    """`lease`: without a sign of life for so long, a run is dead. `deadline`: how long its last call may still be under
    way then. In seconds."""

    lease: float = 60.0
    deadline: float = 15.0
    clock: Callable[[], float] = since_boot

    @property
    def every(self) -> float:
        """Between two signs of life."""
        return min(_LONGEST_PAUSE, self.lease / _BEATS)


class Heartbeat:
    """Beats from `start` to `stop`, in a thread of its own. `armed`: this process is nobody else's and may be ended."""

    def __init__(self, store: RecordStore, run: str, times: Times, *, armed: bool = False) -> None:
        self._store, self._run, self._times, self._armed = store, run, times, armed
        self._key = key_of(run)
        self._begun = 0.0  # of the last beat that arrived
        self._count = 0
        self._end = threading.Event()
        self._lost: Diagnostic | None = None
        self._on_lost: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Raises ProvisionError where the store cannot keep two runs apart, or cannot be written."""
        begun = self._times.clock()
        if not self._store.create(self._key, self._data()):
            raise _not_apart(self._store.where(self._key), "an object of this run's own is there already")
        self._count += 1
        if self._store.create(self._key, self._data()):
            with suppress(ProvisionError):
                self._store.remove(self._key)
            raise _not_apart(self._store.where(self._key), "an object was created twice, and must not be")
        self._arm(begun)
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Also where it was never started. What cannot be removed is left behind."""
        self._end.set()
        if self._thread is None:
            return
        self._thread.join()
        self._thread = None
        if self._armed:
            signal.setitimer(signal.ITIMER_REAL, 0)
        with suppress(ProvisionError):
            self._store.remove(self._key)

    def on_lost(self, tell: Callable[[], None]) -> None:
        """`tell` is called, from any thread, when this run must not go on; at once where that is so already."""
        self._on_lost.append(tell)
        if self._lost is not None:
            tell()

    def lost(self) -> Diagnostic | None:
        """Why this run must not write any more. To be asked right before each write."""
        if self._lost is None and self._times.clock() - self._begun >= self._times.lease * 0.9:
            self._lose("this run showed no sign of life for too long: it was stopped, or the machine was asleep")
        return self._lost

    def _beat(self) -> None:
        while not self._end.wait(self._times.every):
            begun = self._times.clock()
            try:
                self._store.replace(self._key, self._data())
            except ProvisionError as error:
                if self._times.clock() - self._begun >= self._times.lease / 2:
                    self._lose("; ".join(d.message for d in error.diagnostics))
                continue
            self._count += 1
            self._arm(begun)

    def _arm(self, begun: float) -> None:
        """Until a lease after `begun`, which was before others could see this sign of life."""
        self._begun = begun
        if not self._armed:
            return
        while True:
            left = self._times.lease - (self._times.clock() - begun)
            signal.setitimer(signal.ITIMER_REAL, max(left, 1e-6))
            if self._times.lease - (self._times.clock() - begun) > left - 0.05:
                return  # else we were stopped between looking at the clock and setting the timer

    def _lose(self, why: str) -> None:
        if self._lost is not None:
            return
        self._lost = Diagnostic(
            "lock-lost",
            f"run {self._run} stopped before its next change: {why}",
            why=f"others take a run for dead that shows no sign of life for {self._times.lease:g} s, and do its work; "
            "two runs must not change one target at the same time",
            fix="run again: what was begun is looked at and finished",
        )
        for tell in self._on_lost:
            tell()

    def _data(self) -> bytes:
        return f"{self._run} {self._count}\n".encode()


def key_of(run: str) -> str:
    return f"heartbeat/{run}.json"


def _not_apart(where: str, why: str) -> ProvisionError:
    return ProvisionError(
        Diagnostic(
            "journal-store",
            f"the journal's store cannot keep two runs apart: {why} ({where})",
            why="lock and journal rest on objects that are created only if nothing is there (`If-None-Match: *`)",
            fix="keep the journal in a store that honours it, such as Amazon S3 or MinIO, or in a folder",
        )
    )
