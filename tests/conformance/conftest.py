"""Each system under test, once for the whole suite of cases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.harness import Harness, Stand
from tests.conformance.memory import MemoryHarness

SYSTEMS = ["memory"]


@pytest.fixture(params=SYSTEMS)
def harness(request: pytest.FixtureRequest) -> Iterator[Harness]:
    if request.param == "memory":
        yield MemoryHarness()


@pytest.fixture
def stand(harness: Harness) -> Stand:
    return Stand(harness)
