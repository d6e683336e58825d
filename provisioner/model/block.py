"""A piece of an access file as plain data, which still knows where each of its values stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.diagnostics import Location

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """`locate(path)` gives the place of the value at `path` within `data` (of a mapping's entry: its key), and that of
    the nearest parent that stands in a file where the value itself does not.
    """

    data: Mapping[str, Any]
    locate: Callable[[Path], Location]

    def at(self, *path: str | int) -> Location:
        return self.locate(path)


def nowhere(file: str = "-") -> Callable[[Path], Location]:
    """A `locate` for blocks that do not come from a file."""
    place = Location(file)
    return lambda _path: place
