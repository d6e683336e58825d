"""What a run is for: which changes of a plan `expire`, `apply --reviewed` and `offboard --now` make.

Nothing is decided here about whether a change is right, only about whose turn it is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from provisioner.model.change import Action, Cause, Change
from provisioner.model.desired import Desired
from provisioner.model.effect import Direction
from provisioner.plan.plan import APPROVED_CAUSES, Plan, Withheld
from provisioner.plan.turns import Choose, Leave

_DUE = frozenset({Cause.LEAVER, Cause.SOURCE, Cause.TIME, Cause.OUTSTANDING, Cause.REPAIR})


def is_due(change: Change) -> bool:
    """Whether it only takes away what nobody need ask for again: of leavers, by time, left by an earlier run, undone by
    hand; and accounts whose retention is over."""
    narrows = change.action is Action.DELETE or change.effect.direction is Direction.NARROWS
    return narrows and change.cause in _DUE


def only_due() -> Choose:
    """`expire`: what the files ask for beside is the next `apply`'s."""

    def choose(change: Change) -> Leave | None:
        return None if is_due(change) else Leave()

    return choose


def only_reviewed(*reviewed: Plan) -> Choose:
    """`apply --reviewed`: what is due, and what the reviewed plans had, by what it does."""
    approved = frozenset(c.id for plan in reviewed for c in plan.changes if c.cause in APPROVED_CAUSES)

    def choose(change: Change) -> Leave | None:
        if is_due(change) or change.id in approved:
            return None
        return Leave("not-reviewed", "it is not in the plan that was reviewed")

    return choose


def only_approved(
    wanted: Mapping[str, Desired], approved: Mapping[str, Desired], otherwise: Choose | None, why: str
) -> Choose:
    """What gives access, only if the files as they stand approved ask for the very same; and what `otherwise` says.

    What neither state of the files has by this address (somebody's login is another by now) is not known to be
    approved."""

    def stands(change: Change) -> bool:
        name = change.address.target
        now, then = (known[name].state.get(change.address) if name in known else None for known in (wanted, approved))
        if now is None or then is None:
            return False
        return (now.attributes, now.starts, now.until) == (then.attributes, then.starts, then.until)

    def choose(change: Change) -> Leave | None:
        if change.effect.direction is not Direction.NARROWS and not stands(change):
            return Leave("approval-missing", why)
        return otherwise(change) if otherwise is not None else None

    return choose


def only_narrowing(identities: Collection[str]) -> Choose:
    """`offboard --now`: what takes access from these, and nothing else."""

    def choose(change: Change) -> Leave | None:
        return None if change.identity in identities and change.effect.direction is Direction.NARROWS else Leave()

    return choose


def without_the_held(
    plan: Plan, held: Mapping[str, str], declared: Collection[str]
) -> tuple[tuple[Change, ...], tuple[Withheld, ...]]:
    """A saved plan's changes without what it gives to somebody who was cut off since, without what it takes from
    somebody who was cut off then and is not now, and without what needs either. `declared` are those who are."""
    kept: list[Change] = []
    out: dict[str, Withheld] = {}
    for change in plan.changes:
        why = _against(change, held, declared)
        if why is None and any(n in out for n in change.needs):
            why = "it needs a change that is held back"
        if why is None:
            kept.append(change)
        else:
            out[change.id] = Withheld(change, "offboarded-now", why)
    return tuple(kept), tuple(out.values())


def _against(change: Change, held: Mapping[str, str], declared: Collection[str]) -> str | None:
    who = change.identity or ""
    if who in held and change.effect.direction is not Direction.NARROWS:
        return f"{who} was cut off {held[who]}"
    if who in declared and change.cause in (Cause.LEAVER, Cause.SOURCE):  # of the same files: it comes from a hold
        return f"{who} was cut off when this plan was made, and is not now"
    return None
