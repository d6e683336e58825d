"""Old work that this plan does not speak of: looked at, and only what is proven to need nothing is settled.

What an earlier run could not take away stays outstanding until a look shows it gone, or the engine tells why nobody
wants it gone any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from provisioner.apply.cut import end_sessions
from provisioner.apply.freshness import seen
from provisioner.apply.worker import Site
from provisioner.contract import ProviderError, Reading
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Cause, Change
from provisioner.model.effect import Direction, Effect
from provisioner.model.resource import Resource
from provisioner.records.chain import Chain
from provisioner.records.entries import Settled, Step
from provisioner.records.tail import OpenItem

_TAKES = frozenset({Action.REVOKE.value, Action.DELETE.value, Action.DISABLE.value})

_AT_ONCE = 200
"""So many addresses are asked for in one look."""


def left_over(chain: Chain, changes: Iterable[Change]) -> tuple[OpenItem, ...]:
    """What is open in the journal and not among `changes`."""
    mine = {(str(c.address), c.action.value) for c in changes}
    return tuple(i for i in chain.open_items() if (i.address, i.action) not in mine)


def cut_leftovers(site: Site, changes: Iterable[Change], told: Iterable[Settled]) -> frozenset[Address]:
    """Before anything else is done: the sessions of accounts that earlier runs closed and whose sessions they could not
    end. An account that is among `changes` itself is left to them. Gives the accounts that were tried."""
    changes = list(changes)
    spoken_of = {c.address for c in changes} | {s.address for s in told}
    cuts = [i for i in left_over(site.chain, changes) if i.step == Step.CUT]
    due = [i for i in cuts if Address.parse(i.address) not in spoken_of]
    if not due or site.run.board.stopped:
        return frozenset()
    try:
        reading = site.look(Address.parse(i.address) for i in due)
    except ProviderError:
        return frozenset()  # it all stays outstanding
    return frozenset(Address.parse(i.address) for i in due if _cut_again(site, i, reading))


def settle_leftovers(
    site: Site,
    changes: Sequence[Change],
    told: Iterable[Settled],
    still: Collection[tuple[Address, Action]] | None,
    strays: Collection[Address],
    tried: Collection[Address] = (),
) -> None:
    """`told` is what the engine knows to need nothing any more. `still` is what a plan of everything names as
    outstanding, None where the plan is not of everything: only of such a plan can it be said that it does not ask for
    something any more. `strays` are what it saw and left alone. `tried` are accounts whose sessions this run has tried
    to end, which once is enough for."""
    run = site.run
    site.settle(s for s in told if s.address.target == site.name)
    left = left_over(site.chain, changes)
    if not left or run.board.stopped:
        return
    try:
        reading = site.look(Address.parse(i.address) for i in left)
    except ProviderError:
        return  # it all stays outstanding
    settled = []
    for item in left:
        asked = still is None or (Address.parse(item.address), Action(item.action)) in still
        proof = _gone(item, reading) or (None if asked else _not_wanted(item, reading, strays))
        if proof is not None:
            settled.append(_settled(item, proof))
        elif item.step == Step.CUT and Address.parse(item.address) not in tried:
            _cut_again(site, item, reading)
    site.settle(settled)


def hidden(site: Site, unseen: Sequence[Address]) -> str:
    """Why a target is not in order although its plan has nothing more: something that the files stopped giving is there
    when it is asked for by name. Empty where all of it is gone; what cannot be asked for is no sign of
    either."""
    there: list[Address] = []
    for start in range(0, len(unseen), _AT_ONCE):
        try:
            reading = site.look(unseen[start : start + _AT_ONCE])
        except ProviderError as error:
            return f"what the files stopped giving could not be asked for by name: {error.message}"
        there += [a for a in unseen if (live := reading.state.get(a)) is not None and _gives(a, live)]
    if not there:
        return ""
    more = f" and {len(there) - 3} more" if len(there) > 3 else ""
    named = ", ".join(str(a) for a in there[:3])
    return f"nothing took away {named}{more}, which the files stopped giving and which is there"


def _gives(address: Address, live: Resource) -> bool:
    return live.gives_access and not (address.kind is Kind.ACCOUNT and live.attributes.get("enabled") is False)


def _settled(item: OpenItem, proof: str) -> Settled:
    return Settled(Address.parse(item.address), Action(item.action), proof, Step(item.step))


def _gone(item: OpenItem, reading: Reading) -> str | None:
    """How it is known that nothing is left to take away, or None."""
    address = Address.parse(item.address)
    if item.action not in _TAKES or not seen(reading, address):
        return None
    live = reading.state.get(address)
    if live is None:
        return "looked: not there"
    if item.action == Action.REVOKE and not live.gives_access:
        return "looked: gives no access any more"
    if item.action == Action.DISABLE and item.step == Step.WRITE and live.attributes.get("enabled") is False:
        return "looked: disabled"
    return None


def _not_wanted(item: OpenItem, reading: Reading, strays: Collection[Address]) -> str | None:
    """Why a plan of everything, which does not have it, means that it is not wanted any more; None where it may only
    mean that it cannot be done. What was to be taken away must be there as something that the files ask for again."""
    words = "a plan of everything does not ask for it any more"
    address = Address.parse(item.address)
    if item.action not in _TAKES:
        return words
    live = reading.state.get(address)
    if live is None or address in strays:
        return None
    if item.step == Step.CUT:
        return words if live.attributes.get("enabled") is True else None
    ends_here = any(w.gives_access and w.via is None and not w.locked_by for w in live.ways)
    return words if item.action != Action.REVOKE or ends_here else None


def _cut_again(site: Site, item: OpenItem, reading: Reading) -> bool:
    """Sessions that could not be ended when the account was closed: tried again, as long as it is closed. False where
    it is not."""
    address = Address.parse(item.address)
    live = reading.state.get(address)
    if live is None or live.attributes.get("enabled") is not False or site.ours.foreign(live):
        return False
    change = Change(
        Action.DISABLE,
        address,
        {"enabled": True},
        {"enabled": False},
        Cause.OUTSTANDING,
        Effect(Direction.NARROWS),
        identity=item.identity,
    )
    end_sessions(site, [change])
    return True
