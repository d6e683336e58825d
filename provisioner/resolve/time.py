"""Time as part of a grant: which of somebody's holdings count at an instant, and the union of those that overlap."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from provisioner.model.identity import Identity
from provisioner.model.instant import Instant

Span = tuple[Instant, Instant | None]
"""From when until when a grant is held; None is without an end."""


class When(Enum):
    """Where an instant lies in a grant's time."""

    LATER = "later"
    NOW = "now"
    OVER = "over"


def window(identity: Identity, starts: Instant | None, until: Instant | None) -> tuple[Instant | None, Instant | None]:
    """A grant's time cut to that of the person who holds it."""
    if identity.starts is not None and (starts is None or identity.starts > starts):
        starts = identity.starts
    if identity.until is not None and (until is None or identity.until < until):
        until = identity.until
    return starts, until


def when(starts: Instant | None, until: Instant | None, now: Instant) -> When:
    """`until` is the first instant at which it no longer holds."""
    if until is not None and until <= now:
        return When.OVER
    if starts is not None and starts > now:
        return When.LATER
    return When.NOW


def latest(a: Instant | None, b: Instant | None) -> Instant | None:
    """The later of two ends; None is without an end."""
    return None if a is None or b is None else max(a, b)


def earliest(a: Instant | None, b: Instant | None) -> Instant | None:
    """The earlier of two starts; None is always."""
    return None if a is None or b is None else min(a, b)


def carried_on(end: Instant | None, following: Iterable[Span]) -> Instant | None:
    """When something ends for the first time that is held until `end`, and again in the spans of `following`."""
    for starts, until in sorted(following, key=lambda span: span[0]):
        if end is None or starts > end:
            break
        end = latest(end, until)
    return end
