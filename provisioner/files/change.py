"""Changes what stands in a YAML text at one place, and leaves every other character as it was.

A scalar gets another value, a key another name, entries of a list go. What comes out is read again, and refused unless
it says what it said before but for that.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import yaml

from provisioner.files.cut import (
    NotCutError,
    _comma,
    _compose,
    _content_end,
    _data,
    _from_block,
    _from_flow,
    _line_end,
    _line_start,
)
from provisioner.files.written import key_text

Path = tuple[str, ...]


def set_text(text: str, path: Path, value: str) -> str:
    """`text` with another scalar at `path`. NotCutError where none stands there."""
    wanted = _data(text)
    _parent(wanted, path)[path[-1]] = value
    node = _at(_compose(text), path)
    if not isinstance(node, yaml.ScalarNode) or node.style in ("|", ">") or node.start_mark.line != node.end_mark.line:
        raise NotCutError(f"`{path[-1]}` is no text on one line")
    return _proved(_in_place(text, node, key_text(value)), wanted)


def rename_key(text: str, path: Path, name: str) -> str:
    """`text` in which the key at `path` is called `name`."""
    wanted = _data(text)
    parent = _parent(wanted, path)
    if name in parent:
        raise NotCutError(f"`{name}` is there already")
    renamed = {name if k == path[-1] else k: v for k, v in parent.items()}
    parent.clear()
    parent.update(renamed)
    mapping = _at(_compose(text), path[:-1])
    key = next(k for k, _ in mapping.value if k.value == path[-1])
    return _proved(_in_place(text, key, key_text(name)), wanted)


def take_out(text: str, path: Path, places: Collection[int]) -> str:
    """`text` without these entries of the list at `path`; without its key where nothing is left in it."""
    wanted = _data(text)
    parent = _parent(wanted, path)
    left = [item for n, item in enumerate(parent[path[-1]]) if n not in places]
    root = _compose(text)
    node = _at(root, path)
    if not isinstance(node, yaml.SequenceNode):
        raise NotCutError(f"`{path[-1]}` is an alias of something that stands elsewhere")
    if not left:
        del parent[path[-1]]
        mapping = _at(root, path[:-1])
        made = (_from_flow if mapping.flow_style else _from_block)(text, mapping, path[-1])
        return _proved(made, wanted)
    parent[path[-1]] = left
    take = _item_of_flow if node.flow_style else _item_of_block
    for place in sorted(places, reverse=True):
        text = take(text, node, place)
        node = _at(_compose(text), path)
    return _proved(text, wanted)


def _item_of_block(text: str, node: yaml.SequenceNode, place: int) -> str:
    item = node.value[place]
    dash = text.rindex("-", 0, item.start_mark.index)
    start = _line_start(text, dash)
    if text[start:dash].strip():
        raise NotCutError("the entry shares its first line with something else")
    return text[:start] + text[_line_end(text, _content_end(text, item)) :]


def _item_of_flow(text: str, node: yaml.SequenceNode, place: int) -> str:
    start, end = node.value[place].start_mark.index, node.value[place].end_mark.index
    comma = _comma(text, end)
    if comma is not None and place < len(node.value) - 1:
        end = node.value[place + 1].start_mark.index
    elif place > 0:
        start = node.value[place - 1].end_mark.index
        end = comma + 1 if comma is not None else end
    if "#" in text[start:end].replace(text[node.value[place].start_mark.index : node.value[place].end_mark.index], ""):
        raise NotCutError("a comment stands between the entries of the list")
    return text[:start] + text[end:]


def _in_place(text: str, node: yaml.Node, said: str) -> str:
    return text[: node.start_mark.index] + said + text[node.end_mark.index :]


def _proved(made: str, wanted: Any) -> str:
    if _data(made) != wanted:
        raise NotCutError("the rest of the file would not say what it says now")
    return made


def _parent(data: Any, path: Path) -> Any:
    for step in path[:-1]:
        data = data.get(step) if isinstance(data, dict) else None
    if not isinstance(data, dict) or path[-1] not in data:
        raise NotCutError("the file does not hold the entry where it is expected")
    return data


def _at(root: Any, path: Path) -> Any:
    for step in path:
        found = None
        if isinstance(root, yaml.MappingNode):
            found = next((v for k, v in root.value if k.value == step), None)
        if found is None:
            raise NotCutError("what it stands in is an alias of something that stands elsewhere")
        root = found
    return root
