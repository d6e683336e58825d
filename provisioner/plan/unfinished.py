"""What earlier runs left undone: whether it still is, as far as the live systems tell."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.model.address import Kind
from provisioner.model.change import Action, Change
from provisioner.model.coverage import Verdict
from provisioner.model.outstanding import Outstanding
from provisioner.plan.side import Side


def still_open(item: Outstanding, sides: Mapping[str, Side], changes: list[Change]) -> bool:
    """Left over from an earlier run: until the live system proves otherwise. Something that is still to be done stands
    in the plan; something of an unreadable or short-read target cannot be told."""
    side = sides.get(item.address.target)
    if side is None:
        return True
    if any(c.address == item.address and c.action == item.action for c in changes):
        return True
    complete = side.coverage.at(item.address).verdict is Verdict.COMPLETE
    if item.action not in (Action.REVOKE, Action.DISABLE, Action.DELETE):
        return not complete
    if item.address in side.desired.state or _is_here(item, side):
        return False  # asked for again
    live = side.live.get(item.address)
    if live is None:
        return not complete
    return live.gives_access if item.action is Action.REVOKE else live.attributes.get("enabled") is not False


def _is_here(item: Outstanding, side: Side) -> bool:
    """Whether its holder has come back: their credentials are not looked at any more, and are theirs to use."""
    if item.address.kind is not Kind.CREDENTIAL:
        return False
    return any(i.id == item.identity and not i.suspended for i in side.desired.logins.values())
