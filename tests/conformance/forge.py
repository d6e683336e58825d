"""An organization on the embedded GitHub as a system under test. Everybody says yes to invitations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.contract import Provider
from provisioner.providers.github import Github
from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.github.things import User


class GithubHarness:
    name = "github"
    groups = "teams"
    lacks: Mapping[str, str] = {
        "marks": "GitHub has no place for a mark on a person or a membership",
        "locks": "nobody can be locked in an organization and kept",
        "keyless": "nothing there takes the token of a CI",
        "renames": "people change their logins themselves",
    }

    def __init__(self, server: GitHubServer) -> None:
        self._server = server
        self._boss = server.world.create_user("boss")
        self._org = server.world.create_org("acme", self._boss)
        self.provider: Provider = Github()
        for who in ("ada", "bob", "cyd", "eve"):
            server.world.create_user(who)

    def settings(self) -> Mapping[str, Any]:
        return {
            "organization": "acme",
            "api_url": {"env": "GITHUB_API_URL"},
            "token": {"plan": {"env": "READ"}, "apply": {"env": "WRITE"}},
        }

    def environ(self) -> Mapping[str, str]:
        return {
            "GITHUB_API_URL": self._server.url,
            "READ": self._server.fine_grained_token(self._boss),
            "WRITE": self._server.token(self._boss),
        }

    def pinned(self, who: str) -> str | None:
        user = self._server.world.user(who)
        return str(user.id) if user is not None else None

    def accept(self) -> None:
        for invitation in list(self._org.invitations.values()):
            self._server.world.accept(self._org, invitation)

    def _user(self, login: str) -> User:
        world = self._server.world
        user = world.user(login) or world.create_user(login)
        world.set_member(self._org, user)
        return user

    def seed_foreign(self) -> None:
        for i in (1, 2):
            self.add_by_hand("foreign-group", f"foreign-{i}")

    def add_by_hand(self, group: str, login: str) -> None:
        world = self._server.world
        team = world.team(self._org, group) or world.create_team(self._org, group)
        team.members[self._user(login).id] = "member"
        world.version += 1

    def truth(self) -> Mapping[str, Any]:
        found = self._server.truth(self._org)
        people = {**found["members"], **dict.fromkeys(found["outside"], "outside")}
        return {
            **{f"account {login}": role for login, role in people.items()},
            **{f"group {slug}": team for slug, team in found["teams"].items()},
        }

    def members(self, group: str) -> set[str]:
        team = self._server.truth(self._org)["teams"].get(group)
        return set(team["members"]) if team else set()

    def can_get_in(self, login: str) -> bool:
        found = self._server.truth(self._org)
        return login in found["members"] or login in found["outside"] or login in found["invitations"]
