"""The journal of all targets, and the declarations that were applied, beside it.

With the declarations, who left can be told even where there is no git. They are kept once for each tree of files.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.canonical import canonical_json
from provisioner.records.chain import Chain
from provisioner.records.folder import FolderStore
from provisioner.records.s3 import SCHEME, open_s3
from provisioner.records.store import RecordStore

DEFAULT_FOLDER = ".provision"
DECLARED_FORMAT = "provision.declared/1"
_TREE = re.compile(r"[0-9a-f]{40,64}\Z")


class Journal:
    """`chain` gives the same Chain for a target each time."""

    def __init__(self, store: RecordStore) -> None:
        self.store = store
        self._chains: dict[str, Chain] = {}

    def chain(self, target: str) -> Chain:
        return self._chains.setdefault(target, Chain(self.store, target))

    def publish(self, tree: str, files: Mapping[str, bytes]) -> None:
        """Keep the access files of `tree` (git's tree id), by path; does nothing where they are kept already."""
        key = _declared_key(tree)
        if key.rpartition("/")[2] in self.store.names("declared"):
            return
        held = {
            path: text if (text := _text(data)) is not None else {"base64": base64.b64encode(data).decode()}
            for path, data in files.items()
        }
        body = canonical_json({"format": DECLARED_FORMAT, "tree": tree, "files": held})
        self.store.create(key, gzip.compress(body, mtime=0))

    def published(self, tree: str) -> Mapping[str, bytes] | None:
        """The access files of `tree`, or None where they were never kept."""
        key = _declared_key(tree)
        data = self.store.read(key)
        if data is None:
            return None
        try:
            found = json.loads(gzip.decompress(data))
            if found["format"] != DECLARED_FORMAT or found["tree"] != tree:
                raise ValueError(f"it holds {found['format']} of {found['tree']}")
            return {
                path: held.encode() if isinstance(held, str) else base64.b64decode(held["base64"], validate=True)
                for path, held in found["files"].items()
            }
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ProvisionError(
                Diagnostic(
                    "journal-broken",
                    f"the declarations kept in {self.store.where(key)} cannot be read: {error}",
                    why="without them it cannot be told who was declared there",
                    fix="restore the file from a copy, or remove it where git still has the tree",
                )
            ) from None


def is_remote(location: str | None) -> bool:
    """Whether `records.journal` is an address rather than a folder."""
    return location is not None and "://" in location


def open_journal(location: str | None, root: Path, *, limit: float = 15.0) -> Journal:
    """The journal at `records.journal`: `s3://BUCKET/PREFIX`, whose calls take `limit` seconds at most; or a folder,
    relative to `root`. None is `.provision/` in `root`."""
    if location is None:
        return Journal(FolderStore(root / DEFAULT_FOLDER, private=True))
    scheme, _, _ = location.partition("://")
    if scheme == SCHEME and is_remote(location):
        return Journal(open_s3(location, limit=limit))
    if is_remote(location):
        raise ProvisionError(
            Diagnostic(
                "journal-store",
                f"this version cannot keep a journal in `{scheme}://`",
                why="it knows folders, and buckets as `s3://BUCKET/PREFIX`",
                fix="set `records.journal` to one of these",
            )
        )
    return Journal(FolderStore(root / location))


def _declared_key(tree: str) -> str:
    if _TREE.match(tree) is None:
        raise ValueError(f"`{tree}` is not a tree id")
    return f"declared/{tree}.json.gz"


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None
