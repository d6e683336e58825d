"""What the embedded HTTP services have in common: life, counted calls, and going wrong on request.

A service answers one request at a time, under its lock: its state is never seen half changed. It refuses to know what
a test expects; `fail` and its neighbours say what goes wrong, not what should come of it.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Self
from urllib.parse import unquote

from provisioner.sandbox.wire import Answer, HangUp, Listening


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as they went over the wire. `call` is the route: `GET /orgs/{org}/teams`."""

    call: str
    environ: Mapping[str, Any]
    body: bytes
    answer: Answer


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong. `call` is a route or the start of one; None means any call."""

    call: str | None
    status: int | None
    body: bytes
    headers: tuple[tuple[str, str], ...]
    times: int | None
    after: int
    lost: bool
    truncate: int | None = None

    def takes(self, call: str) -> bool:
        """Whether this call goes wrong; counts it."""
        if self.times == 0 or (self.call is not None and not call.startswith(self.call)):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass(slots=True)
class Clock:
    """The service's time. It runs with the real one and can be put forward."""

    ahead: timedelta = field(default_factory=timedelta)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, **by: float) -> None:
        """Put the clock forward: `advance(days=8)`."""
        self.ahead += timedelta(**by)


class Service(Listening):
    """An HTTP service in a thread of this process. `start()` it, or use it as a context manager."""

    name = "service"

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """`port` 0 takes a free one."""
        self.lock, self._counting = threading.RLock(), threading.Lock()
        self.clock = Clock()
        self.calls: Counter[str] = Counter()
        self.watchers: list[Callable[[Exchange], None]] = []
        self.down = False
        self.delay = 0.0
        self.under_way = 0
        self._faults: list[Fault] = []
        self._address = (host, port)

    # Life

    def start(self) -> Self:
        """Serve what the service holds, from a thread of this process."""
        self._refuse_a_second_start()
        self._listen(self.name, self._serve)
        return self

    # Behaviour

    def fail(
        self,
        call: str | None = None,
        status: int | None = 500,
        times: int | None = 1,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        after: int = 0,
        lost: bool = False,
    ) -> None:
        """The next `times` calls (None: all) of the route go wrong: `fail("PUT /orgs/{org}/memberships", 502)`.

        `status` None closes the connection without an answer. `after` lets that many calls pass first. `lost` carries
        the call out and only then spoils the answer. Earlier faults come first; `heal()` ends them all.
        """
        given = self.error_body(status or 0) if body is None else body
        with self.lock:
            self._faults.append(Fault(call, status, given, tuple((headers or {}).items()), times, after, lost))

    def truncate(self, call: str | None = None, to: int = 100, times: int | None = 1, *, after: int = 0) -> None:
        """The next answers are cut to `to` bytes and the connection closes, although a longer answer was promised."""
        with self.lock:
            self._faults.append(Fault(call, None, b"", (), times, after, lost=True, truncate=to))

    def heal(self) -> None:
        """No more faults, delay or downtime."""
        with self.lock:
            self._faults.clear()
        self.down, self.delay = False, 0.0

    def reset_calls(self) -> None:
        """Forget the counted `calls`."""
        with self.lock:
            self.calls.clear()

    # Wire

    @abstractmethod
    def error_body(self, status: int) -> bytes:
        """What this service says with a status of its own trouble."""

    @abstractmethod
    def route(self, environ: Mapping[str, Any]) -> tuple[str, Callable[[bytes], Answer]]:
        """The route of a request as its documentation writes it, and what answers it."""

    def _serve(self, environ: dict[str, Any], body: bytes) -> Answer:
        if self.down:
            raise HangUp
        with self._counting:
            self.under_way += 1
            environ["sandbox.under_way"] = self.under_way
        try:
            return self._serve_one(environ, body)
        finally:
            with self._counting:
                self.under_way -= 1

    def _serve_one(self, environ: dict[str, Any], body: bytes) -> Answer:
        if self.delay:
            time.sleep(self.delay)
        with self.lock:
            call, perform = self.route(environ)
            self.calls[call] += 1
            fault = next((one for one in self._faults if one.takes(call)), None)
            answer = perform(body) if fault is None else self._go_wrong(fault, perform, body)
            status, headers, content = answer
            headers = [("Date", format_datetime(self.clock.now(), usegmt=True)), *headers]
            for watch in self.watchers:
                if fault is None:
                    watch(Exchange(call, environ, body, answer))
            return status, headers, content

    def _go_wrong(self, fault: Fault, perform: Callable[[bytes], Answer], body: bytes) -> Answer:
        answer = perform(body) if fault.lost else None
        if fault.truncate is not None and answer is not None:
            status, headers, content = answer
            promised = ("Content-Length", str(len(content)))
            return status, [*headers, promised, ("Connection", "close")], content[: fault.truncate]
        if fault.status is None:
            raise HangUp
        return fault.status, [("Content-Type", "application/json; charset=utf-8"), *fault.headers], fault.body


def path_of(environ: Mapping[str, Any]) -> list[str]:
    """The segments of the path, each decoded after the split: `a%2Fb` is one segment."""
    raw = str(environ["RAW_URI"]).partition("?")[0]
    return [unquote(part) for part in raw.strip("/").split("/")]
