"""When roles are held: the time of several assignments of one role together, and how two such times differ. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.model.instant import Instant

Span = tuple[Instant | None, Instant | None]
"""From (None: always) until just before (None: without an end)."""


def united(spans: Iterable[Span], now: Instant) -> tuple[Span, ...]:
    """What lies ahead of `now`, overlapping spans as one, in order."""
    ahead = [(_from(start, now), end) for start, end in spans if end is None or end > now]
    found: list[tuple[Instant, Instant | None]] = []
    for start, end in sorted((s for s in ahead if s[1] is None or s[0] < s[1]), key=lambda s: s[0]):
        if found and (found[-1][1] is None or start <= found[-1][1]):
            last = found[-1]
            found[-1] = (last[0], None if last[1] is None or end is None else max(last[1], end))
        else:
            found.append((start, end))
    return tuple(found)


def covers(outer: tuple[Span, ...], inner: tuple[Span, ...]) -> bool:
    """Whether all of `inner` lies within `outer`; both as `united` gives them."""
    return all(any(_within(span, whole) for whole in outer) for span in inner)


def _within(span: Span, whole: Span) -> bool:
    (start, end), (first, last) = span, whole
    begins = first is None or (start is not None and first <= start)
    return begins and (last is None or (end is not None and end <= last))


def _from(start: Instant | None, now: Instant) -> Instant:
    return now if start is None or start < now else start
