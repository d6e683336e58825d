"""Points in time: always aware, always UTC, to the second. Refuses a time without a zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

Instant = datetime
"""An aware datetime in UTC."""

_DURATION = re.compile(r"([1-9][0-9]*)([smhdw])\Z")
_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_instant(text: str) -> Instant:
    """RFC 3339 text as an instant; `ValueError` says what is wrong with it."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"`{text}` is not a time such as 2027-01-31T17:00:00Z") from None
    if value.tzinfo is None:
        raise ValueError(f"`{text}` has no time zone; write for example {value.isoformat()}Z for UTC")
    return value.astimezone(UTC)


def format_instant(value: Instant) -> str:
    """RFC 3339 in UTC, with a fraction only where there is one."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def at_second(value: Instant) -> str:
    """For people: `2027-01-31 17:00:09 UTC`."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def parse_duration(text: str) -> timedelta:
    """`90s`, `15m`, `4h`, `30d`, `2w`; `ValueError` otherwise."""
    found = _DURATION.match(text)
    if found is None:
        if re.fullmatch(r"0+[smhdw]?", text):
            raise ValueError(f"`{text}` is no time at all")
        raise ValueError(f"`{text}` is not a duration such as 4h, 7d or 2w")
    try:
        return timedelta(**{_UNIT[found[2]]: int(found[1])})
    except OverflowError:
        raise ValueError(f"`{text}` is longer than can be counted") from None


def format_duration(value: timedelta) -> str:
    """The shortest of the forms that `parse_duration` reads."""
    seconds = int(value.total_seconds())
    for letter, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0 and seconds >= size:
            if letter == "w" and seconds // size < 2:
                continue
            return f"{seconds // size}{letter}"
    return f"{seconds}s"
