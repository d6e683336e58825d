"""How fast a host may be asked with one credential: shared by every session that uses it.

Primary limits (so many an hour) are counted down from the headers; secondary ones (too many at once, too fast) are only
known when they are hit. Whoever is told to wait holds up all the others, and nobody asks again a moment too early.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

from provisioner.transport.answer import TransportError, Why

_EPOCH = 1_000_000_000
"""A reset above this is a point in time, below it seconds to go."""


@dataclass(frozen=True, slots=True)
class Pace:
    """`at_once` requests in hand; `patience` seconds of waiting that a read puts up with before it says `busy`;
    `between_writes` seconds from one write to the next; `unsaid` is the wait after a limit that names none."""

    at_once: int = 8
    patience: float = 90.0
    between_writes: float = 0.0
    unsaid: float = 60.0
    longest: float = 900.0
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    clock: Callable[[], float] = time.time


@dataclass
class Budget:
    """Of one host and credential. `remaining` is what the last answer said is left of the primary limit."""

    pace: Pace = field(default_factory=Pace)
    remaining: int | None = None
    sent: int = 0
    _not_before: float = 0.0
    _last_write: float = float("-inf")
    _hits: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _slots: threading.BoundedSemaphore = field(init=False)

    def __post_init__(self) -> None:
        self._slots = threading.BoundedSemaphore(self.pace.at_once)

    @contextmanager
    def turn(self, *, writing: bool, deadline: float | None, call: str) -> Iterator[None]:
        """One request's turn: waits as long as it must. TransportError (busy) where that would be too long."""
        with self._slots:
            self._wait(writing, deadline, call)
            yield

    def _wait(self, writing: bool, deadline: float | None, call: str) -> None:
        pace = self.pace
        while True:
            with self._lock:
                now = pace.monotonic()
                until = self._not_before
                if writing:
                    until = max(until, self._last_write + pace.between_writes)
                if until <= now:
                    self.sent += 1
                    if writing:
                        self._last_write = now
                    return
            wait = until - now
            latest = pace.patience if deadline is None else deadline - now
            if wait > latest:
                raise TransportError(
                    Why.BUSY, f"the rate limit is used up; it ends in {wait:.0f} seconds", call=call, wait=wait
                )
            pace.sleep(wait)

    def learn(self, headers: Mapping[str, str]) -> None:
        """Counts down by what an answer says that was no refusal; with nothing left, nobody asks before the reset."""
        remaining = _number(headers, "x-ratelimit-remaining", "ratelimit-remaining")
        with self._lock:
            self._hits = 0
            self.remaining = self.remaining if remaining is None else int(remaining)
        if remaining is None:
            return
        if remaining <= 0:
            reset = self._reset(headers)
            if reset is not None:
                self._hold(reset)

    def throttled(self, headers: Mapping[str, str]) -> float:
        """A limit was hit: how long to wait, which now holds for everybody."""
        wait = _retry_after(headers, self.pace.clock())
        if wait is None and _number(headers, "x-ratelimit-remaining", "ratelimit-remaining") == 0:
            wait = self._reset(headers)
        if wait is None:
            with self._lock:
                self._hits += 1
                wait = min(self.pace.unsaid * 2 ** (self._hits - 1), self.pace.longest)
        self._hold(wait)
        return wait

    def _reset(self, headers: Mapping[str, str]) -> float | None:
        reset = _number(headers, "x-ratelimit-reset", "ratelimit-reset")
        if reset is None:
            return None
        return max(0.0, reset - self.pace.clock() if reset > _EPOCH else reset)

    def _hold(self, wait: float) -> None:
        # Whole seconds are what the other side counts in; a little more, so that not all wake at one moment.
        wait = max(0.0, wait) + random.uniform(0.05, 0.5)  # noqa: S311
        with self._lock:
            self._not_before = max(self._not_before, self.pace.monotonic() + wait)


class Budgets:
    """One budget for each host and credential; the credential itself is not kept."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace
        self._known: dict[str, Budget] = {}
        self._lock = threading.Lock()

    def of(self, host: str, credential: str, pace: Pace | None = None) -> Budget:
        key = hashlib.sha256(f"{host}\0{credential}".encode()).hexdigest()
        with self._lock:
            found = self._known.get(key)
            if found is None:
                found = self._known[key] = Budget(self._pace or pace or Pace())
            return found


def _number(headers: Mapping[str, str], *names: str) -> float | None:
    for name in names:
        try:
            return float(headers[name])
        except (KeyError, ValueError):
            continue
    return None


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds, from seconds or from an HTTP date (RFC 9110, 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, when.timestamp() - now)
