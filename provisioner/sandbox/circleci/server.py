"""The embedded CircleCI: its API, version 2, over HTTP on loopback, for `provision sandbox`, `demo` and the tests.

The state is `state`: seed it and look at it directly; `truth()` writes it down without any value of a variable. It
refuses to know what a test expects, and anything of providers, model and contract.

What CircleCI does and this does not: run anything, work out expressions, copy GitHub's teams by itself (`copy_teams` is
that moment), versions 1.1 and 3 of the API, webhooks, schedules, policies. Where its documents contradict each other
(a context without restrictions), `State.may_use` says what is taken to hold here.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from provisioner.sandbox.circleci.call import ROUTES, Call, Manners, Refused
from provisioner.sandbox.circleci.state import EVERYBODY, Organization, Person, State
from provisioner.sandbox.routes import Route
from provisioner.sandbox.service import Service, path_of
from provisioner.sandbox.wire import Answer, Headers

PREFIX = ["api", "v2"]
MINUTE = timedelta(minutes=1)
_UNKNOWN_GROUP = "(a group that is gone)"


@dataclass(eq=False, slots=True)
class Token:
    """A personal token: it may do what its person may, until it ends."""

    person: Person
    expires: datetime | None


class CircleCiServer(Service):
    """One emulated CircleCI. Start it with `start()` or as a context manager."""

    name = "circleci"

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """`port` 0 takes a free one."""
        super().__init__(host=host, port=port)
        self.clear()

    def clear(self) -> None:
        """As new, without a new start: nothing and nobody in it, no tokens, a full budget, no faults."""
        with self.lock:
            self.clock.ahead = timedelta()
            self.state = State(self.clock)
            self.manners = Manners()
            self.per_minute: int | None = 1200  # nobody publishes the figure
            self.retry_after = True
            self.tokens: dict[str, Token] = {}
            self._spent: dict[str, deque[datetime]] = {}
            self.heal()
            self.calls.clear()

    def exports(self) -> dict[str, str]:
        """Environment variables of where it is; tokens are made with `token`."""
        return {"CIRCLECI_API_URL": f"{self.url}/api/v2"}

    def token(self, person: Person, *, days: float | None = None) -> str:
        """A personal token; `days` is how long it lasts, by default for ever."""
        secret = f"CCIPAT_{secrets.token_hex(20)}"
        self.tokens[secret] = Token(person, None if days is None else self.state.now() + timedelta(days=days))
        return secret

    def throttle(self, call: str | None = None, times: int | None = 1, *, retry_after: int | None = 5) -> None:
        """The next `times` calls (of the route) get 429; `retry_after` None says no time."""
        told = {} if retry_after is None else {"Retry-After": str(retry_after)}
        body = json.dumps({"message": "Rate limit exceeded. Please try again later."}).encode()
        self.fail(call, 429, times, body=body, headers=told)

    def truth(self, org: Organization) -> dict[str, Any]:
        """What the organisation holds, by name, from the state itself."""
        with self.lock:
            projects = {p.id: p.name for p in self.state.projects.values()}
            names = {org.id: EVERYBODY, **{g.id: g.name for g in org.groups.values()}, **projects}

            def told(kind: str, value: str) -> str:
                return value if kind == "expression" else names.get(value, _UNKNOWN_GROUP)

            return {
                "contexts": {
                    context.name: {
                        "restrictions": sorted((r.kind, told(r.kind, r.value)) for r in context.restrictions.values()),
                        "variables": sorted(context.variables),
                    }
                    for context in self.state.contexts_of(org)
                },
                "groups": {
                    group.name: sorted(self.state.people[number].login for number in group.members)
                    for group in org.groups.values()
                },
                "projects": {p.name: sorted(p.variables) for p in self.state.projects.values() if p.org == org.id},
            }

    # Wire

    def error_body(self, status: int) -> bytes:  # noqa: ARG002 - one body for all of them
        return json.dumps({"message": "Internal server error"}).encode()

    def route(self, environ: Mapping[str, Any]) -> tuple[str, Callable[[bytes], Answer]]:
        method, path = str(environ["REQUEST_METHOD"]), path_of(environ)
        path = path[2:] if path[:2] == PREFIX else ["(elsewhere)"]
        if path[:1] == ["project"] and len(path) >= 4 and "/" not in path[1]:
            path = ["project", "/".join(path[1:4]), *path[4:]]
        found = ROUTES.find(method, path)
        if found is None:
            return f"{method} (unknown)", lambda _: self._refuse(Refused(404, "Not found"), [])
        route, names = found
        return route.call, lambda body: self._answer(environ, route, names, body)

    def _answer(self, environ: Mapping[str, Any], route: Route, names: list[str], body: bytes) -> Answer:
        headers: Headers = [("X-Request-Id", secrets.token_hex(16))]
        try:
            secret = _secret(environ)
            person = self._person(secret)
            headers += self._spend(secret)
            args = dict(parse_qsl(str(environ["QUERY_STRING"]), keep_blank_values=True))
            status, content = route.serve(Call(self.state, self.manners, person, args, body), *names)
        except Refused as refused:
            return self._refuse(refused, headers)
        if content is None:
            return status, headers, b""
        return status, [("Content-Type", "application/json"), *headers], json.dumps(content).encode()

    def _refuse(self, refused: Refused, headers: Headers) -> Answer:
        kind = ("Content-Type", "application/json")
        body = json.dumps({"message": refused.message}).encode()
        return refused.status, [kind, *headers, *refused.headers.items()], body

    def _person(self, secret: str) -> Person:
        token = self.tokens.get(secret)
        if token is None or (token.expires is not None and token.expires <= self.state.now()):
            raise Refused(401, "You must log in first." if not secret else "Invalid token provided.")
        return token.person

    def _spend(self, secret: str) -> Headers:
        """Count a call; the headers tell what is left and in how many seconds there is more."""
        if self.per_minute is None:
            return []
        now, spent = self.state.now(), self._spent.setdefault(secret, deque())
        while spent and spent[0] <= now - MINUTE:
            spent.popleft()
        reset = str(int((spent[0] + MINUTE - now).total_seconds())) if spent else "60"
        left = self.per_minute - len(spent)
        told = {"RateLimit-Limit": self.per_minute, "RateLimit-Remaining": max(0, left - 1), "RateLimit-Reset": reset}
        given = {name: str(value) for name, value in told.items()}
        if left <= 0:
            again = {"Retry-After": reset} if self.retry_after else {}
            raise Refused(429, "Rate limit exceeded. Please try again later.", {**given, **again})
        spent.append(now)
        return list(given.items())


def _secret(environ: Mapping[str, Any]) -> str:
    """The token of a request: `Circle-Token`, a bearer, or the user name of Basic."""
    if given := environ.get("HTTP_CIRCLE_TOKEN"):
        return str(given)
    kind, _, value = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            return base64.b64decode(value).decode("utf-8", "replace").partition(":")[0]
        except ValueError:
            return ""
    return ""
