"""What a run that died had begun with a slot: told from the live system and the places, and put on record as it is.

Written are the journal and the companions beside delivered secrets, nothing else. It refuses to take a credential for
ours because it is there: a companion names it, or it came while our own call was under way and nobody has used it.
"""

from __future__ import annotations

from datetime import timedelta

from provisioner.apply.one_slot import OneSlot
from provisioner.model.instant import format_instant
from provisioner.model.rotation import Phase, Turn

SKEW = timedelta(minutes=5)
"""So much may the clock of a system differ from ours."""


def settle_begun(one: OneSlot) -> None:
    """Of a slot that was looked at. What was only being switched off is left to be done again, which does no harm."""
    _settle_issue(one)
    _settle_puts(one)
    _settle_deletes(one)
    _take_for_ours(one)


def _settle_issue(one: OneSlot) -> None:
    begun = one.known.issuing
    if begun is None:
        return
    for key in one.keys:
        if key.public_id in begun.before or key.public_id in one.known.made:
            continue
        used = one.read(lambda k=key: one.issuer.last_used(one.login, k.public_id))  # type: ignore[misc]
        if used is None and (key.created is None or key.created >= begun.at - SKEW):
            one.note(Turn.ISSUE, Phase.DONE, id=key.public_id, proof="looked: it was made, and nobody has it")
            return
    one.note(Turn.ISSUE, Phase.FAILED, why="looked: it was not made")


def _settle_puts(one: OneSlot) -> None:
    """Whether a delivery without an outcome arrived: the companion says so, or each part has been written since."""
    by_to = {p.delivery.to: p for p in one.places}
    for to, begun in list(one.known.putting.items()):
        place, stored = by_to.get(to), one.stored.get(to)
        if place is None or stored is None:
            one.note(Turn.DELIVER, Phase.FAILED, to=to, id=begun.id, why="looked: nothing is there")
            continue
        written = len(begun.before) == len(stored.versions) and all(
            was != now for was, now in zip(begun.before, stored.versions, strict=True)
        )
        fresh = not begun.before and all(stored.versions)
        if stored.public_id == begun.id or (not place.reads_back and (written or fresh)):
            if stored.public_id != begun.id:
                one.write_note(place, begun.id)
            one.delivered(to, begun.id, stored, "looked: it arrived")
        else:
            one.note(Turn.DELIVER, Phase.FAILED, to=to, id=begun.id, why="looked: it did not arrive")


def _settle_deletes(one: OneSlot) -> None:
    """Ours that are not live any more. One that was made just now may not be listed yet."""
    live, listed = {k.public_id for k in one.keys}, one.of.clock() - SKEW
    for old in [i for i, made in one.known.made.items() if i not in live and made < listed]:
        one.note(Turn.DELETE, Phase.DONE, id=old, proof="looked: it is gone")


def _take_for_ours(one: OneSlot) -> None:
    """A live credential that a companion names is ours, also where the journal was lost."""
    live = {k.public_id: k for k in one.keys}
    for to, stored in one.stored.items():
        found = stored.public_id if stored is not None else None
        if found is None or found not in live or stored is None:
            continue
        if found not in one.known.made:
            made = live[found].created or one.of.clock()
            one.note(Turn.ISSUE, Phase.DONE, id=found, made=format_instant(made), proof=f"{to} names it")
        if one.known.holds.get(to, ("", ()))[0] != found:
            one.delivered(to, found, stored, "its companion names it")
