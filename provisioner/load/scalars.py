"""What an unquoted word in a file means.

The files are YAML 1.2 core; what a YAML 1.1 reader (most editors, linters and languages) would take for something else
is not decided silently either way: it has to be quoted.
"""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")
_OTHER_BOOLEANS = ("y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF")
SPECIAL = NULLS | frozenset(_TRUE + _FALSE + _OTHER_BOOLEANS + ("=",))
"""Words that are more than text somewhere. Everything else that is not text begins with one of NUMERIC."""
NUMERIC = frozenset("0123456789+-.")

TIME_KEYS = frozenset({"from", "until", "since"})
"""Keys whose values are times, and may therefore be unquoted dates."""

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})\Z")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?\Z")
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?\Z", re.DOTALL)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF|nan|NaN|NAN)\Z")
_OTHER_NUMBER = re.compile(
    r"[-+]?(?:"
    r"[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?"  # 12:30:45 is 45045 in YAML 1.1
    r"|0[xX][0-9a-fA-F_]+|0o[0-7_]+|0b[01_]+"
    r"|[0-9][0-9_]*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9]+)?"
    r"|\.[0-9_]+(?:[eE][-+]?[0-9]+)?"
    r")\Z"
)


class Unclear(NamedTuple):
    """An unquoted word that readers of YAML disagree on; `reading` says what some of them take it for."""

    reading: str


class Date(NamedTuple):
    """An unquoted date or time: text here, and welcome only where a time belongs."""


DATE = Date()


def resolve(text: str) -> Any:
    """The plain value of an unquoted word: text, int, float, bool or None; or Unclear, or DATE."""
    if text in NULLS:
        return None
    if text in SPECIAL:
        if text in _TRUE:
            return True
        if text in _FALSE:
            return False
        return Unclear("the default value of YAML 1.1" if text == "=" else "true or false")
    if text[0] not in NUMERIC:
        return text
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        number = float(text)
        return number if math.isfinite(number) else Unclear("a number too large to hold")
    if _DATE.match(text):
        return DATE
    if _NOT_FINITE.match(text):
        return Unclear("infinity, or not a number")
    if _OTHER_NUMBER.match(text):
        return Unclear("a number")
    return text
