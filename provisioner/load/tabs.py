"""Tabs that stand between things: libyaml takes them for space, other readers of YAML refuse the file.

Those in comments, in quotes and in blocks of text are not judged here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from provisioner.diagnostics import Diagnostic, Location

_BLOCKS = ("|", ">")


def stray_tab(file: str, line: int, column: int) -> Diagnostic:
    """`line` and `column` count from zero."""
    return Diagnostic(
        "tab-indent",
        "a tab where spaces are needed",
        location=Location(file, line + 1, column + 1),
        why="YAML is indented with spaces: how wide a tab is depends on who looks",
        fix="replace the tab by spaces",
    )


class Scalars:
    """Where the values and keys of a text stand, noted in their order; and which of its tabs are in none of them."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._texts: list[bool] = []

    def note(self, event: Any) -> None:
        start = event.start_mark.index
        if event.style in _BLOCKS:
            start = self._text.find("\n", start)
        self._starts.append(start)
        self._ends.append(event.end_mark.index)
        self._texts.append(bool(event.style))

    def stray(self) -> Iterator[tuple[int, int]]:
        """Line and column, from zero, of the first such tab of each line."""
        text, at, number, begin = self._text, self._text.find("\t"), 0, 0
        while at >= 0:
            number += text.count("\n", begin, at)
            begin = text.rfind("\n", 0, at) + 1
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            comment = self._comment(begin, end)
            while 0 <= at < comment:
                place = self._scalar(at)
                if place is None or not self._texts[place]:
                    yield number, at - begin
                    break
                at = text.find("\t", min(self._ends[place], comment), comment)
            number, begin = number + 1, end + 1
            at = text.find("\t", begin)

    def _comment(self, begin: int, end: int) -> int:
        """Where the comment of a line begins, or the line ends: the first `#` that is in no value and no key."""
        at = self._text.find("#", begin, end)
        while at >= 0:
            place = self._scalar(at)
            if place is None:
                return at
            at = self._text.find("#", min(self._ends[place], end), end)
        return end

    def _scalar(self, at: int) -> int | None:
        place = bisect_right(self._starts, at) - 1
        return place if place >= 0 and at < self._ends[place] else None
