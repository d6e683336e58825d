"""What a change in an account means: whether it gives or takes, and how much. Pure.

How much a grant gives is what the reader saw in the policy's document, else what the policy's name tells. It reads no
document itself (`documents.py` does), and knows nothing of what the files declare but what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from provisioner.model.address import Address, Kind
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.instant import parse_instant
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.providers.aws_iam import documents, names, trust

STRENGTH = "strength"
"""The key in `Facts.more` of a live grant under which the reader keeps how much its policy gives."""

Given = Callable[[str], Iterable[Resource] | None]
"""The policies that a group is declared to have; None where the files do not say."""


def effect(before: Resource | None, after: Resource | None, around: State, given_by: Given) -> Effect:
    """As `Declare.effect`. A policy that denies narrows by being given."""
    resource = after or before
    if resource is None:
        return Effect(Direction.NEUTRAL)
    strength = _strength(resource, around, given_by)
    level = _level(strength)
    if before is not None and after is not None:
        return Effect(_of_attributes(resource.address.kind, before, after), level)
    gives = (after is not None) != (strength == documents.DENIES)
    if resource.address.kind is Kind.GROUP and after is not None:
        return Effect(Direction.NEUTRAL, level)
    return Effect(Direction.WIDENS if gives else Direction.NARROWS, level)


def end_of(resource: Resource) -> str | None:
    """When AWS itself ends it."""
    found = resource.attributes.get(names.ENDS)
    return found if isinstance(found, str) else None


def _strength(resource: Resource, around: State, given_by: Given) -> str:
    address = resource.address
    if address.kind is Kind.GRANT:
        return _strength_of_grant(resource, around)
    if address.kind is Kind.MEMBERSHIP or address.kind is Kind.GROUP:
        return _strength_of_group(address, around, given_by).value
    if address.kind is Kind.ACCOUNT:
        holder = Principal(address.target, PrincipalKind.PERSON, address.object)
        return _strength_of_account(holder, around, given_by).value
    if address.principal is not None:
        return _strength_of_account(address.principal, around, given_by).value
    return Level.ORDINARY.value


def _strength_of_group(group: Address, around: State, given_by: Given) -> Level:
    """By what it has live, and by what the files give it. `group` is its address, or a membership's in it."""
    held = around.held_by(Principal(group.target, PrincipalKind.GROUP, group.object))
    found = [r for r in held if r.address.kind is Kind.GRANT]
    found += given_by(group.object) or ()
    return documents.strongest(_level(_strength_of_grant(r, around)) for r in found)


def _strength_of_account(who: Principal, around: State, given_by: Given) -> Level:
    held = (*around.held_by(who), *around.held_by(who._replace(kind=PrincipalKind.SERVICE)))
    return documents.strongest(
        _level(_strength_of_grant(r, around))
        if r.address.kind is Kind.GRANT
        else _strength_of_group(r.address, around, given_by)
        for r in held
        if r.address.kind in (Kind.GRANT, Kind.MEMBERSHIP)
    )


def _strength_of_grant(resource: Resource, around: State) -> str:
    """What the reader saw of the policy, on this grant, its live double or the policy by itself; else what its name
    tells."""
    address, name = resource.address, resource.address.object
    thing = name if name.startswith(names.ROLE) else names.POLICY + name
    control = Address(address.target, Kind.CONTROL, thing)
    for one in (resource, around.get(address), around.get(control)):
        if one is not None and one.facts is not None and STRENGTH in one.facts.more:
            return one.facts.more[STRENGTH]
    return documents.strength_of_name(name.removeprefix(names.ROLE).removeprefix(names.INLINE).rpartition("/")[2])


def _level(strength: str) -> Level:
    return Level.ORDINARY if strength == documents.DENIES else Level(strength)


def _of_an_end(before: str | None, after: str | None) -> Direction:
    """Of our policy for assuming a role, of which only the end differs."""
    if before == after:
        return Direction.NEUTRAL
    if before is None or after is None:
        return Direction.WIDENS if after is None else Direction.NARROWS
    return Direction.WIDENS if parse_instant(after) > parse_instant(before) else Direction.NARROWS


def _of_attributes(kind: Kind, before: Resource, after: Resource) -> Direction:
    if kind is Kind.GRANT and before.attributes.get("intact") is True and after.attributes.get("intact") is True:
        return _of_an_end(end_of(before), end_of(after))
    if kind is Kind.CONTROL:
        return trust.direction(before.attributes.get(trust.TRUSTS, ()), after.attributes.get(trust.TRUSTS, ()))
    if kind is not Kind.ACCOUNT:
        return Direction.NEUTRAL if before.attributes == after.attributes else Direction.BOTH
    was, will = before.attributes.get("enabled"), after.attributes.get("enabled")
    if was is will or will is None:
        return Direction.NEUTRAL
    return Direction.WIDENS if will else Direction.NARROWS
