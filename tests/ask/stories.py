"""One company over the memory provider, asked about in several ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.ask import Done, Sought, receipt
from provisioner.ask.receipt import match_of, with_credentials
from provisioner.engine import Planned, Situation, make_plan
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.answer import Receipt, TargetReceipt
from provisioner.model.coverage import Scope
from provisioner.model.identity import Identity
from provisioner.resolve.desired import desire
from tests.builders import NOW
from tests.worlds import OWNER, a_role, files, situation, someone


def company(*people: Identity) -> DeclaredAccess:
    roles = [a_role("everyone", ["staff"]), a_role("developer", ["dev"], includes=("everyone",))]
    return files(people or (someone("ada", "developer"), someone("mia", "everyone")), roles)


def asked(declared: DeclaredAccess, *before: DeclaredAccess, **more: Any) -> tuple[Situation, Planned]:
    where = situation(declared, *before, **more)
    return where, make_plan(where)


def receipt_for(
    who: Identity,
    declared: DeclaredAccess,
    last: DeclaredAccess | None = None,
    *,
    done: tuple[Done, ...] = (),
    **more: Any,
) -> Receipt:
    """As the command does it: plan, find their accounts, read the credentials on them, tell."""
    where, planned = asked(declared, **more)
    had: Mapping[str, frozenset[Any]] = {}
    if last is not None:
        had = {
            name: frozenset(a for a in d.state.resources if a.principal is not None or a.kind is Kind.ACCOUNT)
            for name, d in desire(last, where.declares, None, only=[who]).items()
        }
        had = {n: frozenset(a for a in found if who.login_on(n) in _names(a)) for n, found in had.items()}
    sought = Sought(who, "rev1" if last is not None else None, had, done)
    sides = dict(planned.sides)
    for name, side in planned.sides.items():
        match = match_of(sought, declared, side, OWNER).by_identity.get(who.id)
        if match is not None:
            reader = where.connections[name].reader()
            sides[name] = with_credentials(side, reader.read(frozenset({Scope(Kind.CREDENTIAL, match.login)})))
    unread = {n: v.failed for n, v in planned.plan.targets.items() if v.failed is not None}
    return receipt(sought, declared, sides, unread, owner=OWNER, now=NOW)


def _names(address: Any) -> tuple[str, ...]:
    return (address.object, address.principal.id if address.principal is not None else "")


def only(found: Receipt) -> TargetReceipt:
    (target,) = found.targets
    return target
