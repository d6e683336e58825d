"""Takes one entry out of a YAML text and leaves every other character as it was.

In block style whole lines go: the entry's own, the comments inside it (deeper than its key), and a blank line that
would stand doubled. A comment above the key stays: it may be about those below. In flow style the entry goes with its
comma. What comes out is read again, and refused unless all that is left says what it said before.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_BOM = "\ufeff"


class NotCutError(Exception):
    """Why the entry cannot be taken out without touching something else, in words."""


def cut(text: str, section: str, name: str) -> str | None:
    """`text` without the entry `name` of the top-level mapping `section`; without the section where nothing else is in
    it, and None where nothing at all is left.
    """
    if text.startswith(_BOM):
        left = cut(text.removeprefix(_BOM), section, name)
        return None if left is None else _BOM + left
    before = _data(text)
    if not isinstance(before, dict) or name not in (before.get(section) or {}):
        raise NotCutError("the file does not hold the entry where it is expected")
    wanted = {k: v for k, v in before.items() if k != section}
    rest = {k: v for k, v in before[section].items() if k != name}
    if rest:
        wanted[section] = rest
    if not wanted:
        return None
    root = _compose(text)
    entries = _value(root, section)
    where, who = (entries, name) if rest else (root, section)
    if not isinstance(entries, yaml.MappingNode):
        raise NotCutError(f"`{section}` is an alias of something that stands elsewhere")
    made = (_from_flow if where.flow_style else _from_block)(text, where, who)
    try:
        after = _data(made)
    except NotCutError as error:
        raise NotCutError(_why_broken(text, where, who) or str(error)) from None
    if after != wanted:
        raise NotCutError("the rest of the file would not say what it says now")
    return made


# Block style: whole lines


def _from_block(text: str, mapping: yaml.MappingNode, name: str) -> str:
    key, value = _entry(mapping, name)
    start = _line_start(text, key.start_mark.index)
    if text[start : key.start_mark.index].strip(" ?"):
        raise NotCutError("the entry shares its first line with something else")
    end = _line_end(text, max(_content_end(text, value), key.end_mark.index))
    end = _inner_comments(text, end, key.start_mark.index - start)
    start, end = _with_blank_lines(text, start, end)
    return text[:start] + text[end:]


def _content_end(text: str, node: yaml.Node) -> int:
    """Where the last character of a node's own content stands; a block collection's mark is that of what follows."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        if isinstance(last, tuple):
            behind: int = last[0].end_mark.index
            return max(_content_end(text, last[1]), behind)
        return _content_end(text, last)
    end: int = node.end_mark.index
    return node.start_mark.index + len(text[node.start_mark.index : end].rstrip())


def _inner_comments(text: str, at: int, indent: int) -> int:
    """Past the comment lines from `at` on that are deeper than the key; blank lines only with a comment behind them."""
    end = at
    for line in text[at:].splitlines(keepends=True):
        bare = line.lstrip(" ")
        if bare.startswith("#") and len(line) - len(bare) > indent:
            end = at = at + len(line)
        elif not bare.strip():
            at += len(line)
        else:
            break
    return end


def _with_blank_lines(text: str, start: int, end: int) -> tuple[int, int]:
    """The cut with the blank lines that would stand doubled, or at the very end, or below the section's own line."""
    lines = text[:start].splitlines(keepends=True)
    below_section = bool(lines) and lines[-1].strip().endswith(":") and not lines[-1].startswith((" ", "#"))
    blank_before = bool(lines) and not lines[-1].strip()
    if blank_before or below_section:
        for line in text[end:].splitlines(keepends=True):
            if line.strip():
                break
            end += len(line)
    if end == len(text):
        while lines and not lines[-1].strip():
            start -= len(lines.pop())
    return start, end


def _line_start(text: str, at: int) -> int:
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def _line_end(text: str, at: int) -> int:
    """Behind the end of the line that `at` is in; what else stands on it may be a comment only."""
    found = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)").match(text, at)
    end = found.end() if found else len(text)
    rest = text[at:end].strip()
    if rest and not rest.startswith("#"):
        raise NotCutError("the entry shares its last line with something else")
    return end


# Flow style: the entry and its comma


def _from_flow(text: str, mapping: yaml.MappingNode, name: str) -> str:
    key, value = _entry(mapping, name)
    start, end = key.start_mark.index, max(value.end_mark.index, key.end_mark.index)
    comma = _comma(text, end)
    if comma is not None:
        end = comma + 1
        tail = re.compile(r"[ \t]*(?:#[^\r\n]*)?").match(text, end)
        own_line = not text[_line_start(text, start) : start].strip()
        if tail is not None and text[tail.end() : tail.end() + 1] in ("\r", "\n") and own_line:
            return text[: _line_start(text, start)] + text[_line_end(text, end) :]
        return text[:start] + text[end:].lstrip(" \t")
    previous = [k for k, _ in mapping.value].index(key) - 1
    if previous >= 0:
        last = mapping.value[previous]
        behind = max(last[1].end_mark.index, last[0].end_mark.index)
        between = text[behind:start]
        if "#" in between:
            raise NotCutError("a comment stands between the entry and the comma before it")
        start = behind
    return text[:start] + text[end:]


def _comma(text: str, at: int) -> int | None:
    """Where the comma behind an entry stands; comments and line ends may come before it."""
    found = re.compile(r"(?:\s|#[^\r\n]*(?:\r\n|\r|\n))*,").match(text, at)
    return found.end() - 1 if found else None


# Reading


class _Places(yaml.SafeLoader):
    """Nodes where they stand: an alias is a node of its own, not the one that it means."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]
            return yaml.ScalarNode("alias", event.anchor, event.start_mark, event.end_mark)
        return super().compose_node(parent, index)


def _compose(text: str) -> Any:
    try:
        root = yaml.compose(text, Loader=_Places)
    except yaml.YAMLError as error:
        raise NotCutError(f"it cannot be read: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(root, yaml.MappingNode):
        raise NotCutError("it is not a mapping")
    return root


class _Texts(yaml.SafeLoader):
    """Every scalar as its text: what a value means is of no matter here."""


_Texts.yaml_implicit_resolvers = {}


def _data(text: str) -> Any:
    try:
        return yaml.load(text, Loader=_Texts)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise NotCutError(f"it cannot be read: {getattr(error, 'problem', None) or error}") from None


def _entry(mapping: yaml.MappingNode, name: str) -> tuple[yaml.Node, yaml.Node]:
    return next((k, v) for k, v in mapping.value if k.value == name)


def _value(mapping: yaml.MappingNode, name: str) -> Any:
    return _entry(mapping, name)[1]


def _why_broken(text: str, mapping: yaml.MappingNode, name: str) -> str | None:
    """Whether what is left uses an anchor that goes with the entry."""
    key, value = _entry(mapping, name)
    own = text[key.start_mark.index : _content_end(text, value)]
    for anchor in re.findall(r"(?<![\w*&])&([^\s,\[\]{}]+)", own):
        if re.search(rf"\*{re.escape(anchor)}(?![^\s,\[\]{{}}])", text.replace(own, "", 1)):
            return f"other lines use the anchor `&{anchor}`, which stands in it"
    return None
