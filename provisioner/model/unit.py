"""What a system writes at once."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class UnitMode(StrEnum):
    CALL = "call"
    DOCUMENT = "document"
    TRANSACTION = "transaction"
    SEQUENCE = "sequence"


class Unit(NamedTuple):
    """`key` is the same for all addresses that one `write` covers. Narrowing and widening of one unit are two writes,
    narrowing first, unless it is a transaction.
    """

    key: str
    mode: UnitMode = UnitMode.CALL
