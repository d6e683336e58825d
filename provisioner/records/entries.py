"""The bodies of records: changes that are intended, what became of them, what was found settled.

Holds what a later run needs to judge an intent without an outcome (what it was to be, what it was before), and never a
secret: changes do not carry any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provisioner.contract import (
    Accepted,
    AlreadySo,
    Done,
    Failed,
    Outcome,
    ProviderError,
    Refused,
    StillHas,
    Unknown,
    Waiting,
)
from provisioner.model.address import Address
from provisioner.model.change import Action, Cause, Change
from provisioner.model.effect import Direction, Effect
from provisioner.model.instant import Instant, format_instant
from provisioner.model.way import Phase, Way
from provisioner.records.record import plain_text

Json = dict[str, Any]


class Step(StrEnum):
    """`cut` ends a leaver's sessions before anything else is taken; `settled` says that a look found old work done."""

    WRITE = "write"
    CUT = "cut"
    SETTLED = "settled"


class Reason(StrEnum):
    """Why a change was refused. `moved`: the live value is a third one. `unseen`: it could not be looked at. `needs`:
    what it needs failed. `time`: its own time is over, or has not come. `stopped`: the run ended before it. `system`:
    the target cannot be used in this run. `mode`: nothing is written there."""

    NONE = ""
    MOVED = "moved"
    UNSEEN = "unseen"
    NEEDS = "needs"
    TIME = "time"
    STOPPED = "stopped"
    SYSTEM = "system"
    MODE = "mode"


NOT_OUTSTANDING = frozenset({Reason.TIME, Reason.STOPPED})
"""Refusals that leave no work behind: the next plan decides anew."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a change, and for a refusal why, in a form that can be decided on."""

    outcome: Outcome
    reason: Reason = Reason.NONE


@dataclass(frozen=True, slots=True)
class Settled:
    """Old work that needs nothing any more; `proof` says how that is known."""

    address: Address
    action: Action
    proof: str
    step: Step = Step.WRITE


def intent_body(changes: Iterable[Change], units: Mapping[str, str] | None = None, step: Step = Step.WRITE) -> Json:
    """`units` has the key of the unit for those changes that are written together with others."""
    return {"step": step.value, "changes": [_intended(c, (units or {}).get(c.id)) for c in changes]}


def outcome_body(results: Iterable[tuple[Change, Result]], step: Step = Step.WRITE) -> Json:
    return {"step": step.value, "results": [{**_named(c), **_became(r)} for c, r in results]}


def settled_body(items: Iterable[Settled]) -> Json:
    return {
        "step": Step.SETTLED.value,
        "results": [
            {
                "address": str(i.address),
                "action": i.action.value,
                "of": i.step.value,
                "outcome": "settled",
                "proof": plain_text(i.proof),
            }
            for i in items
        ],
    }


def not_done_body(items: Iterable[tuple[Change, str]]) -> Json:
    """Removals that were intended and, as a look shows, not done."""
    return {
        "step": Step.WRITE.value,
        "results": [{**_named(c), "outcome": "not-done", "why": plain_text(why)} for c, why in items],
    }


def intended_changes(body: Mapping[str, Any]) -> list[Change]:
    """The changes of an intent, as far as it says what they were: enough to judge whether they were done."""
    return [
        Change(
            Action(found["action"]),
            Address.parse(found["address"]),
            found["before"],
            found["after"],
            Cause(found["cause"]),
            Effect(Direction.BOTH),
            identity=found.get("identity"),
            ways=tuple(_read_way(w) for w in found.get("ways", ())),
        )
        for found in body["changes"]
    ]


def _read_way(found: Mapping[str, Any]) -> Way:
    via = found.get("via")
    return Way(found["native_id"], Phase(found.get("phase", Phase.ACTIVE)), None if via is None else Address.parse(via))


def _named(change: Change) -> Json:
    return {
        "id": change.id,
        "address": str(change.address),
        "action": change.action.value,
        "identity": change.identity,
    }


def _intended(change: Change, unit: str | None) -> Json:
    found = {
        **_named(change),
        "before": None if change.before is None else dict(change.before),
        "after": None if change.after is None else dict(change.after),
        "cause": change.cause.value,
    }
    if change.ways:
        found["ways"] = [_way(w) for w in change.ways]
    if unit is not None:
        found["unit"] = plain_text(unit)
    return found


def _way(way: Way) -> Json:
    found: Json = {"native_id": plain_text(way.native_id)}
    if way.via is not None:
        found["via"] = str(way.via)
    if way.phase is not Phase.ACTIVE:
        found["phase"] = way.phase.value
    return found


def _time(value: Instant | None) -> str | None:
    return None if value is None else format_instant(value)


def _error(error: ProviderError | None) -> Json:
    if error is None:
        return {}
    return {
        "trouble": error.trouble.value,
        "message": plain_text(error.message),
        "call": plain_text(error.call),
        "request": None if error.request_id is None else plain_text(error.request_id),
        "code": None if error.code is None else plain_text(error.code),
    }


def _became(result: Result) -> Json:
    outcome = result.outcome
    match outcome:
        case Done(proof):
            return {"outcome": "done", "proof": plain_text(proof)}
        case AlreadySo(proof):
            return {"outcome": "already-so", "proof": plain_text(proof)}
        case StillHas(ways):
            return {"outcome": "still-has", "ways": [_way(w) for w in ways]}
        case Accepted(receipt, settles_by):
            return {"outcome": "accepted", "receipt": plain_text(receipt), "settles_by": _time(settles_by)}
        case Waiting(for_whom, lapses):
            return {"outcome": "waiting", "for": plain_text(for_whom), "lapses": _time(lapses)}
        case Refused(why):
            return {"outcome": "refused", "reason": result.reason.value, "why": plain_text(why)}
        case Failed(error):
            return {"outcome": "failed", **_error(error)}
        case Unknown(look_after, error):
            return {"outcome": "unknown", "look_after": _time(look_after), **_error(error)}


def why_not_done(result: Mapping[str, Any]) -> str:
    """A recorded outcome that is not a success, in words."""
    match result["outcome"]:
        case "failed":
            call = f" ({result['call']}: {result['trouble']})" if result.get("call") else ""
            return f"{result.get('message') or 'failed'}{call}"
        case "refused":
            return str(result["why"])
        case "unknown":
            told = f": {result['message']}" if result.get("message") else ""
            return f"the call was sent and not answered{told}"
        case "not-done":
            return str(result["why"])
        case "accepted":
            by = f" by {result['settles_by']}" if result.get("settles_by") else ""
            return f"the system accepted it and has not shown it done{by}"
        case "still-has":
            vias = sorted({w.get("via") or w["native_id"] or "another way" for w in result["ways"]})
            return f"ours is gone, access remains through {', '.join(vias)}"
    return str(result["outcome"])
