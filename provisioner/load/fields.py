"""The kinds of text and number that stand in access files, as fields of the models in `schema`. Each forbids what is
not quite it, and coerces nothing.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import Field, PlainValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from provisioner.load.display import show
from provisioner.model.instant import Instant, parse_duration, parse_instant

ID = r"^[a-z0-9][a-z0-9._-]{0,62}$"
EMAIL = r"^[^@\s,;:<>()\[\]\\\"]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*$"
"""Without bounded repeats: those make the automaton so large that matching it takes longer than all the rest."""
ATTRIBUTE = r"^[A-Za-z][A-Za-z0-9-]*$"
FILTER = r"^\(.*\)$"
OWNER = r"^(?:[a-z0-9]{1,8}|[a-z0-9]{8}[a-z0-9-]{1,56})$"


MERGE = "merge"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


def _time(value: Any) -> Instant:
    if not isinstance(value, str):
        raise PydanticCustomError(
            "bad-time", "{what} is not a time such as 2027-01-31T17:00:00Z", {"what": show(value)}
        )
    try:
        return parse_instant(value)
    except (ValueError, OverflowError) as wrong:
        if "time zone" in str(wrong):
            raise PydanticCustomError("time-without-zone", "{what} has no time zone", {"what": show(value)}) from None
        raise PydanticCustomError("bad-time", "{what} is not a time that exists", {"what": show(value)}) from None


def _start(value: Any) -> Instant | str:
    """A time, or `merge`: the first apply that has the line."""
    return MERGE if value == MERGE else _time(value)


def _end(value: Any) -> Instant:
    """A time, or a day: then the end of it in UTC. For what only a review ends; access ends at a time with a zone."""
    if isinstance(value, str) and _DAY.match(value):
        return _time(value + "T23:59:59Z")
    return _time(value)


def _duration(value: Any) -> timedelta:
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError:
        raise PydanticCustomError(
            "bad-duration", "{what} is not a duration such as 4h, 7d or 2w", {"what": show(value)}
        ) from None


def _native_id(value: Any) -> str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise PydanticCustomError("wrong-type", "{what} stands where an id belongs", {"what": show(value)})


Id = Annotated[str, StringConstraints(pattern=ID)]
Text = Annotated[str, StringConstraints(min_length=1)]
Email = Annotated[str, StringConstraints(pattern=EMAIL, max_length=254)]
Attribute = Annotated[str, StringConstraints(pattern=ATTRIBUTE)]
Filter = Annotated[str, StringConstraints(pattern=FILTER)]
Time = Annotated[
    Instant,
    PlainValidator(_time),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2027-01-31T17:00:00Z"]}),
]
Start = Annotated[
    Instant | str,
    PlainValidator(_start),
    WithJsonSchema({"type": "string", "examples": ["2027-01-31T17:00:00Z", MERGE]}),
]
TimeOrDay = Annotated[
    Instant,
    PlainValidator(_end),
    WithJsonSchema({"type": "string", "examples": ["2027-01-31", "2027-01-31T17:00:00Z"]}),
]
Duration = Annotated[
    timedelta,
    PlainValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]*[smhdw]$", "examples": ["4h", "7d", "2w"]}),
]
NativeId = Annotated[str, PlainValidator(_native_id), WithJsonSchema({"type": ["string", "integer"], "minLength": 1})]
Percent = Annotated[int, Field(ge=0, le=100)]
Labels = dict[Text, Text]

PATTERN_WORDS = {
    ID: (
        "bad-id",
        "an id has at most 63 of the characters a-z 0-9 . _ - and begins with a letter or a digit: it becomes part of "
        "the marks that systems keep",
    ),
    EMAIL: ("bad-email", "an e-mail address is name@domain, one address and nothing else"),
    ATTRIBUTE: ("bad-attribute", "the name of an attribute is of letters, digits and -, and begins with a letter"),
    FILTER: ("bad-filter", "an LDAP filter stands in parentheses, such as (employeeType=staff)"),
    OWNER: (
        "bad-owner-id",
        "its first eight characters stand in every ownership mark, so they are of a-z 0-9",
    ),
}
"""What is wrong, in words, with text that does not match one of our patterns: code and reason."""
