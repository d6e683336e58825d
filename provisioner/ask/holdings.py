"""What an account holds on one target and should hold, joined: the part that all answers share."""

from __future__ import annotations

from provisioner.model.address import Address
from provisioner.model.answer import AccountFound, Holding, Live
from provisioner.model.coverage import Verdict
from provisioner.model.instant import Instant
from provisioner.model.match import Match
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.way import Ownership, Phase
from provisioner.plan.accounts import disabled_since
from provisioner.plan.side import Side, gaps_of

PEOPLE = frozenset({PrincipalKind.PERSON, PrincipalKind.SERVICE})
"""The kinds of principals that are accounts."""


def incomplete(side: Side) -> tuple[str, ...]:
    """What of the target was not read, in words."""
    return tuple(f"{gap.scope}: {gap.proof}" for gap in gaps_of(side.coverage))


def holding(side: Side, address: Address) -> Holding:
    """What is known of `address`, whose principal is an account."""
    have, want = side.live.get(address), side.desired.state.get(address)
    return Holding(
        address,
        _login(side, address),
        whose(side, address.principal),
        _live(side, address, have),
        want is not None,
        side.desired.because.get(address, ()),
        want.sources if want is not None else (),
        _end(have, want),
        tuple(w.via for w in have.ways if w.via is not None) if have is not None else (),
        next((w.locked_by for w in have.ways if w.locked_by), None) if have is not None else None,
        _note(side, address, have),
    )


def _login(side: Side, address: Address) -> str:
    """The account's name; of a group or of whoever else, what an address calls it."""
    who = address.principal
    if who is None:
        return address.object
    return who.id if who.kind in PEOPLE else who.text(side.target.name)


def whose(side: Side, principal: Principal | None) -> str | None:
    """The identity that an account belongs to, as far as it is known: live by its match, else as declared."""
    if principal is None or principal.kind not in PEOPLE:
        return None
    match = side.match_of(principal)
    if match is not None:
        return match.identity.id
    declared = side.desired.logins.get(principal.id)
    return declared.id if declared is not None else None


def account_found(match: Match) -> AccountFound:
    account = match.account
    how = "marked as ours" if match.ownership is Ownership.OWNED else f"known by {match.how.value}"
    return AccountFound(account.address, how, account.attributes.get("enabled"), disabled_since(account))


def _live(side: Side, address: Address, have: Resource | None) -> Live:
    if have is not None and have.gives_access:
        waits = all(w.phase in (Phase.PENDING, Phase.SCHEDULED) for w in have.ways if w.gives_access)
        return Live.WAITS if waits else Live.YES
    if address in side.proven_absent or side.coverage.at(address).verdict is Verdict.COMPLETE:
        return Live.NO
    return Live.UNKNOWN


def _end(have: Resource | None, want: Resource | None) -> Instant | None:
    if want is not None:
        return want.until
    if have is None:
        return None
    ends = [w.until for w in have.ways if w.gives_access]
    return max((e for e in ends if e is not None), default=None) if None not in ends else None


def _note(side: Side, address: Address, have: Resource | None) -> str:
    """Why something is held that nobody asks for, as far as that can be told."""
    if address in side.desired.state:
        return ""
    if side.over(address) is not None:
        return "its time is over"
    once = side.once(address)
    match = side.match_of(address.principal)
    if match is not None and match.departed:
        return "they have left: the next apply removes it"
    if once is not None:
        return f"the line that asked for it is gone (last in {once.revision})"
    if have is not None and not have.gives_access:
        return "gives no access"
    return "no line asks for it"
