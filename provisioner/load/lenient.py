"""What of a past tree can be resolved: grants blocks that today's providers do not take are left out.

Judged once for each block, and the same values come out for the same files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from provisioner.contract.protocols import Provider
from provisioner.load.world import World, providers_of
from provisioner.model.role import GrantBlock, Role


class Usable:
    """Remembers what was judged; keeps the values alive, since it knows them by identity."""

    def __init__(self) -> None:
        self._roles: dict[tuple[int, tuple[str, ...]], tuple[Role, Role]] = {}

    def keep(self, world: World, providers: Mapping[str, Provider]) -> None:
        """Leaves out of the world's roles and targets what cannot be used."""
        by_target = providers_of(world, providers)
        for name, role in world.roles.items():
            kinds = tuple(world.entries[g.target].provider if g.target in world.entries else "" for g in role.grants)
            key = (id(role), kinds)
            known = self._roles.get(key)
            if known is None:
                known = self._roles[key] = (role, _fitting(role, by_target))
            world.roles[name] = known[1]
        for entry in world.entries.values():
            for target in entry.targets:
                if target.name not in entry.sound:
                    del world.targets[target.name]


def _fitting(role: Role, by_target: Mapping[str, Provider]) -> Role:
    kept = tuple(grant for grant in role.grants if _fits(grant, by_target.get(grant.target)))
    return role if len(kept) == len(role.grants) else replace(role, grants=kept)


def _fits(grant: GrantBlock, provider: Provider | None) -> bool:
    if provider is None:
        return True  # nothing will ask that provider
    schema: Any = provider.grants
    try:
        schema.model_validate(grant.block.data)
    except ValidationError:
        return False
    return True
