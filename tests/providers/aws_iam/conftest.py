"""The embedded AWS with one member account, fresh for each test."""

from collections.abc import Iterator

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.providers.aws_iam.rig import ACCOUNT, Cloud


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with AwsServer() as server:
        server.create_account(ACCOUNT)
        yield Cloud(server)
