"""What came back, and the few ways in which nothing did. Holds no credential, so that it can be told to anybody."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?')


class Why(StrEnum):
    """`busy`: throttled or briefly out of order, not done. `unreachable`: no connection, not sent. `unanswered`: sent,
    and no answer (or one cut short) came. `guarded`: our own guard stopped it. `strange`: an answer that is none:
    another host, no JSON, too long."""

    BUSY = "busy"
    UNREACHABLE = "unreachable"
    UNANSWERED = "unanswered"
    GUARDED = "guarded"
    STRANGE = "strange"


class TransportError(Exception):
    """`wait` is how many seconds the other side wants to be left alone, where it said so."""

    def __init__(
        self,
        why: Why,
        message: str,
        *,
        call: str = "",
        status: int | None = None,
        request_id: str | None = None,
        wait: float | None = None,
    ) -> None:
        super().__init__(message)
        self.why = why
        self.message = message
        self.call = call
        self.status = status
        self.request_id = request_id
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole answer. `headers` are by lower-case name. `fresh` is False for what a 304 said is still so."""

    call: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    fresh: bool = True

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def request_id(self) -> str | None:
        return self.headers.get("x-github-request-id") or self.headers.get("x-request-id")

    @property
    def next_url(self) -> str | None:
        """The `Link` header's next page."""
        found = _NEXT.search(self.headers.get("link", ""))
        return found[1] if found else None

    def json(self) -> Any:
        """The body as JSON; None where there is none. TransportError (strange) for anything else, such as the page of
        a proxy that wants somebody to sign in."""
        if not self.body.strip():
            return None
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            kind = self.headers.get("content-type", "no content type")
            raise TransportError(
                Why.STRANGE,
                f"the answer is not JSON ({kind}, {len(self.body)} bytes)",
                call=self.call,
                status=self.status,
                request_id=self.request_id,
            ) from None

    def message(self) -> str:
        """What the body says of an error, in one line."""
        try:
            body = self.json()
        except TransportError:
            return f"status {self.status}"
        if not isinstance(body, Mapping):
            return f"status {self.status}"
        text = str(body.get("message") or body.get("error") or f"status {self.status}")
        errors = body.get("errors")
        told = [_one_error(e) for e in errors] if isinstance(errors, list) else []
        return " ".join([text, *(f"({t})" for t in told if t)])[:500]


def _one_error(error: object) -> str:
    if isinstance(error, Mapping):
        named = error.get("message") or " ".join(str(error[k]) for k in ("resource", "field", "code") if k in error)
        return str(named)
    return str(error)
