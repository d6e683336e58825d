"""What the suite needs of a system under test, beside its provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from provisioner.contract import Connection, Provider
from provisioner.model.access import DeclaredAccess
from provisioner.model.block import Block
from provisioner.model.identity import AccountName
from provisioner.model.target import AccountsPolicy, Mode, Target
from tests.worlds import OWNER, block


class Harness(Protocol):
    """A running system. `truth` is its own account of itself, comparable: by thing, whatever the system would tell an
    administrator. `lacks` names what the suite must skip, each with its reason."""

    name: str
    lacks: Mapping[str, str]

    @property
    def groups(self) -> str:
        """What a role's block calls groups."""
        ...

    def pinned(self, who: str) -> str | None:
        """The immutable id that files say of somebody; None where they need not."""
        ...

    def accept(self) -> None:
        """Let whoever was invited say yes."""
        ...

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


@runtime_checkable
class TakesTokens(Protocol):
    """A system where a service can have a role in place of a key. Which do not, say so as lacking `keyless`."""

    def take_tokens(self) -> None:
        """Let it know who signs the tokens of pipelines; with a role of its own, `foreign`, that has another use."""
        ...

    @property
    def keyless_grants(self) -> Mapping[str, Any]:
        """Something that such a role can hold."""
        ...

    def takes_on(self, login: str, repository: str, environment: str | None) -> bool:
        """Whether a job of that repository and environment can take the role on now."""
        ...


class Plain:
    """What most systems are: groups are groups, nobody is pinned or invited."""

    groups = "groups"

    def pinned(self, who: str) -> str | None:
        return None

    def accept(self) -> None:
        """Nobody is invited."""


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

    def said(self, declared: DeclaredAccess) -> DeclaredAccess:
        """The same files in this system's own words: its name for groups, its ids."""
        section = self.harness.groups
        roles = {
            r.id: replace(r, grants=tuple(replace(g, block=self._block(g.block, section)) for g in r.grants))
            for r in declared.roles.values()
        }
        identities = {}
        for who, identity in declared.identities.items():
            native = self.harness.pinned(who)
            pinned = {"sys": AccountName(None, native, identity.location)} if native else identity.accounts
            identities[who] = replace(identity, accounts=pinned)
        return replace(declared, roles=roles, identities=identities, targets={"sys": self.target()})

    @staticmethod
    def _block(given: Block, section: str) -> Block:
        return block({section if k == "groups" else k: v for k, v in given.data.items()}, given.locate(()).file)

    def connection(self) -> Connection:
        target = self.target()
        provider = self.harness.provider
        return Connection(target, provider, provider.declare(target), self.harness.environ(), OWNER)
