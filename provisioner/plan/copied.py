"""What somebody keeps for a while after they were taken out of a group, because another system works on a copy of it.

It is said in the plan and in the receipt; nothing can be done about it but to renew what they could read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import NamedTuple

from provisioner.contract import Copies
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.change import Change
from provisioner.model.way import Phase
from provisioner.plan.side import Side

_NAMED = 10


class Copied(NamedTuple):
    """Members of a group are let into `things` on `target` by its copy there, which is up to date after `within`."""

    target: str
    things: tuple[str, ...]
    within: timedelta


def copied_on(sides: Mapping[str, Side]) -> dict[Address, list[Copied]]:
    """For each group, where a copy of it lets its members in."""
    found: dict[Address, list[Copied]] = {}
    for name, side in sorted(sides.items()):
        if isinstance(side.declare, Copies):
            for group, things in side.declare.opened_to(side.live).items():
                found.setdefault(group, []).append(Copied(name, tuple(things), side.declare.copied_within))
    return found


def group_of(membership: Address) -> Address:
    """The group that a membership is in."""
    return Address(membership.target, Kind.GROUP, membership.object)


class Kept(NamedTuple):
    """What is still open to members of these groups of `source`, on `target`."""

    target: str
    source: str
    groups: tuple[str, ...]
    things: tuple[str, ...]


def kept_by(groups: Iterable[Address], copies: Mapping[Address, Iterable[Copied]]) -> list[Kept]:
    """What copies of `groups` let their members into, place by place."""
    found: dict[tuple[str, str], tuple[set[str], set[str]]] = {}
    for group in groups:
        for copy in copies.get(group, ()):
            names, things = found.setdefault((copy.target, group.target), (set(), set()))
            names.add(group.object)
            things.update(copy.things)
    return [Kept(*where, tuple(sorted(n)), tuple(sorted(t))) for where, (n, t) in sorted(found.items())]


def copied_later(changes: Iterable[Change], sides: Mapping[str, Side]) -> Iterator[Diagnostic]:
    """Who is taken out of a group by these, and is let in elsewhere until it is copied."""
    copies = copied_on(sides)
    if not copies:
        return
    left: dict[str, set[Address]] = {}
    for change in changes:
        invited = change.ways and all(w.phase is Phase.PENDING for w in change.ways)  # copied are members alone
        if change.address.kind is Kind.MEMBERSHIP and change.narrows and change.after is None and not invited:
            who = change.identity or (change.address.principal.id if change.address.principal else "")
            left.setdefault(who, set()).add(group_of(change.address))
    told: dict[Kept, list[str]] = {}
    for who, groups in left.items():
        for kept in kept_by(groups, copies):
            told.setdefault(kept, []).append(who)
    for kept, people in told.items():
        names = sorted(people)
        who = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED:,} more" if names[_NAMED:] else "")
        yield Diagnostic(
            "copied-later",
            f"until {kept.target} has copied {', '.join(kept.groups)} from {kept.source}, {who} may still use "
            f"{', '.join(kept.things)}: renew what they could read there",
            Severity.NOTE,
            why="it copies groups by itself every few hours, and shows nobody who is in a copy",
            fix="renew what they could read there",
            target=kept.target,
        )
