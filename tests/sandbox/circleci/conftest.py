"""An embedded CircleCI with one organisation, and a caller; exchanges are held against what CircleCI published."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioner.sandbox.circleci import CircleCiServer
from tests.rigs.specs import Checked
from tests.sandbox.circleci.acme import Acme


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[CircleCiServer, Checked]]:
    """One server for the tests of a file."""
    with CircleCiServer() as server:
        yield server, Checked("circleci").watch(server)


@pytest.fixture
def checked(running: tuple[CircleCiServer, Checked]) -> Checked:
    """What was checked so far."""
    return running[1]


@pytest.fixture
def circleci(running: tuple[CircleCiServer, Checked]) -> Iterator[CircleCiServer]:
    """An empty CircleCI. What it exchanges is checked when the test is over."""
    server, checked = running
    server.clear()
    checked.problems.clear()
    yield server
    assert not checked.problems, "\n".join(checked.problems)


@pytest.fixture
def acme(circleci: CircleCiServer) -> Acme:
    """The organisation on it."""
    return Acme(circleci)
