"""Where a run can be killed: before a system does what it was asked to, or after it did and before it answers.

Stands before the embedded servers and, as a small proxy, before OpenBao. Counts what changes something, over all
systems, in the order in which it comes.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from provisioner.sandbox.aws import AwsServer
from provisioner.sandbox.circleci import CircleCiServer
from provisioner.sandbox.github import GitHubServer
from tests.faults.proxy import Proxy
from tests.faults.script import Fault
from tests.faults.script import Kind as Fate
from tests.faults.wire import Call

T = TypeVar("T")
_READS = ("Get", "List", "Describe", "AssumeRole", "Generate")


@dataclass
class Gate:
    """`kill` ends the run that is going on. `at` is the number of the write to do it at, from 1; 0 is never."""

    kill: Callable[[], None] = lambda: None
    at: int = 0
    after: bool = False
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, at: int = 0, *, after: bool = False) -> None:
        with self.lock:
            self.at, self.after = at, after
            self.seen.clear()

    def through(self, call: str | None, perform: Callable[[], T]) -> T:
        """None for a call that changes nothing."""
        if call is None:
            return perform()
        with self.lock:
            self.seen.append(call)
            now = len(self.seen) == self.at
        if now and not self.after:
            self.kill()
            raise ConnectionAbortedError("nobody waits for this any more")
        done = perform()
        if now:
            self.kill()
        return done


def aws(gate: Gate) -> Callable[[], AwsServer]:
    class Gated(AwsServer):
        def _serve(self, environ: dict[str, Any], body: bytes) -> Any:
            action = parse_qs(body.decode("utf-8", "replace")).get("Action", [""])[0]
            action = action or str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]
            call = None if action.startswith(_READS) else f"aws {action}"
            serve = super()._serve
            return gate.through(call, lambda: serve(environ, body))

    return Gated


def _http(system: str, environ: dict[str, Any]) -> str | None:
    method = str(environ["REQUEST_METHOD"])
    return None if method == "GET" or "graphql" in str(environ["RAW_URI"]) else f"{system} {method}"


def github(gate: Gate) -> Callable[[], GitHubServer]:
    class Gated(GitHubServer):
        def _serve(self, environ: dict[str, Any], body: bytes) -> Any:
            serve = super()._serve
            return gate.through(_http("github", environ), lambda: serve(environ, body))

    return Gated


def circleci(gate: Gate) -> Callable[[], CircleCiServer]:
    class Gated(CircleCiServer):
        def _serve(self, environ: dict[str, Any], body: bytes) -> Any:
            serve = super()._serve
            return gate.through(_http("circleci", environ), lambda: serve(environ, body))

    return Gated


def on_the_wire(proxy: Proxy, gate: Gate) -> None:
    """The same for a system that does not speak HTTP, before which `proxy` stands."""

    def script(call: Call) -> Fault | None:
        if not call.mutates:
            return None
        with gate.lock:
            gate.seen.append(f"{call.system} {call.name}")
            now = len(gate.seen) == gate.at
        return Fault(Fate.KILL_SENT if gate.after else Fate.KILL_BEFORE) if now else None

    proxy.script, proxy.kill = script, lambda: gate.kill()


@contextmanager
def before(url: str, gate: Gate) -> Iterator[str]:
    """The address of a proxy before `url`."""
    there = urlsplit(url)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))

            def perform() -> tuple[int, list[tuple[str, str]], bytes]:
                onward = http.client.HTTPConnection(there.hostname or "", there.port, timeout=30)
                try:
                    kept = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
                    onward.request(self.command, self.path, body or None, kept)
                    answer = onward.getresponse()
                    return answer.status, answer.getheaders(), answer.read()
                finally:
                    onward.close()

            with suppress(ConnectionError):
                call = None if self.command == "GET" else f"openbao {self.command}"
                status, headers, content = gate.through(call, perform)
                self.send_response(status)
                for name, value in headers:
                    if name.lower() in ("content-type",):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                return
            self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815

        def handle_one_request(self) -> None:
            with suppress(ConnectionError):  # whoever asked was killed
                super().handle_one_request()
                return
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
