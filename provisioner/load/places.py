"""Where things stand in a file: by path on demand, and as `locate` of the blocks that are handed on.

A file's text is kept, its marks are not: they are made again by reading the text once more where a place is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from provisioner.diagnostics import Diagnostic, Location
from provisioner.load.nodes import Tree, build
from provisioner.model.block import Block, Path

Locate = Callable[[Path], Location]
_LARGE = 100


class Source:
    """One access file as read. `file` is as it is told to people."""

    __slots__ = ("_lines", "_orders", "file", "text", "tree")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self.tree: Tree | None = None
        self._lines: list[str] | None = None
        self._orders: dict[int, dict[Any, int]] | None = None

    def read(self) -> Tree:
        """The tree, made again where it was let go of."""
        if self.tree is None:
            self.tree = build(self.file, self.text)
        return self.tree

    def forget(self) -> None:
        """Lets go of the tree; it can be had again."""
        self.tree = self._lines = self._orders = None

    def below(self, path: Path) -> Any:
        """The value at `path`, or None."""
        at = self.read().root
        for step in path:
            if isinstance(at, dict):
                at = at.get(step)
            elif isinstance(at, list) and isinstance(step, int) and step < len(at):
                at = at[step]
            else:
                return None
        return at

    def place(self, path: Path, want_value: bool) -> Location:
        """Of the value at `path`, or of its key (a list's entry: itself); where it is absent, of the nearest parent."""
        tree = self.read()
        at, mark = tree.root, None
        for depth, step in enumerate(path):
            if isinstance(at, dict) and step in at:
                is_value = want_value and depth == len(path) - 1
                mark = tree.marks[id(at)][2 * self.order(at, step) + is_value]
                at = at[step]
            elif isinstance(at, list) and isinstance(step, int) and step < len(at):
                mark = tree.marks[id(at)][step]
                at = at[step]
            else:
                break
        if mark is None:
            return Location(self.file)
        return Location(self.file, mark.line + 1, mark.column + 1)

    def length(self, place: Location) -> int:
        """How many characters the word at `place` has, for carets."""
        if self._lines is None:
            self._lines = self.text.split("\n")
        line = self._lines[place.line - 1] if place.line <= len(self._lines) else ""
        rest = line[place.column - 1 :].rstrip("\r")
        if rest[:1] in ("'", '"'):
            end = rest.find(rest[0], 1)
            return end + 1 if end > 0 else len(rest)
        for stop in (": ", " #", ", ", "]", "}"):
            rest = rest.partition(stop)[0]
        return max(len(rest.rstrip().removesuffix(":").removesuffix(",")), 1)

    def order(self, mapping: dict[Any, Any], key: Any) -> int:
        """Which of its keys `key` is. Of a large mapping all are looked up at once: many may be asked for."""
        if len(mapping) < _LARGE:
            return list(mapping).index(key)
        if self._orders is None:
            self._orders = {}
        order = self._orders.get(id(mapping))
        if order is None or len(order) != len(mapping):
            order = self._orders[id(mapping)] = {name: index for index, name in enumerate(mapping)}
        return order[key]


class At:
    """A place in a file that other places are counted from."""

    __slots__ = ("base", "source")

    def __init__(self, source: Source, base: Path = ()) -> None:
        self.source = source
        self.base = base

    def key(self, path: Path) -> Location:
        return self.source.place(self.base + path, False)

    def value(self, path: Path) -> Location:
        return self.source.place(self.base + path, True)

    def block(self, data: Mapping[str, Any]) -> Block:
        return Block(data, self.key)

    def drop(self, path: Path) -> None:
        """Leaves the value at `path` out of the tree, so that the rest can be used."""
        whole = self.base + path
        parent = self.source.below(whole[:-1])
        if (isinstance(parent, dict) and whole[-1] in parent) or (
            isinstance(parent, list) and isinstance(whole[-1], int) and whole[-1] < len(parent)
        ):
            self.source.read().drop(parent, whole[-1])

    def drop_all(self, paths: Iterable[Path]) -> None:
        """Leaves several out; the later entries of a list first."""
        ordered = sorted(
            set(paths), key=lambda p: [(isinstance(s, int), f"{s:09}" if isinstance(s, int) else s) for s in p]
        )
        for path in reversed(ordered):
            self.drop(path)

    def problem(
        self, code: str, message: str, path: Path, *, why: str, fix: str, on_key: bool = False, **more: Any
    ) -> Diagnostic:
        """A diagnostic at the value at `path`, or at its key."""
        place = self.key(path) if on_key else self.value(path)
        return Diagnostic(code, message, location=place, length=self.source.length(place), why=why, fix=fix, **more)


class Overlaid(At):
    """The places of an instance's settings: where the instance says something, there; else at its target."""

    __slots__ = ("instance", "target")

    def __init__(self, target: At, instance: At) -> None:
        super().__init__(instance.source, instance.base)
        self.target = target
        self.instance = instance

    def _of(self, path: Path) -> At:
        own = self.source.below(self.instance.base)
        outer = self.source.below(self.target.base)
        if not path or not isinstance(own, dict) or not isinstance(outer, dict):
            return self.instance
        first = path[0]
        if first not in own:
            return self.target if first in outer else self.instance
        entries, more = own[first], outer.get(first)
        if (
            len(path) > 1
            and isinstance(entries, dict)
            and isinstance(more, dict)
            and path[1] not in entries
            and path[1] in more
        ):
            return self.target
        return self.instance

    def key(self, path: Path) -> Location:
        return self._of(path).key(path)

    def value(self, path: Path) -> Location:
        return self._of(path).value(path)

    def drop(self, path: Path) -> None:
        self._of(path).drop(path)
