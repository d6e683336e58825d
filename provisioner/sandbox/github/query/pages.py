"""Connections: the pages that GraphQL lists come in.

A cursor holds the sorting key of its element, so that a page starts where the last one ended, also when things came or
went in between.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any

from graphql import GraphQLError

Key = Callable[[Any], Any]


def connect(
    things: Sequence[Any],
    args: dict[str, Any],
    key: Key,
    more: Callable[[Any], dict[str, Any]] | None = None,
    *,
    down: bool = False,
) -> dict[str, Any]:
    """The connection over some things: sorted by `key`, cut by `first`, `last`, `after` and `before`.

    `more` gives an edge what it has beside its node.
    """
    ordered = sorted(things, key=key, reverse=down)
    keys = [key(thing) for thing in ordered]
    start, end = 0, len(ordered)
    if args.get("after"):
        edge = _read(args["after"])
        start = sum(1 for one in keys if (_plain(one) >= edge if down else _plain(one) <= edge))
    if args.get("before"):
        edge = _read(args["before"])
        end = sum(1 for one in keys if (_plain(one) > edge if down else _plain(one) < edge))
    if args.get("first") is not None:
        end = min(end, start + args["first"])
    if args.get("last") is not None:
        start = max(start, end - args["last"])
    cut = ordered[start:end]
    edges = [{"cursor": _cursor(keys[start + at]), "node": thing} for at, thing in enumerate(cut)]
    for edge_of, thing in zip(edges, cut, strict=True):
        edge_of.update(more(thing) if more else {})
    info = {
        "hasNextPage": end < len(ordered),
        "hasPreviousPage": start > 0,
        "startCursor": edges[0]["cursor"] if edges else None,
        "endCursor": edges[-1]["cursor"] if edges else None,
    }
    return {"edges": edges, "nodes": cut, "totalCount": len(ordered), "pageInfo": info}


def _plain(key: Any) -> Any:
    return list(key) if isinstance(key, tuple) else key


def _cursor(key: Any) -> str:
    return base64.b64encode(b"cursor:v2:" + json.dumps(_plain(key)).encode()).decode()


def _read(cursor: str) -> Any:
    try:
        return json.loads(base64.b64decode(cursor, validate=True).removeprefix(b"cursor:v2:"))
    except ValueError:
        raise GraphQLError(
            f"`{cursor}` does not appear to be a valid cursor.", extensions={"type": "INVALID_CURSOR_ARGUMENTS"}
        ) from None
