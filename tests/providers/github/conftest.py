"""The embedded GitHub, every exchange with it held against what GitHub published."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioner.sandbox.github import GitHubServer
from tests.providers.github.rig import Hub


@pytest.fixture
def server(embedded_github: GitHubServer) -> GitHubServer:
    return embedded_github


@pytest.fixture
def hub(server: GitHubServer) -> Iterator[Hub]:
    made = Hub(server)
    yield made
    made.close()
