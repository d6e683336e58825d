"""What a run is for: which changes of a plan `expire`, `apply --reviewed` and `offboard --now` make.

Nothing is decided here about whether a change is right, only about whose turn it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from provisioner.model.change import Action, Cause, Change
from provisioner.model.effect import Direction
from provisioner.plan.plan import APPROVED_CAUSES, Plan, Withheld

if TYPE_CHECKING:
    from provisioner.engine import Choose, Leave

_DUE = frozenset({Cause.LEAVER, Cause.TIME, Cause.OUTSTANDING, Cause.REPAIR})


def is_due(change: Change) -> bool:
    """Whether it only takes away what nobody need ask for again: of leavers, by time, left by an earlier run, undone by
    hand; and accounts whose retention is over."""
    narrows = change.action is Action.DELETE or change.effect.direction is Direction.NARROWS
    return narrows and change.cause in _DUE


def only_due() -> Choose:
    """`expire`: what the files ask for beside is the next `apply`'s."""
    from provisioner.engine import Leave

    def choose(change: Change) -> Leave | None:
        return None if is_due(change) else Leave()

    return choose


def only_reviewed(reviewed: Plan) -> Choose:
    """`apply --reviewed`: what is due, and what the reviewed plan had, by what it does."""
    from provisioner.engine import Leave

    approved = frozenset(c.id for c in reviewed.changes if c.cause in APPROVED_CAUSES)

    def choose(change: Change) -> Leave | None:
        if is_due(change) or change.id in approved:
            return None
        return Leave("not-reviewed", "it is not in the plan that was reviewed")

    return choose


def only_narrowing(identities: Collection[str]) -> Choose:
    """`offboard --now`: what takes access from these, and nothing else."""
    from provisioner.engine import Leave

    def choose(change: Change) -> Leave | None:
        return None if change.identity in identities and change.effect.direction is Direction.NARROWS else Leave()

    return choose


def without_the_held(plan: Plan, held: Mapping[str, str]) -> tuple[tuple[Change, ...], tuple[Withheld, ...]]:
    """A saved plan's changes without what it gives to somebody who was cut off since, and what needs that."""
    kept: list[Change] = []
    out: dict[str, Withheld] = {}
    for change in plan.changes:
        words = None if change.effect.direction is Direction.NARROWS else held.get(change.identity or "")
        if words is not None or any(n in out for n in change.needs):
            why = f"{change.identity} was cut off {words}" if words else "it needs a change that is held back"
            out[change.id] = Withheld(change, "offboarded-now", why)
        else:
            kept.append(change)
    return tuple(kept), tuple(out.values())
