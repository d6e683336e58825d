"""What a change does to access. Order, guardrails and colours go by this, never by the action's name."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Direction(StrEnum):
    NARROWS = "narrows"
    WIDENS = "widens"
    BOTH = "both"
    NEUTRAL = "neutral"


class Level(StrEnum):
    ORDINARY = "ordinary"
    ELEVATED = "elevated"
    ADMIN = "admin"


class Effect(NamedTuple):
    """Unknown counts as both."""

    direction: Direction = Direction.BOTH
    level: Level = Level.ORDINARY
