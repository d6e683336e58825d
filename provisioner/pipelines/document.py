"""CI configuration as a tree of nodes that know their lines.

Unlike access files these are in the dialects of the CI systems: keys such as `on`, empty values and merge keys (`<<`)
are everyday there, so `load.nodes` does not fit. Every scalar is kept as its text. Refuses what could exhaust the
machine (size, depth, aliases that expand too far) and what two readers would take for two things (duplicate keys).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yaml import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
    YAMLError,
)
from yaml._yaml import CParser

from provisioner.diagnostics import Diagnostic, Location
from provisioner.load import limits
from provisioner.load.decode import decode, unreadable_character
from provisioner.load.display import show
from provisioner.load.syntax import syntax_error

_WORDS_FOR_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


class Node:
    """A scalar (`text`), a list (`entries`) or a mapping (`keys`); `place` is where it stands, or would stand."""

    __slots__ = ("entries", "keys", "kind", "length", "place", "size", "text")

    def __init__(self, kind: str, place: Location, text: str = "", length: int = 1) -> None:
        self.kind = kind
        self.place = place
        self.text = text
        self.length = max(length, 1)
        self.entries: list[Node] = []
        self.keys: dict[str, tuple[Node, Node]] = {}
        self.size = 1

    @property
    def absent(self) -> bool:
        """Whether there is nothing: no such key, or a value left out."""
        return self.kind == "absent"

    @property
    def is_map(self) -> bool:
        return self.kind == "map"

    @property
    def is_list(self) -> bool:
        return self.kind == "list"

    @property
    def is_text(self) -> bool:
        return self.kind == "text"

    def get(self, *path: str) -> Node:
        """What stands below; an absent node where there is none."""
        at = self
        for key in path:
            found = at.keys.get(key)
            if found is None:
                return Node("absent", at.place)
            at = found[1]
        return at

    def key(self, name: str) -> Node:
        """The key `name` itself, for its place; this node where it has no such key."""
        found = self.keys.get(name)
        return found[0] if found is not None else self

    def items(self) -> Iterator[tuple[Node, Node]]:
        """The keys and values of a mapping; of anything else none."""
        yield from self.keys.values()

    def each(self) -> list[Node]:
        """The entries of a list, or a scalar as the only one."""
        return [self] if self.is_text else self.entries

    def words(self) -> list[Node]:
        """The scalars among `each`."""
        return [n for n in self.each() if n.is_text]

    def scalars(self) -> Iterator[Node]:
        """Every scalar below, keys left out."""
        if self.is_text:
            yield self
        for entry in self.entries:
            yield from entry.scalars()
        for _, value in self.keys.values():
            yield from value.scalars()


def parse(file: str, data: bytes) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of one file and what is wrong with its text; None where it cannot be used."""
    text, said = decode(file, data)
    if text is None:
        return None, said
    builder = _Builder(file, CParser(text))
    try:
        root = builder.document()
    except YAMLError as wrong:
        return None, [*said, unreadable_character(file, text) or syntax_error(file, text, wrong)]
    except _RefusedError as refused:
        return None, [*said, refused.diagnostic]
    said += builder.problems
    if root is None or not root.is_map:
        place = root.place if root is not None else Location(file)
        return None, [*said, _shape("the file is no mapping", place)]
    return root, said


class _RefusedError(Exception):
    def __init__(self, diagnostic: Diagnostic) -> None:
        super().__init__(diagnostic.message)
        self.diagnostic = diagnostic


class _Builder:
    def __init__(self, file: str, parser: Any) -> None:
        self.file = file
        self.get = parser.get_event
        self.anchors: dict[str, Node] = {}
        self.problems: list[Diagnostic] = []
        self.count = 0

    def document(self) -> Node | None:
        self.get()
        if type(self.get()) is StreamEndEvent:
            return None
        root = self.node(self.get(), 1)
        self.get()
        after = self.get()
        if type(after) is not StreamEndEvent:
            raise _RefusedError(_shape("a second document begins here", self._place(after)))
        return root

    def node(self, event: Any, depth: int) -> Node:
        self.count += 1
        if depth > limits.DEPTH or self.count > limits.NODES:
            raise self._too_big(event)
        if type(event) is AliasEvent:
            name = str(event.anchor)
            known = self.anchors.get(name)
            if known is None:
                raise _RefusedError(_shape(f"the alias {show('*' + name)} names no anchor", self._place(event)))
            return known
        if type(event) is ScalarEvent:
            made = self._scalar(event)
        elif type(event) is MappingStartEvent:
            made = self._mapping(event, depth)
        else:
            made = self._sequence(event, depth)
        if event.anchor is not None:
            self.anchors[event.anchor] = made
        return made

    def _scalar(self, event: Any) -> Node:
        place = self._place(event)
        if event.implicit[0] and event.value in _WORDS_FOR_NOTHING:
            return Node("absent", place)
        one_line = event.start_mark.line == event.end_mark.line
        return Node("text", place, event.value, event.end_mark.column - event.start_mark.column if one_line else 1)

    def _mapping(self, start: Any, depth: int) -> Node:
        made = Node("map", self._place(start))
        merged: list[Node] = []
        while type(event := self.get()) is not MappingEndEvent:
            key = self.node(event, depth + 1)
            value = self.node(self.get(), depth + 1)
            made.size += 1 + value.size
            if key.is_text and key.text == "<<":
                merged += [value] if value.is_map else value.entries
            elif key.is_map or key.is_list:
                self.problems.append(_shape("a key must be a name", key.place))
            elif key.text in made.keys:
                self.problems.append(_twice(key, made.keys[key.text][0]))
            else:
                made.keys[key.text] = (key, value)
            self._check(made, event)
        for source in merged:
            for name, entry in source.keys.items():
                made.keys.setdefault(name, entry)
        return made

    def _sequence(self, start: Any, depth: int) -> Node:
        made = Node("list", self._place(start))
        while type(event := self.get()) is not SequenceEndEvent:
            entry = self.node(event, depth + 1)
            made.size += entry.size
            made.entries.append(entry)
            self._check(made, event)
        return made

    def _check(self, made: Node, event: Any) -> None:
        if made.size > limits.NODES:
            raise self._too_big(event)

    def _place(self, event: Any) -> Location:
        return Location(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def _too_big(self, event: Any) -> _RefusedError:
        return _RefusedError(
            Diagnostic(
                "too-many-values",
                f"the file is nested deeper than {limits.DEPTH}, or holds more values than {limits.NODES:,}",
                location=self._place(event),
                why="aliases count as often as they are used; so much could exhaust the machine that checks it",
                fix="write it shorter, or divide it over several files",
            )
        )


def _twice(key: Node, first: Node) -> Diagnostic:
    return Diagnostic(
        "duplicate-key",
        f"the key {show(key.text)} appears twice, first in line {first.place.line}",
        location=key.place,
        length=key.length,
        why="only one of the two counts, and a reviewer could look at the other",
        fix="keep one",
    )


def _shape(message: str, place: Location) -> Diagnostic:
    return Diagnostic(
        "pipeline-shape",
        message,
        location=place,
        why="the CI system would not take it, or take it for something else than it seems",
        fix="write it as the CI system's reference has it",
    )
