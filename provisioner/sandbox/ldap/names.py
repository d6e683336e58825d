"""Distinguished names as text (RFC 4514) to attribute-value pairs and back, in OpenLDAP's spelling.

Our own, because neither library at hand reads all of RFC 4514: ldaptor 21.2 takes `\\C3\\BC` for the letters "C3BC",
and ldap3 2.9.1 either refuses the space in `uid=u1 , ou=people` or drops the escaped one that ends `cn=a\\ `.
Knows no schema: what an attribute is called, and when two values are the same, is for `schema.py`.
"""

from __future__ import annotations

import re

Pair = tuple[str, str]
"""Attribute type as written, and its value without escapes."""

_TYPE = re.compile(r"\s*([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)*)\s*=\s*")
_HEX = re.compile(r"[0-9A-Fa-f]{2}")
_SPECIAL = frozenset('"+,;<>\\= #')
_UNESCAPED_NEVER = frozenset('"<>\0')
_SEPARATORS = frozenset(",;+")
_ALWAYS_ESCAPED = frozenset('"+,;<>\\=\0')


class BadName(ValueError):  # noqa: N818 - reads as what it is: a bad name
    """Text that is no distinguished name."""


def parse(text: str) -> tuple[tuple[Pair, ...], ...]:
    """The relative names, leaf first, each as its pairs; the empty text is the empty name (the root DSE)."""
    names: list[tuple[Pair, ...]] = []
    pairs: list[Pair] = []
    position, end = 0, len(text)
    if not text.strip():
        return ()
    while True:
        found = _TYPE.match(text, position)
        if found is None:
            raise BadName(text)
        value, position = _value(text, found.end())
        pairs.append((found.group(1), value))
        separator = text[position : position + 1]
        if separator != "+":
            names.append(tuple(pairs))
            pairs = []
        if position >= end:
            return tuple(names)
        position += 1


def _value(text: str, start: int) -> tuple[str, int]:
    """One value without its escapes and unescaped outer spaces, and where its separator (or the end) is."""
    if text[start : start + 1] == "#":
        raise BadName(text)  # the hexadecimal BER form: no attribute here needs it
    if text[start : start + 1] == '"':
        return _quoted(text, start + 1)
    octets = bytearray()
    kept = 0  # octets up to the last one that is no unescaped space
    position = start
    while position < len(text):
        character = text[position]
        if character in _SEPARATORS:
            break
        if character in _UNESCAPED_NEVER:
            raise BadName(text)
        if character == "\\":
            octet, position = _escaped(text, position + 1)
            octets += octet
            kept = len(octets)
            continue
        octets += character.encode()
        position += 1
        if character != " ":
            kept = len(octets)
    return _decoded(bytes(octets[:kept]), text), position


def _quoted(text: str, start: int) -> tuple[str, int]:
    """The quoted form of RFC 2253 (section 4), which servers must still read."""
    octets = bytearray()
    position = start
    while position < len(text) and text[position] != '"':
        if text[position] == "\\":
            octet, position = _escaped(text, position + 1)
            octets += octet
        else:
            octets += text[position].encode()
            position += 1
    if position >= len(text):
        raise BadName(text)
    position += 1
    while text[position : position + 1] == " ":
        position += 1
    if position < len(text) and text[position] not in _SEPARATORS:
        raise BadName(text)
    return _decoded(bytes(octets), text), position


def _escaped(text: str, position: int) -> tuple[bytes, int]:
    """What follows a backslash: a special character, or two hexadecimal digits that are one octet of UTF-8."""
    if text[position : position + 1] in _SPECIAL and position < len(text):
        return text[position].encode(), position + 1
    found = _HEX.match(text, position)
    if found is None:
        raise BadName(text)
    return bytes.fromhex(found.group()), position + 2


def _decoded(octets: bytes, text: str) -> str:
    try:
        value = octets.decode()
    except UnicodeDecodeError as error:
        raise BadName(text) from error
    if not value:
        raise BadName(text)
    return value


def escape(value: str) -> str:
    """A value as OpenLDAP prints it inside a name: special characters as two hexadecimal digits."""
    last = len(value) - 1
    return "".join(
        f"\\{ord(character):02X}"
        if character in _ALWAYS_ESCAPED
        or (character == "#" and index == 0)
        or (character == " " and index in (0, last))
        else character
        for index, character in enumerate(value)
    )


def print_name(pairs: tuple[Pair, ...]) -> str:
    """One relative name as text."""
    return "+".join(f"{attribute}={escape(value)}" for attribute, value in pairs)
