"""By which evidence something that nobody asks for is ours to take away; without one it is left alone."""

from __future__ import annotations

from provisioner.diagnostics import Location
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Cause
from provisioner.model.instant import format_instant
from provisioner.model.match import Match
from provisioner.model.ownership import ownership
from provisioner.model.resource import Resource
from provisioner.model.target import Mode
from provisioner.model.way import Evidence, Ownership
from provisioner.plan.side import Side, leaver_cause, why_left

Ground = tuple[Cause, Evidence, str, tuple[Location, ...]]


def leaver(side: Side, match: Match) -> Ground:
    """Why a leaver's access goes: it hangs on their account."""
    return leaver_cause(side.now, match), Evidence.SUBJECT, why_left(side.now, match), (match.identity.location,)


def ground_for(side: Side, have: Resource, *, meant: bool = False) -> Ground | None:
    """Whether something that nobody asks for is ours to take away, and by which evidence. What is `meant` (a stray that
    the files tell to ignore) and what no account holds (an unknown name, a nested group) stay in mode `full` too."""
    address = have.address
    if address.principal is not None and _marked_as_ours(side, have):
        return Cause.DECLARED, Evidence.MARK, "no line asks for it any more, and it carries our mark", ()
    principal = address.principal
    if principal is not None and (address.kind, principal) in side.complete_sets:
        return Cause.DECLARED, Evidence.CONTAINER, f"{principal} is declared completely, without it", ()
    over = side.over(address)
    if over is not None:
        return Cause.TIME, Evidence.HISTORY, f"the grant ended {format_instant(over.until)}", over.sources
    once = side.once(address)
    if once is not None:
        later = side.later(address)
        if later is not None:
            return Cause.TIME, Evidence.HISTORY, f"the grant begins {format_instant(later)}", once.sources
        return (
            Cause.DECLARED,
            Evidence.HISTORY,
            f"the line that asked for it is gone (last in {once.revision})",
            once.sources,
        )
    if any(o.address == address and o.action is Action.REVOKE for o in side.outstanding):
        return Cause.OUTSTANDING, Evidence.JOURNAL, "an earlier run was to remove it and could not", ()
    if (
        side.target.mode is Mode.FULL
        and not meant
        and principal is not None
        and principal.is_account
        and (address.kind, address.object) in side.desired.managed
        and not newly_managed(side, address)
        and not of_another_owner(side, address)
        and not (address.kind is Kind.GRANT and holder_is_foreign(side, address))
    ):
        return Cause.DECLARED, Evidence.CONTAINER, f"nobody declares it, and {address.object} is managed fully", ()
    return None


def of_another_owner(side: Side, address: Address) -> bool:
    """Whether the group that somebody is in carries the mark of another owner: who else is in it is theirs to say."""
    if address.kind is not Kind.MEMBERSHIP:
        return False
    group = side.live.get(Address(address.target, Kind.GROUP, address.object))
    return group is not None and ownership(group, side.owner) is Ownership.FOREIGN


def holder_is_foreign(side: Side, address: Address) -> bool:
    """Whether another repository answers for the account that has something."""
    who = address.principal
    account = (
        side.live.get(Address(address.target, Kind.ACCOUNT, who.id)) if who is not None and who.is_account else None
    )
    return account is not None and ownership(account, side.owner) is Ownership.FOREIGN


def _marked_as_ours(side: Side, have: Resource) -> bool:
    """Whether the system holds our mark on this very grant, or on one of its ways."""
    if any(w.ownership is Ownership.OWNED for w in have.ways):
        return True
    return have.mark is not None and ownership(have, side.owner) is Ownership.OWNED


def newly_managed(side: Side, address: Address) -> bool:
    """Held before its group or grant came under full management: at the last converged run it was not managed, or was
    kept then for the same reason; and nobody acknowledged that it goes."""
    if side.target.mode is not Mode.FULL or (address.kind, address.object) not in side.desired.managed:
        return False
    if address in side.let_go:
        return False
    return (address.kind, address.object) not in side.past.managed or str(address) in side.kept
