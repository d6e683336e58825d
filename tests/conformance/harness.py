"""What the suite needs of a system under test, beside its provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from provisioner.contract import Connection, Provider
from provisioner.model.target import AccountsPolicy, Mode, Target
from tests.worlds import OWNER, block


class Harness(Protocol):
    """A running system. `truth` is its own account of itself, comparable: by thing, whatever the system would tell an
    administrator. `lacks` names what the suite must skip, each with its reason."""

    name: str
    lacks: Mapping[str, str]

    @property
    def provider(self) -> Provider: ...

    def settings(self) -> Mapping[str, Any]: ...

    def environ(self) -> Mapping[str, str]: ...

    def seed_foreign(self) -> None:
        """People and groups of its own: `foreign-1`, `foreign-2` in `foreign-group`."""
        ...

    def add_by_hand(self, group: str, login: str) -> None:
        """Put an account into a group, making the group where it is missing, as an administrator would."""
        ...

    def truth(self) -> Mapping[str, Any]: ...

    def members(self, group: str) -> set[str]: ...

    def can_get_in(self, login: str) -> bool:
        """Whether the account could still be used, as the system itself decides."""
        ...


@dataclass
class Stand:
    """A harness with one target on it."""

    harness: Harness
    mode: Mode = Mode.ADD
    accounts: AccountsPolicy = AccountsPolicy.CREATE
    objects: Mapping[str, Any] = field(default_factory=dict)

    def target(self) -> Target:
        return Target(
            "sys",
            "sys",
            self.harness.provider.name,
            self.mode,
            self.accounts,
            settings=block(self.harness.settings(), "access/targets.yaml"),
            objects=block(self.objects, "access/targets.yaml"),
        )

    def connection(self) -> Connection:
        target = self.target()
        provider = self.harness.provider
        return Connection(target, provider, provider.declare(target), self.harness.environ(), OWNER)
