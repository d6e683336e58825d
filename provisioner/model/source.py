"""A directory that people come from, as the files declare it: whose groups mean which roles. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from provisioner.diagnostics import NOWHERE, Location
from provisioner.model.assignment import Assignment

PERCENT = 10
"""How many percent of those who are known from a source may be gone there at once, where it says nothing else."""
FEW = 4
"""So many may always be gone."""


class AccountAttributes(NamedTuple):
    """The attributes that hold somebody's login, and the immutable id, on another target."""

    login: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Attributes:
    """Which attributes of an entry tell what of a person; None: it does not come from there."""

    name: str | None = "cn"
    email: str | None = "mail"
    accounts: Mapping[str, AccountAttributes] = field(default_factory=dict)

    @property
    def named(self) -> tuple[str, ...]:
        """All of them, each once."""
        told = [self.name, self.email, *(a for one in self.accounts.values() for a in one)]
        return tuple(dict.fromkeys(a for a in told if a is not None))


@dataclass(frozen=True, slots=True)
class SourceGroup:
    """What being in a group of the directory means. `id` is the group's own immutable one, once it is known."""

    roles: tuple[Assignment, ...]
    id: str | None = None
    location: Location = NOWHERE


@dataclass(frozen=True)
class Source:
    """`target` is the declared target whose directory it is, by its full name; `base` and `filter` say who in it is
    meant, `disabled` who of them counts as switched off beside those whom the directory locks. `system` is what the
    directory was when people were first taken from it. `percent` and `few` limit who may leave at once."""

    id: str
    target: str
    base: str | None = None
    filter: str | None = None
    disabled: str | None = None
    system: str | None = None
    attributes: Attributes = Attributes()
    groups: Mapping[str, SourceGroup] = field(default_factory=dict)
    percent: int = PERCENT
    few: int = FEW
    owners: tuple[str, ...] = ()
    location: Location = NOWHERE
