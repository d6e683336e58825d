"""Times in answers: read quickly, and to the same instant as the SDK reads them."""

from __future__ import annotations

import pytest
from botocore.utils import parse_timestamp

from provisioner.providers.aws_iam.connect import _dated
from tests.providers.aws_iam.rig import Cloud, account


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T09:00:00Z",
        "2026-11-22T09:00:00.123Z",
        "2026-11-22T09:00:00+02:00",
        "20261122T090000Z",
        "Sun, 22 Nov 2026 09:00:00 GMT",
        "1795338000",
    ],
)
def test_instant_is_that_of_the_sdk(text: str) -> None:
    assert _dated(text) == parse_timestamp(text)


def test_what_is_no_time_is_refused_as_the_sdk_refuses_it() -> None:
    with pytest.raises(ValueError, match="Invalid timestamp"):
        _dated("yesterdayZ")


def test_assumed_role_is_not_assumed_again_for_every_call(cloud: Cloud) -> None:
    """Its end is a time in an answer too."""
    reader = cloud.reader()
    for login in ("ada", "mia", "bob"):
        reader.look([account(login)])
    assert sum(n for (_, call), n in cloud.server.calls.items() if call == "sts.AssumeRole") == 1
