"""One step of a plan: what becomes of one address, why, and on whose word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from provisioner.diagnostics import Location
from provisioner.model.address import Address
from provisioner.model.canonical import digest
from provisioner.model.effect import Direction, Effect
from provisioner.model.instant import Instant
from provisioner.model.way import Evidence, Way


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    RENAME = "rename"
    ENABLE = "enable"
    ADOPT = "adopt"
    RELEASE = "release"
    ROTATE = "rotate"
    REVOKE = "revoke"
    DISABLE = "disable"
    DELETE = "delete"


class Ender(StrEnum):
    """Who ends what has an end: the target, which holds it itself, or a run of `provision expire`."""

    TARGET = "target"
    EXPIRE = "expire"


class Cause(StrEnum):
    """What made the plan want it. `declared` and `leaver` are what a reviewer approves. `source` is a leaver whom a
    directory has no more, and the files still have."""

    DECLARED = "declared"
    LEAVER = "leaver"
    SOURCE = "source"
    TIME = "time"
    REPAIR = "repair"
    OUTSTANDING = "outstanding"


@dataclass(frozen=True)
class Change:
    """`before` and `after` are the compared attributes (None: the thing is not there, or shall not be). For RENAME they
    hold the key `login`, and `address` is the account's new one. For ADOPT the key `mark` (None, then the id).

    `identity` is the declared id whose access it is, also that of a leaver. `ways` are the live ways that a REVOKE
    ends, by native id. `words` come from the provider and are what a person approves and later sees done. `sources`
    are the file lines that ask for it; for a removal those that used to. `needs` are ids of changes that must be done
    before. `ends_by` says who ends it, where it has an end.
    """

    action: Action
    address: Address
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    cause: Cause
    effect: Effect
    identity: str | None = None
    evidence: Evidence | None = None
    why: str = ""
    words: str = ""
    sources: tuple[Location, ...] = ()
    starts: Instant | None = None
    ends: Instant | None = None
    reversible: bool = True
    ways: tuple[Way, ...] = ()
    needs: tuple[str, ...] = ()
    ends_by: Ender | None = None

    @cached_property
    def id(self) -> str:
        """Hash of address, action, before and after: the same in every plan that wants the same."""
        return digest(
            {
                "action": self.action.value,
                "address": str(self.address),
                "before": None if self.before is None else dict(self.before),
                "after": None if self.after is None else dict(self.after),
            }
        )

    @property
    def narrows(self) -> bool:
        """Whether any of it takes access away; such a change goes first. `neutral` does not."""
        return self.effect.direction in (Direction.NARROWS, Direction.BOTH)
