"""What ends being managed: it stays as it is, our mark comes off it, and the plan says so, a line for each thing.

What was given by a line that is gone is taken back as ever, also by the last one that named a group. Released is the
rest: the group itself, and the holders who are nobody's business any more. Nobody loses anything by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from provisioner.diagnostics import Severity
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Cause
from provisioner.model.match import Match
from provisioner.model.ownership import ownership
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.target import AccountsPolicy, Mode
from provisioner.model.way import Ownership
from provisioner.plan.side import Drafts, gaps_of

Thing = tuple[Kind, str]


def plan_released(drafts: Drafts) -> None:
    """Called last: what stays is what no change of the plan takes away."""
    side = drafts.side
    if side.target.mode is Mode.REPORT:
        _reported(drafts)
        return
    if not (side.past.once or side.past.complete or side.target.accounts is AccountsPolicy.EXISTING):
        return
    stays = _staying(drafts)
    ended = {(_as_thing(kind), name) for kind, name in side.past.once} - {
        (_as_thing(kind), name) for kind, name in side.desired.managed
    }
    for thing in sorted(ended):
        _end(drafts, thing, stays.get(thing, Counter()), "no line names it any more")
    if side.target.mode is not Mode.FULL:
        full = {(_as_thing(kind), name) for kind, name in side.past.managed} - ended
        for thing in sorted(t for t in full if stays.get(t)):
            why = f"mode {side.target.mode.value}: who else holds it is not looked at any more"
            _end(drafts, thing, stays[thing], why)
    for kind, who in sorted(side.past.complete - side.complete_sets, key=str):
        if who.kind is PrincipalKind.GROUP and (Kind.GROUP, who.id) not in ended:
            held = _held(drafts, who, kind)
            if held:
                _end(
                    drafts, (Kind.GROUP, who.id), Counter({kind.value: held}), f"its {kind.value}s are not declared now"
                )
    if side.target.accounts is AccountsPolicy.EXISTING:
        _accounts(drafts)
    released = {c.address for c in drafts.out.changes if c.action is Action.RELEASE}
    if released:
        drafts.out.strays = [s for s in drafts.out.strays if s.address not in released]


def _as_thing(kind: Kind) -> Kind:
    """A group and who is in it are one thing."""
    return Kind.GROUP if kind is Kind.MEMBERSHIP else kind


def _staying(drafts: Drafts) -> dict[Thing, Counter[str]]:
    """By thing: what hangs on it that nobody asks for, and that this plan does not take away."""
    side = drafts.side
    goes = {c.address for c in drafts.out.changes if c.action is Action.REVOKE}
    found: dict[Thing, Counter[str]] = {}
    for resource in side.live:
        address = resource.address
        if address.principal is None or address.kind not in (Kind.MEMBERSHIP, Kind.GRANT) or not resource.gives_access:
            continue
        if address in side.desired.state or address in goes:
            continue
        found.setdefault((_as_thing(address.kind), address.object), Counter())[address.kind.value] += 1
    return found


def _held(drafts: Drafts, who: Principal, kind: Kind) -> int:
    side = drafts.side
    goes = {c.address for c in drafts.out.changes if c.action is Action.REVOKE}
    held: Iterable[Resource] = side.live.held_by(who)
    return sum(r.address.kind is kind and r.gives_access and r.address not in goes for r in held)


def _end(drafts: Drafts, thing: Thing, stays: Counter[str], why: str) -> None:
    """One line for one thing: with our mark taken off it, where it is a group that carries one and can be marked."""
    side = drafts.side
    kind, name = thing
    address = Address(side.target.name, kind, name)
    live = side.live.get(address)
    if live is None and (kind is Kind.GROUP or not stays):
        return
    marked = (
        live is not None
        and not any(k == kind for k, n in side.desired.managed if n == name)
        and kind in side.declare.capabilities.marks
        and live.mark is not None
        and ownership(live, side.owner) is Ownership.OWNED
    )
    key = live.mark.key if marked and live is not None and live.mark is not None else None
    told = " and ".join(f"{n:,} {what}{'' if n == 1 else 's'}" for what, n in sorted(stays.items()) if n)
    stay = f"{told} {'stays' if sum(stays.values()) == 1 else 'stay'} as they are" if told else "it stays as it is"
    if told and sum(stays.values()) == 1:
        stay = f"{told} stays as it is"
    drafts.add(
        Action.RELEASE,
        address,
        live if live is not None else Resource(address),
        None,
        cause=Cause.DECLARED,
        why=why,
        attributes=({"mark": key}, {"mark": None}) if key is not None else ({}, {}),
        words=f"release {kind.value} {name}: {stay}",
    )


def _accounts(drafts: Drafts) -> None:
    """Accounts that are somebody else's job now: our mark comes off. A leaver's only with the last that they hold: the
    mark is how they are known, and what cannot be taken away must not be forgotten."""
    side = drafts.side
    whole = all(side.coverage.is_complete(k) for k in (Kind.ACCOUNT, Kind.MEMBERSHIP, Kind.GRANT))
    if not whole or drafts.out.held_back or gaps_of(side.coverage):
        return
    goes = {c.address for c in drafts.out.changes if c.action is Action.REVOKE}
    for match in side.matched.by_login.values():
        if match.ownership is not Ownership.OWNED or match.identity.id in side.matched.blocked:
            continue
        if match.departed:
            names = [Principal(side.target.name, k, match.login) for k in (PrincipalKind.PERSON, PrincipalKind.SERVICE)]
            held = [r for name in names for r in side.live.held_by(name) if r.gives_access]
            read = side.coverage.is_complete(Kind.CREDENTIAL, match.login)
            if not read or any(r.address not in goes for r in held):
                continue
        elif match.login != match.identity.login_on(side.target.name):
            continue
        _unmark(drafts, match)


def _unmark(drafts: Drafts, match: Match) -> None:
    key = match.account.mark.key if match.account.mark is not None else None
    drafts.add(
        Action.RELEASE,
        match.account.address,
        match.account,
        None,
        cause=Cause.DECLARED,
        why="`accounts: existing`: the account is somebody else's to manage",
        identity=match.identity.id,
        sources=(match.identity.location,),
        attributes=({"mark": key}, {"mark": None}),
    )


def _reported(drafts: Drafts) -> None:
    """Mode `report` writes nothing, so not even a mark is taken off: what is not managed any more is counted."""
    side = drafts.side
    if side.past.mode is None or side.past.mode is Mode.REPORT:
        return
    names = {name for kind, name in side.past.once if kind in (Kind.MEMBERSHIP, Kind.GRANT)}
    held = Counter(
        r.address.kind.value
        for r in side.live
        if r.address.kind in (Kind.MEMBERSHIP, Kind.GRANT) and r.address.object in names and r.gives_access
    )
    accounts = sum(m.ownership is Ownership.OWNED for m in side.matched.by_login.values())
    counted = [(accounts, "account"), *((held[k.value], k.value) for k in (Kind.MEMBERSHIP, Kind.GRANT))]
    told = [f"{n:,} {what}{'' if n == 1 else 's'}" for n, what in counted if n]
    if told:
        drafts.problem(
            "target-released",
            f"{side.target.name} is in mode `report` now: {', '.join(told)} stay as they are, with their marks",
            Severity.NOTE,
            location=side.target.location,
            why=f"it was in mode `{side.past.mode.value}` when it was last in order; leavers there keep what they hold",
            fix=f"to go on managing it, say `mode: {side.past.mode.value}`",
        )
