"""How much one plan may take away from a target: of a group, of its people, of a kind of thing.

Counted are live accounts, members and things; one person's leaving is one person, whatever they hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from provisioner.diagnostics import Diagnostic
from provisioner.guardrails.case import Case, Who
from provisioner.guardrails.wording import count, let_through, names, of
from provisioner.model.address import Kind
from provisioner.model.change import Change
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.rules import Limit
from provisioner.plan.side import Side

SMALL_GROUP = 4
"""A group of fewer is not counted by percent."""
FEW = 5
"""Fewer people, or things, may always go."""


class Refusal(NamedTuple):
    """A limit that is gone over on a target: the code, the reason in few words, and what is told."""

    rule: str
    why: str
    told: Diagnostic


def removals(case: Case, target: str, taken: Sequence[Change]) -> Iterator[Refusal]:
    """`taken` are the narrowing changes of `target` that nobody has acknowledged and no other rule holds back."""
    side = case.sides[target]
    yield from _groups(case, side, taken)
    yield from _people(case, side, taken)
    yield from _kinds(case, side, taken)


def already_closed(case: Case, change: Change) -> bool:
    """What becomes of an account that is disabled: its access went when it was closed, and was counted then."""
    if change.address.kind is not Kind.ACCOUNT:
        return False
    account = case.sides[change.address.target].live.get(change.address)
    return account is not None and account.attributes.get("enabled") is False


def _over(part: int, whole: int, percent: int) -> bool:
    return part * 100 > percent * whole


def _groups(case: Case, side: Side, taken: Sequence[Change]) -> Iterator[Refusal]:
    lost: dict[str, set[Principal]] = {}
    because: dict[str, list[Change]] = {}
    entries = case.members(side.target.name).entries
    for change in taken:
        for group, members in _from_group(case, side, change):
            lost.setdefault(group, set()).update(members)
            because.setdefault(group, []).append(change)
    limit = case.rules.group
    found: list[tuple[str, int, int]] = []
    unread: list[str] = []
    again = case.again(side.target.name)
    for group, gone in sorted(lost.items()):
        whole = sum(r.address not in again for r in entries.get(group, ()))
        if any(_of_whole(side, c, group) for c in because[group]) and not side.coverage.is_complete(
            Kind.MEMBERSHIP, group
        ):
            unread.append(group)
        elif whole >= SMALL_GROUP and len(gone) > 1 and _over(len(gone), whole, limit.percent):
            found.append((group, len(gone), whole))
    changes = [c for group, _, _ in found for c in because[group]]
    changes += [c for group in unread for c in because[group]]
    if not changes:
        return
    told = [f"{of(gone, whole)} of {group}" for group, gone, whole in found[:3]]
    told += [f"of {group}, of which not all members could be read" for group in unread[:3]]
    more = len(found) + len(unread) - len(told)
    what = "; ".join(told) + (f"; and of {count(more, 'more group')}" if more > 0 else "")
    people = {str(who) for c in changes for who in case.touched(c)}
    yield _refused(
        case,
        side,
        limit,
        changes,
        rule="removals-of-group",
        short=f"too many members would lose {what}",
        told=f"members would lose what they have by a group, {what}: {names(people)}",
        why=f"one plan takes at most {limit.percent} % of a group of {SMALL_GROUP} or more "
        f"({case.said(limit)}); more is nearly always a mistake, such as a file that was lost",
    )


def _from_group(case: Case, side: Side, change: Change) -> Iterator[tuple[str, set[Principal]]]:
    """The groups that somebody loses something by, and which of their entries do."""
    address = change.address
    entries = case.members(side.target.name).entries
    if address.kind is Kind.MEMBERSHIP and address.principal is not None and address in side.live:
        yield address.object, {address.principal}
    group = _whole_group(side, change)
    if group is not None:
        there = (r.address for r in entries.get(group, ()) if r.address not in case.again(side.target.name))
        yield group, {address.principal for address in there if address.principal is not None}


def _whole_group(side: Side, change: Change) -> str | None:
    """The group of this target all of whose members a change is about."""
    address, who = change.address, change.address.principal
    if address.kind is Kind.GROUP:
        return address.object
    if who is not None and who.kind is PrincipalKind.GROUP and who.realm == side.target.name:
        return who.id
    return None


def _of_whole(side: Side, change: Change, group: str) -> bool:
    return _whole_group(side, change) == group


def _people(case: Case, side: Side, taken: Sequence[Change]) -> Iterator[Refusal]:
    losers: set[Who] = set()
    for change in taken:
        losers |= case.touched(change)
    if len(losers) < FEW:
        return
    target, limit = side.target.name, case.rules.target
    closing = {case.who(target, a.object) for a in case.again(target) if a.kind is Kind.ACCOUNT}
    everybody = case.people(target) - closing
    whole = side.coverage.is_complete(Kind.ACCOUNT)
    gone = losers & everybody if whole else losers
    if len(gone) < FEW or (whole and not _over(len(gone), len(everybody), limit.percent)):
        return
    share = of(len(gone), len(everybody)) if whole else f"{len(gone):,} of a number that could not be read"
    yield _refused(
        case,
        side,
        limit,
        [c for c in taken if case.touched(c) & gone],
        rule="removals-of-target",
        short=f"too many people would lose something there: {share}",
        told=f"{share} of its people would lose something there: {names(gone)}",
        why=f"one plan takes something from at most {limit.percent} % of a target's people, or from {FEW - 1} "
        f"({case.said(limit)})",
    )


def _kinds(case: Case, side: Side, taken: Sequence[Change]) -> Iterator[Refusal]:
    """What is taken from those who stay, and from groups and controls: leavers are counted as people, once."""
    target, limit = side.target.name, case.rules.target
    by_kind: dict[Kind, list[Change]] = {}
    for change in taken:
        if not case.leaves(change):
            by_kind.setdefault(change.address.kind, []).append(change)
    for kind, changes in sorted(by_kind.items()):
        things = {c.address for c in changes}
        holders = {str(a.principal or a.object) for a in things}
        if len(holders) < FEW or not side.coverage.is_complete(kind):
            continue
        there = [r for r in side.live.of_kind(kind) if r.gives_access and r.address not in case.again(target)]
        there = [r for r in there if r.attributes.get("enabled") is not False]
        if not _over(len(things), len(there), limit.percent):
            continue
        share = of(len(things), len(there))
        yield _refused(
            case,
            side,
            limit,
            changes,
            rule="removals-of-kind",
            short=f"too many of one kind would go: {share} {kind}s",
            told=f"{share} {kind}s would go there: {names((c.words for c in changes), 3)}",
            why=f"one plan takes at most {limit.percent} % of a kind, or {FEW - 1} "
            f"({case.said(limit)}); what leavers have is counted as people, not here",
        )


def _refused(
    case: Case, side: Side, limit: Limit, changes: Sequence[Change], *, rule: str, short: str, told: str, why: str
) -> Refusal:
    """The target is refused because of `changes`, with the words that would let these through."""
    target = side.target.name
    return Refusal(
        rule,
        short,
        Diagnostic(
            rule,
            f"{target} is refused: {told}",
            location=case.place(limit.location),
            target=target,
            why=why,
            fix=let_through(case, changes),
        ),
    )
