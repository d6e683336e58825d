"""What a change in a cluster means: whether it gives or takes, and how much. Pure.

How much a membership gives is told by the names that PostgreSQL gives a meaning, and by the powers that the reader saw
on the role. It refuses to weigh a role by its privileges: each of them is a grant, with an effect of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.model.address import Address, Kind
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.instant import parse_instant
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.providers.postgresql import names
from provisioner.providers.postgresql.names import ATTRIBUTE
from provisioner.providers.postgresql.rows import POWERS

_POWERFUL = frozenset({"superuser", "createrole", "replication", "bypassrls", names.OWNER})


def effect(before: Resource | None, after: Resource | None, around: State) -> Effect:
    """As `Declare.effect`."""
    resource = after or before
    if resource is None:
        return Effect(Direction.NEUTRAL)
    level = _level(resource.address, around)
    if before is None:
        return Effect(Direction.NEUTRAL if resource.address.kind is Kind.GROUP else Direction.WIDENS, level)
    if after is None:
        return Effect(Direction.NARROWS, level)
    was, becomes = before.attributes, {**before.attributes, **after.attributes}
    if resource.address.kind is Kind.ACCOUNT:
        return Effect(_of_account(was, becomes), level)
    return Effect(_of_coverage(was, becomes), level)


def _level(address: Address, around: State) -> Level:
    if address.kind is Kind.GRANT:
        if address.object == ATTRIBUTE or address.slot == names.OWNER:
            return Level.ADMIN if address.slot in _POWERFUL else Level.ELEVATED
        return Level.ELEVATED if address.slot == "create" else Level.ORDINARY
    if address.kind is Kind.MEMBERSHIP:
        if address.object in names.ADMIN_ROLES:
            return Level.ADMIN
        group = around.get(Address(address.target, Kind.GROUP, address.object))
        told = group.facts.more.get(POWERS, "") if group is not None and group.facts is not None else ""
        powers = told.split()
        if _POWERFUL & set(powers):
            return Level.ADMIN
        return Level.ELEVATED if names.is_strong(address.object) or powers else Level.ORDINARY
    return Level.ORDINARY


def _of_account(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> Direction:
    """A later end widens, an earlier one narrows."""
    directions = set()
    if was.get("enabled") != becomes.get("enabled"):
        directions.add(Direction.WIDENS if becomes.get("enabled") else Direction.NARROWS)
    if was.get("cut") != becomes.get("cut"):
        directions.add(Direction.NARROWS if becomes.get("cut") else Direction.WIDENS)
    old, new = was.get("until"), becomes.get("until")
    if old != new:
        later = new is None or (old is not None and parse_instant(new) > parse_instant(old))
        directions.add(Direction.WIDENS if later else Direction.NARROWS)
    if not directions:
        return Direction.NEUTRAL
    return directions.pop() if len(directions) == 1 else Direction.BOTH


def _of_coverage(was: Mapping[str, Any], becomes: Mapping[str, Any]) -> Direction:
    """What a dataset role gets back widens. Of `schema.*`: tables that come under it widen, a creator whose tables no
    longer do narrows."""
    old, new = set(was.get("creators", ())), set(becomes.get("creators", ()))
    more = bool(becomes.get("intact")) and not was.get("intact")
    more = more or bool(new - old) or len(becomes.get("not_covered", ())) < len(was.get("not_covered", ()))
    less = bool(old - new)
    if more and less:
        return Direction.BOTH
    return Direction.WIDENS if more else Direction.NARROWS if less else Direction.NEUTRAL
