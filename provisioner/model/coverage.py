"""What a reading covers, scope by scope. A short read must never look like an empty system."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from provisioner.model.address import Address, Kind


class Verdict(StrEnum):
    COMPLETE = "complete"
    PARTIAL = "partial"
    DENIED = "denied"
    UNREAD = "unread"


class Scope(NamedTuple):
    """All resources of `kind` in a target, or only those on the object `of` (members of one group); for credentials
    `of` is the login that holds them."""

    kind: Kind
    of: str | None = None

    def __str__(self) -> str:
        return f"{self.kind.value}s" if self.of is None else f"{self.kind.value}s of {self.of}"


EVERYTHING: frozenset[Scope] = frozenset(Scope(kind) for kind in Kind)


@dataclass(frozen=True, slots=True)
class ScopeCoverage:
    """`proof` says in words how we know (`end mark, result 0`; `count 210 = 210`; `sizeLimitExceeded after 500`);
    `hides` are attributes that this credential cannot see, which are then not compared.
    """

    scope: Scope
    verdict: Verdict
    proof: str
    hides: frozenset[str] = frozenset()


class Coverage:
    """The verdict for each address: that of the narrowest scope it falls into; `unread` where none was read."""

    __slots__ = ("_scopes",)

    def __init__(self, scopes: Iterable[ScopeCoverage] = ()) -> None:
        self._scopes: dict[Scope, ScopeCoverage] = {s.scope: s for s in scopes}

    def scopes(self) -> tuple[ScopeCoverage, ...]:
        return tuple(self._scopes[s] for s in sorted(self._scopes, key=lambda s: (s.kind, s.of or "")))

    def of(self, kind: Kind, of: str | None = None) -> ScopeCoverage:
        if of is not None:
            narrow = self._scopes.get(Scope(kind, of))
            if narrow is not None:
                return narrow
        wide = self._scopes.get(Scope(kind))
        return wide if wide is not None else ScopeCoverage(Scope(kind, of), Verdict.UNREAD, "not read")

    def at(self, address: Address) -> ScopeCoverage:
        """Credentials are read by holder, everything else by object."""
        if address.kind is Kind.CREDENTIAL and address.principal is not None:
            return self.of(address.kind, address.principal.id)
        return self.of(address.kind, address.object)

    def is_complete(self, kind: Kind, of: str | None = None) -> bool:
        return self.of(kind, of).verdict is Verdict.COMPLETE

    @property
    def gaps(self) -> tuple[ScopeCoverage, ...]:
        """The scopes that were asked for and not read completely."""
        return tuple(s for s in self.scopes() if s.verdict is not Verdict.COMPLETE)

    @property
    def complete(self) -> bool:
        return bool(self._scopes) and not self.gaps


def what_follows(gaps: Iterable[ScopeCoverage]) -> str:
    """What a short read means for its target, in words: whoever is not seen may be there, and may be anybody."""
    kinds = {gap.scope.kind for gap in gaps}
    if kinds and Kind.ACCOUNT not in kinds:
        return "what was not read is left as it is"
    return "nothing is removed there and no account created"
