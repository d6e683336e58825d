"""Git's tree id of a folder, from the bytes as read: what a plan is bound to, so that a squash keeps it (CORE.md 7)."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


def blob_id(data: bytes) -> bytes:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).digest()


def tree_id(files: Mapping[str, bytes], executable: Collection[str] = ()) -> str:
    """The id of the tree that holds `files`, by their paths with `/`; `executable` are those with that mode."""
    root: dict[str, Any] = {}
    for path, data in files.items():
        *folders, name = path.split("/")
        at = root
        for folder in folders:
            at = at.setdefault(folder, {})
        at[name] = (b"100755" if path in executable else b"100644", blob_id(data))
    return _hash(root).hex()


def _hash(folder: Mapping[str, Any]) -> bytes:
    rows: list[tuple[bytes, bytes, bytes]] = []
    for name, entry in folder.items():
        raw = name.encode("utf-8", "surrogateescape")
        if isinstance(entry, dict):
            rows.append((raw + b"/", b"40000 " + raw, _hash(entry)))  # Git sorts a folder as if its name ended in /
        else:
            mode, blob = entry
            rows.append((raw, mode + b" " + raw, blob))
    rows.sort()
    body = b"".join(head + b"\0" + digest for _, head, digest in rows)
    return hashlib.sha1(b"tree %d\0" % len(body) + body, usedforsecurity=False).digest()
