"""Old work that this plan does not speak of: looked at, and only what is proven to need nothing is settled.

What an earlier run could not take away stays outstanding until a look shows it gone, or the engine tells why nobody
wants it gone any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from provisioner.apply.cut import end_sessions
from provisioner.apply.freshness import seen
from provisioner.apply.worker import Site
from provisioner.contract import ProviderError, Reading
from provisioner.model.address import Address
from provisioner.model.change import Action, Cause, Change
from provisioner.model.effect import Direction, Effect
from provisioner.records.chain import Chain
from provisioner.records.entries import Settled, Step
from provisioner.records.tail import OpenItem

_TAKES = frozenset({Action.REVOKE.value, Action.DELETE.value, Action.DISABLE.value})


def left_over(chain: Chain, changes: Iterable[Change]) -> tuple[OpenItem, ...]:
    """What is open in the journal and not among `changes`."""
    mine = {(str(c.address), c.action.value) for c in changes}
    return tuple(i for i in chain.open_items() if (i.address, i.action) not in mine)


def settle_leftovers(
    site: Site,
    changes: Sequence[Change],
    told: Iterable[Settled],
    planned: frozenset[tuple[Address, Action]],
    *,
    all_asked: bool,
) -> None:
    """`told` is what the engine knows to need nothing any more. `planned` is what the plan names as outstanding.
    `all_asked` says that the plan has everything the files ask for here: what was to be given once and is not in it is
    not asked for any more."""
    run = site.run
    site.chain.settle([s for s in told if s.address.target == site.name], run=run.info, at=run.clock())
    left = left_over(site.chain, changes)
    if not left or run.board.stopped:
        return
    settled = [_settled(i, "no longer asked for") for i in left if all_asked and i.action not in _TAKES]
    taken = [i for i in left if i.action in _TAKES]
    try:
        reading = site.look(Address.parse(i.address) for i in taken)
    except ProviderError:
        reading = None  # it stays outstanding
    if reading is not None:
        for item in taken:
            proof = _gone(item, reading)
            if proof is not None:
                settled.append(_settled(item, proof))
            elif item.step == Step.CUT:
                _cut_again(site, item, reading, planned)
    site.chain.settle(settled, run=run.info, at=run.clock())


def _settled(item: OpenItem, proof: str) -> Settled:
    return Settled(Address.parse(item.address), Action(item.action), proof, Step(item.step))


def _gone(item: OpenItem, reading: Reading) -> str | None:
    """How it is known that nothing is left to take away, or None."""
    address = Address.parse(item.address)
    if not seen(reading, address):
        return None
    live = reading.state.get(address)
    if live is None:
        return "looked: not there"
    if item.action == Action.REVOKE and not live.gives_access:
        return "looked: gives no access any more"
    if item.action == Action.DISABLE and item.step == Step.WRITE and live.attributes.get("enabled") is False:
        return "looked: disabled"
    return None


def _cut_again(site: Site, item: OpenItem, reading: Reading, planned: frozenset[tuple[Address, Action]]) -> None:
    """Sessions that could not be ended when the account was closed: tried again, as long as it is closed."""
    address = Address.parse(item.address)
    live = reading.state.get(address)
    if (address, Action.DISABLE) not in planned or live is None or live.attributes.get("enabled") is not False:
        return
    if site.ours.foreign(live):
        return
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
