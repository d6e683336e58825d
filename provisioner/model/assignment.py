"""Identity + role + environments: one line under somebody's `roles:`."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from provisioner.diagnostics import NOWHERE, Location
from provisioner.model.instant import Instant


class Assignment(NamedTuple):
    """`environments` None means every environment of the role that is not protected. It holds from `starts` (or always)
    until just before `until` (or without an end). `source` is the directory whose group gave it; None: a person did.
    `length` is of a grant that begins with the first apply that has it, which only a run with the journal knows
    (`resolve.begin`): until then it has neither `starts` nor `until`, and since then `floats` says that it was so.
    """

    role: str
    environments: tuple[str, ...] | None = None
    starts: Instant | None = None
    until: Instant | None = None
    reason: str | None = None
    location: Location = NOWHERE
    source: str | None = None
    length: timedelta | None = None
    floats: bool = False
