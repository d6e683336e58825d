"""Whose approval each change of access needs: values that are worked out elsewhere, and shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from provisioner.diagnostics import Location
from provisioner.model.review import Counted


@dataclass(frozen=True, slots=True)
class Need:
    """One approval that is needed. `of` says whose it is by right (`role deployer`); `owners` as the files name them.

    `approvers` are the people that this comes to, without whoever gains by the change (`without`) or wrote it
    (`wrote`). None: nobody owns it, and anybody else may. Empty: nobody is left who may."""

    of: str
    owners: tuple[str, ...]
    approvers: tuple[str, ...] | None
    without: tuple[str, ...] = ()
    wrote: tuple[str, ...] = ()

    def given_by(self, approved: Collection[str], gains: Collection[str]) -> bool:
        """Whether one of those who approved counts."""
        if self.approvers is None:
            return any(p not in gains for p in approved)
        return any(p in self.approvers for p in approved)


@dataclass(frozen=True, slots=True)
class AccessChange:
    """One change of access between two revisions. `effect` is `widens`, `narrows` or `changes`. `entries` are those of
    the files that it stands in, by section and id."""

    what: str
    effect: str
    identity: str | None
    role: str | None
    environments: tuple[str, ...]
    place: Location
    needs: tuple[Need, ...]
    gains: frozenset[str] = frozenset()
    entries: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Approvals:
    """All changes between two revisions. `approved` is None where nobody asked whether approvals are there; `reviews`
    is where they come from, if it was a pull request."""

    base: str
    changes: tuple[AccessChange, ...]
    approved: tuple[str, ...] | None = None
    reviews: Counted | None = None

    def missing(self) -> Iterator[tuple[AccessChange, Need]]:
        """What is not approved; without approvals to look at, only what nobody could approve."""
        for change in self.changes:
            for need in change.needs:
                if self.approved is None:
                    if need.approvers == ():
                        yield change, need
                elif not need.given_by(self.approved, change.gains):
                    yield change, need
