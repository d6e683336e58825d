"""YAML text into plain containers that know where they stand, straight from libyaml's events.

Builds text, whole numbers, decimals, booleans, lists and mappings with text keys; nothing else. Refuses what would make
a reader and the program see two different things: duplicate keys, merge keys, tags, a second document, values left out,
words that readers of YAML disagree on, characters that mislead; and whatever is over a budget. Positions are kept as
libyaml's own marks, one list for each container, so that a file without problems hardly pays for them.
"""

from __future__ import annotations

import unicodedata
from itertools import repeat
from typing import Any

from yaml import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
    YAMLError,
)
from yaml._yaml import CParser

from provisioner.diagnostics import Diagnostic, Location
from provisioner.load import limits, ordinary
from provisioner.load.characters import HIDDEN_IN_TEXT, TEXT_KEYS, hidden, look_alikes
from provisioner.load.complaints import Complaints, RefusedError
from provisioner.load.decode import unreadable_character
from provisioner.load.display import code_point
from provisioner.load.scalars import DATE, NUMERIC, SPECIAL, TIME_KEYS, Unclear, resolve
from provisioner.load.syntax import syntax_error
from provisioner.load.tabs import Scalars, stray_tab

_ABSENT = object()
_OPEN = object()


class Tree:
    """What a file holds. `marks[id(container)]` has the mark of every key and value of a mapping, in turn, or of every
    entry of a list; it is right as long as `root` lives. `empty` are places where a value was left out.
    """

    __slots__ = ("empty", "marks", "problems", "root")

    def __init__(self) -> None:
        self.root: Any = None
        self.marks: dict[int, list[Any]] = {}
        self.problems: list[Diagnostic] = []
        self.empty: set[tuple[int, str]] = set()

    def drop(self, container: Any, key: Any) -> None:
        """Takes an entry out of a container, with its marks."""
        marks = self.marks[id(container)]
        if isinstance(container, dict):
            index = 2 * list(container).index(key)
            del marks[index : index + 2]
        else:
            del marks[key]
        del container[key]


def build(file: str, text: str) -> Tree:
    """The tree of one file. `root` is None where it has none; the problems then say why."""
    tree = Tree()
    quick = ordinary.read(text)
    if quick is None:
        read_with_care(file, text, tree)
    else:
        tree.root, tree.marks = quick
    return tree


def read_with_care(file: str, text: str, tree: Tree) -> None:
    """Fills `tree` from the file, whatever it holds, and tells what is wrong."""
    try:
        parser = CParser(text)
        _Builder(file, text, parser, tree).document()
    except YAMLError as wrong:
        tree.root = None
        tree.problems.append(unreadable_character(file, text) or syntax_error(file, text, wrong))
    except RefusedError as refused:
        tree.root = None
        tree.problems.append(refused.diagnostic)


def _needs_care(text: str) -> bool:
    """Whether the text may hold anchors, aliases, tags, escapes, long scalars or more than ASCII: most files do not."""
    return (
        not text.isascii()
        or len(text) > limits.SCALAR_BYTES // 2
        or "\\" in text
        or "&" in text
        or "*" in text
        or "!" in text
        or "\t" in text
        or "? " in text
    )


class _Builder:
    __slots__ = (
        "anchors", "careful", "complain", "extra", "file", "get", "largest", "marks", "nodes", "scalars", "text",
        "tree",
    )  # fmt: skip

    def __init__(self, file: str, text: str, parser: Any, tree: Tree) -> None:
        self.file = file
        self.text = text
        self.get = parser.get_event
        self.tree = tree
        self.complain = Complaints(file, tree.problems)
        self.marks = tree.marks
        self.careful = _needs_care(text)
        self.nodes = 1
        self.extra = 0
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.largest: tuple[int, Any] = (0, None)
        self.scalars = Scalars(text) if "\t" in text else None

    def document(self) -> None:
        get = self.get
        if self.careful and not self.text.isascii():
            self._comments()
        get()
        if type(get()) is StreamEndEvent:
            self.complain.empty_file()
            return
        start = get()
        root = self._node(start, 1, None)
        if root is None:
            if not self.tree.problems or self.tree.problems[-1].code == "null-value":
                self.tree.problems[:] = [p for p in self.tree.problems if p.code != "null-value"]
                self.complain.empty_file()
            return
        get()
        after = get()
        if type(after) is not StreamEndEvent:
            self.complain.say(
                "second-document",
                "a second document begins here; one file holds one document",
                after.start_mark,
                "what stands behind it would be easy to overlook",
                "put it into a file of its own, or take the line `---` out",
                length=3,
            )
        if self.extra:
            self._check_expansion()
        if self.scalars is not None:
            told = {p.location.line for p in self.tree.problems if p.location is not None}
            places = (place for place in self.scalars.stray() if place[0] + 1 not in told)
            self.tree.problems += [stray_tab(self.file, *place) for place in places]
        self.tree.root = root

    # -- containers

    def _node(self, event: Any, depth: int, key: str | None) -> Any:
        kind = type(event)
        if kind is ScalarEvent:
            value: Any = event.value
            if (value in SPECIAL or value[0] in NUMERIC) and event.implicit[0]:
                value = self._plain(value, event.start_mark, key, depth)
                if self.careful:
                    self._check_scalar(event, value, key)
            elif self.careful or "\n" in value:
                self._check_scalar(event, value, key)
            return value
        if kind is MappingStartEvent:
            return self._mapping(event, depth)
        if kind is SequenceStartEvent:
            return self._sequence(event, depth)
        return self._alias(event)

    def _mapping(self, start: Any, depth: int) -> dict[str, Any]:
        if depth > limits.DEPTH:
            raise self.complain.over("too-deep", "nested deeper than", limits.DEPTH, None, start.start_mark)
        out: dict[str, Any] = {}
        marks: list[Any] = []
        self.marks[id(out)] = marks
        get, add, careful = self.get, marks.append, self.careful
        opened = self._open(start) if careful else None
        for _ in repeat(None, limits.NODES):
            event = get()
            kind = type(event)
            if kind is ScalarEvent:
                key = event.value
                mark = event.start_mark
                if (key in SPECIAL or key[0] in NUMERIC or key == "<<") and event.implicit[0]:
                    key = self._plain_key(key, mark)
                if careful:
                    self._check_scalar(event, key, None)
            elif kind is MappingEndEvent:
                break
            else:
                mark = event.start_mark
                key = self._complex_key(event, depth)
            event = get()
            if type(event) is ScalarEvent:  # as in _node; most values are scalars, and the call would double their cost
                value: Any = event.value
                if (value in SPECIAL or value[0] in NUMERIC) and event.implicit[0]:
                    value = self._plain(value, event.start_mark, key, depth)
                    if careful:
                        self._check_scalar(event, value, key)
                elif careful or "\n" in value:
                    self._check_scalar(event, value, key)
            else:
                value = self._node(event, depth + 1, key)
            if value is None:
                if key is not None:
                    self.tree.empty.add((id(out), key))
            elif key in out:
                # Looking for the first one is slow in a long mapping; nobody reads hundreds of these.
                few = len(self.tree.problems) < 200
                self.complain.duplicate(key, mark, marks[2 * list(out).index(key)] if few else None)
            elif key is not None:
                out[key] = value
                add(mark)
                add(event.start_mark)
        else:
            raise self.complain.too_many(start.start_mark)
        self.nodes += len(marks)
        if self.nodes > limits.NODES:
            raise self.complain.too_many(start.start_mark)
        if careful:
            self._close(start, opened, out)
            self._check_keys(out, marks)
        return out

    def _sequence(self, start: Any, depth: int) -> list[Any]:
        if depth > limits.DEPTH:
            raise self.complain.over("too-deep", "nested deeper than", limits.DEPTH, None, start.start_mark)
        out: list[Any] = []
        marks: list[Any] = []
        self.marks[id(out)] = marks
        get, careful = self.get, self.careful
        opened = self._open(start) if careful else None
        for _ in repeat(None, limits.NODES):
            event = get()
            kind = type(event)
            if kind is ScalarEvent:  # as in _node
                value: Any = event.value
                if (value in SPECIAL or value[0] in NUMERIC) and event.implicit[0]:
                    value = self._plain(value, event.start_mark, None, depth)
                    if careful:
                        self._check_scalar(event, value, None)
                elif careful or "\n" in value:
                    self._check_scalar(event, value, None)
            elif kind is SequenceEndEvent:
                break
            else:
                value = self._node(event, depth + 1, None)
            if value is not None:
                out.append(value)
                marks.append(event.start_mark)
        else:
            raise self.complain.too_many(start.start_mark)
        self.nodes += len(marks)
        if self.nodes > limits.NODES:
            raise self.complain.too_many(start.start_mark)
        if careful:
            self._close(start, opened, out)
        return out

    # -- aliases

    def _open(self, start: Any) -> int:
        self._check_tag(start)
        if start.anchor is not None:
            self.anchors[start.anchor] = (_OPEN, 0)
        return self.nodes + self.extra

    def _close(self, start: Any, opened: int | None, value: Any) -> None:
        if start.anchor is not None and opened is not None:
            self.anchors[start.anchor] = (value, self.nodes + self.extra - opened + 1)

    def _alias(self, event: Any) -> Any:
        value, size = self.anchors.get(event.anchor, (_ABSENT, 0))
        if value is _ABSENT or value is _OPEN:
            self.complain.alias(event.anchor, event.start_mark, value is _OPEN)
            return None
        self.extra = min(self.extra + size, 10**15)
        if size > self.largest[0]:
            self.largest = (size, event.start_mark)
        return value

    def _check_expansion(self) -> None:
        total = self.nodes + self.extra
        limit = max(limits.EXPANSION * self.nodes, limits.EXPANDED_FLOOR)
        if total > limit:
            raise self.complain.over(
                "expands-too-far", "expands through its aliases to more values than", limit, total, self.largest[1]
            )

    # -- scalars

    def _plain(self, text: str, mark: Any, key: str | None, depth: int) -> Any:
        value = resolve(text)
        if value is None:
            self.complain.null(text, mark, key, depth == 1)
        elif value is DATE:
            if key not in TIME_KEYS:
                self.complain.unquoted(text, mark, "a date")
            return text
        elif type(value) is Unclear:
            self.complain.unquoted(text, mark, value.reading)
            return text
        return value

    def _plain_key(self, text: str, mark: Any) -> str | None:
        if text == "<<":
            self.complain.merge_key(mark)
            return None
        value = resolve(text)
        if value == text and type(value) is str:
            return text
        reading = (
            value.reading
            if type(value) is Unclear
            else "a date"
            if value is DATE
            else "nothing"
            if value is None
            else "true or false"
            if isinstance(value, bool)
            else "a number"
        )
        self.complain.unquoted(text, mark, reading)
        return text

    def _complex_key(self, event: Any, depth: int) -> str | None:
        """Tells that a key is no name, and reads past it."""
        self._node(event, depth + 1, None)
        self.complain.complex_key(event.start_mark)
        return None

    def _check_tag(self, event: Any) -> None:
        if event.tag is not None:
            self.complain.tag(event.tag, event.start_mark)

    def _check_scalar(self, event: Any, value: Any, key: str | None) -> None:
        """What only the few files that `_needs_care` pays for."""
        mark = event.start_mark
        self._check_tag(event)
        if self.scalars is not None:
            self.scalars.note(event)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value if value is not None else _ABSENT, 1)
        if value.__class__ is not str:
            return
        if len(value) > limits.SCALAR_BYTES // 4 and len(value.encode()) > limits.SCALAR_BYTES:
            raise self.complain.over(
                "value-too-long", "a value longer than", limits.SCALAR_BYTES, len(value.encode()), mark, "bytes"
            )
        if value.isascii() and value.isprintable():
            return
        is_name = key not in TEXT_KEYS
        seen = hidden(value, is_name)
        for wrong in [seen] if seen else look_alikes(value) if is_name and not value.isascii() else ():
            self.complain.say(
                wrong.code, wrong.message, mark, wrong.why, wrong.fix, severity=wrong.severity, length=len(value)
            )

    def _check_keys(self, out: dict[str, Any], marks: list[Any]) -> None:
        """Keys that are one name after Unicode's composition."""
        if all(map(str.isascii, out)):
            return
        first: dict[str, int] = {}
        for index, key in enumerate(out):
            known = first.setdefault(unicodedata.normalize("NFC", key), index)
            if known != index:
                self.complain.duplicate(key, marks[2 * index], marks[2 * known])

    def _comments(self) -> None:
        """Reordering and invisible characters in comments: they too are read by whoever reviews the file."""
        for number, line in enumerate(self.text.splitlines() if "\x85" not in self.text else (), 1):
            _, hash_, comment = line.partition("#")
            found = HIDDEN_IN_TEXT.search(comment) if hash_ else None
            if found is not None and found[0] != "\ufeff":
                place = Location(self.file, number, len(line) - len(comment) + found.start() + 1)
                self.tree.problems.append(
                    Diagnostic(
                        "invisible-character",
                        f"the line holds {code_point(found[0])}",
                        location=place,
                        why="it cannot be seen, or changes the order in which the line is shown: a reviewer is misled",
                        fix="take it out",
                    )
                )
