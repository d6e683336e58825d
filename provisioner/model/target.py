"""One configured system: a target, or one instance of a target that has many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from provisioner.diagnostics import NOWHERE, Location
from provisioner.model.block import Block, nowhere
from provisioner.model.instant import Instant

EMPTY = Block({}, nowhere())
GROUP_SECTIONS = ("groups", "roles", "teams")
"""Where targets declare what their provider reads as a group."""


class Mode(StrEnum):
    """`report` writes nothing; `add` takes away only what the files stopped saying; `full` also unknown holders."""

    REPORT = "report"
    ADD = "add"
    FULL = "full"


class AccountsPolicy(StrEnum):
    """Whether accounts are ours to create, disable and delete, or only matched and used."""

    CREATE = "create"
    EXISTING = "existing"


@dataclass(frozen=True, slots=True)
class Ignore:
    """A stray that is known and meant."""

    address: str
    owner: str
    reason: str
    until: Instant | None = None
    location: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Target:
    """`name` begins every address (`corp-ldap`, `aws/payments-production`); `family` is the key under `targets:`.

    `settings` is the provider's connection part, instance over target; `objects` what is declared under the target
    (`groups:` and its like), likewise. `environment` labels the whole target; `object_environments` single things,
    by (section, name), as in `groups: {production-readers: {environment: production}}`.
    """

    name: str
    family: str
    provider: str
    mode: Mode = Mode.ADD
    accounts: AccountsPolicy = AccountsPolicy.CREATE
    retention: timedelta = timedelta(days=30)
    environment: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    settings: Block = EMPTY
    objects: Block = EMPTY
    object_environments: Mapping[tuple[str, str], str] = field(default_factory=dict)
    ignore: tuple[Ignore, ...] = ()
    location: Location = NOWHERE
    owners: tuple[str, ...] = ()
