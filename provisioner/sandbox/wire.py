"""HTTP on loopback for the embedded servers: connections that stay open, and that end when the server does.

Standard library only. The development server that moto would bring closes every connection after one answer, which
made a call cost twice as much. It refuses chunked request bodies (411): the clients of these servers send a length.
"""

from __future__ import annotations

import socket
import socketserver
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote_to_bytes

Headers = list[tuple[str, str]]
Answer = tuple[int, Headers, bytes]


class HangUp(Exception):  # noqa: N818 - it is asked for, not something wrong
    """Close the connection without an answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "sandbox"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1
    server: WireServer

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        try:
            super().finish()
        except OSError:
            self.close_connection = True  # the other side, or `stop`, was faster

    def handle(self) -> None:
        try:
            super().handle()
        except (HangUp, ConnectionError):
            self.close_connection = True

    def handle_expect_100(self) -> bool:
        """At once: a client that sends an object waits for it, a second long."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def _any(self) -> None:
        if self.headers.get("Transfer-Encoding"):
            self.send_error(411)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, answer = self.server.answer(self._environ(), body)
        self.send_response_only(status)
        given = {name.lower() for name, _ in headers}
        for name, value in (("Server", self.version_string()), ("Date", self.date_time_string())):
            if name.lower() not in given:
                self.send_header(name, value)
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in given:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = _any  # noqa: N815 - http.server's names

    def _environ(self) -> dict[str, Any]:
        """The request as WSGI has it, which is what moto reads; without `wsgi.input`."""
        path, _, query = self.path.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "RAW_URI": self.path,
            "QUERY_STRING": query,
            "SERVER_NAME": self.server.host,
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": self.request_version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
        }
        for name, value in self.headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        return environ

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
        """Say nothing: stderr belongs to the command."""


class WireServer(socketserver.ThreadingTCPServer):
    """Hands each request to `answer` as a WSGI environment and a body, one thread a connection."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Callable[[dict[str, Any], bytes], Answer]) -> None:
        self.answer = answer
        self.connections: set[socket.socket] = set()
        super().__init__(address, _Handler)
        self.host, self.port = self.socket.getsockname()[:2]

    def close(self) -> None:
        """Stop listening and end the connections that clients keep open."""
        self.shutdown()
        self.server_close()
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                self.connections.discard(connection)  # it was closed already


class Listening(ABC):
    """What is served from a thread of this process. `start()` it, or use it as a context manager."""

    _address: tuple[str, int]
    _server: WireServer | None = None
    _thread: threading.Thread | None = None

    @abstractmethod
    def start(self) -> Self:
        """Serve, by `_listen`."""

    def stop(self) -> None:
        """Stop serving; the state stays. Stopping twice is fine."""
        if self._server is None or self._thread is None:
            return
        self._server.close()
        self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens: `http://HOST:PORT`. Raises RuntimeError when it is not running."""
        if self._server is None:
            raise RuntimeError(f"this {type(self).__name__} is not running")
        return f"http://{self._server.host}:{self._server.port}"

    def _refuse_a_second_start(self) -> None:
        if self._server is not None:
            raise RuntimeError(f"this {type(self).__name__} is already running")

    def _listen(self, name: str, answer: Callable[[dict[str, Any], bytes], Answer]) -> None:
        self._server = WireServer(self._address, answer)
        serve = self._server.serve_forever
        self._thread = threading.Thread(target=serve, args=(0.02,), name=f"sandbox-{name}", daemon=True)
        self._thread.start()
