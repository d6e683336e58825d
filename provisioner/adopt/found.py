"""What an adoption starts from, and what it comes to: plain values, passed from one step to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from provisioner.contract import Declare
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address
from provisioner.model.desired import Desired
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant
from provisioner.model.match import Matched
from provisioner.model.resource import NO_FACTS, Facts, Resource
from provisioner.model.state import State
from provisioner.model.target import Target


@dataclass(frozen=True)
class Found:
    """One target as it was read, and what the files say already. `given` has what each identity is to hold there now;
    `going` are addresses that the plan takes away: they are not adopted. `once` are ids that somebody had, and that
    nobody gets again. `anchors` are the addresses that our own access hangs on.
    """

    target: Target
    declare: Declare
    live: State
    matched: Matched
    desired: Desired
    declared: DeclaredAccess
    declares: Mapping[str, Declare]
    now: Instant
    owner: str | None = None
    going: frozenset[Address] = frozenset()
    once: frozenset[str] = frozenset()
    anchors: frozenset[Address] = frozenset()


REASON = "held before these files did"
"""What stands as the reason where an environment asks for one."""


@dataclass(frozen=True, slots=True)
class Held:
    """A role that somebody gets, and where: None for a role that needs no environment named."""

    role: str
    environment: str | None = None
    reason: str | None = None


class How(StrEnum):
    """By what an account is known to be somebody's."""

    KNOWN = "known already"
    MAP = "the map"
    EMAIL = "e-mail"
    LOGIN = "login"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Taken:
    """An account that is somebody's. `identity` is who that is where they are declared; else they become `id`."""

    account: Resource
    id: str
    how: How
    kind: IdentityKind = IdentityKind.PERSON
    identity: Identity | None = None
    owners: tuple[str, ...] = ()

    @property
    def login(self) -> str:
        return self.account.address.object

    @property
    def facts(self) -> Facts:
        return self.account.facts or NO_FACTS


@dataclass(frozen=True, slots=True)
class Doubt:
    """An account of which it cannot be told whose it is. `candidates` are ids, the likeliest first."""

    account: Resource
    why: str
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """Something live that the files do not say, and why. It stays as it is."""

    address: Address
    why: str


@dataclass
class Recognised:
    """Every live account, once: somebody's, doubtful, or left as it is."""

    taken: list[Taken] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
