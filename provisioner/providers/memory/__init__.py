"""The reference provider: a system in this process, nasty on purpose. For conformance and property tests.

It has a document with an etag, two ways on one address, a pending phase that lapses, an inherited way, a locked object,
asynchronous writes that may fail, a control whose removal widens, attributes hidden from the reader, listings that are
cut, principals that no longer resolve, and groups that cannot be marked. Ownership is marked in an account's `note`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provisioner.contract import ProviderError, Trouble
from provisioner.model.target import Target
from provisioner.providers.memory.calls import WORLDS, ReadCalls, World, WriteCalls
from provisioner.providers.memory.declare import CAPABILITIES, MemoryDeclare
from provisioner.providers.memory.read import MemoryReader
from provisioner.providers.memory.write import MemoryWriter

if TYPE_CHECKING:
    from pydantic import BaseModel


class MemoryProvider:
    name = "memory"
    extra = ""
    capabilities = CAPABILITIES

    @property
    def settings(self) -> type[BaseModel]:
        from provisioner.providers.memory.settings import MemorySettings

        return MemorySettings

    @property
    def grants(self) -> type[BaseModel]:
        from provisioner.providers.memory.settings import MemoryGrants

        return MemoryGrants

    @property
    def objects(self) -> type[BaseModel]:
        from provisioner.providers.memory.settings import MemoryObjects

        return MemoryObjects

    def declare(self, target: Target) -> MemoryDeclare:
        return MemoryDeclare(target)

    def open_reader(self, target: Target, environ: Mapping[str, str]) -> MemoryReader:
        return MemoryReader(target.name, ReadCalls(_world(target)))

    def open_writer(self, target: Target, environ: Mapping[str, str], owner: str | None) -> MemoryWriter:
        return MemoryWriter(target.name, WriteCalls(_world(target)), owner)


def _world(target: Target) -> World:
    name = str(target.settings.data.get("world", target.name))
    world = WORLDS.get(name)
    if world is None:
        raise ProviderError(Trouble.UNREACHABLE, f"there is no world called {name}", call="open")
    return world


PROVIDER = MemoryProvider()
