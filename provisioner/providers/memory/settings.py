"""Settings of a memory target, and what may be declared for it."""

from __future__ import annotations

from provisioner.contract.fields import Strict


class MemorySettings(Strict):
    """`world` names the system held in this process."""

    world: str


class MemoryGrants(Strict):
    """`objects` is one shape for object x principal x privilege: {path: [privilege]}."""

    groups: list[str] = []
    objects: dict[str, list[str]] = {}


class GroupDeclared(Strict):
    """`objects` is what the group may do: complete, where it is written."""

    description: str | None = None
    objects: dict[str, list[str]] | None = None
    environment: str | None = None


class ControlDeclared(Strict):
    """`open_to` is written out: an empty list is an error."""

    open_to: list[str]
    environment: str | None = None


class MemoryObjects(Strict):
    groups: dict[str, GroupDeclared] = {}
    controls: dict[str, ControlDeclared] = {}
