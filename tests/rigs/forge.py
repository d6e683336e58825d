"""A repository on the embedded GitHub: branches, pull requests and reviews that follow a real git repository's commits.

People's accounts are made with their ids; a token of the kind that GitHub Actions hands to a job reads it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provisioner.sandbox.github import GitHubServer, pushes
from provisioner.sandbox.github.things import Org, Pull, Repo, User

JOB = {"contents": "read", "pull_requests": "read", "metadata": "read"}


@dataclass
class Forge:
    """`acme/access`, its people by login, and a job's token."""

    server: GitHubServer
    users: dict[str, User] = field(default_factory=dict)
    org: Org = field(init=False)
    repo: Repo = field(init=False)
    token: str = field(init=False)

    def __post_init__(self) -> None:
        world = self.server.world
        boss = self.user("boss")
        self.org = world.create_org("acme", boss)
        self.repo = world.create_repo(self.org, "access")
        self.token = self.server.fine_grained_token(boss, JOB)

    def user(self, login: str, kind: str = "User") -> User:
        """Somebody, made when first named."""
        if login not in self.users:
            self.users[login] = self.server.world.create_user(login, kind=kind)
        return self.users[login]

    def pin(self, *logins: str) -> dict[str, int]:
        return {login: self.user(login).id for login in logins}

    def push(self, branch: str, by: str, sha: str, author: str | None = None) -> str:
        made_by = self.user(author) if author is not None else None
        return pushes.push(self.server.world, self.repo, branch, self.user(by), sha, author=made_by)

    def open(self, branch: str, by: str) -> Pull:
        return pushes.open_pull(self.server.world, self.repo, branch, self.user(by))

    def review(self, pull: Pull, by: str, event: str = "APPROVE", commit: str | None = None) -> int:
        return pushes.review(self.server.world, pull, self.user(by), event, "words", commit).id

    def merge(self, pull: Pull, by: str, *shas: str, method: str = "merge") -> None:
        pushes.merge(self.server.world, pull, self.user(by), method, shas)

    def job(self, env: pytest.MonkeyPatch, folder: Path, event: str = "push", pull: Pull | None = None) -> Path:
        """The variables of a job in GitHub Actions; the file that its summary goes to."""
        number = pull.number if pull is not None else 0
        told = {"pull_request": {"number": number, "html_url": f"https://github.com/acme/access/pull/{number}"}}
        path, summary = folder / "event.json", folder / "summary.md"
        path.write_text(json.dumps(told if pull is not None else {}), encoding="utf-8")
        summary.write_text("", encoding="utf-8")
        variables = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "boss",
            "GITHUB_API_URL": self.server.url,
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_REPOSITORY": "acme/access",
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_TOKEN": self.token,
        }
        for name, value in variables.items():
            env.setenv(name, value)
        return summary
