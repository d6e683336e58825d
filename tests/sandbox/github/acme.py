"""Who calls the embedded GitHub in these tests, and the organisation that they call about."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import jwt
import requests

from provisioner.sandbox.github import AppKey, GitHubServer
from provisioner.sandbox.github.things import Org, Repo, Team, User
from provisioner.sandbox.github.world import World


@dataclass
class Caller:
    """Calls with one token: `call("GET", "/orgs/acme", 200)` asserts the status and gives the JSON."""

    url: str
    token: str | None
    last: requests.Response | None = None

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """The answer, whatever it is."""
        headers = {"Accept": "application/vnd.github+json", **more.pop("headers", {})}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        url = path if path.startswith("http") else self.url + path
        self.last = requests.request(method, url, headers=headers, timeout=60, allow_redirects=False, **more)
        return self.last

    def __call__(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        answer = self.ask(method, path, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def query(self, text: str, **variables: Any) -> Any:
        """The body of the answer to a GraphQL query."""
        return self("POST", "/graphql", json={"query": text, "variables": variables})

    def pages(self, path: str) -> list[Any]:
        """Every element, page after page, by `Link`."""
        found: list[Any] = []
        following: str | None = path
        while following:
            found += self("GET", following)
            assert self.last is not None
            following = self.last.links.get("next", {}).get("url")
        return found


class Acme:
    """The organisation `acme` with an owner, `boss`, and two members, `ada` and `Bob`; `eve` is nobody's."""

    def __init__(self, server: GitHubServer) -> None:
        self.server = server
        world = server.world
        self.boss = world.create_user("boss", "The Boss")
        self.org: Org = world.create_org("acme", self.boss)
        self.ada, self.bob, self.eve = (world.create_user(login) for login in ("ada", "Bob", "eve"))
        for member in (self.ada, self.bob):
            world.set_member(self.org, member)
        self.owner = self.caller(server.token(self.boss))

    @property
    def world(self) -> World:
        return self.server.world

    def caller(self, token: str | None) -> Caller:
        return Caller(self.server.url, token)

    def member(self, user: User) -> Caller:
        """Somebody with a classic token for everything that they may."""
        return self.caller(self.server.token(user))

    def reader(self) -> Caller:
        """The owner with a token that only reads."""
        return self.caller(self.server.fine_grained_token(self.boss))

    def team(self, name: str, *members: User, parent: Team | None = None, privacy: str = "closed") -> Team:
        team = self.world.create_team(self.org, name, parent=parent, privacy=privacy)
        team.members.update({user.id: "member" for user in members})
        self.world.version += 1
        return team

    def repo(self, name: str, *, private: bool = True) -> Repo:
        return self.world.create_repo(self.org, name, private=private)

    def truth(self) -> dict[str, Any]:
        return self.server.truth(self.org)


def as_app(acme: Acme, key: AppKey, **claims: Any) -> Caller:
    """A caller with the App's own JWT."""
    now = int(time.time())
    given = {"iss": key.client_id, "iat": now - 60, "exp": now + 540, **claims}
    return acme.caller(jwt.encode(given, key.private_key, "RS256"))


def installed(acme: Acme, key: AppKey, **wanted: Any) -> Caller:
    """A caller with a token of the App's installation."""
    at = f"/app/installations/{key.installation_id}/access_tokens"
    return acme.caller(as_app(acme, key)("POST", at, 201, json=wanted)["token"])
