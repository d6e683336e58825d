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


def record(store: RecordStore, decided: Decided) -> str:
    """Keep a decision; gives its key. ProvisionError where it cannot be written."""
    day, stamp = f"{decided.at:%Y-%m-%d}", f"{decided.at:%Y%m%dT%H%M%SZ}"
    body: dict[str, Any] = {
        "format": FORMAT,
        "at": format_instant(decided.at),
        "allowed": decided.allowed,
        "environment": decided.environment,
        "role": decided.role,
        "people": list(decided.people),
        "accounts": [plain_text(a, 200) for a in decided.accounts],
        "ci": decided.ci,
        "run": plain_text(decided.run, 300),
        "url": plain_text(decided.url, 500),
        "code": decided.code,
        "sentence": plain_text(decided.sentence),
        "tree": decided.tree,
        "engine": decided.engine,
        "aborted": decided.aborted,
    }
    while True:
        key = f"{_FOLDER}/{day}/{stamp}-{secrets.token_hex(4)}.json"
        if store.create(key, canonical_json(body) + b"\n"):
            return key


def decisions(store: RecordStore) -> Iterator[Decided]:
    """All that can be read, oldest first."""
    for day in store.names(_FOLDER):
        for name in store.names(f"{_FOLDER}/{day}"):
            if _NAME.match(name) and (data := store.read(f"{_FOLDER}/{day}/{name}")) is not None:
                found = json.loads(data)
                if found.pop("format") == FORMAT:
                    at, people, accounts = (found.pop(key) for key in ("at", "people", "accounts"))
                    yield Decided(parse_instant(at), people=tuple(people), accounts=tuple(accounts), **found)
