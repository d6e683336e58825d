"""What a place for records must be able to do: little enough for a folder and for an object store alike."""

from __future__ import annotations

from typing import Protocol


class RecordStore(Protocol):
    """Objects by key (`journal/corp-ldap/00000001.json`), each written once. Raises ProvisionError for trouble."""

    def create(self, key: str, data: bytes) -> bool:
        """Store `data` durably if nothing is there; False when something is. When this returns True, the object
        survives a crash of machine and process; when it raises, nobody may act on it.
        """
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
