"""What a place for records must be able to do: little enough for a folder and for an object store alike.

All that keeps two runs apart rests on `create`, and on reads and lists that show what was written before they began.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import quote


class RecordStore(Protocol):
    """Objects by key (`journal/corp-ldap/00000001.json`), each written once but for heartbeats. Raises ProvisionError
    for trouble, and comes back within seconds whatever the place does. May be used by several threads."""

    def create(self, key: str, data: bytes) -> bool:
        """Store `data` durably if nothing is there; False when something is. When this returns True, the object
        survives a crash of machine and process; when it raises, nobody may act on it. `data` is this writer's alone (it
        holds the id of its run), so that the same bytes, found there after a call without an answer, are this call's.
        """
        ...

    def replace(self, key: str, data: bytes) -> None:
        """Store `data`, whatever is there: for what is only worth something while its writer lives."""
        ...

    def remove(self, key: str) -> None:
        """Nothing is there afterwards; fine where nothing was."""
        ...

    def read(self, key: str) -> bytes | None: ...

    def names(self, prefix: str) -> list[str]:
        """The names directly below `prefix`, sorted; empty where there is nothing."""
        ...

    def set_aside(self, key: str) -> str:
        """Move an object out of the way, keeping its bytes; returns its new key."""
        ...

    def where(self, key: str = "") -> str:
        """For people: where that is."""
        ...


def encoded(target: str) -> str:
    """A target's name as one part of a key."""
    return quote(target, safe="").replace(".", "%2E")
