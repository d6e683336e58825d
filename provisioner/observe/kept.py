"""A reader whose bulk read is made once and kept: two plans of one reading see the very same system.

Point reads and credentials, which no bulk read gives, go through to the reader behind it. It cannot write, as no reader
can.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from provisioner.contract import Connection, Me, Reader, Reading
from provisioner.model.address import Address
from provisioner.model.coverage import EVERYTHING, Scope


class KeptReader:
    """`provisioner.contract.Reader`. Reads everything when it is made; whoever made it closes what is behind it."""

    def __init__(self, behind: Reader) -> None:
        self._behind = behind
        self._system = behind.system()
        self.reading = behind.read(EVERYTHING)
        self._me = behind.me()
        self.calls = self.reading.calls

    def system(self) -> str:
        return self._system

    def me(self) -> Me:
        return self._me

    def read(self, want: frozenset[Scope]) -> Reading:
        if want == EVERYTHING:
            return self.reading
        found = self._behind.read(want)
        self.calls += found.calls
        return found

    def look(self, these: Collection[Address]) -> Reading:
        found = self._behind.look(these)
        self.calls += found.calls
        return found

    def close(self) -> None:
        """Stays open for the next plan."""


@dataclass(frozen=True, slots=True)
class KeptConnection(Connection):
    """A connection that gives the same kept reader every time."""

    kept: KeptReader | None = field(default=None, repr=False)

    def reader(self) -> Reader:
        return self.kept if self.kept is not None else Connection.reader(self)
