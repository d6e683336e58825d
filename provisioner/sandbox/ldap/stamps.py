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
        now = self._clock()
        self._set(attributes, "structuralObjectClass", structural.encode())
        self._set(attributes, "entryUUID", str(uuid.uuid4()).encode())
        self._set(attributes, "creatorsName", _name(identity))
        self._set(attributes, "createTimestamp", _second(now))
        self._changed(identity, attributes, now)

    def changed(self, identity: Identity, attributes: dict[str, Attribute]) -> None:
        self._changed(identity, attributes, self._clock())

    def _changed(self, identity: Identity, attributes: dict[str, Attribute], now: datetime.datetime) -> None:
        self._set(attributes, "entryCSN", self._sequence(now))
        self._set(attributes, "modifiersName", _name(identity))
        self._set(attributes, "modifyTimestamp", _second(now))

    def _set(self, attributes: dict[str, Attribute], name: str, value: bytes) -> None:
        description = self._schema.known(name)
        attributes[description.key] = Attribute(description, {self._schema.normal(description.type, value): value})

    def second(self) -> bytes:
        """Now, as generalized time to the second."""
        return _second(self._clock())

    def _sequence(self, now: datetime.datetime) -> bytes:
        """Two changes never get the same number, and a later one never a lower."""
        stamp = now.strftime("%Y%m%d%H%M%S.%fZ")
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


def _second(moment: datetime.datetime) -> bytes:
    return moment.strftime("%Y%m%d%H%M%SZ").encode()


def _name(identity: Identity) -> bytes:
    return b"" if identity.dn is None else identity.dn.text.encode()
