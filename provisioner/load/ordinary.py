"""The quick way for ordinary files: small, ASCII, nothing but names, lists, mappings and times.

libyaml composes such a file into nodes in one call, which costs a third less than event by event. Whatever is not
ordinary is not judged here: the answer is then None, and `nodes` reads the file again with all its care. So a tree from
here is the one that `nodes` would have built without a complaint.
"""

from __future__ import annotations

from typing import Any

from yaml import MappingNode, ScalarNode, YAMLError
from yaml._yaml import CParser

from provisioner.load import limits
from provisioner.load.scalars import DATE, NUMERIC, SPECIAL, TIME_KEYS, Unclear, resolve

_LONGEST = limits.SCALAR_BYTES // 2
"""Characters: no value of such a file can be over its limit, and a few levels of recursion are no danger."""
_OPENERS = 60


class _OddError(Exception):
    """Something that needs a closer look."""


class _Composer(CParser):
    """Asks for nothing but the nodes; a scalar's `tag` then says whether it stood without quotes."""

    def descend_resolver(self, parent: Any, index: Any) -> None:
        """Nothing depends on the path."""

    def ascend_resolver(self) -> None:
        """Nothing depends on the path."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:  # noqa: ARG002 (called by libyaml's binding)
        return implicit


def read(text: str) -> tuple[Any, dict[int, list[Any]]] | None:
    """The root of a file's tree and the marks of its containers (as in `nodes.Tree`), or None for a closer look."""
    if not _is_ordinary(text):
        return None
    try:
        root = _Composer(text).get_single_node()
        if root.__class__ is not MappingNode:
            return None
        marks: dict[int, list[Any]] = {}
        return _mapping(root, marks, limits.DEPTH), marks
    except (YAMLError, _OddError):
        return None


def _is_ordinary(text: str) -> bool:
    return (
        text.isascii()
        and len(text) <= _LONGEST
        and "\\" not in text
        and "&" not in text
        and "*" not in text
        and "!" not in text
        and "\t" not in text
        and "? " not in text
        and text.count("[") + text.count("{") + text.count("- ") < _OPENERS
    )


def _mapping(node: Any, marks: dict[int, list[Any]], depth: int) -> dict[str, Any]:
    if not depth:
        raise _OddError
    out: dict[str, Any] = {}
    places: list[Any] = []
    marks[id(out)] = places
    add = places.append
    for key_node, node_of_value in node.value:
        key = key_node.value
        if key_node.__class__ is not ScalarNode or key in out or key == "<<":
            raise _OddError
        if (key in SPECIAL or key[0] in NUMERIC) and key_node.tag[0]:
            raise _OddError
        if node_of_value.__class__ is ScalarNode:
            value = node_of_value.value
            if (value in SPECIAL or value[0] in NUMERIC) and node_of_value.tag[0]:
                value = _plain(value, key)
            elif "\n" in value:
                raise _OddError
        elif node_of_value.__class__ is MappingNode:
            value = _mapping(node_of_value, marks, depth - 1)
        else:
            value = _sequence(node_of_value, marks, depth - 1)
        out[key] = value
        add(key_node.start_mark)
        add(node_of_value.start_mark)
    return out


def _sequence(node: Any, marks: dict[int, list[Any]], depth: int) -> list[Any]:
    if not depth:
        raise _OddError
    out: list[Any] = []
    places: list[Any] = []
    marks[id(out)] = places
    for entry in node.value:
        if entry.__class__ is ScalarNode:
            value = entry.value
            if (value in SPECIAL or value[0] in NUMERIC) and entry.tag[0]:
                value = _plain(value, None)
            elif "\n" in value:
                raise _OddError
        elif entry.__class__ is MappingNode:
            value = _mapping(entry, marks, depth - 1)
        else:
            value = _sequence(entry, marks, depth - 1)
        out.append(value)
        places.append(entry.start_mark)
    return out


def _plain(text: str, key: str | None) -> Any:
    value = resolve(text)
    if value is DATE and key in TIME_KEYS:
        return text
    if value is None or value is DATE or value.__class__ is Unclear or (value.__class__ is str and "\n" in value):
        raise _OddError
    return value
