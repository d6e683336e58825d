"""What the embedded GitHub answers with: JSON, pages with `Link`, entity tags, and its error bodies.

Refusals are exceptions that carry status and body; a route raises them wherever it finds the reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from provisioner.sandbox.wire import Answer, Headers

DOCS = "https://docs.github.com/rest"
Thing = TypeVar("Thing")


class Refused(Exception):  # noqa: N818 - an answer, not something wrong with us
    """GitHub says no: a status, a message, and for 422 what is wrong with which field."""

    def __init__(
        self,
        status: int,
        message: str,
        errors: Sequence[Mapping[str, Any] | str] = (),
        headers: Mapping[str, str] | None = None,
        docs: str = DOCS,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, list(errors)
        self.headers, self.docs = dict(headers or {}), docs

    def body(self) -> dict[str, Any]:
        found: dict[str, Any] = {"message": self.message}
        if self.errors:
            found["errors"] = self.errors
        return {**found, "documentation_url": self.docs, "status": str(self.status)}


def not_found() -> Refused:
    """Not there, or not yours to see: GitHub does not say which."""
    return Refused(404, "Not Found")


def invalid(resource: str, field: str, code: str = "invalid", message: str | None = None) -> Refused:
    """422, with the one error that there is."""
    error = {"resource": resource, "field": field, "code": code} | ({"message": message} if message else {})
    return Refused(422, "Validation Failed", [error])


def moved(url: str, write: bool) -> Refused:
    """A repository of another name now: 301, or 307 where the method has to stay the same."""
    return Refused(307 if write else 301, "Moved Permanently", headers={"Location": url})


def encode(content: Any) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()


def json_answer(status: int, content: Any, headers: Headers | None = None) -> Answer:
    """A JSON answer; `content` None is an empty body."""
    if content is None:
        return status, [*(headers or [])], b""
    kind = ("Content-Type", "application/json; charset=utf-8")
    return status, [kind, ("X-GitHub-Media-Type", "github.v3; format=json"), *(headers or [])], encode(content)


def tag_of(body: bytes, who: str) -> str:
    """The weak entity tag of a body. It differs from token to token, as GitHub's does."""
    return f'W/"{hashlib.sha256(who.encode() + body).hexdigest()}"'


def page_of(
    things: Sequence[Thing], args: Mapping[str, str], most: int = 100, usual: int = 30
) -> tuple[list[Thing], int, int, int]:
    """The asked page: its things, its number, its size and the number of the last page."""
    size = _number(args.get("per_page"), usual, most)
    number = _number(args.get("page"), 1, None)
    last = max(1, -(-len(things) // size))
    return list(things[(number - 1) * size : number * size]), number, size, last


def link_header(url: str, args: Mapping[str, str], number: int, last: int) -> Headers:
    """`Link` with the pages around, in GitHub's order."""

    def to(page: int, rel: str) -> str:
        return f'<{url}?{urlencode({**args, "page": page})}>; rel="{rel}"'

    links = []
    if number > 1:
        links.append(to(min(number - 1, last), "prev"))
    if number < last:
        links += [to(number + 1, "next"), to(last, "last")]
    if number > 1:
        links.append(to(1, "first"))
    return [("Link", ", ".join(links))] if links else []


def _number(given: str | None, usual: int, most: int | None) -> int:
    try:
        number = int(given or "")
    except ValueError:
        return usual
    if number < 1:
        return usual
    return min(number, most) if most else number


def shaped(things: Sequence[Thing], shape: Callable[[Thing], dict[str, Any]]) -> list[dict[str, Any]]:
    return [shape(thing) for thing in things]
