"""What the files stopped giving and no reading shows: gone, or merely hidden from a bulk read.

Told so that whoever calls a target in order asks for these by name first; from then on nobody would know of them. So
are roles of services that lost their mark: only a plan that knows what the files said reads them. Not for what a plan
takes away: that is read back. Bounded: everything of leavers, of others as far as they are not too many.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from provisioner.model.address import Address, Kind
from provisioner.model.change import Change
from provisioner.model.identity import is_keyless
from provisioner.model.ownership import ownership
from provisioner.model.way import Ownership
from provisioner.plan.side import Side

MOST_ADDRESSES = 1000
MOST_PEOPLE = 2000
"""Of more people than that who changed, only those who left are looked into."""


def unseen(side: Side, changes: Iterable[Change]) -> tuple[Address, ...]:
    """`changes` are those of the plan of this target."""
    if not side.past.once:
        return ()  # nothing was in force here
    planned = {c.address for c in changes}
    desired, live = side.desired.state, side.live
    given = (a for login in _logins(side) for a in side.past.given_to(login))
    found = (a for a in given if a not in desired and (a not in live or _known_by_the_past_alone(side, a)))
    return tuple(sorted({a for a in found if a not in planned}, key=str)[:MOST_ADDRESSES])


def _known_by_the_past_alone(side: Side, address: Address) -> bool:
    """Whether it is a role that carries nobody's mark, or hangs on one: no other plan reads it."""
    login = address.principal.id if address.principal is not None else address.object
    if not is_keyless(login) or login in side.matched.by_login:
        return False
    account = side.live.get(Address(address.target, Kind.ACCOUNT, login))
    return account is not None and ownership(account, side.owner) is Ownership.UNCLAIMED


def _logins(side: Side) -> Iterator[str]:
    """Under which somebody may have been given something that they are not to have now."""
    logins = side.past.logins
    gone = {name for who, (identity, _) in side.departed.items() for name in (who, *identity.was)}
    people = [who for who in logins if who in gone or len(logins) <= MOST_PEOPLE]
    yield from {login for who in people for login in logins[who]}
