"""A TCP proxy on loopback that breaks a connection at a chosen moment, as networks do.

It knows nothing of the protocol: what a client sends at once is one request.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Proxy:
    """Forwards from a free port of `host` (a loopback address) to `port` on 127.0.0.1. Requests count from 1 over all
    connections.

    `cut_at`: the answer to this request ends after `cut_after` bytes, then the connection does.
    `silent_at`: the answer to this request never comes; the connection stays open.
    `silent_on`: likewise, to the first request whose bytes it says yes to.
    Each only once, so that whoever tries again gets through.
    """

    def __init__(
        self,
        port: int,
        *,
        host: str = "127.0.0.1",
        cut_at: int | None = None,
        cut_after: int = 0,
        silent_at: int | None = None,
        silent_on: Callable[[bytes], bool] | None = None,
    ) -> None:
        self._upstream = port
        self.cut_at, self.cut_after, self.silent_at = cut_at, cut_after, silent_at
        self.silent_on = silent_on
        self.silent = threading.Event()
        self.requests = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server((host, 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _start(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                client, _ = self._listener.accept()
                self._start(self._forward, client)

    def _forward(self, client: socket.socket) -> None:
        with (
            client,
            socket.create_connection(("127.0.0.1", self._upstream)) as server,
            selectors.DefaultSelector() as both,
        ):
            both.register(client, selectors.EVENT_READ, server)
            both.register(server, selectors.EVENT_READ, client)
            left: int | None = None  # bytes of the answer that still pass
            silent = False
            while not self._stop.is_set():
                for key, _ in both.select(0.05):
                    source, sink = key.fileobj, key.data
                    assert isinstance(source, socket.socket)
                    try:
                        data = source.recv(1 << 16)
                    except ConnectionError:
                        return
                    if not data:
                        return
                    if source is client:
                        left, silent = self._on_request(left, silent, data)
                    elif silent:
                        continue
                    elif left is not None:
                        with contextlib.suppress(ConnectionError):
                            sink.sendall(data[:left])
                        left -= len(data)
                        if left <= 0:
                            return
                        continue
                    with contextlib.suppress(ConnectionError):
                        sink.sendall(data)

    def _on_request(self, left: int | None, silent: bool, data: bytes) -> tuple[int | None, bool]:
        with self._lock:
            self.requests += 1
            if self.requests == self.cut_at:
                return self.cut_after, silent
            if self.requests == self.silent_at or (self.silent_on is not None and self.silent_on(data)):
                self.silent_on = None
                self.silent.set()
                return left, True
        return left, silent
