"""Diagnostics as people and editors read them: place, message, the line itself with carets, why, and how to mend it.

`file:line:column: severity[code]: message`, the form that editors and CI systems know from compilers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from provisioner.diagnostics import Diagnostic, Location, Severity, in_order
from provisioner.report.colour import PLAIN, Palette
from provisioner.report.hidden import hidden
from provisioner.report.safe import guard, safe, width

MOST = 200
"""Problems shown as text in one run; JSON has them all."""
_EXCERPT = 100
# YAML's own idea of a line's end, so that our line numbers are its.
_LINE_END = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Sources:
    """The lines that diagnostics point at, from the access files as they were read: never from the disk again, where a
    link could lead elsewhere. `folder` is what places call the folder that `files` lie in."""

    def __init__(self, files: Mapping[str, bytes], folder: str) -> None:
        self._files = files
        self._prefix = "" if folder == "." else folder + "/"
        self._lines: dict[str, Sequence[str]] = {}

    def line(self, place: Location) -> str | None:
        """The text at `place`, or None where no such line was read."""
        lines = self._lines.get(place.file)
        if lines is None:
            data = self._files.get(place.file.removeprefix(self._prefix), b"")
            lines = self._lines[place.file] = _LINE_END.split(data.decode("utf-8-sig", errors="replace"))
        return lines[place.line - 1] if 0 < place.line <= len(lines) else None


def text(
    diagnostics: Iterable[Diagnostic],
    sources: Sources | None = None,
    *,
    colours: Palette = PLAIN,
    most: int = MOST,
    fold: int | None = None,
) -> str:
    """All problems, sorted by place; after `most` only their number. Ends with a newline unless empty.

    `fold`: of warnings and notes with the same code only so many are shown.
    """
    found = in_order(diagnostics)
    if fold is not None:
        return _folded(found, sources, colours, fold)
    told = [one(d, sources, colours=colours) for d in found[:most]]
    if len(found) > most:
        told.append(f"... and {len(found) - most:,} more; --format json has them all\n")
    return "".join(told)


def _folded(found: Sequence[Diagnostic], sources: Sources | None, colours: Palette, fold: int) -> str:
    """Errors first and all, of everything else the first few of each code."""
    kinds: dict[tuple[int, str], list[Diagnostic]] = {}
    for problem in found:
        kinds.setdefault((list(Severity).index(problem.severity), problem.code), []).append(problem)
    told: list[str] = []
    for (_, code), alike in sorted(kinds.items()):
        shown = alike if alike[0].is_error else alike[:fold]
        told += [one(d, sources, colours=colours) for d in shown]
        if len(alike) > len(shown):
            told.append(f"... and {len(alike) - len(shown):,} more of {code}; --format json has them all\n")
    return "".join(told)


def one(problem: Diagnostic, sources: Sources | None = None, *, colours: Palette = PLAIN) -> str:
    """One problem, in as many lines as it needs."""
    paint = {Severity.ERROR: colours.red, Severity.WARNING: colours.yellow, Severity.NOTE: colours.cyan}[
        problem.severity
    ]
    place = problem.location
    where = safe(str(place)) if place is not None else safe(problem.target) if problem.target else ""
    head = f"{where}: " if where else ""
    lines = [f"{colours.bold(head)}{paint(f'{problem.severity.value}[{problem.code}]')}: {safe(problem.message)}"]
    excerpt = None if place is None or sources is None else sources.line(place)
    if place is not None and excerpt:
        lines += _pointed(excerpt, place, problem.length, paint)
    if problem.why:
        lines.append(f"  why: {safe(problem.why)}")
    if problem.fix:
        lines.append(f"  fix: {safe(problem.fix)}")
    return "\n".join(guard(line) for line in lines) + "\n"


def _pointed(line: str, place: Location, length: int, paint: Any) -> list[str]:
    """The source line behind its number, and carets below what is meant."""
    line = hidden(line)
    start = min(place.column - 1, len(line))
    end = min(start + max(length, 1), max(len(line), start + 1))
    before, meant, after = (_visible(part) for part in (line[:start], line[start:end], line[end:]))
    if width(before) + width(meant) + width(after) > _EXCERPT:
        before, meant, after = _window(before, meant, after)
    gutter = f"  {place.line} | "
    carets = paint("^" * max(width(meant), 1))
    return [f"{gutter}{before}{meant}{after}".rstrip(), f"{' ' * (len(gutter) - 2)}| {' ' * width(before)}{carets}"]


def _visible(part: str) -> str:
    return "    ".join(safe(piece) for piece in part.split("\t"))


def _window(before: str, meant: str, after: str) -> tuple[str, str, str]:
    """A piece of a long line around what is meant."""
    if len(before) > 40:
        before = "..." + before[-37:]
    if len(meant) > 50:
        meant = meant[:50]
        after = "..."
    room = max(_EXCERPT - len(before) - len(meant), 3)
    return before, meant, after if len(after) <= room else after[: room - 3] + "..."


def count(diagnostics: Iterable[Diagnostic]) -> str:
    """`3 errors and 1 warning in 2 files`, or `no problems`."""
    found = in_order(diagnostics)
    files = len({d.location.file for d in found if d.location is not None})
    parts = []
    for severity in Severity:
        number = sum(d.severity is severity for d in found)
        if number:
            parts.append(f"{number:,} {severity.value}{'' if number == 1 else 's'}")
    if not parts:
        return "no problems"
    told = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    return told + (f" in {files:,} file{'' if files == 1 else 's'}" if files else "")


def to_json(diagnostics: Iterable[Diagnostic]) -> dict[str, list[dict[str, Any]]]:
    """The object of `validate --format json`."""
    return {
        "diagnostics": [
            {
                "code": d.code,
                "severity": d.severity.value,
                "file": None if d.location is None else d.location.file,
                "line": None if d.location is None else d.location.line,
                "column": None if d.location is None else d.location.column,
                "message": d.message,
                "why": d.why,
                "fix": d.fix,
            }
            for d in in_order(diagnostics)
        ]
    }
