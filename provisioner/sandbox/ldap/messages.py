"""What a client asks, as values: one class per operation of RFC 4511, filters and controls included.

`wire.py` makes them from octets; nothing here knows how they travelled.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Both:
    """`(&...)`; without parts it is true (RFC 4526)."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """`(|...)`; without parts it is false."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


@dataclass(frozen=True, slots=True)
class Present:
    attribute: str


class Relation(enum.Enum):
    EQUAL = "="
    APPROXIMATE = "~="
    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, slots=True)
class Compared:
    attribute: str
    relation: Relation
    value: bytes


@dataclass(frozen=True, slots=True)
class Substrings:
    attribute: str
    initial: bytes | None
    middle: tuple[bytes, ...]
    final: bytes | None


@dataclass(frozen=True, slots=True)
class Extensible:
    """`(attribute:dn:rule:=value)`; without an attribute it is asked of every attribute."""

    attribute: str | None
    rule: str | None
    value: bytes
    in_name: bool


Filter = Both | Either | Not | Present | Compared | Substrings | Extensible


class Scope(enum.IntEnum):
    BASE = 0
    ONE = 1
    SUBTREE = 2


@dataclass(frozen=True, slots=True)
class Bind:
    """`password` is None for a SASL bind."""

    version: int
    dn: str
    password: bytes | None


@dataclass(frozen=True, slots=True)
class Unbind:
    pass


@dataclass(frozen=True, slots=True)
class Abandon:
    pass


@dataclass(frozen=True, slots=True)
class Search:
    dn: str
    scope: Scope
    size_limit: int
    types_only: bool
    filter: Filter
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Add:
    dn: str
    attributes: tuple[tuple[str, tuple[bytes, ...]], ...]


@dataclass(frozen=True, slots=True)
class Delete:
    dn: str


class How(enum.IntEnum):
    """Kinds of modification: RFC 4511 section 4.6, and RFC 4525 for the increment."""

    ADD = 0
    DELETE = 1
    REPLACE = 2
    INCREMENT = 3


@dataclass(frozen=True, slots=True)
class Modification:
    how: How
    attribute: str
    values: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Modify:
    dn: str
    modifications: tuple[Modification, ...]


@dataclass(frozen=True, slots=True)
class Rename:
    dn: str
    new_rdn: str
    delete_old: bool
    new_superior: str | None


@dataclass(frozen=True, slots=True)
class Compare:
    dn: str
    attribute: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Extended:
    name: str
    value: bytes | None


Operation = Bind | Unbind | Abandon | Search | Add | Delete | Modify | Rename | Compare | Extended


@dataclass(frozen=True, slots=True)
class Control:
    oid: str
    critical: bool
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Message:
    id: int
    operation: Operation
    controls: tuple[Control, ...] = ()
