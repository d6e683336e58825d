"""Spoiled pages of lists that come by REST: GitHub's, with the next page in `Link`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any
from urllib.parse import parse_qsl

from tests.faults.systems import http
from tests.faults.wire import Answer, Spoil

HTML = b"<html><body><h1>Sign in to continue</h1></body></html>"
REST: tuple[Spoil, ...] = (
    Spoil("a full page without the next one", shows=False),
    Spoil("the next page is this one"),
    Spoil("the page before again"),
    Spoil("a row that is none"),
    Spoil("an object in place of a list"),
    Spoil("no list, 404"),
    Spoil("no list, 403"),
    Spoil("nothing new, though nobody asked"),
    Spoil("the body ends early"),
    Spoil("a page of HTML"),
    Spoil("an empty body"),
    Spoil("rows twice", shows=False),
    Spoil("another order", shows=False),
)
"""Those of `PLAIN` are tried on GraphQL too. A full page without a word on the next one can be asked on from: then
nothing is lost."""
PLAIN = ("the body ends early", "a page of HTML", "an empty body", "nothing new, though nobody asked")


def plain(name: str, answer: Answer, chance: Random) -> Answer | None:
    """What can be done to any answer."""
    body = answer.parts[1]
    match name:
        case "the body ends early":
            return http.with_body(answer, body[: chance.randrange(2, len(body) - 1)]) if len(body) > 8 else None
        case "a page of HTML":
            return http.with_body(answer, HTML, content_type="text/html", link=None)
        case "an empty body":
            return http.with_body(answer, b"", link=None)
        case _:
            return http.made(304, b"")


def spoiled_list(name: str, query: str, answer: Answer, before: Sequence[bytes], chance: Random) -> Answer | None:
    """None where that cannot be done to this page."""
    if name in PLAIN:
        return plain(name, answer, chance)
    if name in ("no list, 404", "no list, 403"):
        text = {"message": "Not Found" if name.endswith("404") else "Must be an organization owner"}
        return http.made(int(name[-3:]), json.dumps(text).encode())
    rows: list[Any] = json.loads(answer.parts[1])
    link = http.told(http.head_of(answer), "link")
    asked = dict(parse_qsl(query))
    following = re.search(r'<([^>]+)>; rel="next"', link)
    match name:
        case "a full page without the next one":
            full = len(rows) >= int(asked.get("per_page", 30))
            return http.with_body(answer, answer.parts[1], link=None) if following and full else None
        case "the next page is this one":
            if not following:
                return None
            here = re.sub(r"([?&]page=)\d+", rf"\g<1>{asked.get('page', '1')}", following[1])
            return http.with_body(answer, answer.parts[1], link=f'<{here}>; rel="next"')
        case "the page before again":
            return http.with_body(answer, before[-1]) if asked.get("page", "1") != "1" and before else None
        case "a row that is none" if rows:
            rows[chance.randrange(len(rows))] = None
        case "an object in place of a list":
            return http.with_body(answer, json.dumps({"items": rows}).encode(), link=None)
        case "rows twice" if rows:
            rows += rows[: chance.randint(1, len(rows))]
        case "another order" if len(rows) > 1:
            chance.shuffle(rows)
        case "rows missing from a list" if rows:
            for row in chance.sample(rows, chance.randint(1, len(rows))):
                rows.remove(row)
        case _:
            return None
    return http.with_body(answer, json.dumps(rows).encode())
