"""GitHub's API as far as the proxy needs it: REST with pages by `Link`, GraphQL with pages by cursors, JSON in both."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote

from tests.faults.systems import http
from tests.faults.systems.github_pages import GRAPHQL, spoiled_graphql
from tests.faults.systems.rest_pages import REST, spoiled_list
from tests.faults.wire import Answer, Effect, Request, Spoil, Touched

Row = Mapping[str, Any]
_DOCS = "https://docs.github.com/rest"
_SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
_PARTS = ("members", "pending", "teams", "repositories")
_LISTS = (
    (re.compile(r"/orgs/[^/]+/invitations"), "invitations"),
    (re.compile(r"/repos/[^/]+/([^/]+)/invitations"), "repository-invitations/{}"),
    (re.compile(r"/orgs/[^/]+/teams/([^/]+)/repos"), "team-repositories"),
)
_INNER = {"TeamMembers": "team-members", "TeamRepositories": "team-repositories", "TeamInvitations": "team-members"}


class Names(Protocol):
    """What a request's numbers mean, as the server has it."""

    def login(self, user: int) -> str: ...

    def slug(self, team: int) -> str: ...

    def invited(self, invitation: int) -> str: ...

    def has(self, team: str, repository: str) -> bool:
        """Whether the team has something on the repository by itself."""
        ...

    def is_ours(self, login: str) -> bool:
        """Whether it is the account that the engine works with."""
        ...


class GithubWire:
    """`page`: how long a page of GraphQL is at most; None: as long as is asked for."""

    spoils: tuple[Spoil, ...] = (*GRAPHQL, *REST)
    silent: tuple[Spoil, ...] = (
        Spoil("rows missing, the count too", shows=False),
        Spoil("values missing, the count too", shows=False),
        Spoil("nothing, and a count of 0", shows=False),
        Spoil("rows missing from a list", shows=False),
    )

    def __init__(self, names: Names) -> None:
        self._names = names
        self.page: int | None = None
        self._pages: dict[str, list[bytes]] = {}

    def request(self, stream: BinaryIO) -> Request | None:
        found = http.message(stream)
        if found is None:
            return None
        head, body = found
        method, target = head[0].decode("latin-1").split()[:2]
        path, _, query = target.partition("?")
        sent: Any = _json(body)
        asks = path.endswith("/graphql")
        if asks and self.page is not None:
            body = json.dumps(_shorter(sent, self.page)).encode()
            head = http.changed(head, body)
        mutates = method != "GET" and not asks
        return Request(
            http.whole(head, body),
            f"{method} {path}" if not asks else f"graphql {_named(sent)}",
            mutates=mutates,
            touched=tuple(_touched(method, unquote(path), sent, self._names)) if mutates else (),
            key=http.told(head, "authorization").encode() + head[0] + body,
            scope=_scope(sent) if asks else _of_list(method, path),
            detail=(path, query, sent, http.told(head, "if-none-match")),
        )

    def answer(self, stream: BinaryIO, request: Request) -> Answer | None:
        found = http.received(stream)
        if found is None:
            return None
        answer, _, body = found
        if request.scope and answer.ok:
            self._pages.setdefault(self._list_of(request), []).append(body)
        return answer

    def for_request(self, answer: Answer, request: Request) -> Answer:
        """Who asks with an entity tag is told that nothing has changed."""
        tag = http.told(http.head_of(answer), "etag")
        return http.made(304, b"", fields={"ETag": tag}) if tag and request.detail[3] == tag else answer

    def success(self, request: Request) -> Answer:
        path, _, sent, _ = request.detail
        if request.name.startswith("POST") and path.endswith("/invitations"):
            row = {"id": 1, "login": self._names.login(int(sent["invitee_id"])), "email": None, "role": sent["role"]}
            return _answer(201, row)
        if request.name.startswith("POST") and path.endswith("/teams"):
            return _answer(201, {"id": 1, "name": sent["name"], "slug": sent["name"]})
        if request.name.startswith("PUT") and "/memberships/" in path:
            return _answer(200, {"state": "active", "role": (sent or {}).get("role", "member")})
        return http.made(204, b"") if not request.name.startswith("PATCH") else _answer(200, {"id": 1})

    def trouble(self, request: Request, kind: str, wait: float | None) -> Answer:
        """A limit is told by 429 or 403, with `Retry-After` or without; GitHub counts in whole seconds."""
        if kind == "busy":
            after = {} if wait is None else {"Retry-After": str(max(1, round(wait)))}
            return _answer(429 if len(request.raw) % 2 else 403, _error(_SECONDARY), after)
        if kind == "denied":
            if len(request.raw) % 2:
                return _answer(403, _error("Resource not accessible by personal access token"))
            return _answer(403, _error("Must have admin rights to Repository."))
        return _answer(503 if kind == "unavailable" else (500, 502)[len(request.raw) % 2], _error("Server Error"))

    def spoiled(self, spoil: Spoil, request: Request, answer: Answer, chance: Random) -> Answer | None:
        if not request.scope or not answer.ok:
            return None
        before = self._pages.get(self._list_of(request), [])[:-1]
        if request.name.startswith("graphql"):
            return spoiled_graphql(spoil.name, request.detail[2], answer, before, chance)
        return spoiled_list(spoil.name, request.detail[1], answer, before, chance)

    @staticmethod
    def _list_of(request: Request) -> str:
        """The pages of one list have this in common."""
        path, _, sent, _ = request.detail
        if not request.name.startswith("graphql"):
            return str(path)
        return "\0".join([_named(sent), *(str(sent["variables"].get(k)) for k in ("slug", "name"))])


def _answer(status: int, content: Any, fields: Mapping[str, str] | None = None) -> Answer:
    return http.made(status, json.dumps(content).encode(), "application/json; charset=utf-8", fields)


def _error(message: str) -> Row:
    return {"message": message, "documentation_url": _DOCS}


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def _named(sent: Any) -> str:
    """`Organization` of `query Organization(...)`."""
    found = re.match(r"\s*query (\w+)", str((sent or {}).get("query", "")))
    return found[1] if found else ""


def _shorter(sent: Any, page: int) -> Any:
    variables = {k: min(v, page) if k.endswith("First") else v for k, v in sent.get("variables", {}).items()}
    return {"query": sent["query"].replace("first: 100", f"first: {page}"), "variables": variables}


def _scope(sent: Any) -> str:
    """The wholes that an answer is a part of, joined by `+`. A question about one person is none."""
    variables = (sent or {}).get("variables", {})
    if _named(sent) == "Organization":
        return "+".join(part for part in _PARTS if variables.get(part))
    if variables.get("query") is not None:
        return ""
    return _INNER.get(_named(sent), "collaborators" if _named(sent) == "Collaborators" else "")


def _of_list(method: str, path: str) -> str:
    for pattern, name in _LISTS:
        if method == "GET" and (found := pattern.fullmatch(path)):
            return name.format(*found.groups())
    return ""


# What a change is about

Thing = Callable[..., Iterator[Touched]]


def _touched(method: str, path: str, sent: Any, names: Names) -> Iterator[Touched]:
    """PUT gives, DELETE takes."""
    parts, sent = path.strip("/").split("/"), sent if isinstance(sent, Mapping) else {}
    effect = {"PUT": Effect.GIVE, "POST": Effect.GIVE, "DELETE": Effect.TAKE}.get(method, Effect.TOUCH)
    match parts:
        case ["orgs", _, "invitations"]:
            who = names.login(int(sent["invitee_id"])) if "invitee_id" in sent else str(sent.get("email"))
            yield Touched(effect, f"account/{who}")
            yield Touched(effect, f"grant/~organization/{who}")
            for team in sent.get("team_ids", ()):
                yield Touched(effect, f"membership/{names.slug(int(team))}/{who}")
        case ["orgs", _, "invitations", number]:
            yield _place(effect, names.invited(int(number)))
        case ["orgs", _, "memberships" | "outside_collaborators", login]:
            yield _place(effect, login)
        case ["orgs", _, "teams"]:
            yield Touched(Effect.TOUCH, f"group/{sent.get('name')}")
        case ["orgs", _, "teams", slug]:
            yield Touched(effect, f"group/{slug}")
        case ["orgs", _, "teams", slug, "memberships", login]:
            if names.is_ours(login):  # whoever makes a team is put into it, and taken out again
                yield Touched(Effect.TOUCH, f"group/{slug}")
            else:
                yield Touched(effect, f"membership/{slug}/{login}")
        case ["orgs", _, "teams", slug, "repos", _, repository]:
            there = effect is Effect.GIVE and names.has(slug, repository)
            yield Touched(Effect.TOUCH if there else effect, f"grant/{repository.lower()}/group:{slug}")
        case ["repos", _, repository, "collaborators", login]:
            yield Touched(effect, f"grant/{repository.lower()}/{login}", (f"account/{login}",))
        case ["repos", _, repository, "invitations", number]:
            yield Touched(effect, f"grant/{repository.lower()}/{names.invited(int(number))}")
        case _:
            yield Touched(Effect.TOUCH, path)


def _place(effect: Effect, login: str) -> Touched:
    """Somebody's place in the organization; with it goes their account there."""
    return Touched(effect, f"grant/~organization/{login}", (f"account/{login}",))
