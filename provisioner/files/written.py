"""Plain values as the YAML that a person would write: plain words where they mean themselves, quotes everywhere else.

Refuses nothing and folds nothing: a text is on one line, whatever its length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN = re.compile(r"[^\W\d_](?:[\w .'@/+-]*[\w.])?")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def key_text(text: str) -> str:
    """A key, or any other text: a plain word where every reader takes it for itself."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS:
        return text
    return json.dumps(text, ensure_ascii=False)


def flow(value: Any) -> str:
    """On one line: `[a, b]`, `{login: ada-b, id: "1234"}`."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key_text(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    return key_text(str(value))


def lines(value: Mapping[str, Any]) -> Iterator[str]:
    """A mapping in block style, a line for each value that holds no mapping itself; short lists stay on one."""
    for key, item in value.items():
        if isinstance(item, Mapping) and any(isinstance(v, Mapping | list) for v in item.values()):
            yield f"{key_text(key)}:"
            yield from (f"  {line}" for line in lines(item))
        elif isinstance(item, list) and (len(flow(item)) > 80 or any(isinstance(v, Mapping) for v in item)):
            yield f"{key_text(key)}:"
            yield from (f"  - {flow(v)}" for v in item)
        else:
            yield f"{key_text(key)}: {flow(item)}"
