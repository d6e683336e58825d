"""Who holds access: a principal as a system knows it, or as the files declare it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple
from urllib.parse import quote, unquote

ACCESS = "access"
"""The realm of what the files declare."""
ANYWHERE = "*"
"""The realm of those who are nobody's: everyone, anonymous, authenticated."""


class PrincipalKind(StrEnum):
    PERSON = "person"
    SERVICE = "service"
    GROUP = "group"
    PROJECT = "project"
    EVERYONE = "everyone"
    AUTHENTICATED = "authenticated"
    ANONYMOUS = "anonymous"
    UNKNOWN = "unknown"


NAMELESS = frozenset({PrincipalKind.EVERYONE, PrincipalKind.AUTHENTICATED, PrincipalKind.ANONYMOUS})


class Principal(NamedTuple):
    """`realm` is `access`, a target's name or `*`. In an address, a person or service is its *account on that target*:
    realm is the target and `id` the login, which is unique there whether or not somebody declared it; whose account it
    is, `observe.matching` says.
    """

    realm: str
    kind: PrincipalKind
    id: str = ""

    def text(self, at: str = ACCESS) -> str:
        """As printed in an address of target `at`: `ada`, `service:bot`, `group:Developers`, `group:github.leads`."""
        if self.kind in NAMELESS:
            return self.kind.value
        name = quote(self.id, safe="")
        if self.realm not in (at, ACCESS, ANYWHERE):
            name = f"{_dotless(quote(self.realm, safe=''))}.{name}"
        elif self.kind is PrincipalKind.PERSON:
            return name
        else:
            name = _dotless(name)
        return f"{self.kind.value}:{name}"

    @classmethod
    def parse(cls, text: str, at: str = ACCESS) -> Principal:
        """The inverse of `text`."""
        if text in {k.value for k in NAMELESS}:
            return cls(ANYWHERE, PrincipalKind(text))
        kind, colon, rest = text.partition(":")
        if not colon:
            return cls(at, PrincipalKind.PERSON, unquote(text))
        realm, dot, name = rest.partition(".")
        if dot:
            return cls(unquote(realm), PrincipalKind(kind), unquote(name))
        return cls(at, PrincipalKind(kind), unquote(rest))

    @property
    def is_account(self) -> bool:
        """Whether it is somebody's account there: a group or project of the same name is not."""
        return self.kind in (PrincipalKind.PERSON, PrincipalKind.SERVICE)

    def __str__(self) -> str:
        return self.text(self.realm)


def _dotless(text: str) -> str:
    """The dot stands between a realm and a name."""
    return text.replace(".", "%2E")
