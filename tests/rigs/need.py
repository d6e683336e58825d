"""What happens to a test whose server is missing on this machine."""

import os

import pytest


def need(reason: str | None) -> None:
    """Go on if `reason` is None. In CI a service that is missing is a failure, on somebody's machine a skip."""
    if reason is None:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}; with CI=true nothing is skipped", pytrace=False)
    pytest.skip(reason)
