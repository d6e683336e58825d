"""Ours, foreign or unclaimed: what a mark says. Refuses to guess: a mark that cannot be read is somebody else's."""

from __future__ import annotations

from provisioner.model.mark import owner8
from provisioner.model.resource import Resource
from provisioner.model.way import Ownership


def ownership(resource: Resource, owner: str | None) -> Ownership:
    """Whose an account or group is by its mark. `owner` is `records.owner` of these files.

    A mark without an owner is ours only where we have none either; where we have one it is unclaimed: it may be adopted
    by name, but its bearer is never taken for a leaver of ours.
    """
    mark = resource.mark
    if mark is None:
        facts = resource.facts
        return Ownership.FOREIGN if facts is not None and facts.foreign_mark else Ownership.UNCLAIMED
    if mark.owner == owner8(owner):
        return Ownership.OWNED
    return Ownership.UNCLAIMED if mark.owner is None else Ownership.FOREIGN
