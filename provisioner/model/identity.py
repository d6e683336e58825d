"""People and services as the files declare them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from provisioner.diagnostics import NOWHERE, Location
from provisioner.model.assignment import Assignment
from provisioner.model.block import Block
from provisioner.model.instant import Instant

KEYLESS = "role/"
"""What begins the login of a service that has no key on a target: its account there is a role (`role/Deploy`), which a
pipeline takes on with a token that its CI has signed."""


class IdentityKind(StrEnum):
    PERSON = "person"
    SERVICE = "service"


class AccountName(NamedTuple):
    """An entry under `accounts:`: the login where it is not the id, and the pinned immutable id."""

    login: str | None = None
    id: str | None = None
    location: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Suspension:
    since: Instant
    reason: str


@dataclass(frozen=True, slots=True)
class Identity:
    """`accounts` is keyed by target family (`aws`) or instance (`aws/payments-production`); the narrower wins.
    `credentials` and `keyless` (the key `identity` of a service) are carried for the providers that use them; where
    `keyless` has a target, `accounts` has the login of the role there, which begins with `KEYLESS`. `sources`
    are the directories that a person is known from; their id there is that of the account on the source's target.
    `had_end`: it has no `until` now, and had one since some target last converged, which that target may still hold.
    """

    kind: IdentityKind
    id: str
    name: str = ""
    email: str | None = None
    was: tuple[str, ...] = ()
    starts: Instant | None = None
    until: Instant | None = None
    suspended: Suspension | None = None
    accounts: Mapping[str, AccountName] = field(default_factory=dict)
    roles: tuple[Assignment, ...] = ()
    owners: tuple[str, ...] = ()
    location: Location = NOWHERE
    credentials: Block | None = None
    keyless: Block | None = None
    sources: tuple[str, ...] = ()
    had_end: bool = False

    def account_on(self, target: str) -> AccountName:
        """How this identity is known on `target`; the login defaults to the id."""
        family = target.partition("/")[0]
        wide, narrow = self.accounts.get(family), self.accounts.get(target)
        login = (narrow and narrow.login) or (wide and wide.login) or self.id
        native = (narrow and narrow.id) or (wide and wide.id) or None
        place = (narrow or wide).location if (narrow or wide) else self.location  # type: ignore[union-attr]
        return AccountName(login, native, place)

    def login_on(self, target: str) -> str:
        if not self.accounts:
            return self.id
        return self.account_on(target).login or self.id

    def present_at(self, now: Instant) -> bool:
        """Whether it is between its own `from` and `until`."""
        return (self.starts is None or self.starts <= now) and (self.until is None or now < self.until)

    def departed_at(self, now: Instant) -> bool:
        return self.until is not None and self.until <= now

    def trust_on(self, target: str) -> tuple[str, Mapping[str, Any]] | None:
        """The key of `identity:` that is about `target`, and what it trusts there: CI systems, each with the claims of
        its signed token. None where the service has no role there."""
        data = self.keyless.data if self.keyless is not None else {}
        for key in (target, target.partition("/")[0]):
            body = data.get(key)
            if isinstance(body, Mapping):
                trust = body.get("trust")
                return key, trust if isinstance(trust, Mapping) else {}
        return None


def is_keyless(login: str) -> bool:
    """Whether it is the login of a role, and not of a user."""
    return login.startswith(KEYLESS)


def role_accounts(identity: Identity) -> dict[str, AccountName]:
    """The accounts of a service that `identity:` declares, by its keys; an immutable id that is pinned stays pinned."""
    block = identity.keyless
    if block is None:
        return {}
    found: dict[str, AccountName] = {}
    for target, body in block.data.items():
        role = body.get("role") if isinstance(body, Mapping) else None
        known = identity.accounts.get(target)
        login = f"{KEYLESS}{role if isinstance(role, str) else identity.id}"
        found[target] = AccountName(login, known.id if known is not None else None, block.at(target))
    return found
