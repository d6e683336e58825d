"""What a session may send at all. A reader's session cannot write, whatever is asked of it.

GraphQL sends questions by POST: those are let through only where the text is one of those listed, never by looking for
the word `mutation` in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

Guard = Callable[[str, str, Any], str | None]
"""Called with method, path and body; says why it must not be sent, or None."""


def anything(_method: str, _path: str, _body: Any) -> str | None:
    """The guard of a writer: none."""
    return None


def read_only(*, query_path: str | None = None, queries: Collection[str] = ()) -> Guard:
    """GET, and the listed queries by POST to `query_path`."""
    listed = frozenset(queries)

    def guard(method: str, path: str, body: Any) -> str | None:
        if method == "GET" and body is None:
            return None
        if method == "POST" and query_path is not None and path == query_path:
            text = body.get("query") if isinstance(body, Mapping) else None
            if text in listed:
                return None
            return "a reader sends listed queries only"
        return f"a reader may not send {method}"

    return guard
