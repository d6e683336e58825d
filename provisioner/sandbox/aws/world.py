"""What the embedded AWS remembers beside moto's backends, and the switches that a test or a person may set.

Nothing here speaks HTTP or imports moto. It refuses to hold identities: users, groups, roles and policies live in
moto's backends alone, so that there is one truth.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


class Refused(Exception):  # noqa: N818 - it is what AWS did, not something wrong in us
    """An error answer: AWS's code, its message, and the HTTP status of the service model or the API reference."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


@dataclass
class Caller:
    """Who signed a call: an IAM user's key, or the temporary key of a role's session.

    `arn` is what GetCallerIdentity says; `principal` is the user or role that policies name.
    """

    account: str
    arn: str
    principal: str
    user: Any = None
    session: Any = None


@dataclass
class Fault:
    """A planned misbehaviour; see `AwsServer.fail`."""

    action: str | None
    account: str | None
    code: str | None
    message: str
    status: int
    times: int | None
    after: int
    lost: bool

    def takes(self, account: str, call: str) -> bool:
        """Whether this call is one to spoil; counts down `after` and `times`."""
        if self.account not in (None, account) or self.action not in (None, call, call.partition(".")[2]):
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


@dataclass
class Report:
    """A credential report: the version of the account that it shows, and how many polls until it is ready."""

    version: int
    polls_left: int
    content: bytes
    generated: datetime


@dataclass
class Extra:
    """What AWS keeps about a user and moto does not; hangs on moto's user, so that it goes when the user goes."""

    password_created: datetime | None = None
    password_changed: datetime | None = None
    services: list[dict[str, Any]] = field(default_factory=list)


def extra(user: Any) -> Extra:
    """The part of a moto user that is ours."""
    kept = vars(user).setdefault("sandbox_extra", Extra())
    assert isinstance(kept, Extra)
    return kept


def now() -> datetime:
    """The time of the emulated AWS, whole seconds, UTC: the resolution of IAM's own answers."""
    return datetime.now(UTC).replace(microsecond=0)


class World:
    """The switches and the memory shared by the server and its answers.

    Switches (plain attributes, may be set at any time):

    - `enforcing`: identity policies, permissions boundaries and session policies are evaluated (`enforce()`).
    - `page_limit`: no page is longer, whatever MaxItems says. AWS may do that too ("might return fewer results").
    - `stale_report`: a finished credential report is kept, as AWS does for up to four hours, writes or not.
    - `report_polls`: how often GenerateCredentialReport answers STARTED or INPROGRESS before COMPLETE.
    - `lag`: seconds for which GetAccountAuthorizationDetails may still show the state before a write.
    - `delay`: seconds that every call takes, to stand for the way to a far region.
    - `down`: connections are closed without an answer.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.forget()

    def forget(self) -> None:
        """Every switch as at the beginning, and nothing remembered."""
        self.enforcing = False
        self.page_limit: int | None = None
        self.stale_report = False
        self.report_polls = 1
        self.lag = 0.0
        self.delay = 0.0
        self.down = False
        self.calls: Counter[tuple[str, str]] = Counter()
        self.faults: list[Fault] = []
        self.sessions: dict[str, Any] = {}
        self.reports: dict[str, Report] = {}
        self.details: dict[str, Any] = {}
        self._versions: Counter[str] = Counter()
        self._stale_since: dict[str, float] = {}

    def version(self, account: str) -> int:
        """Grows with every write to the account."""
        return self._versions[account]

    def changed(self, account: str) -> None:
        """Something in the account was written: what was rendered for reading is out of date.

        Calls over the wire do this by themselves; whoever changes a backend directly calls it.
        """
        self._versions[account] += 1
        self._stale_since.setdefault(account, time.monotonic())

    def rendered(self, account: str) -> None:
        """The rendered details of the account are up to date again."""
        self._stale_since.pop(account, None)

    def lagging(self, account: str) -> bool:
        """Whether readers may still be shown the state before the latest writes."""
        since = self._stale_since.get(account)
        return since is not None and time.monotonic() - since < self.lag
