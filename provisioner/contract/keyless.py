"""Systems where a service can have a role in place of a user and a key: what a provider says of whom the role trusts.

A pipeline takes the role on with a token that its CI has signed. Which claims of that token count, and how they are
written down, is the provider's to know; that a service has such a role, and when it ends, is the engine's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from provisioner.diagnostics import Diagnostic
from provisioner.model.block import Block
from provisioner.model.identity import Identity
from provisioner.model.principal import Principal
from provisioner.model.resource import Resource
from provisioner.model.target import Target


@runtime_checkable
class Pipelines(Protocol):
    """A provider that keeps secrets for pipelines whose CI signs a token for each job."""

    def pipeline_of(self, target: Target, place: str) -> Mapping[str, str] | None:
        """Whose jobs read what is delivered to `place`: `system`, `repository`, and `environment` where they run in
        one. None where that is not one repository's. No I/O."""
        ...


@runtime_checkable
class Trusts(Protocol):
    """A `Declare` of such a system. The role is the account of the service, under a login that `model.identity.KEYLESS`
    begins."""

    def check_trust(self, key: str, block: Block) -> Iterable[Diagnostic]:
        """Problems of `identity: {KEY: {role, trust}}`; `block` is all of `identity:`."""
        ...

    def check_keyless(self, block: Block) -> Iterable[tuple[str, tuple[str | int, ...]]]:
        """What of a grants block such a role cannot hold: why, in words, and where in the block."""
        ...

    def trusts(self, identity: Identity, who: Principal) -> Iterable[Resource]:
        """Whom the role of `identity` shall trust. `who` is that role; nothing where it shall trust nobody."""
        ...

    def keyless_for(self, place: Mapping[str, Any]) -> dict[str, Any] | None:
        """The `trust:` that does for a pipeline which a key is now delivered to, or None where the system trusts no
        such pipeline. `place` is as `Pipelines.pipeline_of` tells it."""
        ...
