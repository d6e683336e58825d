"""Credentials of services in a run: which are due, whose accounts they are for, their stores, and what came of it.

The caller holds the locks of the targets. Nothing is opened for a slot that has nothing to do. Refuses to make a
credential for an account that is not the declared service's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from provisioner.apply.one_slot import Place, Rotated, Rotating
from provisioner.apply.retry import Waits
from provisioner.apply.rotate import Rotate
from provisioner.cli.exit_codes import Exit
from provisioner.cli.output import show, tell
from provisioner.cli.slots import known_of, of_service, why_due
from provisioner.cli.wiring import Opened
from provisioner.contract import Connection, Issues, ProviderError
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block
from provisioner.model.identity import Identity
from provisioner.model.mark import owner8
from provisioner.model.slot import Slot
from provisioner.model.target import AccountsPolicy, Target
from provisioner.plan.rotation import what_ends, what_is_over
from provisioner.providers import catalog
from provisioner.report.safe import safe

if TYPE_CHECKING:
    from provisioner.records.lock import Lock
    from provisioner.records.run import RunInfo

_CONTRADICTED = "its account on {target} is not known to be that of {service}"


@dataclass(frozen=True)
class Chosen:
    """What a run is to do with slots. `anew`: make new ones whether or not they are due. `look`: look at the live
    systems also where the journal says that nothing is to do. `gives` False: only end what is over. `made` are accounts
    that this run has just made or switched on, which the system may not show yet. `gone` are slots that the files do
    not have any more: after all others."""

    anew: bool = False
    look: bool = False
    gives: bool = True
    made: frozenset[Address] = frozenset()
    gone: Sequence[Slot] = ()


def rotate_all(
    opened: Opened,
    wanted: Iterable[Slot],
    run: RunInfo,
    lock: Lock,
    chosen: Chosen,
) -> list[Rotated]:
    """What became of each slot that had something to do. It is told slot by slot, also where the run stops."""
    found = []
    of = Rotating(run, _clock, Waits(call=opened.times.deadline), time.sleep, lock.lost)
    for slot in (*wanted, *chosen.gone):
        if not _is_wanted(opened, slot, chosen):
            continue
        with ExitStack() as stack:
            try:
                rotate = _opened(opened, slot, of, chosen, stack)
            except ProviderError as error:
                rotate = Rotated(slot, failed=[str(error)])
            told = rotate if isinstance(rotate, Rotated) else rotate.told
            try:
                found.append(rotate if isinstance(rotate, Rotated) else rotate.go())
            finally:
                report([told])
    return found


def _is_wanted(opened: Opened, slot: Slot, chosen: Chosen) -> bool:
    """Whether there is anything to do for the run, as far as the journal says; where it is to `look`, there may be."""
    mine = opened.journal.chain(slot.target).rotation(str(slot.address))
    if slot in chosen.gone:
        return what_is_over(slot, mine, _clock(), begins=chosen.gives) is not None
    known = known_of(opened.declared, opened.journal, slot)
    if not chosen.gives:
        return what_ends(slot, known, _clock()) is not None
    if chosen.look or chosen.anew or _account(opened, slot) in chosen.made or known != mine:
        return True
    return why_due(opened.declared, opened.journal, slot, _clock()) is not None


def _opened(opened: Opened, slot: Slot, of: Rotating, chosen: Chosen, stack: ExitStack) -> Rotate | Rotated:
    connection = opened.connections[slot.target]
    identity, account, gone = of_service(opened.declared, slot), _account(opened, slot), slot in chosen.gone
    login = account.object
    why = _not_theirs(connection, identity, account, of.waits if account in chosen.made else None, ending=gone)
    if why is not None:
        return Rotated(slot, failed=[why])
    provider = connection.provider
    assert isinstance(provider, Issues)
    issuer = provider.open_issuer(connection.target, connection.environ, slot.kind, connection.owner)
    stack.callback(issuer.close)
    known = catalog.all_stores()
    places = []
    for delivery in slot.deliveries:
        target = _store_target(opened, delivery.store)
        holds = known[target.provider]
        store = holds.open_store(target, os.environ)
        stack.callback(store.close)
        places.append(Place(delivery, store, holds.reads_back))
    chain = opened.journal.chain(slot.target)
    before = {} if gone else {old: str(replace(slot, service=old).address) for old in identity.was}
    rotate = Rotate(slot, login, issuer, places, chain, of, chosen.anew, chosen.gives, gone, before=before)
    rotate.tells_login = provider.tells_login
    return rotate


def _account(opened: Opened, slot: Slot) -> Address:
    return Address(slot.target, Kind.ACCOUNT, of_service(opened.declared, slot).login_on(slot.target))


def _not_theirs(
    connection: Connection, identity: Identity, account: Address, waits: Waits | None, *, ending: bool = False
) -> str | None:
    """Why no credential is made for the account, in words: it is not there, or nothing shows that it is theirs. With
    `waits` it was made just now. `ending`: one is only taken from it."""
    reader = connection.reader()
    try:
        reader.system()
        live = reader.look([account]).state.get(account)
        until = time.monotonic() + (waits.patience if waits is not None else 0.0)
        while live is None and time.monotonic() < until:
            time.sleep(1.0)
            live = reader.look([account]).state.get(account)
    finally:
        reader.close()
    if ending and (live is None or live.attributes.get("enabled") is False):
        return None
    if live is None:
        return f"{identity.id} has no account {account.object} on {connection.target.name}"
    if live.attributes.get("enabled") is False:
        return f"the account {account.object} on {connection.target.name} is disabled"
    pinned = identity.account_on(connection.target.name).id
    native = live.facts.native_id if live.facts is not None else None
    if live.facts is not None and live.facts.foreign_mark:
        return _CONTRADICTED.format(target=connection.target.name, service=identity.id)
    if live.mark is not None:
        same = live.mark.key in (identity.id, *identity.was) and live.mark.owner in (None, owner8(connection.owner))
        return None if same else _CONTRADICTED.format(target=connection.target.name, service=identity.id)
    if connection.target.accounts is AccountsPolicy.EXISTING or (pinned is not None and pinned == native):
        return None
    return _CONTRADICTED.format(target=connection.target.name, service=identity.id) + ": it carries no mark of ours"


def _store_target(opened: Opened, name: str) -> Target:
    """A target, or an entry of `stores:` in the form of one."""
    target = opened.declared.targets.get(name)
    if target is not None:
        return target
    block = opened.declared.stores
    data = dict(block.data[name])
    provider = str(data.pop("provider"))
    return Target(name, name, provider, settings=Block(data, lambda path: block.locate((name, *path))))


def report(found: Iterable[Rotated]) -> None:
    """On stdout what was done, on stderr what was not."""
    for one in found:
        head = f"{one.slot.service}: {one.slot.kind} on {one.slot.target}"
        for line in one.done:
            show(f"{safe(head)}: {safe(line)}\n")
        for line in dict.fromkeys(one.waits):
            show(f"{safe(head)}: {safe(line)}\n")
        for line in one.strange:
            tell(f"{safe(head)}: found: {safe(line)}; delete it where it is not used\n")
        for line in one.failed:
            tell(f"{safe(head)}: not done: {safe(line)}\n")


def status(found: Iterable[Rotated]) -> Exit:
    """FAILED where a slot could not be finished."""
    return Exit.FAILED if any(r.failed for r in found) else Exit.DONE


def _clock() -> datetime:
    """To the microsecond: the order of two credentials is told by it."""
    return datetime.now(UTC)
