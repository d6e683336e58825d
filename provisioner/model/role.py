"""A role: what its holders get, in which environments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from provisioner.diagnostics import NOWHERE, Location
from provisioner.model.block import Block


@dataclass(frozen=True, slots=True)
class GrantBlock:
    """What a role gives on one target family. `where` filters its instances by label; `block` is the provider's."""

    target: str
    block: Block
    where: Mapping[str, str] = field(default_factory=dict)
    location: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Role:
    id: str
    owners: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    grants: tuple[GrantBlock, ...] = ()
    location: Location = NOWHERE
