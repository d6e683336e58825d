"""One call of the embedded CircleCI's API, version 2: who, with what, and the helpers that routes share."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from provisioner.sandbox.circleci.state import Context, Organization, Person, Project, State
from provisioner.sandbox.routes import Routes

Thing = TypeVar("Thing")
Reply = tuple[int, Any]
ROUTES = Routes()


class Refused(Exception):  # noqa: N818 - an answer, not something wrong with us
    """CircleCI says no: a status and a message."""

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers or {})


@dataclass(slots=True)
class Manners:
    """What differs between installations and over time.

    `detailed`: one context is answered with its restrictions and variables, as the newest clients expect; the
    published reference has three fields. `group_restrictions`: they can be made by the API at all. `github_groups`:
    the groups of a `github` organisation are listed, for which no document speaks.
    """

    detailed: bool = False
    group_restrictions: bool = True
    github_groups: bool = False
    page_size: int = 20


@dataclass(slots=True)
class Call:
    """A request being answered."""

    state: State
    manners: Manners
    person: Person
    args: Mapping[str, str]
    raw: bytes

    def body(self) -> dict[str, Any]:
        """The JSON body, which has to be an object."""
        try:
            found = json.loads(self.raw or b"{}")
        except ValueError:
            raise Refused(400, "Malformed JSON in request body.") from None
        if not isinstance(found, dict):
            raise Refused(400, "The request body has to be an object.")
        return found

    def text(self, name: str, longest: int | None = None) -> str:
        """A string of the body that has to be there."""
        value = self.body().get(name)
        if not isinstance(value, str) or not value:
            raise Refused(400, f"{name}: string, which is required")
        if longest is not None and len(value) > longest:
            raise Refused(400, f"{name} is longer than {longest} characters.")
        return value

    def page(self, things: Sequence[Thing], shape: Callable[[Thing], Any], size: int | None = None) -> Reply:
        """A page of things, and the token of the next one or null."""
        start, size = self._start(), size or self.manners.page_size
        end = start + size
        token = base64.urlsafe_b64encode(f"AARLwwX{end}".encode()).decode() if end < len(things) else None
        return 200, {"items": [shape(one) for one in things[start:end]], "next_page_token": token}

    def _start(self) -> int:
        given = self.args.get("page-token")
        if given is None:
            return 0
        try:
            told = base64.urlsafe_b64decode(given.encode()).decode()
            return int(told.removeprefix("AARLwwX")) if told.startswith("AARLwwX") else int("")
        except ValueError:
            raise Refused(400, "page-token is invalid.") from None

    # Finding, as far as the caller may know

    def org(self, number: str | None = None, slug: str | None = None) -> Organization:
        org = self.state.org_of(number, slug)
        if org is None or self.person.id not in org.members:
            raise Refused(404, "Organization not found.")
        return org

    def context(self, number: str) -> Context:
        context = self.state.contexts.get(number)
        if context is None or self.person.id not in self.state.orgs[context.org].members:
            raise Refused(404, "Context not found.")
        return context

    def project(self, slug: str) -> Project:
        project = self.state.project_of(slug)
        if project is None or self.person.id not in self.state.orgs[project.org].members:
            raise Refused(404, "Project not found")
        return project

    def admin(self, org: Organization) -> None:
        """Refuse who does not administer the organisation."""
        if org.members.get(self.person.id) != "admin":
            raise Refused(403, "Permission denied.")

    def inside(self, context: Context) -> None:
        """Refuse who is neither an admin nor of a group of the context."""
        org = self.state.orgs[context.org]
        groups = context.values("group")
        mine = any(self.person.id in org.groups[one].members for one in groups if one in org.groups)
        if org.members.get(self.person.id) != "admin" and org.kind == "github" and not (org.id in groups or mine):
            raise Refused(403, "Permission denied.")


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
