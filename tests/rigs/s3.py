"""A bucket on loopback: moto's S3 behind a layer that can fail as networks do. One write at a time, as S3 orders them.

It knows nothing of what a test expects: `faults` says what happens to the next requests of a method, whatever they are.
"""

from __future__ import annotations

import io
import sys
import threading
from collections import defaultdict
from types import TracebackType
from typing import Any

from provisioner.sandbox.wire import Answer, HangUp, WireServer

BUCKET = "acme-access"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>'
_REFUSALS = {
    "conflict": (409, "ConditionalRequestConflict", "A conflicting operation occurred"),
    "slow": (503, "SlowDown", "Please reduce your request rate."),
    "internal": (500, "InternalError", "We encountered an internal error."),
    "denied": (403, "AccessDenied", "Access Denied"),
    "expired": (400, "ExpiredToken", "The provided token has expired."),
    "unknown": (501, "NotImplemented", "A header you provided implies functionality that is not implemented"),
}


class S3Server:
    """`faults` by HTTP method, first to last: `drop` (nothing is done, no answer), `lost` (done, no answer), `hang`
    (done, and no answer for `patience` seconds), or one of the refusals above; empty strings pass. `ignores` makes it a
    store that takes no notice of conditions. `requests` counts by method."""

    def __init__(self) -> None:
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.requests: dict[str, int] = defaultdict(int)
        self.ignores = False
        self.patience = 2.0
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def __enter__(self) -> S3Server:
        from moto.core.base_backend import BackendDict
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        BackendDict.reset()
        self._app: Any = DomainDispatcherApplication(create_backend_app)
        self._server = WireServer(("127.0.0.1", 0), self._answer)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        self._ask(
            {"REQUEST_METHOD": "PUT", "PATH_INFO": f"/{BUCKET}", "QUERY_STRING": "", "HTTP_HOST": "127.0.0.1"}, b""
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._server.close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://{self._server.host}:{self._server.port}"

    @property
    def environment(self) -> dict[str, str]:
        """Variables for an SDK."""
        return {**ENVIRONMENT, "AWS_ENDPOINT_URL_S3": self.url}

    def _answer(self, environ: dict[str, Any], body: bytes) -> Answer:
        method = environ["REQUEST_METHOD"]
        with self._lock:
            self.requests[method] += 1
            waiting = self.faults[method]
            fault = waiting.pop(0) if waiting else ""
            if fault == "drop":
                raise HangUp
            if fault in _REFUSALS:
                status, code, message = _REFUSALS[fault]
                return status, [("Content-Type", "application/xml")], _ERROR.format(code, message).encode()
            if self.ignores:
                environ.pop("HTTP_IF_NONE_MATCH", None)
            answer = self._ask(environ, body)
        if fault == "hang":
            self._ended.wait(self.patience)
        if fault in ("hang", "lost"):
            raise HangUp
        return answer

    def _ask(self, environ: dict[str, Any], body: bytes) -> Answer:
        from werkzeug.test import run_wsgi_app

        environ = {
            "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.version": (1, 0),
            **environ, "wsgi.input": io.BytesIO(body), "wsgi.errors": sys.stderr, "CONTENT_LENGTH": str(len(body)),
        }  # fmt: skip
        parts, status, headers = run_wsgi_app(self._app, environ, buffered=True)
        return int(status.split()[0]), list(headers.items()), b"".join(parts)
