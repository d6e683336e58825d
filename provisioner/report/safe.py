"""Text from outside, made harmless before it is shown: nothing here may move a cursor, hide or reorder what is read.

Control characters (C0, C1), format and bidi characters, other spaces and what shows as nothing become visible escapes
such as `\\u202e`. What is left is safe in the log of a CI system too: the markers of log commands are broken up, those
that count anywhere (`##[add-mask]`, `##vso[`, `##teamcity[`) by `safe`, those at a line's start (`::error::`) by
`guard`.
"""

from __future__ import annotations

import re
import unicodedata

from rich.cells import cell_len

# Letters and marks that show as nothing although Unicode counts them as visible: fillers, blanks, variation selectors.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0") | frozenset(
    chr(c) for block in (range(0xFE00, 0xFE0F), range(0xE0100, 0xE01F0)) for c in block
)
_WIDE_SPACE = "\u3000"  # the ordinary space of East Asian names
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_COMMAND = re.compile(r"##([A-Za-z]*)\[")


def safe(text: str, limit: int | None = None) -> str:
    """`text` on one line, with all that is not plainly visible escaped, and cut after `limit` characters."""
    if limit is not None and len(text) > limit:
        text = text[: limit - 3] + "..."
    if not (text.isascii() and text.isprintable()):
        text = "".join(_shown(c) for c in text)
        if text and unicodedata.combining(text[0]):
            text = _escape(text[0]) + text[1:]
    return _COMMAND.sub(r"##\1\\x5b", text) if "##" in text else text


def guard(line: str) -> str:
    """A line of output that no CI system takes for a command: GitHub's runner looks past leading spaces."""
    bare = line.lstrip()
    return line.replace("::", ":\\x3a", 1) if bare.startswith("::") else line


def width(text: str) -> int:
    """How many columns `text` takes on a terminal: wide characters count two, combining ones none."""
    return len(text) if text.isascii() else cell_len(text)


def pad(text: str, columns: int) -> str:
    """`text` filled up with spaces to `columns`; longer text stays as it is."""
    return text + " " * (columns - width(text))


def _shown(character: str) -> str:
    if character.isprintable() and character not in _INVISIBLE:
        return character
    return character if character == _WIDE_SPACE else _escape(character)


def _escape(character: str) -> str:
    code = ord(character)
    named = _NAMED.get(character)
    if named is not None:
        return named
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
