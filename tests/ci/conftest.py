"""A pull request on the embedded GitHub, and the token of a job that may speak on it; every exchange is checked."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from provisioner.ci.github_thread import GitHubThread, thread_at
from provisioner.ci.place import Place
from provisioner.sandbox.github import GitHubServer, pushes
from provisioner.sandbox.github.things import Pull, Repo, User

HEAD = "a" * 40


@dataclass
class Forge:
    """The repository `acme/access` with a pull request of ada's."""

    server: GitHubServer
    repo: Repo
    pull: Pull
    ada: User
    token: str

    @property
    def bot(self) -> User:
        found = self.server.world.user("github-actions[bot]")
        assert found is not None
        return found

    def place(self, number: str | None = None) -> Place:
        return Place("github", self.server.url, "acme/access", str(self.pull.number) if number is None else number)

    def thread(self, token: str | None = None, number: str | None = None) -> GitHubThread:
        return thread_at(self.place(number), self.token if token is None else token, HEAD)

    def bodies(self) -> list[str]:
        return [one.body for one in self.pull.comments.values()]


@pytest.fixture
def forge(embedded_github: GitHubServer) -> Forge:
    world = embedded_github.world
    boss, ada = world.create_user("boss"), world.create_user("ada")
    org = world.create_org("acme", boss)
    world.set_member(org, ada)
    repo = world.create_repo(org, "access")
    pushes.push(world, repo, "change", ada, HEAD)
    pull = pushes.open_pull(world, repo, "change", ada)
    token = embedded_github.actions_token(repo, pull_requests="write", contents="read")
    return Forge(embedded_github, repo, pull, ada, token)
