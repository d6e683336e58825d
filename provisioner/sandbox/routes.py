"""Which code answers which route of an embedded HTTP service.

Routes are written as the vendor's documentation writes them, `GET /orgs/{org}/teams/{team_slug}`: one segment a name.
A written-out segment wins over a name. Path segments are decoded after they are split, so an
environment named `a/b` arrives whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Serve = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Route:
    """A route and what serves it; `needs` is what the caller must be allowed."""

    method: str
    template: str
    serve: Serve
    needs: str | None = None

    @property
    def call(self) -> str:
        return f"{self.method} {self.template}"


@dataclass(slots=True)
class _Step:
    literal: dict[str, _Step] = field(default_factory=dict)
    named: _Step | None = None
    routes: dict[str, Route] = field(default_factory=dict)


class Routes:
    """The routes of one service, as a tree of segments."""

    def __init__(self) -> None:
        self._root = _Step()
        self.all: list[Route] = []

    def add(self, call: str, *, needs: str | None = None) -> Callable[[Serve], Serve]:
        """Decorator: the function serves the route. It gets the call and the named segments, in order."""

        def keep(serve: Serve) -> Serve:
            method, template = call.split(" ", 1)
            route = Route(method, template, serve, needs)
            step = self._root
            for part in template.strip("/").split("/"):
                if part.startswith("{"):
                    step.named = step.named or _Step()
                    step = step.named
                else:
                    step = step.literal.setdefault(part, _Step())
            if method in step.routes:
                raise ValueError(f"{call} is served twice")
            step.routes[method] = route
            self.all.append(route)
            return serve

        return keep

    def find(self, method: str, path: list[str]) -> tuple[Route, list[str]] | None:
        """The route of a request and its named segments; None where nothing serves it."""
        return _find(self._root, method, path, [])


def _find(step: _Step, method: str, path: list[str], names: list[str]) -> tuple[Route, list[str]] | None:
    if not path:
        route = step.routes.get(method)
        return (route, names) if route is not None else None
    head, rest = path[0], path[1:]
    if head in step.literal and (found := _find(step.literal[head], method, rest, names)):
        return found
    if step.named is not None and head:
        return _find(step.named, method, rest, [*names, head])
    return None
