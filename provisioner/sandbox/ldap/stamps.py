"""Operational attributes that each change sets: who, when, and the change sequence number."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable

from provisioner.sandbox.ldap import change
from provisioner.sandbox.ldap.identity import Identity
from provisioner.sandbox.ldap.schema import Schema
from provisioner.sandbox.ldap.tree import Attribute

Clock = Callable[[], datetime.datetime]


class Stamps:
    """Stamps entries; `clock` gives the time in UTC."""

    def __init__(self, schema: Schema, clock: Clock) -> None:
        self._schema = schema
        self._clock = clock
        self._last = ("", 0)

    def now(self) -> datetime.datetime:
        return self._clock()

    def created(self, identity: Identity, attributes: dict[str, Attribute], structural: str) -> None:
        second = self.second()
        self.put(attributes, "structuralObjectClass", [structural.encode()])
        self.put(attributes, "entryUUID", [str(uuid.uuid4()).encode()])
        self.put(attributes, "creatorsName", [_name(identity)])
        self.put(attributes, "createTimestamp", [second])
        self.changed(identity, attributes)

    def changed(self, identity: Identity, attributes: dict[str, Attribute]) -> None:
        self.put(attributes, "entryCSN", [self._sequence()])
        self.put(attributes, "modifiersName", [_name(identity)])
        self.put(attributes, "modifyTimestamp", [self.second()])

    def second(self) -> bytes:
        """Now, as generalized time to the second."""
        return self._clock().strftime("%Y%m%d%H%M%SZ").encode()

    def _sequence(self) -> bytes:
        """Two changes never get the same number, and a later one never a lower."""
        stamp = self._clock().strftime("%Y%m%d%H%M%S.%fZ")
        last, count = self._last
        stamp, count = (last, count + 1) if stamp <= last else (stamp, 0)
        self._last = (stamp, count)
        return f"{stamp}#{count:06x}#000#000000".encode()

    def put(self, attributes: dict[str, Attribute], name: str, values: list[bytes]) -> None:
        """Sets an attribute, or takes it away where there are no values."""
        if values:
            attributes[name.lower()] = change.attribute_of(self._schema, self._schema.known(name), values)
        else:
            attributes.pop(name.lower(), None)


def _name(identity: Identity) -> bytes:
    return b"" if identity.dn is None else identity.dn.text.encode()
