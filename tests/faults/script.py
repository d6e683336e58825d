"""Which fault hits which call: scripted, or drawn from a seed: the same for the same calls, every time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tests.faults.wire import Call, Spoil


class Kind(StrEnum):
    """What is done to one call."""

    KILL_BEFORE = "kill before it is sent"
    KILL_SENT = "kill after it was sent"
    KILL_ANSWERED = "kill after its answer"
    REFUSE = "drop the connection, nothing sent"
    LOSE = "sent, and the connection dropped without an answer"
    CUT = "the answer breaks off"
    HANG = "sent, and no answer"
    DELAY = "a slow answer"
    BUSY = "throttled"
    UNAVAILABLE = "unavailable"
    ERROR = "error, nothing done"
    DENIED = "refused for want of rights"
    LOST_ERROR = "done, and an error told"
    PRETEND = "success told, nothing done"
    STALE = "an old answer"
    SPOIL = "a spoiled answer"


@dataclass(frozen=True, slots=True)
class Fault:
    """`seconds` of a delay or of the wait told; `spoil` for SPOIL; `part` where an answer breaks off (0 to 1)."""

    kind: Kind
    seconds: float | None = None
    spoil: Spoil | None = None
    part: float = 0.5

    def __str__(self) -> str:
        return f"{self.kind.value}{f' ({self.spoil.name})' if self.spoil else ''}"


Script = Callable[[Call], Fault | None]
"""Asked once for each call, in the order in which they come."""


def nothing(_call: Call) -> Fault | None:
    """No faults."""
    return None


class At:
    """One fault at the n-th call (from 1) of those that `of` chooses."""

    def __init__(self, number: int, fault: Fault, of: Callable[[Call], bool] = lambda _call: True) -> None:
        self.left, self.fault, self.of = number, fault, of
        self.came = False

    def __call__(self, call: Call) -> Fault | None:
        if not self.of(call):
            return None
        self.left -= 1
        if self.left:
            return None
        self.came = True
        return self.fault


class Drawn:
    """Each call is hit with probability `rate`, at most `most` times in all; what hits it is drawn by weight from
    `reads` or `writes`. Every system draws from a row of its own, so that threads do not disturb it."""

    def __init__(
        self,
        seed: int,
        rate: float,
        reads: Mapping[Kind, int],
        writes: Mapping[Kind, int],
        *,
        spoils: Mapping[str, tuple[Spoil, ...]] | None = None,
        most: int = 10_000,
        seconds: Callable[[Random], float | None] = lambda _: None,
    ) -> None:
        self._seed, self._rate, self._reads, self._writes = seed, rate, dict(reads), dict(writes)
        self._spoils, self.left, self._seconds = spoils or {}, most, seconds
        self._rows: dict[str, Random] = {}

    def __call__(self, call: Call) -> Fault | None:
        chance = self._rows.setdefault(call.system, Random(f"{self._seed} {call.system}"))
        kinds = self._writes if call.mutates else self._reads
        hit = chance.random() < self._rate
        if not hit or not kinds or not self.left:
            return None
        self.left -= 1
        kind = chance.choices(list(kinds), list(kinds.values()))[0]
        spoils = self._spoils.get(call.system, ())
        spoil = chance.choice(spoils) if kind is Kind.SPOIL and spoils else None
        if kind is Kind.SPOIL and spoil is None:
            return None
        return Fault(kind, self._seconds(chance), spoil, chance.random())
