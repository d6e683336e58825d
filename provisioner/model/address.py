"""The name of one thing in one target: `target ":" kind "/" object [ "/" principal ] [ "#" slot ]`.

Parts are percent-encoded (RFC 3986, all but unreserved characters), so that whatever a system allows in a name
survives. A native id is never part of an address; it is on the way (`model.way`).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import NamedTuple
from urllib.parse import quote, unquote

from provisioner.model.principal import Principal


class Kind(StrEnum):
    """The kinds of resource."""

    ACCOUNT = "account"
    GROUP = "group"
    MEMBERSHIP = "membership"
    GRANT = "grant"
    CREDENTIAL = "credential"
    CONTROL = "control"


class Address(NamedTuple):
    """`slot` is what the system can hold or drop by itself beside others on the same object and principal."""

    target: str
    kind: Kind
    object: str
    principal: Principal | None = None
    slot: str | None = None

    def __str__(self) -> str:
        text = f"{self.target}:{self.kind.value}/{quote(self.object, safe='')}"
        if self.principal is not None:
            text += "/" + self.principal.text(self.target)
        if self.slot is not None:
            text += "#" + quote(self.slot, safe="")
        return text

    @classmethod
    def parse(cls, text: str) -> Address:
        """The inverse of `str`; `ValueError` when it is not an address."""
        target, colon, rest = text.partition(":")
        rest, hash_, slot = rest.partition("#")
        parts = rest.split("/")
        if not target or not colon or not 2 <= len(parts) <= 3:
            raise ValueError(f"`{text}` is not an address such as corp-ldap:membership/developers/ada")
        principal = Principal.parse(parts[2], target) if len(parts) == 3 else None
        return cls(target, Kind(parts[0]), unquote(parts[1]), principal, unquote(slot) if hash_ else None)


address_of: Callable[[tuple[str, Kind, str, Principal | None, str | None]], Address] = partial(tuple.__new__, Address)
"""An address from all of its parts: half the time of `Address(...)`, for loops that make hundreds of thousands."""
