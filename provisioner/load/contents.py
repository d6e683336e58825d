"""The entries of access files as they are written, for telling which of them a change touches.

Plain data by section and id, and the place of each; nothing is checked here, and what cannot be read is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from provisioner.diagnostics import Location
from provisioner.load.decode import decode
from provisioner.load.nodes import build
from provisioner.load.places import Source

SINGLE = frozenset({"guardrails", "records"})
"""Sections that stand once in the whole tree, and have no ids."""


class Entry(NamedTuple):
    """One entry; `data` is what stands below its key. `source` knows the place of everything in it."""

    section: str
    name: str
    data: Any
    source: Source

    def place(self, *path: str | int) -> Location:
        """Of the value at `path` within the entry, or of its key."""
        base = (self.section, self.name) if self.name else (self.section,)
        return self.source.place((*base, *path), False)

    def value(self, key: str) -> Any:
        return self.data.get(key) if isinstance(self.data, dict) else None


def contents(files: Mapping[str, bytes], folder: str) -> dict[tuple[str, str], Entry]:
    """Every entry, by section and id; of an id that stands twice the first counts."""
    found: dict[tuple[str, str], Entry] = {}
    for path, data in sorted(files.items()):
        shown = path if folder == "." else f"{folder}/{path}"
        text, _ = decode(shown, data)
        if text is None:
            continue
        source = Source(shown, text)
        source.tree = build(shown, text)
        root = source.tree.root
        for section, body in root.items() if isinstance(root, dict) else ():
            if section in SINGLE:
                found.setdefault((section, ""), Entry(section, "", body, source))
                continue
            for name, entry in body.items() if isinstance(body, dict) else ():
                found.setdefault((section, name), Entry(section, name, entry, source))
    return found
