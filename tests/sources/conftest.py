"""A company whose people are in a directory that is not ours, and whose access files follow it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import Ran, Repository, begun
from tests.sources.people import Department

FILES = """\
records: {owner: 5f1c0a2b}
roles:
  developer: {grants: {corp-ldap: {groups: [git-users]}}}
  operator: {grants: {corp-ldap: {groups: [consoles]}}}
targets:
  corp-ldap:
    provider: ldap
    accounts: existing                  # people are made and locked elsewhere
    url: {env: LDAP_URL}
    bind_dn: {env: LDAP_BIND_DN}
    password: {env: LDAP_PASSWORD}
    base: {people: "ou=people,dc=example,dc=test", groups: "ou=groups,dc=example,dc=test"}
"""
SOURCE = """\
sources:
  corp:
    target: corp-ldap
    groups:
      engineering: {roles: [developer]}  # everybody who writes code
      on-call: {roles: [operator, developer]}
"""


@dataclass
class Company:
    """A repository, and the department that hires and dismisses in the directory that it follows."""

    files: Repository
    people: Department

    def run(self, *arguments: str) -> Ran:
        return self.files.run(*arguments)

    def pull_and_merge(self) -> Ran:
        ran = self.run("pull", "corp")
        assert ran.status == 0, ran.out + ran.err
        self.files.commit()
        return ran

    def file(self, name: str) -> str:
        return (self.files.root / f"access/{name}").read_text(encoding="utf-8")

    def has(self, name: str) -> bool:
        return (self.files.root / f"access/{name}").exists()

    def members(self, group: str) -> set[str]:
        return self.files.members(group)


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    """Two engineers, one of them on call; nothing pulled yet."""
    with begun(tmp_path, monkeypatch) as files:
        server = files.server
        files.write("access/common.yaml", FILES)
        files.write("access/corp.yaml", SOURCE)
        people = Department(server.url, server.service_dn, server.service_password, server.suffix)
        people.hire("ada", "engineering")
        people.hire("grace", "engineering", "on-call")
        files.commit()
        yield Company(files, people)
        people.close()
