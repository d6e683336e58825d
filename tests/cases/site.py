"""A repository of access files with one pipeline, and the account that its runs take a role in."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.main import main
from provisioner.sandbox.aws import AwsServer
from tests.sandbox.aws.calls import trust

ACCOUNT = "111111111111"
BASE = """\
records: {owner: 5f1c0a9b7e3d4c21}
environments: {production: {}}
"""
TARGET = f"""\
targets:
  aws:
    provider: aws-iam
    environment: production
    account: "{ACCOUNT}"
    assume_role:
      plan: "arn:aws:iam::{{account}}:role/provision-read"
      apply: "arn:aws:iam::{{account}}:role/provision-write"
"""
"""The account as a target, to which what is declared in it may be added."""
TELL = "import json, os; json.dump({n: v for n, v in os.environ.items() if n.startswith('AWS')}, open('given', 'w'))"


class Site:
    """The repository of the access files, and the account."""

    def __init__(self, folder: Path, server: AwsServer, access: str, policies: Mapping[str, str]) -> None:
        """`policies` are the account's own, as documents by name. What `access` says is applied."""
        self.folder, self.server = folder, server
        server.create_account(ACCOUNT)
        self.iam = server.client("iam", ACCOUNT)
        for name, text in policies.items():
            self.iam.create_policy(PolicyName=name, PolicyDocument=text)
        stamped = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
        self.iam.create_role(RoleName="Site", AssumeRolePolicyDocument=trust({"AWS": server.hub_account}, stamped))
        self.iam.attach_role_policy(RoleName="Site", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
        server.enforce()
        (folder / "access").mkdir()
        (folder / "access/access.yaml").write_text(access)
        subprocess.run(["git", "init", "-q", "-b", "main"], cwd=folder, check=True)
        self.commit()
        status, told = self.provision("apply")
        assert status == 0, told

    def commit(self) -> None:
        for words in ("add -A", "-c user.name=A -c user.email=a@example.com commit -q -m access"):
            subprocess.run(["git", *words.split()], cwd=self.folder, check=True)

    def provision(self, *words: str) -> tuple[int, str]:
        """The exit status, and everything that it said."""
        told = io.StringIO()
        with pytest.MonkeyPatch.context() as patched:
            patched.chdir(self.folder)
            environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.server.exports()}
            for name in os.environ:
                patched.delenv(name)
            for name, value in environ.items():
                patched.setenv(name, value)
            with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
                status = main(words)
        return status, told.getvalue()

    def run_for(self, who: str) -> tuple[int, str]:
        said = ("--environment", "production", "--person", who, "--pipeline", "site")
        return self.provision("run", *said, "--", sys.executable, "-c", TELL)

    def given(self) -> dict[str, str]:
        """What the command had in its environment."""
        found: dict[str, str] = json.loads((self.folder / "given").read_text())
        return found

    def client(self, service: str) -> Any:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return self.server.client(service, **{name.lower(): self.given()[name] for name in names})
