"""The embedded CircleCI, every exchange held against what CircleCI published in 2023 (restrictions are newer)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioner.sandbox.circleci import CircleCiServer
from tests.providers.circleci.rig import Circle
from tests.rigs.specs import Checked


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[CircleCiServer, Checked]]:
    with CircleCiServer() as server:
        yield server, Checked("circleci").watch(server)


@pytest.fixture
def circle(running: tuple[CircleCiServer, Checked]) -> Iterator[Circle]:
    server, checked = running
    server.clear()
    checked.problems.clear()
    made = Circle(server)
    yield made
    made.close()
    assert not checked.problems, "\n".join(checked.problems)
