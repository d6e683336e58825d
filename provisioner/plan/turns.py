"""Whose turn a change is: this run's, another's, or nobody's before somebody has had a look at it.

Splits a plan's changes; whether they are right is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from provisioner.model.change import Action, Cause, Change
from provisioner.plan.plan import Withheld


@dataclass(frozen=True, slots=True)
class Leave:
    """A change that is not for this run: by which rule, and why in words. Without words it is only counted (`left`):
    it is another run's turn."""

    rule: str = "not-reviewed"
    why: str = ""


Choose = Callable[[Change], Leave | None]
"""None: the change is for this run."""


def as_held(held: Mapping[str, str], by_source: Collection[str], changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """What is taken from somebody who was cut off is not taken because the files said so; from those of `by_source`,
    because a directory did."""
    if not held:
        return changes
    return tuple(
        replace(
            c,
            cause=Cause.SOURCE if c.identity in by_source else c.cause,
            why=f"{c.identity} was cut off {words}",
        )
        if c.cause is Cause.LEAVER and (words := held.get(c.identity or ""))
        else c
        for c in changes
    )


def keeping(choose: Choose | None, held: Collection[str]) -> Choose | None:
    """What the run is for, but that nobody of `held`, whom the files still declare, loses an account for good."""
    if not held:
        return choose

    def turn(change: Change) -> Leave | None:
        if change.action is Action.DELETE and change.identity in held:
            return Leave("offboarded-now", "the files still declare them: disabled, and not deleted")
        return choose(change) if choose is not None else None

    return turn


def chosen(
    choose: Choose | None, changes: tuple[Change, ...]
) -> tuple[tuple[Change, ...], tuple[Withheld, ...], dict[str, int]]:
    """What this run is for, in order; what it leaves and tells; and how much it leaves to others, by target. What needs
    something that is left is left with it."""
    if choose is None:
        return changes, (), {}
    kept: list[Change] = []
    withheld: list[Withheld] = []
    gone: dict[str, Leave] = {}
    left: dict[str, int] = {}
    for change in changes:
        needed = next((n for n in change.needs if n in gone), None)
        leave = choose(change)
        if leave is None and needed is not None:
            rule = gone[needed].rule
            leave = Leave(rule, "it needs a change that is held back" if gone[needed].why else "")
        if leave is None:
            kept.append(change)
            continue
        gone[change.id] = leave
        if leave.why:
            withheld.append(Withheld(change, leave.rule, leave.why))
        else:
            left[change.address.target] = left.get(change.address.target, 0) + 1
    return tuple(kept), tuple(withheld), left


def only_for(person: str, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Their changes, and what those need."""
    by_id = {c.id: c for c in changes}
    kept: set[str] = set()
    queue = [c.id for c in changes if c.identity == person]
    while queue:
        change_id = queue.pop()
        if change_id not in kept:
            kept.add(change_id)
            queue += by_id[change_id].needs
    return tuple(c for c in changes if c.id in kept)
