"""A secret value that cannot be printed, stored or sent by mistake: it has to be asked for by name.

It shows as `****` wherever text is made of it, and refuses to be pickled or copied into JSON. It does not wipe memory:
Python cannot promise that.
"""

from __future__ import annotations

import hmac
from typing import NoReturn

_SHOWN = "****"


class Secret:
    """`reveal` is the only way to the value."""

    __slots__ = ("_text",)
    __hash__ = None  # type: ignore[assignment] # no set or key may hold one

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The value, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return _SHOWN

    def __str__(self) -> str:
        return _SHOWN

    def __format__(self, spec: str) -> str:
        return format(_SHOWN, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._text.encode(), other._text.encode())

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not stored")
