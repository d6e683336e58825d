"""An embedded GitHub with one organisation, and a caller; every exchange is held against what GitHub published."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioner.sandbox.github import GitHubServer
from tests.rigs.specs import Checked
from tests.sandbox.github.acme import Acme


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[GitHubServer, Checked]]:
    """One server for the tests of a file."""
    with GitHubServer() as server:
        yield server, Checked("github").watch(server)


@pytest.fixture
def github(running: tuple[GitHubServer, Checked]) -> Iterator[GitHubServer]:
    """An empty GitHub. What it exchanges is checked when the test is over."""
    server, checked = running
    server.clear()
    checked.problems.clear()
    yield server
    assert not checked.problems, "\n".join(checked.problems)


@pytest.fixture
def acme(github: GitHubServer) -> Acme:
    """The organisation on it."""
    return Acme(github)
