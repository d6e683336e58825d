"""Which credentials of services are due, and when an old one ends: by the journal and the files. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from provisioner.model.instant import Instant, at_second
from provisioner.model.rotation import Held, Rotation
from provisioner.model.slot import Slot


def known_of(rotations: Mapping[str, Rotation], slot: Slot, was: Iterable[str]) -> Rotation:
    """What is known of a slot: under the name that its service has or, as long as no run has taken that over, under one
    that it had."""
    found = [rotations.get(str(replace(slot, service=name).address), Rotation()) for name in (slot.service, *was)]
    return next((known for known in found if known.made or known.issuing), found[0])


def what_is_due(slot: Slot, known: Rotation, now: Instant, login: str | None = None) -> str | None:
    """Why the slot needs a run, by the journal alone; None where it does not. `login` is the account's name now, where
    that is part of what is delivered."""
    current = known.current
    if known.issuing is not None or known.putting:
        return "a run ended before it was known what became of it"
    if current is None or current not in known.made:
        return "it has no credential yet" if not known.made else "its rotation is not finished"
    if current in known.retired:
        return "it was switched off"
    was = known.logins.get(current, login)
    if login is not None and was != login:
        return f"it was delivered with the name {was}"
    for to, held in ((d, known.holds.get(d.to, Held())) for d in slot.deliveries):
        if held.id != current:
            return f"{to.to} does not have it yet"
        if not held.fits(to.names.all):
            return f"{to.to} does not have it as {' and '.join(to.names.all)} yet"
    if is_old(slot, known, now):
        return f"it was made {at_second(known.made[current])}"
    return what_ends(slot, known, now)


def what_ends(slot: Slot, known: Rotation, now: Instant) -> str | None:
    """Which old one's time has come, in words; None where none's has."""
    current = known.current
    for old in known.made if current is not None else ():
        if old != current and next_end(slot, known, old) <= now:
            return f"the overlap of {old} is over"
    return None


def what_is_over(slot: Slot, known: Rotation, now: Instant, *, begins: bool = True) -> str | None:
    """Of a slot that the files do not have any more: what a run is to end; None where nothing, or not yet. Without
    `begins` only what was begun is gone on with."""
    if begins and (known.issuing is not None or known.putting):
        return "a run ended before it was known what became of it"
    works = sorted(i for i in known.made if i not in known.retired)
    if begins and works:
        return f"{', '.join(works)} {'are' if len(works) > 1 else 'is'} to be switched off"
    over = sorted(i for i in known.made if i in known.retired and known.retired[i] + slot.overlap <= now)
    return f"{', '.join(over)} {'are' if len(over) > 1 else 'is'} to be deleted" if over else None


def is_old(slot: Slot, known: Rotation, now: Instant) -> bool:
    """Whether the one in use is older than the files allow."""
    made = known.made.get(known.current or "")
    return made is not None and slot.rotate_after is not None and made + slot.rotate_after <= now


def next_end(slot: Slot, known: Rotation, old: str) -> Instant:
    """When the old one is next touched: switched off after the overlap, deleted after as long again."""
    since = known.verified[known.current or ""]
    return max(since, known.retired[old]) + slot.overlap if old in known.retired else since + slot.overlap
