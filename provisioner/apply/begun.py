"""What a run that died had begun with a slot: told from the live system and the places, and put on record as it is.

Written are the journal and the companions beside delivered secrets, nothing else. It refuses to take a credential for
ours because it is there: a companion names it, or it came while our own call was under way and nobody has used it. And
to call one gone because another account, which the service was given since, does not have it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from provisioner.apply.one_slot import OneSlot, Place, StopError
from provisioner.contract import Issued
from provisioner.model.instant import format_instant
from provisioner.model.rotation import Begun, Held, Phase, Turn

SKEW = timedelta(minutes=5)
"""So much may the clock of a system differ from ours."""


def settle_begun(one: OneSlot) -> None:
    """Of a slot that was looked at. What was only being switched off is left to be done again, which does no harm.
    Raises StopError where one works on an account that is not the service's now."""
    _take_over(one)
    _settle_issue(one)
    _settle_puts(one)
    _settle_deletes(one)
    _take_for_ours(one)
    _read_what_was_rewritten(one)


def _take_over(one: OneSlot) -> None:
    """What the journal knows under a name that the service had before; once something is known under this one, only
    what is live."""
    live, empty = {k.public_id for k in one.keys}, not (one.known.made or one.known.issuing)
    for name, address in one.before.items():
        old = one.chain.rotation(address)
        told = f"made when the service was called {name}"
        taken = [i for i in old.made if i not in one.known.made and (empty or i in live)]
        for who in sorted(taken, key=lambda i: (old.verified.get(i, old.made[i]), old.made[i])):
            more = {"login": old.logins[who]} if who in old.logins else {}
            one.note(Turn.ISSUE, Phase.DONE, id=who, made=format_instant(old.made[who]), proof=told, **more)
            steps = ((Turn.PROVE, old.proven), (Turn.VERIFY, old.verified), (Turn.RETIRE, old.retired))
            for turn in (turn for turn, those in steps if who in those):
                one.note(turn, Phase.DONE, id=who, proof=told)
            for to, held in old.holds.items():
                if held.id == who and to not in one.known.holds:
                    one.delivered(to, held, told)
        if empty and old.issuing is not None and one.known.issuing is None:
            _settle(one, old.issuing)


def _settle_issue(one: OneSlot) -> None:
    if one.known.issuing is not None:
        _settle(one, one.known.issuing)


def _settle(one: OneSlot, begun: Begun) -> None:
    login = begun.login or one.login
    for key in one.keys if login == one.login else one.keys_of(login, gone=True):
        if key.apart or key.public_id in begun.before or key.public_id in one.known.made:
            continue
        used = one.read(lambda k=key: one.issuer.last_used(login, k.public_id))  # type: ignore[misc]
        if used is None and (key.created is None or key.created >= begun.at - SKEW):
            told = "looked: it was made, and nobody has it"
            one.note(Turn.ISSUE, Phase.DONE, id=key.public_id, login=login, proof=told)
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
            one.delivered(to, Held(begun.id, stored.versions, begun.names), "looked: it arrived")
        else:
            one.note(Turn.DELIVER, Phase.FAILED, to=to, id=begun.id, why="looked: it did not arrive")


def _settle_deletes(one: OneSlot) -> None:
    """Ours that are not live any more. One that was made just now may not be listed yet; one that was made for another
    account is looked for there, too."""
    live, listed = {k.public_id for k in one.keys}, one.of.clock() - SKEW
    elsewhere: dict[str, dict[str, bool]] = {}
    left = []
    for old, made in [(i, made) for i, made in one.known.made.items() if i not in live]:
        login, proof = one.known.logins.get(old, one.login), "looked: it is gone"
        if login != one.login:
            if login not in elsewhere:
                elsewhere[login] = {k.public_id: k.active for k in one.keys_of(login, gone=True)}
            if elsewhere[login].get(old):
                left.append(
                    f"{old} works on {login}, for which it was made, and the files say {one.login}: end it there"
                )
                continue
            if old in elsewhere[login]:
                proof = f"looked: it is switched off on {login}, which is not the service's any more"
        if made < listed or one.issuer.replaces:  # where there is one it is told at once
            one.note(Turn.DELETE, Phase.DONE, id=old, proof=proof)
    if left:
        raise StopError("; ".join(left))


def _take_for_ours(one: OneSlot) -> None:
    """A live credential that a companion names is ours, also where the journal was lost."""
    live = {k.public_id: k for k in one.keys}
    for place in one.places:
        to, stored = place.delivery.to, one.stored.get(place.delivery.to)
        found = stored.public_id if stored is not None else None
        if found is None or found not in live or stored is None:
            continue
        if found not in one.known.made:
            made, told = live[found].created or one.of.clock(), f"{to} names it"
            one.note(Turn.ISSUE, Phase.DONE, id=found, login=one.login, made=format_instant(made), proof=told)
        if one.known.holds.get(to, Held()).id != found:
            names = place.delivery.names.all if not place.reads_back or _there(one, place) == found else ()
            one.delivered(to, Held(found, stored.versions, names), "its companion names it")


def _read_what_was_rewritten(one: OneSlot) -> None:
    """A place whose companion says what it said, and that was written since: somebody may have written over the secret
    alone. Where that is so, it does not have it."""
    for place in (p for p in one.places if p.reads_back):
        to, stored = place.delivery.to, one.stored.get(place.delivery.to)
        held = one.known.holds.get(to, Held())
        if stored is None or stored.public_id != held.id or stored.versions == held.versions:
            continue
        found = _read(one, place)
        if found is not None and found.public_id == held.id and one.works(found):
            names = place.delivery.names.all
            one.delivered(to, Held(held.id, stored.versions, names), "looked: it was written anew, and works")
        else:
            one.stored[to] = replace(stored, public_id=None)


def _read(one: OneSlot, place: Place) -> Issued | None:
    """What a place that can be read back gives under the names that it is to have."""
    return one.issuer.again(one.read(lambda: place.store.read(*place.at)))


def _there(one: OneSlot, place: Place) -> str | None:
    found = _read(one, place)
    return found.public_id if found is not None else None
