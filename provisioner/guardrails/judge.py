"""All guardrails on one plan, in their order.

First what is never done, whatever anybody acknowledged; then the source; then limits of what each target loses; then
what is given. What needs something that is held back is held back with it, also on other targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.guardrails.acknowledge import Acknowledged
from provisioner.guardrails.anchors import break_glass, own_access
from provisioner.guardrails.case import Case, Held
from provisioner.guardrails.exposed import exposed
from provisioner.guardrails.lockout import administrators, taken_from_many
from provisioner.guardrails.protected import newcomers
from provisioner.guardrails.removals import Refusal, already_closed, removals
from provisioner.guardrails.separation import separate
from provisioner.guardrails.shrink import shrunken
from provisioner.guardrails.unrecorded import unrecorded
from provisioner.guardrails.wording import count, let_holders_go, names
from provisioner.model.address import Address
from provisioner.model.change import Action, Change
from provisioner.plan.order import in_order
from provisioner.plan.plan import Stray, Withheld


@dataclass
class Judgement:
    """`held` has the changes that are not made, by id; `refused` the targets that get no call, and by which rule;
    `needs` what must be done before others so that nobody is locked out; `told` everything to say about it;
    `unrecorded` how much carries our marks on the targets whose journal is lost."""

    held: dict[str, Held] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    told: list[Diagnostic] = field(default_factory=list)
    unrecorded: Mapping[str, int] = field(default_factory=dict)


def judge(case: Case) -> Judgement:
    """Whether the plan of `case` may be applied, change by change."""
    found = Judgement()
    said = Acknowledged(case)
    lost = unrecorded(case, said)
    found.unrecorded, found.held, found.told = lost.targets, lost.held, [*lost.told, *_tell_newly_managed(case)]
    if not case.changes:
        _, told = separate(case, ())
        found.told += [*told, *exposed(case, (), said)[1], *said.told]
        return found
    for rule in (break_glass, own_access):
        held, told = rule(case)
        found.held = {**held, **found.held}
        found.told += told
    _newly_managed(case, said, found)
    lockout = administrators(case, _left(case, found))
    found.held |= lockout.held
    found.needs = lockout.needs
    found.told += lockout.told
    _with_what_needs_it(case, found)

    gone = said.gone | {c.id for c in case.changes if c.narrows and c.address in case.again(c.address.target)}
    taken = [c for c in _left(case, found) if c.narrows and c.id not in gone and not already_closed(case, c)]
    shrink = shrunken(case, taken)
    if shrink is not None:
        found.told.append(shrink.told)
        _refuse(case, found, set(case.sides), shrink)
    else:
        _limits(case, taken, found, taken_from_many(case, _left(case, found), gone, lockout))
    held, told = newcomers(case, _left(case, found), said)
    found.held |= held
    found.told += told
    held, told = separate(case, _left(case, found))
    found.held |= held
    found.told += told
    held, told = exposed(case, _left(case, found), said)
    found.held |= held
    found.told += told
    _with_what_needs_it(case, found)
    found.told += said.told
    return found


def _left(case: Case, found: Judgement) -> list[Change]:
    return [c for c in case.changes if c.id not in found.held]


def _newly_managed(case: Case, said: Acknowledged, found: Judgement) -> None:
    """Holders that were let go by their number, where more of the kind would go by now."""
    for change in case.changes:
        if change.address in case.let_go and change.narrows and change.id not in said.gone:
            why = "held before its group or grant was managed, and no acknowledgement lets it go"
            found.held.setdefault(change.id, Held("newly-managed", why))


def _tell_newly_managed(case: Case) -> Iterator[Diagnostic]:
    """Who was there before, and stays until somebody says that they go: with the words for that."""
    by_target: dict[str, list[Stray]] = {}
    for stray in case.newly:
        by_target.setdefault(stray.address.target, []).append(stray)
    for target, strays in sorted(by_target.items()):
        who = names(s.identity or s.address for s in strays)
        yield Diagnostic(
            "newly-managed",
            f"{count(len(strays), 'holder')} on {target} {'was' if len(strays) == 1 else 'were'} there before "
            f"what they hold was managed fully, and stay: {who}",
            Severity.WARNING,
            case.sides[target].target.location,
            why="mode `full` takes away who is not declared, but not what it finds on its first day: they may need it",
            fix="give it to whoever is to keep it by a role, or tell under `ignore` that it is known; "
            + let_holders_go(case, strays),
            target=target,
        )


def _limits(case: Case, taken: list[Change], found: Judgement, admins: Mapping[str, Refusal]) -> None:
    """What each target loses. All that is too much is told; the first of it names the reason."""
    by_target: dict[str, list[Change]] = {}
    for change in taken:
        by_target.setdefault(change.address.target, []).append(change)
    for target, changes in by_target.items():
        refusals = [*([admins[target]] if target in admins else ()), *removals(case, target, changes)]
        found.told += [r.told for r in refusals]
        if refusals:
            _refuse(case, found, {target}, refusals[0])


def _refuse(case: Case, found: Judgement, targets: set[str], refusal: Refusal) -> None:
    """A target that is refused gets no call."""
    found.refused |= dict.fromkeys(targets, refusal.rule)
    for change in case.changes:
        if change.address.target in targets:
            found.held.setdefault(change.id, Held(refusal.rule, refusal.why))


def _with_what_needs_it(case: Case, found: Judgement) -> None:
    """Until nothing more is: a change that gives may be needed by one that takes and stands before it."""
    needs = {c.id: (*c.needs, *found.needs.get(c.id, ())) for c in case.changes}
    needs = {i: n for i, n in needs.items() if n}
    more = bool(found.held)
    while more:
        more = False
        for waiting, before in needs.items():
            needed = None if waiting in found.held else next((n for n in before if n in found.held), None)
            if needed is not None:
                found.held[waiting] = Held(found.held[needed].rule, "it needs a change that is held back")
                more = True


def guarded(
    judged: Judgement, changes: tuple[Change, ...], first: frozenset[tuple[Address, Action]]
) -> tuple[tuple[Change, ...], tuple[Withheld, ...]]:
    """What the guardrails let through, in the order that they ask for, and what they hold back."""
    refused = tuple(Withheld(c, *judged.held[c.id]) for c in changes if c.id in judged.held)
    kept = tuple(c for c in changes if c.id not in judged.held)
    if not judged.needs:
        return kept, refused
    return in_order(kept, first, {c.id: (*c.needs, *judged.needs.get(c.id, ())) for c in kept}), refused
