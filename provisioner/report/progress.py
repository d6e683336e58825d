"""What is being done right now, on stderr: one line that rewrites itself on a terminal, plain lines in a pipe."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TextIO

from provisioner.report.safe import guard, safe, width


class ProgressLine:
    """Called with what is going on, from any thread. `close` wipes the line away, so that what follows stands alone."""

    def __init__(self, write: Callable[[str], object], *, live: bool, columns: int = 80) -> None:
        self._write = write
        self._live = live
        self._columns = max(columns - 1, 20)  # a full line would wrap, and then could not be rewritten
        self._lock = threading.Lock()
        self._shown = False
        self._last = ""
        self._phases: set[str] = set()

    def __call__(self, told: str, phase: str | None = None) -> None:
        """`phase` names what this is a step of: in a pipe it is told once, and its steps are not."""
        line = guard(safe(told if self._live or phase is None else phase))
        with self._lock:
            if phase is not None and not self._live:
                if phase in self._phases:
                    return
                self._phases.add(phase)
            if line == self._last:
                return
            self._last = line
            if not self._live:
                self._write(line + "\n")
                return
            self._write("\r\x1b[K" + _fitting(line, self._columns))
            self._shown = True

    def close(self) -> None:
        with self._lock:
            if self._shown:
                self._write("\r\x1b[K")
                self._shown = False


def is_live(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether a line can be rewritten there: a terminal that knows how, and no CI log."""
    return stream.isatty() and environ.get("TERM", "") != "dumb" and not environ.get("CI")


def _fitting(line: str, columns: int) -> str:
    if width(line) <= columns:
        return line
    while width(line) > columns - 3:
        line = line[:-1]
    return line + "..."
