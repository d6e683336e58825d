"""What each change does to access: by the action where that is plain, else by the provider's own knowledge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from provisioner.model.address import Address, Kind
from provisioner.model.change import Action
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.target import GROUP_SECTIONS

if TYPE_CHECKING:
    from provisioner.plan.side import Side

_BY_ACTION = {
    Action.RENAME: Direction.NEUTRAL,
    Action.ADOPT: Direction.NEUTRAL,
    Action.RELEASE: Direction.NEUTRAL,
    Action.ENABLE: Direction.WIDENS,
    Action.DISABLE: Direction.NARROWS,
}


def effect_of(action: Action, before: Resource | None, after: Resource | None, around: State, side: Side) -> Effect:
    """Direction and level. Something labelled with a protected environment is at least elevated; a plain difference of
    names or descriptions is neutral where the provider says so."""
    found = side.declare.effect(before, after, around)
    direction = _BY_ACTION.get(action, found.direction)
    address = after.address if after is not None else before.address if before is not None else None
    level = found.level
    if level is Level.ORDINARY and address is not None and _environment(side, address) in side.protected:
        level = Level.ELEVATED
    return Effect(direction, level)


def _environment(side: Side, address: Address) -> str | None:
    if side.target.environment is not None:
        return side.target.environment
    labels = side.target.object_environments
    if address.kind in (Kind.GROUP, Kind.MEMBERSHIP) and labels:
        named = (labels.get((section, address.object)) for section in GROUP_SECTIONS)
        return next((label for label in named if label is not None), None)
    return None
