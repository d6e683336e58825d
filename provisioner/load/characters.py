"""Characters that mislead a reader: invisible, reordering, or borrowed from another script.

Free text (reasons, names of people) may hold anything that can be seen. Names, which decide who gets what, are held to
one spelling: no look-alikes and composed characters only (Unicode NFC).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from provisioner.diagnostics import Severity
from provisioner.load.display import code_point, show

TEXT_KEYS = frozenset({"reason", "description", "name"})
"""Keys whose values are free text."""

_REORDERING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b"
    "\u2028\u2029\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
)
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_TAGS = "\U000e0000-\U000e007f"
_JOINERS = "\u200c\u200d"
# Joiners belong to emoji and to several scripts, so free text may hold them, and so may comments.
HIDDEN_IN_TEXT = re.compile(f"[{_REORDERING}{_UNSEEN}{_CONTROL}{_TAGS}]")
HIDDEN_IN_NAME = re.compile(f"[{_REORDERING}{_UNSEEN}{_CONTROL}{_TAGS}{_JOINERS}\t\n\r]")
CONTROL = re.compile(f"[{_CONTROL}]")

_WORD = re.compile(r"[^\W\d_]+")
_CONFUSABLE = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
# Letters that look like a Latin one: a word of nothing else cannot be told from a Latin word by eye.
_LATIN_TWINS = frozenset("аеорсухіјѕԁԛԝАВЕКМНОРСТУХІЈЅԚԜανορυχιΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")


class Misleading(NamedTuple):
    """What is wrong with a text: a diagnostic's code, message, reason and remedy."""

    code: str
    message: str
    why: str
    fix: str
    severity: Severity = Severity.ERROR


def hidden(text: str, is_name: bool) -> Misleading | None:
    """The first character in `text` that cannot be seen, or that reorders what is seen."""
    found = (HIDDEN_IN_NAME if is_name else HIDDEN_IN_TEXT).search(text)
    if found is None:
        return None
    character = found[0]
    if CONTROL.match(character) or character in "\t\n\r":
        what = "a line break" if character in "\r\n" else "a tab" if character == "\t" else "a control character"
        return Misleading(
            "control-character",
            f"{show(text)} holds {what} ({code_point(character)})",
            "it cannot be seen, and systems treat it differently",
            "take it out",
        )
    return Misleading(
        "invisible-character",
        f"{show(text)} holds {code_point(character)} at character {found.start() + 1}",
        "it cannot be seen, or changes the order in which the line is shown: what is reviewed is not what is read",
        "take it out, or type the text again",
    )


def look_alikes(name: str) -> Iterator[Misleading]:
    """What makes a name read like another one. `name` is not ASCII."""
    if not unicodedata.is_normalized("NFC", name):
        yield Misleading(
            "not-normalised",
            f"{show(name)} is written with combining characters",
            "two spellings of a name that look the same could be two names; names are kept in Unicode's form NFC",
            "type it again with composed characters (é as one character)",
        )
    elif unicodedata.normalize("NFKC", name) != name:
        plain = unicodedata.normalize("NFKC", name)
        yield Misleading(
            "look-alike",
            f"{show(name)} holds characters that only look like others",
            "full-width letters, ligatures and their like make two names that read alike",
            f"write {show(plain)} if that is meant",
        )
    for word in _WORD.findall(name):
        if word.isascii():
            continue
        scripts = {_script(c) for c in word} & _CONFUSABLE
        if len(scripts) > 1:
            odd = next(c for c in word if _script(c) != _script(word[0]) and _script(c) in _CONFUSABLE)
            yield Misleading(
                "look-alike",
                f"{show(name)} mixes {' and '.join(sorted(s.capitalize() for s in scripts))} letters in one word",
                f"letters of different scripts look alike, here {code_point(odd)}: it is not the name it seems",
                "type the word again in one script",
            )
        elif all(c in _LATIN_TWINS for c in word) and len(word) > 1:
            yield Misleading(
                "look-alike",
                f"{show(name)} is spelled in {_script(word[0]).capitalize()} letters that all look Latin",
                "nobody who reviews it could tell it from the Latin name",
                "if the Latin name is meant, type it again in Latin letters",
                Severity.WARNING,
            )


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]
