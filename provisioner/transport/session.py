"""Requests to one host with one credential. Reads are repeated where that can help; a write is sent once, ever.

It refuses redirects to another host (a token would go with them), answers that are too long or too slow, and what the
guard does not let through. No credential is ever in a message.
"""

from __future__ import annotations

import json
import random
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from provisioner import __version__
from provisioner.transport.answer import Answer, TransportError, Why
from provisioner.transport.budget import Budget
from provisioner.transport.guard import Guard

Auth = Callable[[], Mapping[str, str]]
"""Gives the headers that say who we are, fresh for each request (a token may have been renewed)."""
_REDIRECTS = frozenset({301, 302, 307, 308})
_OUT_OF_ORDER = frozenset({500, 502, 503, 504})
_KEPT = 4000


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one request: seconds to connect, between two pieces, altogether; bytes; tries of a read; redirects."""

    connect: float = 5.0
    read: float = 30.0
    whole: float = 60.0
    size: int = 64 * 1024 * 1024
    tries: int = 4
    first_wait: float = 0.5
    redirects: int = 3


class _Headers(AuthBase):
    """Sets our headers last, and keeps `requests` from looking into ~/.netrc."""

    def __init__(self, auth: Auth) -> None:
        self._auth = auth

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._auth())
        return request


@dataclass
class Session:
    """`base` is the address that paths are joined to. `conditional` asks again for what was read with its ETag."""

    base: str
    auth: Auth
    guard: Guard
    budget: Budget
    limits: Limits = field(default_factory=Limits)
    headers: Mapping[str, str] = field(default_factory=dict)
    conditional: bool = True
    secrets: Callable[[], tuple[str, ...]] = tuple

    def __post_init__(self) -> None:
        self.base = self.base.rstrip("/")
        self._origin = _origin(self.base)
        self._http = requests.Session()
        adapter = HTTPAdapter(pool_maxsize=self.budget.pace.at_once, max_retries=0)
        self._http.mount("https://", adapter)
        self._http.mount("http://", adapter)
        self._kept: dict[str, tuple[str, Answer]] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None, *, deadline: float | None = None) -> Answer:
        """A read, repeated while the other side is busy or out of order and patience lasts."""
        return self.send("GET", path, params=params, deadline=deadline, reading=True)

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        deadline: float | None = None,
        reading: bool = False,
        follow: bool = True,
    ) -> Answer:
        """An answer of any status that was meant for us; TransportError where there was none. `reading` says that it
        may be repeated. `path` may be a whole address of the same host (a next page). Without `follow` a redirect is an
        answer like any other."""
        where = urlsplit(path).path if "://" in path else path
        call = f"{method} {where}"
        told = self.guard(method, where, body)
        if told is not None:
            raise TransportError(Why.GUARDED, told, call=call)
        url = self._url(path, params, call)
        tries = self.limits.tries if reading else 1
        for attempt in range(1, tries + 1):
            try:
                return self._once(method, url, body, call, deadline, reading, follow)
            except TransportError as error:
                if attempt == tries or error.why not in (Why.BUSY, Why.UNREACHABLE, Why.UNANSWERED):
                    raise
                if error.wait is not None:
                    continue  # the budget holds it up for as long as it was told to, or says that it is too long
                pause = self.limits.first_wait * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)  # noqa: S311
                if deadline is not None and self.budget.pace.monotonic() + pause > deadline:
                    raise
                self.budget.pace.sleep(pause)
        raise AssertionError("a loop that always returns or raises")

    def _url(self, path: str, params: Mapping[str, Any] | None, call: str) -> str:
        url = path if "://" in path else self.base + path
        if _origin(url) != self._origin:
            raise TransportError(Why.STRANGE, f"{_origin(url)} is not the host that was to be asked", call=call)
        return f"{url}{'&' if '?' in url else '?'}{urlencode(params)}" if params else url

    def _once(
        self, method: str, url: str, body: Any, call: str, deadline: float | None, reading: bool, follow: bool
    ) -> Answer:
        with self.budget.turn(writing=not reading, deadline=deadline, call=call):
            ask = self._follow if follow else self._exchange
            answer = ask(method, url, body, call, deadline)
        if is_limit(answer):
            wait = self.budget.throttled(answer.headers)
            raise TransportError(
                Why.BUSY,
                f"the rate limit was hit; it wants {wait:.0f} seconds",
                call=call,
                status=answer.status,
                request_id=answer.request_id,
                wait=wait,
            )
        self.budget.learn(answer.headers)
        if answer.status in _OUT_OF_ORDER:
            why = Why.BUSY if reading or answer.status == 503 else Why.UNANSWERED
            raise TransportError(
                why,
                self._clean(f"it is out of order: {answer.message()}"),
                call=call,
                status=answer.status,
                request_id=answer.request_id,
            )
        return answer

    def _follow(self, method: str, url: str, body: Any, call: str, deadline: float | None) -> Answer:
        for _ in range(self.limits.redirects + 1):
            answer = self._exchange(method, url, body, call, deadline)
            if answer.status not in _REDIRECTS:
                return answer
            target = urljoin(url, answer.headers.get("location", ""))
            if method != "GET":
                raise TransportError(
                    Why.STRANGE, "it has moved, and a write is not sent after it", call=call, status=answer.status
                )
            if _origin(target) != self._origin:
                raise TransportError(
                    Why.STRANGE,
                    f"it answers with a redirect to {_origin(target)}; a token is not taken to another host",
                    call=call,
                    status=answer.status,
                )
            url = target
        raise TransportError(Why.STRANGE, "it redirects without end", call=call)

    def _exchange(self, method: str, url: str, body: Any, call: str, deadline: float | None) -> Answer:
        headers = {"User-Agent": f"provision/{__version__}", "Accept": "application/json", **self.headers}
        kept = None
        if method == "GET" and self.conditional:
            with self._lock:
                kept = self._kept.get(url)
            if kept is not None:
                headers["If-None-Match"] = kept[0]
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        limits, now = self.limits, self.budget.pace.monotonic
        end = now() + limits.whole if deadline is None else min(deadline, now() + limits.whole)
        left = end - now()
        if left <= 0:
            raise TransportError(Why.BUSY, "there was no time left to send it", call=call)
        try:
            response = self._http.request(
                method,
                url,
                data=data,
                headers=headers,
                auth=_Headers(self.auth),
                timeout=(min(limits.connect, left), min(limits.read, left)),
                allow_redirects=False,
                stream=True,
            )
        except requests.RequestException as error:
            raise self._no_answer(error, call) from None
        with response:
            content = self._content(response, end, call)
            answer = Answer(call, response.status_code, {k.lower(): v for k, v in response.headers.items()}, content)
        if answer.status == 304 and kept is not None:
            before = kept[1]
            return Answer(call, before.status, {**before.headers, **answer.headers}, before.body, fresh=False)
        if answer.ok and method == "GET" and self.conditional and "etag" in answer.headers:
            with self._lock:
                if len(self._kept) >= _KEPT:
                    self._kept.pop(next(iter(self._kept)))
                self._kept[url] = (answer.headers["etag"], answer)
        return answer

    def _content(self, response: requests.Response, end: float, call: str) -> bytes:
        pieces, size = [], 0
        status = response.status_code
        try:
            for piece in response.iter_content(65536):
                size += len(piece)
                if size > self.limits.size:
                    raise TransportError(
                        Why.STRANGE, f"the answer is longer than {self.limits.size} bytes", call=call, status=status
                    )
                if self.budget.pace.monotonic() > end:
                    raise TransportError(
                        Why.UNANSWERED, "the answer did not come to its end in time", call=call, status=status
                    )
                pieces.append(piece)
        except requests.RequestException:
            raise TransportError(Why.UNANSWERED, "the answer broke off", call=call, status=status) from None
        content = b"".join(pieces)
        told = response.headers.get("Content-Length", "")
        if told.isdigit() and "Content-Encoding" not in response.headers and len(content) < int(told):
            raise TransportError(
                Why.UNANSWERED, f"the answer broke off after {len(content)} of {told} bytes", call=call, status=status
            )
        return content

    def _no_answer(self, error: requests.RequestException, call: str) -> TransportError:
        not_sent = (
            requests.exceptions.ConnectTimeout,
            requests.exceptions.SSLError,
            requests.exceptions.ProxyError,
            requests.exceptions.InvalidURL,
            requests.exceptions.InvalidSchema,
        )
        why = Why.UNANSWERED
        if isinstance(error, not_sent) or (
            isinstance(error, requests.exceptions.ConnectionError) and "NewConnectionError" in repr(error)
        ):
            why = Why.UNREACHABLE
        host = urlsplit(self.base).netloc.rpartition("@")[2]
        words = "no connection to" if why is Why.UNREACHABLE else "no answer from"
        return TransportError(why, self._clean(f"{words} {host}: {_reason(error)}"), call=call)

    def _clean(self, text: str) -> str:
        for secret in self.secrets():
            if secret:
                text = text.replace(secret, "****")
        return text


def is_limit(answer: Answer) -> bool:
    """Whether a refusal is a rate limit: 429, or a 403 that says so (a 403 for lack of rights does not)."""
    if answer.status == 429:
        return True
    if answer.status != 403:
        return False
    if "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0":
        return True
    return b"rate limit" in answer.body[:2000].lower()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()


def _reason(error: BaseException) -> str:
    """What the network or the operating system says below `error`: `connection refused`; else what kind it is."""
    below: BaseException | None = error
    for _ in range(10):
        if isinstance(below, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({below.verify_message})"
        if isinstance(below, OSError) and below.strerror and not isinstance(below, requests.RequestException):
            return below.strerror.lower()
        if below is None:
            break
        inside = (getattr(below, "reason", None), *below.args, below.__cause__, below.__context__)
        below = next((e for e in inside if isinstance(e, BaseException)), None)
    return "no answer in time" if isinstance(error, requests.Timeout) else type(error).__name__
