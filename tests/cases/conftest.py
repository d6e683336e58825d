"""The company of each story."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.cases.company import ACCOUNT, Company
from tests.rigs.slapd import Slapd


@pytest.fixture(scope="session")
def aws_server() -> Iterator[AwsServer]:
    """One embedded AWS for all stories: its state is global to a process."""
    with AwsServer() as server:
        yield server


@pytest.fixture
def company(tmp_path: Path, slapd: Slapd, aws_server: AwsServer) -> Company:
    aws_server.clear()
    aws_server.create_account(ACCOUNT)
    made = Company(tmp_path / "repository", slapd, aws_server)
    made.commit("the company")
    return made
