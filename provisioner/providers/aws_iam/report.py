"""The credential report of an account: who has keys that work, and how old they are, in one list for all users.

It has no ids of keys, and AWS makes a new one at most every four hours. Where that matters, look at when it was made.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping
from datetime import datetime

from provisioner.contract import ProviderError, Trouble
from provisioner.model.instant import Instant
from provisioner.providers.aws_iam.calls import ReadCalls

_POLLS, _WAIT = 20, 0.5

Rows = Mapping[str, Mapping[str, str]]


class CredentialReport:
    """Asked for when it is made, so that AWS works on it meanwhile. Raises ProviderError, also where it is not made in
    time."""

    def __init__(self, calls: ReadCalls) -> None:
        self._calls = calls
        self._ready = calls.generate_report()

    def rows(self) -> tuple[Rows, Instant]:
        """By login, and when it was made."""
        for _ in range(_POLLS):
            if self._ready:
                break
            time.sleep(_WAIT)
            self._ready = self._calls.generate_report()
        else:
            raise ProviderError(Trouble.BUSY, "AWS did not finish it in time", call="iam:GenerateCredentialReport")
        content, made = self._calls.report()
        return {row["user"]: row for row in csv.DictReader(content.decode("utf-8").splitlines())}, made


def keys_that_work(row: Mapping[str, str]) -> list[datetime | None]:
    """When each key that works was made; None where AWS does not say."""
    return [
        _time(row.get(f"access_key_{number}_last_rotated", ""))
        for number in (1, 2)
        if row.get(f"access_key_{number}_active") == "true"
    ]


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
