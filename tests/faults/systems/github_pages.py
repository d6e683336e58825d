"""Spoiled pages of lists that come by GraphQL: connections with a count and a cursor, one inside the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from tests.faults.systems import http
from tests.faults.systems.rest_pages import PLAIN, plain
from tests.faults.wire import Answer, Spoil

GRAPHQL: tuple[Spoil, ...] = (
    Spoil("no more, says a page that is not the last"),
    Spoil("no word on whether more follows"),
    Spoil("more is promised without a cursor"),
    Spoil("the same cursor again"),
    Spoil("rows missing"),
    Spoil("the rows before again"),
    Spoil("a row is null"),
    Spoil("somebody is null"),
    Spoil("a list is null, with an error"),
    Spoil("a list is null, without a word"),
    Spoil("a list without anything in it"),
    Spoil("an error beside the data"),
    Spoil("no data, and an error"),
    Spoil("a limit told in a 200"),
    Spoil("scopes that do not suffice"),
    Spoil("members hidden from a stranger"),
    Spoil("rows twice", shows=False),
    Spoil("another order", shows=False),
)
_OUTER = {
    "membersWithRole": "members",
    "pendingMembers": "pending",
    "teams": "teams",
    "repositories": "repositories",
}
_INNER = {
    ("teams", "members"): "team-members",
    ("teams", "invitations"): "team-members",
    ("teams", "repositories"): "team-repositories",
    ("repositories", "collaborators"): "collaborators",
}


@dataclass(frozen=True)
class _List:
    """A connection in an answer: whose (`holder[key]`), which whole it is a part of, the cursor that was asked with."""

    holder: Any
    key: str
    whole: str
    path: tuple[str | int, ...]
    after: str | None

    @property
    def connection(self) -> Any:
        return self.holder[self.key]

    @property
    def rows(self) -> list[Any]:
        return self.connection["edges" if "edges" in self.connection else "nodes"]  # type: ignore[no-any-return]


def _lists(sent: Any, data: Any) -> Iterator[_List]:
    organization, variables = data.get("organization") or {}, sent["variables"]
    for key, part in _OUTER.items():
        if isinstance(organization.get(key), dict):
            yield _List(organization, key, part, ("organization", key), variables.get(f"{part}After"))
            for at, node in enumerate(organization[key].get("nodes") or ()):
                for (outer, inner), whole in _INNER.items():
                    if outer == key and isinstance(node, dict) and isinstance(node.get(inner), dict):
                        yield _List(node, inner, whole, ("organization", key, "nodes", at, inner), None)
    for key, outer in (("team", "teams"), ("repository", "repositories")):
        for (of, inner), whole in _INNER.items():
            holder = organization.get(key)
            if of == outer and isinstance(holder, dict) and isinstance(holder.get(inner), dict):
                yield _List(holder, inner, whole, ("organization", key, inner), variables.get("after"))


def spoiled_graphql(name: str, sent: Any, answer: Answer, before: Sequence[bytes], chance: Random) -> Answer | None:
    """None where that cannot be done to this answer."""
    if name in PLAIN:
        return plain(name, answer, chance)
    found = json.loads(answer.parts[1])
    if not isinstance(found.get("data"), dict) or found.get("errors"):
        return None
    match name:
        case "no data, and an error":
            return _with(answer, {"data": None, "errors": [_error("Something went wrong while executing your query.")]})
        case "a limit told in a 200":
            limited = {"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 583217."}
            return http.with_body(answer, json.dumps({"errors": [limited]}).encode(), x_ratelimit_remaining="0")
        case "an error beside the data":
            return _with(answer, {**found, "errors": [_error("Something went wrong while executing your query.")]})
        case "members hidden from a stranger":
            return _as_a_stranger(found, answer, chance)
    lists = [each for each in _lists(sent, found["data"]) if _fits(name, each)]
    if not lists:
        return None
    one = chance.choice(lists)
    error = _spoil(name, one, _rows_before(one, before, sent), chance)
    if error is None:
        return None
    made = {**found, "errors": [error]} if error else found
    return replace(_with(answer, made), hurt=one.whole)


def _fits(name: str, one: _List) -> bool:
    more, rows = one.connection["pageInfo"]["hasNextPage"], one.rows
    match name:
        case "no more, says a page that is not the last" | "more is promised without a cursor":
            return bool(more)
        case "no word on whether more follows" | "a list without anything in it":
            return bool(more or rows)
        case "the same cursor again":
            return bool(one.after)
        case "the rows before again":
            return one.after is not None
        case "another order":
            return len(rows) > 1
        case "somebody is null":
            return bool(rows) and "node" in rows[0]
        case "values missing, the count too":
            return bool(rows) and len(one.path) > 2
    return bool(rows)


def _rows_before(one: _List, before: Sequence[bytes], sent: Any) -> list[Any]:
    """The newest page of the same list that came earlier."""
    for body in reversed(before):
        data = json.loads(body).get("data") or {}
        for each in _lists({**sent, "variables": {**sent["variables"]}}, data):
            if each.path == one.path and each.rows:
                return each.rows
    return []


def _spoil(name: str, one: _List, earlier: list[Any], chance: Random) -> Any:
    """The error to be told beside it, {} for none; None where it could not be done."""
    connection, rows, page = one.connection, one.rows, one.connection["pageInfo"]
    match name:
        case "no more, says a page that is not the last":
            page.update(hasNextPage=False, endCursor=None)
        case "no word on whether more follows":
            del connection["pageInfo"], connection["totalCount"]
        case "more is promised without a cursor":
            page["endCursor"] = None
        case "the same cursor again":
            page.update(hasNextPage=True, endCursor=one.after)
        case "rows missing":
            _without(rows, chance)
        case "the rows before again":
            if len(earlier) < len(rows) or earlier[: len(rows)] == rows:
                return None  # of an earlier reading it may be this very page
            rows[:] = earlier[: len(rows)]
        case "a row is null":
            at = chance.randrange(len(rows))
            rows[at] = None
            return {**_error("Something went wrong."), "path": [*one.path, at]} if chance.random() < 0.5 else {}
        case "somebody is null":
            at = chance.randrange(len(rows))
            rows[at]["node"] = None
            told = {"type": "FORBIDDEN", **_error("Resource not accessible"), "path": [*one.path, "edges", at, "node"]}
            return told if chance.random() < 0.5 else {}
        case "a list is null, with an error":
            one.holder[one.key] = None
            return {"type": "FORBIDDEN", **_error("Resource not accessible"), "path": [*one.path]}
        case "a list is null, without a word":
            one.holder[one.key] = None
        case "a list without anything in it":
            one.holder[one.key] = {}
        case "scopes that do not suffice":
            one.holder[one.key] = None
            words = "Your token has not been granted the required scopes to execute this query."
            return {"type": "INSUFFICIENT_SCOPES", **_error(words)}
        case "rows twice":
            rows += rows[: chance.randint(1, len(rows))]
        case "another order":
            chance.shuffle(rows)
        case "rows missing, the count too" | "values missing, the count too":
            lost = _without(rows, chance)
            connection["totalCount"] = max(0, connection["totalCount"] - lost)
        case "nothing, and a count of 0":
            rows.clear()
            connection.update(totalCount=0, pageInfo={"hasNextPage": False, "endCursor": None})
        case _:
            return None
    return {}


def _as_a_stranger(found: Any, answer: Answer, chance: Random) -> Answer | None:
    """To who does not belong to it an organization shows its public members, and counts no others."""
    organization = found["data"].get("organization") or {}
    members = organization.get("membersWithRole")
    if "viewerIsAMember" not in organization or not members or not members["edges"]:
        return None
    organization["viewerIsAMember"] = False
    _without(members["edges"], chance)
    members.update(totalCount=len(members["edges"]), pageInfo={"hasNextPage": False, "endCursor": None})
    return replace(_with(answer, found), hurt="members")


def _without(rows: list[Any], chance: Random) -> int:
    lost = chance.sample(rows, chance.randint(1, len(rows)))
    for row in lost:
        rows.remove(row)
    return len(lost)


def _error(message: str) -> dict[str, Any]:
    return {"message": message, "locations": [{"line": 1, "column": 1}]}


def _with(answer: Answer, found: Any) -> Answer:
    return http.with_body(answer, json.dumps(found).encode())
