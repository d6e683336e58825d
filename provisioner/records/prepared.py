"""The body of a `prepare` record: something that is laid ready for runs, or taken away again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from provisioner.model.rotation import Phase
from provisioner.records.record import plain_text

Json = dict[str, Any]
_MOST_RUNS = 50


class Prepare(StrEnum):
    MAKE = "make"
    DROP = "drop"


def prepared_body(step: Prepare, phase: Phase, name: str, runs: Sequence[str] = (), why: str = "") -> Json:
    """One record. `runs` say whose it is for, the first of them."""
    told = [plain_text(one, 300) for one in runs[:_MOST_RUNS]]
    return {
        "step": step.value,
        "phase": phase.value,
        "name": name,
        **({"runs": told} if told else {}),
        **({"why": plain_text(why)} if why else {}),
    }


def take_prepared(ready: set[str], body: Mapping[str, Any]) -> None:
    """What may lie there after this record: from when it is begun until it is known to be gone."""
    if body["step"] == Prepare.MAKE and body["phase"] == Phase.INTENT:
        ready.add(body["name"])
    elif body["step"] == Prepare.DROP and body["phase"] == Phase.DONE:
        ready.discard(body["name"])
