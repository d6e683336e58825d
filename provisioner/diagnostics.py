"""The one shape that every problem takes: where it is, what is wrong, why, and how to mend it.

Nothing here reads a file or prints; `report` turns diagnostics into text.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Location(NamedTuple):
    """A place in an access file; line and column count from 1. `file` is relative to the repository's top."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Location("-")
"""For what does not come from a file."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem. `code` is stable and has a paragraph in `docs/errors.md`.

    `length` is how many characters from `location` on are meant, for the carets; `target` names the system when the
    problem is not in a file, or not only there.
    """

    code: str
    message: str
    severity: Severity = Severity.ERROR
    location: Location | None = None
    length: int = 1
    why: str = ""
    fix: str = ""
    target: str | None = None

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR

    def sort_key(self) -> tuple[str, int, int, str, str, str]:
        """By file, line and column; what has no place comes last, by target."""
        place = self.location
        if place is None:
            return ("￿", 0, 0, self.target or "", self.code, self.message)
        return (place.file, place.line, place.column, self.target or "", self.code, self.message)


def in_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The diagnostics sorted by place, each told once."""
    return tuple(sorted(set(diagnostics), key=Diagnostic.sort_key))


class ProvisionError(Exception):
    """Expected trouble: carries the diagnostics to show. Never shown as a traceback."""

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.diagnostics = diagnostics
