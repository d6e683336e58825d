"""The embedded GitHub, every exchange with it held against what GitHub published."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioner.sandbox.github import GitHubServer
from tests.providers.github.rig import Hub
from tests.rigs.specs import Checked


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[GitHubServer, Checked]]:
    with GitHubServer() as server:
        yield server, Checked("github").watch(server)


@pytest.fixture
def server(running: tuple[GitHubServer, Checked]) -> Iterator[GitHubServer]:
    github, checked = running
    github.clear()
    checked.problems.clear()
    yield github
    assert not checked.problems, "\n".join(checked.problems)


@pytest.fixture
def hub(server: GitHubServer) -> Iterator[Hub]:
    made = Hub(server)
    yield made
    made.close()
