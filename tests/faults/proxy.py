"""The proxy between the engine and a server: reads each request whole, and does to it what the script says.

It tells the engine nothing and expects nothing: what came, what was done, and what the server said goes into a log.
Each connection has its own thread and its own connection to the server.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from types import TracebackType
from typing import Self

from tests.faults.script import Fault, Kind, Script, nothing
from tests.faults.wire import Answer, Call, Request, Wire

_UNSEEN = {Kind.DELAY, Kind.STALE, Kind.PRETEND}
_TROUBLE = {Kind.BUSY: "busy", Kind.UNAVAILABLE: "unavailable", Kind.ERROR: "error", Kind.DENIED: "denied"}


@dataclass
class Log:
    """Calls of all systems, in the order in which they came."""

    calls: list[Call] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, system: str) -> list[Call]:
        return [c for c in self.calls if c.system == system]


class Proxy:
    """Forwards from a free port of 127.0.0.1 to `upstream`.

    `kill` ends the engine's process and returns when it is gone. `records` tells how many journal records there are
    now; `process` who the engine is. All three are set by whoever runs the engine, and may change at any time.
    """

    def __init__(self, system: str, wire: Wire, upstream: tuple[str, int], log: Log | None = None) -> None:
        self.system, self.wire, self.upstream = system, wire, upstream
        self.log = log or Log()
        self.script: Script = nothing
        self.kill: Callable[[], None] = lambda: None
        self.records: Callable[[], int] = lambda: 0
        self.process = 0
        self.down = False
        self._numbers = itertools.count(1)
        self._connections = itertools.count(1)
        self._deciding = threading.Lock()
        self._before: dict[bytes, Answer] = {}
        self._open: set[socket.socket] = set()
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, name=f"proxy {system}", daemon=True)

    def __enter__(self) -> Self:
        self._acceptor.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """No more connections, and an end to those that are open."""
        self._stopped.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()

    def hang_up(self) -> None:
        """End every open connection."""
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def begin(self, script: Script = nothing, *, process: int = 0) -> None:
        """A new run: numbers from 1, another script."""
        self.script, self.process = script, process
        self._numbers = itertools.count(1)

    def settle(self, seconds: float = 5.0) -> None:
        """Until every connection of a client that has ended is through: what it sent before its end still arrives."""
        deadline = time.monotonic() + seconds
        while self._open and time.monotonic() < deadline:
            time.sleep(0.001)

    def forget(self) -> None:
        """No old answers any more, and an empty log."""
        self._before.clear()
        self.log.calls.clear()

    # --- inside ----------------------------------------------------------------------------------------------------

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client, next(self._connections)), daemon=True).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        self._open.add(client)
        server: socket.socket | None = None
        try:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.down:
                return
            server = socket.create_connection(self.upstream, timeout=60)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with client.makefile("rb") as asked, server.makefile("rb") as told:
                while (request := self.wire.request(asked)) is not None:
                    if not _Exchange(self, client, server, request, self._note(number, request)).run(told):
                        return
        except (OSError, ValueError):
            return  # either side has gone
        finally:
            self._open.discard(client)
            for each in (client, server):
                if each is not None:
                    each.close()

    def _note(self, connection: int, request: Request) -> tuple[Call, Fault | None]:
        with self._deciding:
            call = Call(
                self.system,
                next(self._numbers),
                connection,
                time.monotonic(),
                request.name,
                request.mutates,
                request.touched,
                self.process,
                records=self.records() if request.mutates else 0,
                key=request.key,
                scope=request.scope,
            )
            with self.log.lock:
                self.log.calls.append(call)
            fault = self.script(call) if request.answered else None
            if fault is not None:
                call.fault = str(fault)
                call.shows = fault.spoil.shows if fault.spoil is not None else fault.kind not in _UNSEEN
            return call, fault

    def remember(self, request: Request, answer: Answer) -> None:
        """The first answer to a question, for stale reads."""
        if not request.mutates and answer.ok:
            self._before.setdefault(request.key, answer)

    def before(self, request: Request) -> Answer | None:
        old = self._before.get(request.key)
        return None if old is None else self.wire.for_request(old, request)


class _Exchange:
    """One request and its answer."""

    def __init__(
        self,
        proxy: Proxy,
        client: socket.socket,
        server: socket.socket,
        request: Request,
        noted: tuple[Call, Fault | None],
    ) -> None:
        self.proxy, self.client, self.server, self.request = proxy, client, server, request
        self.call, self.fault = noted

    def run(self, told: object) -> bool:
        """Whether the connection goes on."""
        try:
            return self._run(told)
        finally:
            self.call.ended = time.monotonic()

    def _run(self, told: object) -> bool:
        fault, wire, request = self.fault, self.proxy.wire, self.request
        kind = fault.kind if fault is not None else None
        if kind is Kind.KILL_BEFORE:
            self.proxy.kill()
            return False
        if kind is Kind.REFUSE:
            return False
        if kind in _TROUBLE:
            assert fault is not None
            name = _TROUBLE[fault.kind]
            return self._pass(wire.trouble(request, name, fault.seconds))
        if kind is Kind.PRETEND and request.mutates:
            return self._pass(wire.success(request))
        if kind is Kind.STALE and (old := self.proxy.before(request)) is not None:
            return self._pass(old)
        if kind is Kind.DELAY:
            assert fault is not None
            time.sleep(fault.seconds or 0.1)
        self.server.sendall(request.raw)
        self.call.sent = True
        if not request.answered:
            return True
        answer = wire.answer(told, request)  # type: ignore[arg-type]
        if answer is None:
            return False
        self.call.ok = answer.ok
        self.proxy.remember(request, answer)
        return self._after(kind, answer)

    def _after(self, kind: Kind | None, answer: Answer) -> bool:
        fault = self.fault
        if fault is None:
            return self._pass(answer)
        if kind is Kind.KILL_SENT:
            self.proxy.kill()
            return False
        if kind is Kind.KILL_ANSWERED:
            self._pass(answer)
            _wait_until_read(self.client)
            self.proxy.kill()
            return False
        if kind is Kind.LOSE:
            return False
        if kind is Kind.HANG:
            self._wait_for_the_client()
            return False
        if kind is Kind.CUT:
            with contextlib.suppress(OSError):
                self.client.sendall(answer.raw[: max(1, int(len(answer.raw) * fault.part))])
            return False
        if kind is Kind.LOST_ERROR:
            return self._pass(self.proxy.wire.trouble(self.request, "error", None))
        if kind is Kind.SPOIL and fault.spoil is not None and not self.request.mutates:
            chance = Random(f"{fault.part} {self.call.number}")
            spoiled = self.proxy.wire.spoiled(fault.spoil, self.request, answer, chance)
            if spoiled is None:
                self.call.fault, self.call.shows = "", False
                return self._pass(answer)
            self.call.scope = spoiled.hurt or self.call.scope
            return self._pass(spoiled)
        return self._pass(answer)

    def _pass(self, answer: Answer) -> bool:
        with contextlib.suppress(OSError):
            self.client.sendall(answer.raw)
            self.call.passed = True
        return not answer.ends

    def _wait_for_the_client(self) -> None:
        """Until the client gives up, a minute at most."""
        with contextlib.suppress(OSError):
            self.client.settimeout(60)
            while self.client.recv(4096):
                pass


def _wait_until_read(client: socket.socket, seconds: float = 0.25) -> None:
    """Until the other process has taken all that was sent from the kernel; it tells nobody, but Linux does."""
    here, there = client.getsockname()[1], client.getpeername()[1]
    wanted = (f":{there:04X}", f":{here:04X}")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with open("/proc/net/tcp", encoding="ascii") as table:  # noqa: PTH123 - not a file in any folder of ours
            for line in table:
                row = line.split()
                if row[1].endswith(wanted[0]) and row[2].endswith(wanted[1]):
                    if row[4].endswith(":00000000"):
                        return
                    break
            else:
                return
