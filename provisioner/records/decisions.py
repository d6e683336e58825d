"""What `gate` decided, one object for each decision: beside the chains, because a job that asks must not write those.

A job that may only create objects under `decisions/` can do nothing else to the journal.
Decides nothing, and proves nothing about a decision that was never written.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from provisioner.model.canonical import canonical_json
from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.records.record import plain_text
from provisioner.records.store import RecordStore

FORMAT = "provision.decision/1"
_FOLDER = "decisions"
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\.json\Z")


@dataclass(frozen=True, slots=True)
class Decided:
    """`people` are declared ids; `accounts` whom the CI named; `code` is empty where it was allowed. `aborted` None:
    nothing was to be stopped."""

    at: Instant
    allowed: bool
    environment: str
    role: str | None
    people: tuple[str, ...]
    accounts: tuple[str, ...]
    ci: str
    run: str
    url: str
    code: str
    sentence: str
    tree: str
    engine: str
    aborted: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "format": FORMAT,
            "at": format_instant(self.at),
            "allowed": self.allowed,
            "environment": plain_text(self.environment, 200),
            "role": None if self.role is None else plain_text(self.role, 200),
            "people": list(self.people),
            "accounts": [plain_text(a, 200) for a in self.accounts],
            "ci": self.ci,
            "run": plain_text(self.run, 300),
            "url": plain_text(self.url, 500),
            "code": self.code,
            "sentence": plain_text(self.sentence),
            "tree": self.tree,
            "engine": self.engine,
            "aborted": self.aborted,
        }


def record(store: RecordStore, decided: Decided) -> str:
    """Keep a decision; gives its key. ProvisionError where it cannot be written."""
    while True:
        key = f"{_FOLDER}/{decided.at:%Y-%m-%d}/{decided.at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.json"
        if store.create(key, canonical_json(decided.to_json()) + b"\n"):
            return key


def decisions(store: RecordStore) -> Iterator[Decided | str]:
    """All there are, oldest first; of one that cannot be read its key: whoever may write one may write anything."""
    for day in store.names(_FOLDER):
        for name in store.names(f"{_FOLDER}/{day}"):
            key = f"{_FOLDER}/{day}/{name}"
            if _NAME.match(name):
                yield _read(store.read(key)) or key


def _read(data: bytes | None) -> Decided | None:
    try:
        found = json.loads(data or b"")
        lists = {key: tuple(str(one) for one in found[key]) for key in ("people", "accounts")}
        texts = {key: str(found[key]) for key in _TEXTS}
        at, allowed, aborted, role = parse_instant(found["at"]), found["allowed"], found["aborted"], found["role"]
        if found["format"] != FORMAT or not isinstance(allowed, bool) or not isinstance(aborted, bool | None):
            return None
        people, accounts = lists["people"], lists["accounts"]
        told: dict[str, Any] = {**texts, "role": None if role is None else str(role), "aborted": aborted}
        return Decided(at=at, allowed=allowed, people=people, accounts=accounts, **told)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


_TEXTS = ("environment", "ci", "run", "url", "code", "sentence", "tree", "engine")
