"""Saved plans that were applied: once each, by whoever comes first; and the end of that run, without which another may
go on where it was cut off.

Knows nothing of locks: whoever takes a plan holds those of its targets, so that a run without an end is not alive.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from provisioner.model.canonical import canonical_json
from provisioner.model.instant import Instant, format_instant
from provisioner.records.run import RunInfo
from provisioner.records.store import RecordStore

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})\Z")


@dataclass(frozen=True, slots=True)
class Use:
    """The latest run that took a plan. `turn` counts from 1; `finished` says that nothing is left for another one."""

    words: str
    turn: int
    finished: bool


def use_of(store: RecordStore, plan: str) -> Use | None:
    """Which run took the saved plan with this digest last; None where none did."""
    turn, latest = 0, None
    while (data := store.read(_key(plan, turn + 1))) is not None:
        turn, latest = turn + 1, data
    if latest is None:
        return None
    try:
        found = json.loads(latest)
        words = f"by run {found['run']} of {found['who']} at {found['at']}"
    except (ValueError, KeyError, TypeError):
        return Use("by a run whose note of it cannot be read", turn, True)
    return Use(words, turn, store.read(_end(plan)) is not None)


def take(store: RecordStore, plan: str, *, run: RunInfo, at: Instant, after: Use | None = None) -> bool:
    """Take the plan for `run`: for the first time, or `after` a use that did not finish. False where another run came
    first; then nothing is taken."""
    return store.create(_key(plan, after.turn + 1 if after is not None else 1), _note(plan, run, at))


def finish(store: RecordStore, plan: str, *, run: RunInfo, at: Instant) -> None:
    """Record that the run which took the plan came to its end, whatever came of the changes."""
    store.create(_end(plan), _note(plan, run, at))


def _note(plan: str, run: RunInfo, at: Instant) -> bytes:
    return canonical_json({"plan": plan, "run": run.id, "who": run.who, "at": format_instant(at)}) + b"\n"


def _key(plan: str, turn: int) -> str:
    return f"used/{_hex(plan)}.json" if turn == 1 else f"used/{_hex(plan)}.{turn}.json"


def _end(plan: str) -> str:
    return f"used/{_hex(plan)}.end.json"


def _hex(digest: str) -> str:
    found = _DIGEST.match(digest)
    if found is None:
        raise ValueError(f"`{digest}` is not a digest")
    return found[1]
