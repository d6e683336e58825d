"""The memory world as a system under test."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from provisioner.providers.memory import PROVIDER
from provisioner.providers.memory.calls import Held, MemoryGroup
from tests.conformance.harness import Plain
from tests.worlds import a_world, account, group


class MemoryHarness(Plain):
    name = "memory"
    provider = PROVIDER
    lacks: Mapping[str, str] = {"keyless": "nothing there takes the token of a CI"}

    def __init__(self) -> None:
        self.world = a_world("sys")

    def settings(self) -> Mapping[str, Any]:
        return {"world": "sys"}

    def environ(self) -> Mapping[str, str]:
        return {}

    def seed_foreign(self) -> None:
        self.world.accounts |= {f"foreign-{i}": account(f"foreign-{i}") for i in (1, 2)}
        self.world.groups["foreign-group"] = group("foreign-1", "foreign-2")

    def add_by_hand(self, name: str, login: str) -> None:
        self.world.groups.setdefault(name, MemoryGroup()).members[login] = [Held()]

    def truth(self) -> Mapping[str, Any]:
        return {
            **{f"account {n}": deepcopy(a) for n, a in self.world.accounts.items()},
            **{f"group {n}": sorted(g.members) for n, g in self.world.groups.items()},
        }

    def members(self, name: str) -> set[str]:
        found = self.world.groups.get(name)
        return set(found.members) if found else set()

    def can_get_in(self, login: str) -> bool:
        found = self.world.accounts.get(login)
        return found is not None and found.enabled
