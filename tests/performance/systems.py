"""A slapd and an AWS account as the bench sees them: served by another process, counted at the server."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from provisioner.providers.ldap import convert
from tests.performance.company import Company

PAGE = 1000
"""The largest page that IAM gives, and what the directory is asked for."""


@dataclass(frozen=True)
class Calls:
    """Requests by kind, as the servers counted them."""

    ldap: Mapping[str, int]
    aws: Mapping[str, int]

    def of(self, system: str) -> Mapping[str, int]:
        return self.ldap if system == "LDAP" else self.aws

    def total(self, system: str) -> int:
        return sum(self.of(system).values())


class Systems:
    """Made by `of`. `environ` is for `provision`, `member` for a reader that is in the account already."""

    def __init__(self, company: Company, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self._company, self._process = company, process
        self.environ: dict[str, str] = ready["environ"]
        self.member: dict[str, str] = {**ready["environ"], **ready["member"]}
        self._entities: int = ready["aws_entities"]

    @classmethod
    @contextmanager
    def of(cls, company: Company, folder: Path, root: Path) -> Iterator[Systems]:
        """Starts and fills them; they end with the block."""
        folder.mkdir()
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.performance.servers", str(company.people), str(folder)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield cls(company, process, _answer(process.stdout))
        finally:
            process.communicate()

    def _ask(self, line: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return _answer(self._process.stdout)

    def calls(self) -> Calls:
        """Since the last time."""
        found = self._ask("counts")
        return Calls(found["ldap"], found["aws"])

    def delay(self, seconds: float) -> None:
        """Every AWS call takes so much longer from now on: the way to a far region."""
        self._ask(f"delay {seconds}")

    def least(self) -> Calls:
        """What nobody can do without: to log in, and each page of each of the two searches and of the account."""
        people, groups = self._company.people + 2, len(self._company.members)
        ldap = {"Bind": 1, "Search": math.ceil(people / PAGE) + math.ceil(groups / PAGE)}
        aws = {"sts.AssumeRole": 1, "iam.GetAccountAuthorizationDetails": math.ceil(self._entities / PAGE)}
        return Calls(ldap, aws)

    def bare(self) -> list[str]:
        """The command that reads all of it, and nothing else."""
        suffix = self._company.suffix
        searches = [
            (f"ou=people,{suffix}", convert.ACCOUNT_FILTER, convert.ACCOUNT_ATTRIBUTES),
            (f"ou=groups,{suffix}", convert.GROUP_FILTER, convert.GROUP_ATTRIBUTES),
        ]
        entries = self._company.people + len(self._company.members)
        wanted = {"searches": searches, "entries": entries, "users": self._company.people}
        return [sys.executable, str(Path(__file__).with_name("bare.py")), json.dumps(wanted)]


def _answer(stream: IO[str] | None) -> dict[str, Any]:
    assert stream is not None
    line = stream.readline()
    if not line:
        raise RuntimeError("the servers ended")
    found: dict[str, Any] = json.loads(line)
    return found
