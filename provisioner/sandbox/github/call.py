"""One call of the embedded GitHub's REST API: who, with which arguments and body; and the helpers that routes share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from provisioner.sandbox.github import auth
from provisioner.sandbox.github.answers import Refused, link_header, moved, not_found, page_of
from provisioner.sandbox.github.auth import Caller, Keys
from provisioner.sandbox.github.limits import Limits
from provisioner.sandbox.github.rights import Rights, base_of
from provisioner.sandbox.github.shapes import Shapes
from provisioner.sandbox.github.things import ROLES, VERBS, Org, Repo, Team, User
from provisioner.sandbox.github.world import World
from provisioner.sandbox.routes import Routes
from provisioner.sandbox.wire import Headers

Thing = TypeVar("Thing")
Reply = tuple[int, Any]
ROUTES = Routes()


@dataclass(slots=True)
class Realm:
    """Everything behind one embedded GitHub."""

    world: World
    rights: Rights
    keys: Keys
    limits: Limits


@dataclass(slots=True)
class Call:
    """A request being answered. `headers` go out with the answer."""

    realm: Realm
    caller: Caller
    shapes: Shapes
    method: str
    url: str
    args: Mapping[str, str]
    raw: bytes
    accept: str = ""
    pairs: list[tuple[str, str]] = field(default_factory=list)
    headers: Headers = field(default_factory=list)
    _body: dict[str, Any] | None = None

    @property
    def world(self) -> World:
        return self.realm.world

    @property
    def rights(self) -> Rights:
        return self.realm.rights

    # Arguments

    @property
    def body(self) -> dict[str, Any]:
        """The JSON body; an empty one is no arguments."""
        if self._body is None:
            try:
                found = json.loads(self.raw) if self.raw.strip() else {}
            except ValueError:
                raise Refused(400, "Problems parsing JSON") from None
            if not isinstance(found, dict):
                raise Refused(400, "Body should be a JSON object")
            self._body = found
        return self._body

    def given(self, name: str, kind: type | tuple[type, ...], *, required: bool = False, nullable: bool = False) -> Any:
        """A field of the body, or None; 422 where it is missing or of another type."""
        value = self.body.get(name)
        if value is None:
            if required or (name in self.body and not nullable):
                told = f"nil is not a {_word(kind)}." if name in self.body else f'"{name}" wasn\'t supplied.'
                raise unprocessable(told, name if name in self.body else None)
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise unprocessable(f"{json.dumps(value)} is not a {_word(kind)}.", name)
        return value

    def choice(self, name: str, options: Iterable[str], *, required: bool = False) -> str | None:
        value: str | None = self.given(name, str, required=required)
        if value is not None and value not in options:
            raise unprocessable(f"{json.dumps(value)} is not a member of {json.dumps(list(options))}.", name)
        return value

    def option(self, name: str, options: Sequence[str]) -> str:
        """An argument of the query with a fixed set of values; the first one is the default."""
        value = self.args.get(name, options[0])
        if value not in options:
            raise unprocessable(f"{json.dumps(value)} is not a member of {json.dumps(list(options))}.", name)
        return value

    # Answers

    def page(self, things: Sequence[Thing], shape: Callable[[Thing], Any], most: int = 100, usual: int = 30) -> Reply:
        """200 with the asked page of things, and `Link`."""
        found, number, _, last = page_of(things, self.args, most, usual)
        self.headers += link_header(self.url, self.args, number, last)
        return 200, [shape(thing) for thing in found]

    # Finding

    def org(self, login: str, needs: str | None = None, *, owner: bool = False) -> Org:
        """The organisation, if the caller may: `needs` is `members:read` and the like."""
        org = self.world.org(login)
        if org is None:
            raise not_found()
        if needs is not None:
            auth.require_org(self.caller, org, needs, owner=owner)
        return org

    def user(self, login: str) -> User:
        user = self.world.user(login)
        if user is None:
            raise not_found()
        return user

    def team(self, org: Org, slug: str) -> Team:
        """The team, if it exists for the caller: a secret one is for its members and for owners."""
        team = self.world.team(org, slug)
        if team is None or not self.sees(team):
            raise not_found()
        return team

    def sees(self, team: Team) -> bool:
        org = self.world.orgs[team.org]
        if team.privacy == "closed" or auth.is_owner(self.caller, org):
            return True
        return self.caller.user is not None and self.caller.user.id in team.members

    def maintains(self, team: Team) -> bool:
        """Owners and the team's maintainers may change it."""
        if auth.is_owner(self.caller, self.world.orgs[team.org]):
            return True
        return self.caller.user is not None and team.members.get(self.caller.user.id) == "maintainer"

    def repo(self, owner: str, name: str, needs: str | None = None) -> Repo:
        """The repository, if the caller sees it and may do what `needs` says; a former name is answered with where
        it is now."""
        org = self.world.org(owner)
        repo = self.world.repo(org, name) if org else None
        if repo is None and org is not None:
            self._redirect(org, name)
        if repo is None or not auth.sees_repo(self.caller, repo, self.base_on(repo)):
            raise not_found()
        if needs is not None:
            self.require_repo(repo, needs)
        return repo

    def _redirect(self, org: Org, name: str) -> None:
        repo = self.world.repos.get(self.world.moved.get((org.id, name.casefold()), 0))
        if repo is not None and auth.sees_repo(self.caller, repo, self.base_on(repo)):
            rest = self.url.split("/repos/", 1)[1].split("/", 2)[2:]
            raise moved("/".join([f"{self.shapes.api}/repositories/{repo.id}", *rest]), self.method != "GET")

    def require_repo(self, repo: Repo, needs: str) -> None:
        what, level = needs.split(":")
        if self.caller.token is None:
            raise Refused(401, "Requires authentication")
        if not auth.has(self.caller, what, level):
            raise auth.lacking(self.caller)
        if self.caller.installation is not None:
            return
        enough = "admin" if (what, level) in _ADMIN else "write" if level == "write" else "read"
        if ROLES.index(self.base_on(repo) or "read") < ROLES.index(enough):
            right = "admin rights" if enough == "admin" else "push access"
            raise Refused(403, f"Must have {right} to Repository.")

    def base_on(self, repo: Repo) -> str | None:
        """The calling user's own right on the repository."""
        return self.rights.base_on(repo, self.caller.user.id) if self.caller.user else None

    def role_named(self, org: Org, given: str, resource: str) -> str:
        """The role that a `permission` of a request means: pull, triage, push, maintain, admin, or a custom one."""
        if given in VERBS:
            return VERBS[given]
        if any(role.name == given for role in org.repo_roles.values()):
            return given
        error = {"resource": resource, "field": "permission", "code": "invalid"}
        raise Refused(422, "Validation Failed", [error])

    def verb(self, org: Org, role: str) -> str:
        return next(verb for verb, name in VERBS.items() if name == base_of(org, role))


_ADMIN = {("administration", "read"), ("administration", "write"), ("environments", "write")}


def unprocessable(text: str, field_name: str | None = None) -> Refused:
    """422 in the words of GitHub's check of a request against its schema."""
    where = f"For 'properties/{field_name}', " if field_name else ""
    return Refused(422, f"Invalid request.\n\n{where}{text}")


def _word(kind: type | tuple[type, ...]) -> str:
    names = {str: "string", int: "integer", bool: "boolean", list: "array", dict: "object"}
    return " or ".join(names.get(one, one.__name__) for one in (kind if isinstance(kind, tuple) else (kind,)))
