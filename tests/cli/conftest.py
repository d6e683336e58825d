"""A repository with access files, and the command line run in it, against the embedded directory."""

from __future__ import annotations

import contextlib
import io
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provisioner.cli.main import main
from provisioner.sandbox.ldap import LdapServer
from tests import canaries

COMMON = """\
records: {owner: 5f1c0a2b}
roles:
  developer: {owners: [grace], grants: {corp-ldap: {groups: [developers]}}}
targets:
  corp-ldap:
    provider: ldap
    url: {env: LDAP_URL}
    bind_dn: {env: LDAP_BIND_DN}
    password: {env: LDAP_PASSWORD}
    base: {people: "ou=people,dc=example,dc=test", groups: "ou=groups,dc=example,dc=test"}
"""
CLEARED = (
    "CI", "CIRCLECI", "COLUMNS", "FORCE_COLOR", "GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_STEP_SUMMARY",
    "GITHUB_TOKEN", "GITLAB_CI", "JENKINS_URL", "NO_COLOR", "PROVISION_APPROVERS", "PROVISION_DEBUG",
    "PROVISION_FORGE_TOKEN", "PROVISION_PULL_REQUEST",
)  # fmt: skip


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    status: int
    out: str
    err: str


@dataclass
class Repository:
    """A git repository with `access/`; its folder is the working folder of the test."""

    root: Path
    server: LdapServer
    env: pytest.MonkeyPatch = field(repr=False)

    def write(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def person(self, name: str, roles: str = "[developer]") -> None:
        lines = [
            f"  {name}:",
            f"    name: {name.title()} Example",
            f"    email: {name}@example.com",
            f"    roles: {roles}",
        ]
        self.write(f"access/people/{name}.yaml", "\n".join(["people:", *lines, ""]))

    def leave(self, name: str) -> None:
        (self.root / f"access/people/{name}.yaml").unlink()

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD")

    def run(self, *arguments: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(list(arguments))
        said = {"stdout": out.getvalue(), "stderr": err.getvalue()}
        assert not canaries.in_texts(said)
        return Ran(int(status), said["stdout"], said["stderr"])

    def people(self) -> set[str]:
        """The logins in the directory, besides the tool's own."""
        entries = self.server.entries().values()
        return {uid.decode() for entry in entries for uid in entry.get("uid", []) if uid != b"svc"}

    def members(self, group: str) -> set[str]:
        entry = self.server.entries()[f"cn={group},ou=groups,{self.server.suffix}"]
        return {
            dn.decode().split(",")[0].removeprefix("uid=") for dn in entry.get("member", []) if dn.startswith(b"uid=")
        }


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """Two people, committed; nothing applied yet."""
    yield from committed(tmp_path, monkeypatch)


def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """The same, of any scope."""
    with begun(tmp_path, monkeypatch) as made:
        made.write("access/common.yaml", COMMON)
        made.person("ada")
        made.person("grace")
        made.commit()
        yield made


@contextlib.contextmanager
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    """An empty repository, a directory, and the environment of its commands."""
    for name in CLEARED:
        monkeypatch.delenv(name, raising=False)
    with LdapServer() as server:
        monkeypatch.setenv("LDAP_URL", server.url)
        monkeypatch.setenv("LDAP_BIND_DN", server.service_dn)
        monkeypatch.setenv("LDAP_PASSWORD", server.service_password)
        root = tmp_path / "repository"
        root.mkdir()
        monkeypatch.chdir(root)
        made = Repository(root, server, monkeypatch)
        made.git("init", "--quiet", "--initial-branch=main")
        yield made
