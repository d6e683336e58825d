"""One embedded AWS for the tests of this folder, emptied before each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from provisioner.sandbox.aws import AwsServer


@pytest.fixture(scope="package")
def running() -> Iterator[AwsServer]:
    with AwsServer() as server:
        yield server


@pytest.fixture
def server(running: AwsServer) -> AwsServer:
    """A running server whose accounts are empty and whose switches are as at the start."""
    try:
        _ = running.url
    except RuntimeError:  # the test before stopped it
        running.start()
    running.clear()
    return running


@pytest.fixture
def iam(server: AwsServer) -> Any:
    return server.client("iam")


@pytest.fixture
def sts(server: AwsServer) -> Any:
    return server.client("sts")
