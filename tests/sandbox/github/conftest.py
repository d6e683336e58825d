"""An embedded GitHub with one organisation, and a caller; every exchange is held against what GitHub published."""

from __future__ import annotations

import pytest

from provisioner.sandbox.github import GitHubServer
from tests.sandbox.github.acme import Acme


@pytest.fixture
def github(embedded_github: GitHubServer) -> GitHubServer:
    return embedded_github


@pytest.fixture
def acme(github: GitHubServer) -> Acme:
    """The organisation on it."""
    return Acme(github)
