"""A small company in a git repository, on a real slapd and the embedded AWS, driven by the command line alone."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioner.sandbox.aws import AwsServer
from tests.rigs.commands import run_command
from tests.rigs.slapd import Slapd

ACCOUNT = "111111111111"

ROLES = """\
roles:
  developer:
    owners: [grace]
    grants:
      corp-ldap: {groups: [developers, vpn]}
      aws: {groups: [Developers], policies: [IAMUserChangePassword]}
  lead:
    owners: [grace]
    includes: [developer]
    grants:
      corp-ldap: {groups: [leads]}
"""


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def changes(self) -> list[str]:
        """Of a plan in JSON: `revoke corp-ldap:membership/developers/ada`, in order."""
        return [f"{c['action']} {c['address']}" for c in self.json["changes"]]


@dataclass
class Company:
    """The repository in `folder`; `environ` is what its commands are given to reach the two systems."""

    folder: Path
    slapd: Slapd
    aws: AwsServer
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder.parent),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "LDAP_BIND_DN": self.slapd.service_dn,
            "LDAP_PASSWORD": self.slapd.service_password,
            **self.aws.exports(),
        }
        self.folder.mkdir(exist_ok=True)
        self.git("init", "-q", "-b", "main")
        self.write("access/records.yaml", "records: {owner: 5f1c0a9b7e3d4c21}\n")
        self.write("access/roles.yaml", ROLES)
        self.write("access/targets.yaml", self.targets())
        for who, role in (("grace", "lead"), ("ada", "developer"), ("bob", "developer")):
            self.person(who, role)

    def targets(self, instances: str | None = None) -> str:
        chosen = instances or f'      main: {{account: "{ACCOUNT}"}}\n'
        return f"""\
targets:
  corp-ldap:
    provider: ldap
    url: {self.slapd.url}
    bind_dn: {{env: LDAP_BIND_DN}}
    password: {{env: LDAP_PASSWORD}}
    base: {{people: "{self.slapd.people}", groups: "{self.slapd.groups}"}}
  aws:
    provider: aws-iam
    assume_role:
      plan: "arn:aws:iam::{{account}}:role/provision-read"
      apply: "arn:aws:iam::{{account}}:role/provision-write"
    groups: {{Developers: {{policies: [ReadOnlyAccess]}}}}
    instances:
{chosen}"""

    def person(self, who: str, role: str) -> None:
        text = (
            f"people:\n  {who}:\n    name: {who.title()} Example\n    email: {who}@example.com\n    roles: [{role}]\n"
        )
        self.write(f"access/people/{who}.yaml", text)

    def write(self, path: str, text: str) -> None:
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()

    def git(self, *words: str, folder: Path | None = None) -> str:
        identity = ["-c", "user.name=Grace", "-c", "user.email=grace@example.com", "-c", "commit.gpgsign=false"]
        done = subprocess.run(
            ["git", *identity, *words], cwd=folder or self.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def provision(
        self, *words: str, folder: Path | None = None, more: Mapping[str, str] | None = None, patience: int = 120
    ) -> Said:
        """One run of the command line, in a process of its own."""
        ended = run_command(words, folder or self.folder, {**self.environ, **(more or {})}, patience)
        return Said(ended.status, ended.out, ended.err)

    def members(self, group: str) -> set[str]:
        """Uids in a group, by slapd's own word."""
        entry = self.slapd.dump(self.slapd.groups).get(f"cn={group},{self.slapd.groups}", {})
        members = [v.decode() for v in entry.get("member", [])]
        return {m.partition(",")[0].removeprefix("uid=") for m in members if m.startswith("uid=")}

    def user(self, name: str, account: str = ACCOUNT) -> Any:
        """An IAM user by the emulated AWS's own word."""
        return self.aws.truth(account)["users"].get(name)
