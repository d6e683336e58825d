"""Values from files inside messages: quoted, escaped, short. Nothing that a file says reaches a message otherwise."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_LONGEST = 80
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def show(value: Any) -> str:
    """`value` between backticks, at most 80 characters, with `\\u202e` for what cannot be seen."""
    if value is True or value is False:
        return "`true`" if value else "`false`"
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    text = str(value)
    cut = text[:_LONGEST]
    body = cut if cut.isascii() and cut.isprintable() else "".join(map(_visible, cut))
    return f"`{body.replace('`', chr(39))}{'…' if len(text) > _LONGEST else ''}`"


def code_point(character: str) -> str:
    """`U+202E RIGHT-TO-LEFT OVERRIDE`."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}{' ' + name if name else ''}"


def count(number: int, thing: str, things: str | None = None) -> str:
    """`1 line`, `2 lines`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def several(names: list[str] | tuple[str, ...], most: int = 12) -> str:
    """`a`, `b` and `c`."""
    said = [show(n) for n in names[:most]]
    if len(names) > most:
        return ", ".join(said) + f" and {len(names) - most} more"
    return " and ".join([", ".join(said[:-1]), said[-1]]) if len(said) > 1 else "".join(said)


def flow(value: Any) -> str:
    """`value` as YAML on one line, to be copied: every text that could read as something else is quoted."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    text = str(value)
    plain = _PLAIN.fullmatch(text) is not None and text.casefold() not in _WORDS
    return text if plain else json.dumps(text)


def _visible(character: str) -> str:
    if character.isprintable() and unicodedata.category(character) not in _HIDDEN:
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
