"""One record of a journal: its fields, its bytes, its hash.

A record is a file of canonical JSON (RFC 8785) and a newline. `hash` is the SHA-256 of the same JSON without `hash`,
`prev` the `hash` of the record before it. Refuses bytes that are not exactly what was written: a record cannot be read
"as far as possible".
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from provisioner.model.canonical import canonical_json
from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.records.run import RunInfo

FORMAT = "provision.journal/1"
_LONGEST_TEXT = 2000


class RecordKind(StrEnum):
    RUN = "run"
    INTENT = "intent"
    OUTCOME = "outcome"
    CONVERGED = "converged"
    TAKEOVER = "takeover"
    ROTATE = "rotate"
    PREPARE = "prepare"


@dataclass(frozen=True, slots=True)
class Record:
    """`n` counts from 1 in each target's chain. `kind` is plain text: a later version may write kinds that this one
    does not know, which are then carried and not understood. `body` is what the kind brings beside the envelope."""

    target: str
    n: int
    at: Instant
    kind: str
    run: RunInfo
    prev: str | None
    body: Mapping[str, Any] = field(default_factory=dict)
    hash: str = ""


class UnreadableRecordError(Exception):
    """The bytes are not a whole record. `torn` says that they look like one whose writing broke off."""

    def __init__(self, why: str, *, torn: bool = False) -> None:
        super().__init__(why)
        self.torn = torn


_ENVELOPE = (
    "format", "target", "n", "at", "kind", "run", "who", "revision", "tree", "plan", "command", "engine", "uncommitted",
    "trigger", "prev", "hash",
)  # fmt: skip


def encode(record: Record) -> tuple[bytes, str]:
    """The bytes to store, and the record's hash. `record.hash` is not looked at."""
    run = record.run
    blank = "sha256:" + secrets.token_hex(32)  # not predictable, so that it cannot stand anywhere else
    fields = {
        **record.body,
        "format": FORMAT,
        "target": record.target,
        "n": record.n,
        "at": format_instant(record.at),
        "kind": record.kind,
        "run": run.id,
        "who": plain_text(run.who),
        "revision": run.revision,
        "tree": run.tree,
        "plan": run.plan,
        "command": run.command,
        "engine": run.engine,
        "uncommitted": run.uncommitted,
        "trigger": {
            "ci": run.ci,
            "url": run.url,
            "pull_request": run.pull_request,
            "approvers": None if run.approvers is None else list(run.approvers),
            **({"reviews": dict(run.reviews)} if run.reviews else {}),
            **({"approved": True} if run.approved else {}),
        },
        "prev": record.prev,
        "hash": blank,
    }
    if len(fields) != len(record.body) + len(_ENVELOPE):
        raise ValueError("the body of a record uses a name of its envelope")
    data = canonical_json(fields)
    found = _hash_without(data, blank)
    return data.replace(_token(blank), _token(found), 1) + b"\n", found


def decode(data: bytes, *, target: str, n: int) -> Record:
    """The record that `data` is; UnreadableRecordError unless every byte is as it was written, for this place."""
    if not data.endswith(b"}\n") or b"\0" in data:
        # A write that broke off lacks its end, or has it as the zeros that a file system leaves after losing power.
        raise UnreadableRecordError("it breaks off before its end", torn=True)
    try:
        fields = json.loads(data)
        told = fields["hash"]
        if not isinstance(told, str) or data.count(_token(told)) != 1 or _hash_without(data[:-1], told) != told:
            raise UnreadableRecordError("its contents do not match its own hash")
        if fields["format"] != FORMAT:
            raise UnreadableRecordError(f"its format is `{fields['format']}`, which this version cannot read")
        if fields["n"] != n or fields["target"] != target:
            raise UnreadableRecordError(f"it is record {fields['n']} of {fields['target']}, in the wrong place")
        run = RunInfo(
            id=fields["run"],
            who=fields["who"],
            revision=fields["revision"],
            tree=fields["tree"],
            plan=fields["plan"],
            command=fields["command"],
            engine=fields["engine"],
            uncommitted=fields["uncommitted"],
            **_trigger(fields.get("trigger")),
        )
        body = {key: value for key, value in fields.items() if key not in _ENVELOPE}
        return Record(target, n, parse_instant(fields["at"]), fields["kind"], run, fields["prev"], body, told)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableRecordError(f"it is not a record: {type(error).__name__}: {error}") from None


def _trigger(found: Any) -> dict[str, Any]:
    """What the run's CI system said; nothing in a record of an earlier version."""
    if found is None:
        return {}
    approvers = found["approvers"]
    return {
        "ci": str(found["ci"]),
        "url": str(found["url"]),
        "pull_request": str(found["pull_request"]),
        "approvers": None if approvers is None else tuple(str(a) for a in approvers),
        "reviews": tuple((str(person), int(review)) for person, review in sorted(found.get("reviews", {}).items())),
        "approved": found.get("approved") is True,
    }


def plain_text(text: str, limit: int = _LONGEST_TEXT) -> str:
    """Text from outside as it may stand in a record: any text can be written, and none is longer than `limit`."""
    clean = text.encode("utf-8", "backslashreplace").decode()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def _token(value: str) -> bytes:
    # Inside a string a quote is escaped, so these bytes are only ever the key and its value.
    return b'"hash":"' + value.encode() + b'",'


def _hash_without(data: bytes, value: str) -> str:
    return "sha256:" + hashlib.sha256(data.replace(_token(value), b"", 1)).hexdigest()
