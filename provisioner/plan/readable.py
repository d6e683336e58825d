"""Secrets of services that somebody who leaves could have used: told, with what to renew.

Only what the files and the live systems tell: by what somebody held on the very target that keeps the secret. Who can
read a store that is no target (OpenBao, a file) is not known here, nor who has kept a copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from provisioner.contract.readers import Readers
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.change import Cause, Change
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.slot import Slot
from provisioner.plan.side import Side

_NAMED = 10


def readable(changes: Iterable[Change], sides: Mapping[str, Side], slots: Iterable[Slot]) -> Iterator[Diagnostic]:
    """One for each credential, whoever they are that these changes take access from."""
    kept = list(slots)
    if not kept:
        return
    found: dict[Slot, dict[str, tuple[str, str]]] = {}
    seen: set[tuple[str, Principal]] = set()
    for change in changes:
        who, side, holder = change.identity, sides.get(change.address.target), _holder(change.address)
        if change.cause not in (Cause.LEAVER, Cause.SOURCE) or who is None or side is None or holder is None:
            continue
        if (who, holder) in seen:
            continue
        seen.add((who, holder))
        for held in side.live.held_by(holder):
            for slot in kept:
                how = opened(slot, held, sides)
                if how is not None:
                    found.setdefault(slot, {}).setdefault(who, how)
    for slot, people in found.items():
        yield _told(slot, people)


def _holder(address: Address) -> Principal | None:
    """Whose access it is. One change may end all that hangs on an account, so everything that they hold counts."""
    if address.kind is Kind.ACCOUNT:
        return Principal(address.target, PrincipalKind.PERSON, address.object)
    return address.principal


def opened(slot: Slot, held: Resource, sides: Mapping[str, Side]) -> tuple[str, str] | None:
    """Where it lies, and by what it is open there to whoever holds `held`."""
    states = {name: side.live for name, side in sides.items()}
    for delivery in slot.deliveries:
        side = sides.get(delivery.store)
        if side is not None and isinstance(side.declare, Readers):
            how = side.declare.opens(delivery.place, held, states)
            if how is not None:
                return delivery.to, how
    return None


def _told(slot: Slot, people: Mapping[str, tuple[str, str]]) -> Diagnostic:
    names = sorted(people)
    where, how = people[names[0]]
    who = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED:,} more" if names[_NAMED:] else "")
    return Diagnostic(
        "secret-readable",
        f"{who} could have used the {slot.kind} of {slot.service} on {slot.target}: it lies in {where}",
        Severity.WARNING,
        slot.location,
        why=f"{names[0]} had {how}, and whoever could use a secret may have kept it",
        fix=f"run `provision rotate {slot.service}` after this plan is applied",
        target=slot.target,
    )
