"""Puts entries into a YAML text and leaves every other character as it was.

What is added is a tree: keys that are there already are followed, lists are added to, everything else is put in behind
the last entry of its mapping. In block style whole lines come in, in flow style the entry and its comma. What comes out
is read again, and refused unless it says what it said before and what was added, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from provisioner.files.cut import NotCutError, _content_end, _line_end
from provisioner.files.written import flow, key_text, lines

Tree = Mapping[str, Any]
_BOM = "\ufeff"


class NotPutError(Exception):
    """Why the entries cannot be put in without touching something else, in words."""


def put(text: str, added: Tree) -> str:
    """`text` with `added` in it. Scalars are texts."""
    if text.startswith(_BOM):
        return _BOM + put(text.removeprefix(_BOM), added)
    before = _data(text)
    if not isinstance(before, dict):
        raise NotPutError("it is not a mapping")
    wanted = _merged(before, added, ())
    root = yaml.compose(text, Loader=_Loader)
    inserts: list[tuple[int, str, bool]] = []
    _into(text, root, added, inserts)
    made = text
    # Of two at one place the inner comes first, and so is put in last.
    placed = [(at, number, new, own_lines) for number, (at, new, own_lines) in enumerate(inserts)]
    for at, _, new, own_lines in sorted(placed, reverse=True):
        if own_lines and "\r\n" in text:
            new = new.replace("\n", "\r\n")
        gap = ("\r\n" if "\r\n" in text else "\n") if own_lines and at == len(made) and not made.endswith("\n") else ""
        made = made[:at] + gap + new + made[at:]
    if _data(made) != wanted:
        raise NotPutError("the rest of the file would not say what it says now")
    return made


def _merged(before: Any, added: Any, path: tuple[str, ...]) -> Any:
    """What the text is to say afterwards."""
    if isinstance(before, dict) and isinstance(added, Mapping):
        return {**before, **{k: _merged(before[k], v, (*path, k)) if k in before else v for k, v in added.items()}}
    if isinstance(before, list) and isinstance(added, list):
        return [*before, *added]
    raise NotPutError(f"`{'.'.join(path)}` is there already, and is something else")


def _into(text: str, node: Any, added: Any, inserts: list[tuple[int, str, bool]]) -> None:
    if isinstance(node, yaml.SequenceNode) and isinstance(added, Sequence):
        _append(text, node, list(added), inserts)
        return
    if not isinstance(node, yaml.MappingNode):
        raise NotPutError("what it goes into is an alias, or of another kind")
    known = {k.value: v for k, v in node.value if isinstance(k, yaml.ScalarNode)}
    fresh = {k: v for k, v in added.items() if k not in known}
    for key, value in added.items():
        if key in known:
            _into(text, known[key], value, inserts)
    if not fresh:
        return
    if node.flow_style:
        said = ", ".join(f"{key_text(k)}: {flow(v)}" for k, v in fresh.items())
        inserts.append(_in_flow(node, [v for _, v in node.value], said))
        return
    indent = node.value[0][0].start_mark.column
    new = "".join(f"{' ' * indent}{line}\n" for line in lines(fresh))
    inserts.append((_end_of(text, node), new, True))


def _append(text: str, node: yaml.SequenceNode, items: list[Any], inserts: list[tuple[int, str, bool]]) -> None:
    if node.flow_style:
        inserts.append(_in_flow(node, node.value, ", ".join(flow(i) for i in items)))
        return
    indent = node.start_mark.column
    new = "".join(f"{' ' * indent}- {flow(item)}\n" for item in items)
    inserts.append((_end_of(text, node), new, True))


def _in_flow(node: yaml.CollectionNode, values: list[yaml.Node], said: str) -> tuple[int, str, bool]:
    if not values:
        return node.start_mark.index + 1, said, False
    return values[-1].end_mark.index, f", {said}", False


def _end_of(text: str, node: yaml.Node) -> int:
    """Behind the last line of a block collection's own content."""
    try:
        return _line_end(text, _content_end(text, node))
    except NotCutError:
        raise NotPutError("its last line holds something else, too") from None


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Texts(_Loader):  # type: ignore[misc]
    """Every scalar as its text: what a value means is of no matter here."""


_Texts.yaml_implicit_resolvers = {}


def _data(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Texts)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise NotPutError(f"it cannot be read: {getattr(error, 'problem', None) or error}") from None
