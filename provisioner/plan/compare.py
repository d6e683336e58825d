"""One target: desired + live -> changes. The decision table, and nothing of how a system works.

| desired | live ways | plan |
| --- | --- | --- |
| yes | direct, active, equal | nothing |
| yes | unclaimed account | ADOPT if its immutable id is pinned or its e-mail matches; else error `account-taken` |
| yes | unclaimed account, `accounts: existing` | matched and used, unmarked |
| yes | direct, pending | nothing (it waits); a lapsed one is CREATE again |
| yes | inherited only | CREATE direct |
| either | only `locked_by` | nothing; finding `managed-upstream` |
| no | ours, one or more | one REVOKE that ends each way by its native id |
| no | ours + inherited or foreign | REVOKE ours; the outcome says what is still there |
| no | inherited only | nothing here: the edge is the other address |
| leaver | anything on a matched account | REVOKE all but foreign-marked and locked |

What is ours: a way that carries our mark, a line that the files had since the target last converged (history), a grant
whose time is over, a container that is declared completely, what the journal knows as left undone. Everything else that
nobody declared is a stray: listed and left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.contract import Inspects
from provisioner.diagnostics import Location, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Cause
from provisioner.model.coverage import what_follows
from provisioner.model.desired import Over
from provisioner.model.effect import Direction
from provisioner.model.identity import Identity
from provisioner.model.instant import format_instant
from provisioner.model.match import Match
from provisioner.model.resource import Resource
from provisioner.model.rotation import Rotation
from provisioner.model.slot import Slot
from provisioner.model.target import Mode
from provisioner.model.way import DIRECT, Evidence, Ownership, Phase
from provisioner.plan.accounts import plan_accounts
from provisioner.plan.grounds import ground_for, holder_is_foreign, leaver, newly_managed, of_another_owner
from provisioner.plan.ignored import Ignoring, tell_of_entries
from provisioner.plan.near import near_misses
from provisioner.plan.plan import Stray, Waiting
from provisioner.plan.released import plan_released
from provisioner.plan.rotation import known_of
from provisioner.plan.side import Drafts, Side, TargetPlan, differences, gaps_of


def compare(side: Side) -> TargetPlan:
    """The plan of one target; for mode `report` its differences are told as notes instead."""
    drafts = Drafts(side)
    drafts.out.diagnostics += side.matched.problems
    drafts.out.diagnostics += side.desired.unsupported
    blocked = side.matched.blocked | side.desired.impossible
    blocked |= plan_accounts(drafts, blocked)
    there = _wanted(drafts, blocked)
    if there < len(side.live) - len(side.live.of_kind(Kind.ACCOUNT)):
        _unwanted(drafts, blocked)
    _not_begun(drafts)
    plan_released(drafts)
    tell_of_entries(drafts)
    _inspected(drafts)
    _tell_gaps(drafts)
    if side.target.mode is Mode.REPORT:
        for change in drafts.out.changes:
            drafts.problem(
                "report-only",
                f"differs, and nothing is written in mode `report`: {change.words}",
                Severity.NOTE,
                location=change.sources[0] if change.sources else None,
                why=change.why,
            )
        drafts.out.reported = list(drafts.out.changes)
        drafts.out.changes.clear()
    return drafts.out


def _inspected(drafts: Drafts) -> None:
    """What the provider has to say of the accounts that are there."""
    side = drafts.side
    if not isinstance(side.declare, Inspects):
        return

    def whose(login: str) -> Identity | None:
        match = side.matched.by_login.get(login)
        return match.identity if match is not None else None

    def made(who: Identity, kind: str) -> Rotation | None:
        slot = Slot(who.id, side.target.name, kind)
        return known_of(side.rotations, slot, who.was) if side.rotations is not None else None

    drafts.out.diagnostics += side.declare.inspect(side.live, whose, made, side.now)


def _tell_gaps(drafts: Drafts) -> None:
    """A short read is told loudly, with what is held back because of it."""
    gaps = gaps_of(drafts.side.coverage)
    if not gaps and not drafts.out.held_back:
        return
    held = f"{drafts.out.held_back} changes are held back; " if drafts.out.held_back else ""
    drafts.problem(
        "incomplete-read",
        f"{drafts.side.target.name} could not be read completely: {held}{what_follows(gaps)}",
        Severity.WARNING,
        why="; ".join(f"{gap.scope}: {gap.proof}" for gap in gaps[:5]),
        fix="see what the credential needs in the page of its provider, and run again",
    )


def _wanted(drafts: Drafts, blocked: set[str]) -> int:
    """What the files ask for and is not there, or not like that. How many of the rest are there, accounts aside."""
    there = 0
    side = drafts.side
    blocked_groups = near_misses(drafts)
    pending: dict[str, Resource] = {}
    coverage, wanted = side.coverage, side.desired.state.resources
    for (address, want), have in zip(wanted.items(), map(side.live.resources.get, wanted), strict=True):
        if address.kind is Kind.ACCOUNT:
            continue
        if have is not None:
            there += 1
            if _is_so(have, want):
                continue
        identity = _identity(side, address)
        if have is None or not any(w.via is None and (w.gives_access or w.locked_by) for w in have.ways):
            if identity is not None and identity.id in blocked:
                continue
            if (address.object in blocked_groups and address.kind in (Kind.GROUP, Kind.MEMBERSHIP)) or (
                have is not None and any(w.locked_by for w in have.ways)
            ):
                continue
            if not coverage.is_complete(address.kind, _of(address)) and address not in side.proven_absent:
                drafts.out.unproven.add(address)
                drafts.out.held_back += 1
                continue
            _create(drafts, address, want, identity)
            continue
        if identity is not None and identity.id in blocked:
            continue
        hides = coverage.at(address).hides | have.hides
        was, becomes = differences(have.attributes, want.attributes, hides)
        if becomes:
            _update(drafts, address, have, want, identity, (was, becomes))
        elif identity is not None and all(w.phase is Phase.PENDING for w in have.ways if w.gives_access):
            pending.setdefault(identity.id, have)
    drafts.out.waiting += [_waits_for(who, have) for who, have in pending.items()]
    return there


def _create(drafts: Drafts, address: Address, want: Resource, identity: Identity | None) -> None:
    """What is asked for and is not there."""
    drafts.add(
        Action.CREATE,
        address,
        None,
        want,
        cause=Cause.DECLARED,
        why=_why_wanted(drafts.side, address),
        identity=identity.id if identity else None,
        sources=want.sources,
        starts=want.starts,
        ends=want.until,
    )


def _update(
    drafts: Drafts,
    address: Address,
    have: Resource,
    want: Resource,
    identity: Identity | None,
    attributes: tuple[Mapping[str, Any], Mapping[str, Any]],
) -> None:
    """What is there and otherwise: `attributes` as they are, and as they become."""
    lapsed = _lapsed_to(drafts.side, have, want, identity)
    drafts.add(
        Action.UPDATE,
        address,
        have,
        want,
        cause=Cause.DECLARED if lapsed is None else Cause.TIME,
        why="the files say otherwise" if lapsed is None else f"what gave more ended {format_instant(lapsed.until)}",
        identity=identity.id if identity else None,
        sources=want.sources if lapsed is None else lapsed.sources,
        starts=want.starts,
        ends=want.until,
        attributes=attributes,
    )


def _waits_for(who: str, have: Resource) -> Waiting:
    """Somebody who was let in and has to say yes: told once for each target, whatever all hangs on it."""
    lapses = min((w.until for w in have.ways if w.until is not None), default=None)
    return Waiting(have.address, Action.CREATE, None, who, f"lapses {lapses:%Y-%m-%d %H:%M} UTC" if lapses else "")


def _lapsed_to(side: Side, have: Resource, want: Resource, identity: Identity | None) -> Over | None:
    """The line that gave more of this to whoever has it, and whose time is over; what is left of it is less."""
    over = side.desired.over.get(want.address)
    if over is None or identity is None or over.identity != identity.id:
        return None
    return over if side.declare.effect(have, want, side.live).direction is Direction.NARROWS else None


def _is_so(have: Resource, want: Resource) -> bool:
    """The first row of the table, at its plainest: nearly all of a plan, so it is looked for first."""
    if len(have.ways) != 1 or (want.attributes and have.attributes != want.attributes):
        return False
    way = have.ways[0]
    return way is DIRECT or (way.via is None and way.phase is Phase.ACTIVE)


def _not_begun(drafts: Drafts) -> None:
    """Grants whose time has not come: they are shown, and given when it has."""
    side = drafts.side
    for address, (starts, who) in side.desired.later.items():
        if address not in side.desired.state:
            drafts.out.waiting.append(Waiting(address, Action.CREATE, starts, who, "the grant has not begun"))


def _of(address: Address) -> str:
    if address.kind is Kind.CREDENTIAL and address.principal is not None:
        return address.principal.id
    return address.object


def _identity(side: Side, address: Address) -> Identity | None:
    principal = address.principal
    return side.desired.logins.get(principal.id) if principal is not None and principal.is_account else None


def _why_wanted(side: Side, address: Address) -> str:
    because = side.desired.because.get(address)
    if not because:
        if _identity(side, address) is not None:
            return "declared with its account"
        explicit = address in side.desired.explicit
        return f"declared under {side.target.family}" if explicit else "named by a role"
    roles = dict.fromkeys(" > ".join(b.path) for b in because)
    return "role " + ", ".join(roles)


def _unwanted(drafts: Drafts, blocked: set[str]) -> None:
    """What is there and not asked for: taken away where it is ours, listed where it is not."""
    side = drafts.side
    live = side.live.resources
    unasked = {a for a in set(live).difference(side.desired.state.resources) if a.kind is not Kind.ACCOUNT}
    ignoring = Ignoring(side)
    for address in [a for a in live if a in unasked] if unasked else ():
        have = live[address]
        match = side.match_of(address.principal)
        if match is not None and match.identity.id in blocked:
            continue
        if match is not None and match.departed:
            _revoke(drafts, have, match, *leaver(side, match))
            continue
        if not have.gives_access or (address.kind is Kind.CREDENTIAL and match is not None):
            continue  # a suspended person's keys are read to be switched off with the account, and come back with it
        meant = ignoring.of(address)
        ground = ground_for(side, have, meant=meant is not None)
        if ground is not None:
            _revoke(drafts, have, match, *ground)
        elif meant is not None:
            drafts.out.ignored.append((address, meant))
        elif any(w.via is None and w.gives_access for w in have.ways):
            newly = address.principal is not None and newly_managed(side, address)
            who = match.identity.id if match else None
            drafts.out.strays.append(Stray(address, _why_stray(side, address, match), who, newly))


def _why_stray(side: Side, address: Address, match: Match | None) -> str:
    managed = (address.kind, address.object) in side.desired.managed
    if address.principal is not None and newly_managed(side, address):
        return "newly managed: held before its group or grant was; stays until it is acknowledged"
    if match is not None:
        return f"{match.identity.id} holds it, and no line asks for it"
    if address.principal is not None and not side.coverage.is_complete(Kind.ACCOUNT):
        return "whose it is cannot be told: accounts were not read completely"
    if managed and of_another_owner(side, address):
        return "the group carries the mark of another owner, who declares who is in it"
    if managed and holder_is_foreign(side, address):
        return "the account that has it carries the mark of another owner, who declares what it has"
    if managed:
        return "a holder that nobody declares"
    return "nobody declares it"


def _revoke(
    drafts: Drafts,
    have: Resource,
    match: Match | None,
    cause: Cause,
    evidence: Evidence,
    why: str,
    sources: tuple[Location, ...],
) -> None:
    side = drafts.side
    address = have.address
    locked = [w for w in have.ways if w.locked_by and w.gives_access]
    if locked:
        drafts.problem(
            "managed-upstream",
            f"{address} cannot be changed there: it comes from {locked[0].locked_by}",
            Severity.WARNING,
            why="the system refuses changes of what is synced into it",
            fix=f"remove it at {locked[0].locked_by}",
        )
    ends = tuple(
        w
        for w in have.ways
        if w.gives_access and w.via is None and not w.locked_by and w.ownership is not Ownership.FOREIGN
    )
    if not ends:
        return
    if holder_is_foreign(side, address):
        why += "; the account that has it carries the mark of another owner"
    named = side.person is not None and match is not None and match.identity.id == side.person
    rests_on_both = side.coverage.is_complete(address.kind, _of(address)) and side.coverage.is_complete(Kind.ACCOUNT)
    if not rests_on_both and not named:
        drafts.out.held_back += 1
        return
    drafts.add(
        Action.REVOKE,
        address,
        have,
        None,
        attributes=({k: v for k, v in have.attributes.items() if k not in side.declare.capabilities.passing}, None),
        cause=cause,
        why=why,
        identity=match.identity.id if match else None,
        evidence=evidence,
        ways=ends,
        sources=sources,
        reversible=side.declare.reversible(have),
    )
