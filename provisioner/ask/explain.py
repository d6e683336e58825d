"""Why somebody has access: every address with the path of roles to it, the lines that ask for it, and its end; and what
they hold that nobody asks for.
"""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.ask.holdings import account_found, holding, incomplete
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address
from provisioner.model.answer import ExplainedTarget, Explanation
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.plan.plan import Plan
from provisioner.plan.side import Side


def explain(
    who: str, declared: DeclaredAccess, sides: Mapping[str, Side], plan: Plan, unread: Mapping[str, str]
) -> Explanation | None:
    """None where nobody of that id is declared, was since the targets converged, or is marked on a live account.
    `unread` are targets of which nothing was read, and why.
    """
    here = declared.identities.get(who)
    found = here
    revision = ""
    for side in sides.values():
        match = side.matched.by_identity.get(who)
        gone = side.past.departed.get(who)
        if found is None and gone is not None:
            found, revision = gone
        if found is None and match is not None:
            found, revision = match.identity, match.revision
    if found is None:
        return None
    targets = [_on(found, sides[name], plan) for name in sorted(sides)]
    targets += [ExplainedTarget(name, False, None, incomplete=(unread[name],)) for name in sorted(unread)]
    told = tuple(t for t in targets if t.wanted or t.account or t.holdings or t.later or t.over or t.incomplete)
    return Explanation(found, here is not None and not here.departed_at(plan.as_of), revision, told)


def _on(identity: Identity, side: Side, plan: Plan) -> ExplainedTarget:
    match = side.matched.by_identity.get(identity.id)
    wanted = {login for login, i in side.desired.logins.items() if i.id == identity.id}
    logins = wanted | ({match.login} if match is not None else set())
    name = side.target.name
    kinds = (PrincipalKind.PERSON, PrincipalKind.SERVICE)
    held: set[Address] = set()
    for principal in (Principal(name, kind, login) for login in logins for kind in kinds):
        if match is None and principal.id not in wanted:
            continue
        held.update(r.address for r in side.desired.state.held_by(principal))
        if match is not None:  # without a match the live account of that login is somebody else's
            held.update(r.address for r in side.live.held_by(principal) if r.ways)
    rows = [holding(side, address) for address in held]
    return ExplainedTarget(
        name,
        bool(wanted),
        account_found(match) if match is not None else None,
        tuple(sorted(rows, key=lambda h: (not h.asked, str(h.address)))),
        tuple(sorted(_later(identity, side), key=lambda p: (p[1], str(p[0])))),
        tuple(sorted(((a, o.until) for a, o in side.desired.over.items() if o.identity == identity.id), key=str)),
        sum(c.identity == identity.id and c.address.target == name for c in plan.changes),
        incomplete(side),
    )


def _later(identity: Identity, side: Side) -> list[tuple[Address, Instant]]:
    return [
        (address, starts)
        for address, (starts, who) in side.desired.later.items()
        if who == identity.id and address not in side.desired.state
    ]
