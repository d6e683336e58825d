"""CircleCI's API, version 2, as far as the proxy needs it: lists in `items` with a token for the next page, JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random
from typing import Any, BinaryIO, Protocol
from urllib.parse import parse_qsl

from tests.faults.systems import http
from tests.faults.systems.rest_pages import PLAIN, plain
from tests.faults.wire import Answer, Effect, Request, Spoil, Touched

_RESTRICTIONS = re.compile(r".*/context/([^/]+)/restrictions(?:/[^/]+)?")
_CONTEXT = re.compile(r".*/context/([^/]+)")


class Names(Protocol):
    """What a request's ids mean, as the server has it."""

    def context(self, number: str) -> str: ...


class CircleWire:
    """Nothing here counts its rows: a list that is well-formed and short is short without a sign."""

    spoils: tuple[Spoil, ...] = (
        Spoil("no word on whether more follows"),
        Spoil("the same token again"),
        Spoil("the page before again"),
        Spoil("no items"),
        Spoil("an item that is none"),
        Spoil("an item without its id"),
        Spoil("a restriction of a kind that is new"),
        Spoil("a message in place of a list"),
        Spoil("no list, 404"),
        Spoil("no list, 403"),
        Spoil("nothing new, though nobody asked"),
        Spoil("the body ends early"),
        Spoil("a page of HTML"),
        Spoil("an empty body"),
        Spoil("rows twice", shows=False),
        Spoil("another order", shows=False),
    )
    silent: tuple[Spoil, ...] = (
        Spoil("rows missing", shows=False),
        Spoil("no more, says a page that is not the last", shows=False),
        Spoil("nothing", shows=False),
    )

    def __init__(self, names: Names) -> None:
        self._names = names
        self._pages: dict[str, list[bytes]] = {}

    def request(self, stream: BinaryIO) -> Request | None:
        found = http.message(stream)
        if found is None:
            return None
        head, body = found
        method, target = head[0].decode("latin-1").split()[:2]
        path, _, query = target.partition("?")
        try:
            sent = json.loads(body) if body else {}
        except ValueError:
            sent = {}
        return Request(
            http.whole(head, body),
            f"{method} {path}",
            mutates=method != "GET",
            touched=tuple(self._touched(method, path, sent)) if method != "GET" else (),
            key=http.told(head, "circle-token").encode() + head[0] + body,
            scope=self._scope(path) if method == "GET" else "",
            detail=(path, query, sent),
        )

    def answer(self, stream: BinaryIO, request: Request) -> Answer | None:
        found = http.received(stream)
        if found is None:
            return None
        answer, _, body = found
        if request.scope and answer.ok:
            self._pages.setdefault(request.detail[0], []).append(body)
        return answer

    def for_request(self, answer: Answer, request: Request) -> Answer:
        return answer

    def success(self, request: Request) -> Answer:
        if request.name.startswith("DELETE"):
            return _answer(200, {"message": "deleted."})
        sent, number = request.detail[2], "00000000-0000-4000-8000-000000000000"
        return _answer(200 if "name" in sent else 201, {"id": number, **sent})

    def trouble(self, request: Request, kind: str, wait: float | None) -> Answer:
        if kind == "busy":
            after = {} if wait is None else {"Retry-After": str(max(1, round(wait)))}
            return _answer(429, {"message": "Rate limit exceeded. Please try again later."}, after)
        if kind == "denied":
            return _answer(403, {"message": "Permission denied."})
        status = 503 if kind == "unavailable" else (500, 502)[len(request.raw) % 2]
        return _answer(status, {"message": "Internal server error"})

    def spoiled(self, spoil: Spoil, request: Request, answer: Answer, chance: Random) -> Answer | None:
        if not request.scope or not answer.ok:
            return None
        path, query, _ = request.detail
        if spoil.name in PLAIN:
            return plain(spoil.name, answer, chance)
        if spoil.name in ("no list, 404", "no list, 403"):
            words = "Context not found." if spoil.name.endswith("404") else "Permission denied."
            return _answer(int(spoil.name[-3:]), {"message": words})
        if spoil.name == "a message in place of a list":
            return http.with_body(answer, json.dumps({"message": "Something went wrong."}).encode())
        found, token = json.loads(answer.parts[1]), dict(parse_qsl(query)).get("page-token")
        if not _spoil(spoil.name, found, token, self._pages.get(path, [])[:-1], chance):
            return None
        return http.with_body(answer, json.dumps(found).encode())

    def _scope(self, path: str) -> str:
        if path.endswith("/context"):
            return "contexts"
        found = _RESTRICTIONS.fullmatch(path)
        return f"restrictions/{self._names.context(found[1])}" if found else ""

    def _touched(self, method: str, path: str, sent: Mapping[str, Any]) -> Iterator[Touched]:
        """A restriction is part of its context: whether one more gives or takes hangs on the others."""
        if path.endswith("/context"):
            yield Touched(Effect.TOUCH, f"control/{sent.get('name')}")
        elif found := _RESTRICTIONS.fullmatch(path):
            yield Touched(Effect.TOUCH, f"control/{self._names.context(found[1])}")
        elif found := _CONTEXT.fullmatch(path):
            effect = Effect.TAKE if method == "DELETE" else Effect.TOUCH
            yield Touched(effect, f"control/{self._names.context(found[1])}")
        else:
            yield Touched(Effect.TOUCH, path)


def _answer(status: int, content: Any, fields: Mapping[str, str] | None = None) -> Answer:
    return http.made(status, json.dumps(content).encode(), fields=fields)


def _spoil(name: str, found: Any, token: str | None, before: Sequence[bytes], chance: Random) -> bool:
    """Whether it could be done."""
    items = found["items"]
    match name:
        case "no word on whether more follows":
            del found["next_page_token"]
        case "the same token again" if token is not None:
            found["next_page_token"] = token
        case "the page before again" if token is not None and before:
            found["items"] = json.loads(before[-1])["items"]
        case "no items":
            found["items"] = None
        case "an item that is none" if items:
            items[chance.randrange(len(items))] = None
        case "an item without its id" if items:
            del items[chance.randrange(len(items))]["id"]
        case "a restriction of a kind that is new" if items and "restriction_type" in items[0]:
            items[chance.randrange(len(items))]["restriction_type"] = "region"
        case "rows twice" if items:
            items += items[: chance.randint(1, len(items))]
        case "another order" if len(items) > 1:
            chance.shuffle(items)
        case "rows missing" if items:
            for row in chance.sample(items, chance.randint(1, len(items))):
                items.remove(row)
        case "no more, says a page that is not the last" if found["next_page_token"] is not None:
            found["next_page_token"] = None
        case "nothing" if items:
            found.update(items=[], next_page_token=None)
        case _:
            return False
    return True
