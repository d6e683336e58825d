"""What differs between the files and the systems: changed by hand since it was in order, or not applied yet.

Judged by what the files asked for when the target last converged. Where it never did, all is still to be applied.
"""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.contract import FINDINGS
from provisioner.model.address import Kind
from provisioner.model.answer import Difference, Differs, Drift, TargetDrift, Unclaimed
from provisioner.model.change import Action, Cause, Change
from provisioner.model.instant import Instant
from provisioner.model.way import Evidence
from provisioner.plan.side import Side, TargetPlan, gaps_of

_NOTES = FINDINGS | {"ignore-expired", "ignore-unused", "run-left-over"}


def drift(
    sides: Mapping[str, Side],
    parts: Mapping[str, TargetPlan],
    unread: Mapping[str, str],
    read_at: Instant,
) -> Drift:
    """`parts` are what was planned for each target, before any rule held some of it back: that differs all the same."""
    found = [_target(name, sides[name], part) for name, part in parts.items()]
    found += [TargetDrift(name, False, incomplete=(why,)) for name, why in unread.items()]
    return Drift(tuple(sorted(found, key=lambda t: t.target)), read_at)


def _target(name: str, side: Side, part: TargetPlan) -> TargetDrift:
    differences = [
        Difference(c.address, _differs(c, side), c.words, c.identity, c.why, c.sources)
        for c in (*part.changes, *part.reported)
    ]
    incomplete = [f"{gap.scope}: {gap.proof}" for gap in gaps_of(side.coverage)]
    if part.held_back and not incomplete:
        incomplete = [f"{part.held_back} changes rest on what was not read"]
    return TargetDrift(
        name,
        side.past.mode is not None,
        tuple(sorted(differences, key=lambda d: (d.differs.value, str(d.address), d.words))),
        tuple(sorted((Unclaimed(s.address, s.why, s.identity) for s in part.strays), key=lambda s: str(s.address))),
        tuple(
            sorted(
                (Unclaimed(a, "", None, i.owner, i.reason, i.until) for a, i in part.ignored),
                key=lambda s: str(s.address),
            )
        ),
        tuple(d.message for d in (*part.diagnostics, *side.reading.warnings) if d.code in _NOTES),
        sum(d.is_error for d in part.diagnostics),
        tuple(incomplete),
    )


def _differs(change: Change, side: Side) -> Differs:
    """Whether the system moved, or the files did."""
    then = side.past.settled.get(change.address) if side.past.mode is not None else None
    if change.cause in (Cause.TIME, Cause.LEAVER, Cause.SOURCE, Cause.OUTSTANDING):
        return Differs.PENDING
    match change.action:
        case Action.CREATE:
            return Differs.MISSING if then is not None else Differs.PENDING
        case Action.REVOKE:
            added = change.evidence in (Evidence.CONTAINER, Evidence.MARK) and then is None
            return Differs.EXTRA if added else Differs.PENDING
        case Action.UPDATE | Action.DISABLE | Action.ENABLE:
            after = change.after or {}
            same = then is not None and all(then.attributes.get(k) == v for k, v in after.items())
            return Differs.CHANGED if same or change.cause is Cause.REPAIR else Differs.PENDING
        case Action.RENAME:
            return Differs.CHANGED if then is not None else Differs.PENDING
        case Action.ADOPT:
            return Differs.CHANGED if then is not None and change.address.kind is Kind.ACCOUNT else Differs.PENDING
    return Differs.PENDING
