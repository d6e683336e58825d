"""LDIF content records (RFC 2849), read by ldaptor.

Of ldaptor's reader only the lines are used: it would make names (DNs) of its own, which lose UTF-8 escapes.
Change records and values by URL are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Record = tuple[str, list[tuple[str, tuple[bytes, ...]]]]


def read(text: str) -> Iterator[Record]:
    """Name and attributes of each record, in the order of the text."""
    from ldaptor.protocols.ldap.ldifprotocol import LDIF  # brings Twisted along: only for whoever loads LDIF

    class Reader(LDIF):  # type: ignore[misc]
        dn: Any = None
        data: Any = None

        def state_IN_ENTRY(self, line: bytes) -> None:  # noqa: N802 - ldaptor's name
            if line:
                name, value = self._parseLine(line)
                self.data.setdefault(name.decode(), []).append(value)
                return
            records.append((self.dn.decode(), [(name, tuple(values)) for name, values in self.data.items()]))
            self.dn = self.data = None
            self.mode = b"WAIT_FOR_DN"

    records: list[Record] = []
    reader = Reader()
    for line in [*text.replace("\r\n", "\n").split("\n"), "", ""]:
        reader.lineReceived(line.encode())
        yield from records
        records.clear()
