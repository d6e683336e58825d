"""When output is coloured, and how. Everything reads the same without: colour never carries a meaning of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Palette:
    """Wraps text for a terminal, or leaves it as it is."""

    on: bool = False

    def red(self, text: str) -> str:
        return self._wrap("31", text)

    def green(self, text: str) -> str:
        return self._wrap("32", text)

    def yellow(self, text: str) -> str:
        return self._wrap("33", text)

    def cyan(self, text: str) -> str:
        return self._wrap("36", text)

    def bold(self, text: str) -> str:
        return self._wrap("1", text)

    def dim(self, text: str) -> str:
        return self._wrap("2", text)

    def _wrap(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text


PLAIN = Palette()


def palette(stream: TextIO, environ: Mapping[str, str]) -> Palette:
    """Colours only for a terminal that can show them, and not where NO_COLOR (https://no-color.org) is set."""
    return Palette(stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM", "") != "dumb")
