"""One credential slot, from whatever state it is in to a credential that works and lies in all of its places.

    recover -> (issue -> prove -> deliver -> verify) -> retire -> delete

The process may die anywhere: the next run settles what was begun (`begun.py`), finishes a credential whose secret can
be read back, and takes back one whose secret was lost before anybody had it. The credential in use is switched off only
when the new one lies everywhere, was proven, and the overlap is over. It refuses to take back, or to make room by
taking back, a credential that nothing shows to be ours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from provisioner.apply.begun import settle_begun
from provisioner.apply.one_slot import OneSlot, Place, Rotated, StopError
from provisioner.apply.retry import NOT_SENT
from provisioner.contract import Issued, Key, Note, ProviderError, Trouble
from provisioner.model.instant import Instant, at_second, format_instant
from provisioner.model.rotation import Held, Phase, Rotation, Turn
from provisioner.model.slot import Slot
from provisioner.plan.rotation import is_old, next_end


@dataclass
class Rotate(OneSlot):
    """`anew`: make a new one whether or not it is due. `gives` False: only what is over is ended (`expire`). `gone`: no
    file has such a slot any more, and everything of ours in it is ended; what is not ours is left."""

    anew: bool = False
    gives: bool = True
    gone: bool = False
    _one_before: bool = field(default=False, init=False)

    def go(self) -> Rotated:
        """Raises ProvisionError where the journal cannot be written, or the lock is lost."""
        try:
            if not self.places and not self.gone:
                raise StopError("it has no place to go to, so none is made, and what works is left as it is")
            self.look(gone=self.gone)
            was = bool(self.known.verified)
            settle_begun(self)
            works = any(k.active and k.public_id in self.known.verified for k in self.keys)
            self._one_before = works or (was and self.issuer.replaces)
            self._tell_of_strange()
            if self.gone:
                self._end_all()
                return self.told
            if self.gives:
                self._replace()
            self._end_the_old()
        except StopError as stop:
            self.told.failed.append(str(stop))
        except ProviderError as error:
            self.told.failed.append(str(error))
        return self.told

    def _tell_of_strange(self) -> None:
        for key in (k for k in self.keys if k.public_id not in self.known.made):
            made = f", made {at_second(key.created)}" if key.created is not None else ""
            state = "works" if key.active else "is switched off"
            self.told.strange.append(f"{key.public_id} {state}{made}, and nothing shows that it is ours")

    # A new one

    def _replace(self) -> None:
        issued, who = None, self._unfinished()
        if who is not None and who not in self.known.verified and self._is_off(who):
            self._delete(who, "somebody switched it off before it lay everywhere")
            who = None
        if who is not None:
            issued = self._secret_of(who)
            missing = [p for p in self.places if not self.holds(p, who)]
            if issued is None and missing and who in self.known.verified:
                who = None  # it goes on working where it is, until a new one lies everywhere
            elif issued is None and missing:
                if len(missing) < len(self.places):
                    raise StopError(
                        f"{who} lies in some of its places, and its secret cannot be read back for "
                        f"{', '.join(p.delivery.to for p in missing)}; what works goes on working. Add a store that "
                        f"can be read back, or take {who} back by hand"
                    )
                self._delete(who, "its secret was lost with the run that made it, and nobody has it")
                who = None
            elif issued is None and who not in self.known.proven:
                who = self._proven_by_others(who)
        current = self.known.current
        off = current is None or current in self.known.retired or self._is_off(current)  # or by hand
        due = off or self.anew or is_old(self.slot, self.known, self.of.clock())
        if who is None:
            if not due and current is not None and len(self.holders(current)) == len(self.places):
                return
            self._make_room()
            issued = self._issue()
            who = issued.public_id
        missing = [p for p in self.places if not self.holds(p, who)]
        if issued is not None and (missing or who not in self.known.proven):
            self._prove(issued)  # also one that was read back: what does not work goes nowhere else
        for place in missing:
            self._deliver(place, issued, who)
        self._verify(who, issued)
        if self.renamed(who):
            made, told = format_instant(self.known.made[who]), f"it was delivered with the name {self.login}"
            self.note(Turn.ISSUE, Phase.DONE, id=who, login=self.login, made=made, proof=told)

    def _is_off(self, who: str) -> bool:
        return any(k.public_id == who and not k.active for k in self.keys)

    def _proven_by_others(self, who: str) -> str | None:
        """Where the journal was lost: whether somebody has signed in with it since."""
        used = self.read(lambda: self.issuer.last_used(self.login, who))
        if used is None:
            return None
        self.note(Turn.PROVE, Phase.DONE, id=who, proof=f"it was used {format_instant(used)}")
        return who

    def _unfinished(self) -> str | None:
        """The newest of ours, where something is still to be done with it."""
        known = self.known
        ours = [i for i in known.made if i not in known.retired]
        newest = max(ours, key=lambda i: known.made[i], default=None)
        if newest is None or (newest in known.verified and self.anew):
            return None
        if newest in known.verified and len(self.holders(newest)) == len(self.places):
            return None
        if newest in known.verified and is_old(self.slot, known, self.of.clock()):
            return None
        return newest

    def _secret_of(self, who: str) -> Issued | None:
        """From a place that can be read back. Of one that was in use already a copy that does not work is none."""
        for place in self.places:
            stored = self.stored.get(place.delivery.to)
            if place.reads_back and stored is not None and stored.public_id == who:
                found = self.read(lambda p=place: p.store.read(*p.at))  # type: ignore[misc]
                issued = self.issuer.again(found)
                if issued is None or issued.public_id != who:
                    continue
                if who not in self.known.verified or self.works(issued):
                    return issued
        return None

    def _make_room(self) -> None:
        """Only what was retired long enough is deleted for it, or was switched off: never what may be in use."""
        self._end_the_old()
        self._delete_what_is_off()
        taken = [k for k in self.keys if not k.apart]
        if self.issuer.replaces or len(taken) < self.issuer.most:
            return
        known, current = self.known, self.known.current
        if current is not None and self._is_off(current):
            self._delete(current, "somebody switched it off, and the new one needs its room")
            return
        foreign = [k.public_id for k in taken if k.public_id not in known.made]
        if foreign:
            raise StopError(
                f"{self.login} has {len(taken)} of at most {self.issuer.most} credentials, and nothing shows that "
                f"{', '.join(foreign)} is ours; delete it where it is not used, then run again"
            )
        lacking = [p.delivery.to for p in self.places if current is not None and not self._had(p, current)]
        if lacking:
            old = ", ".join(i for i in known.made if i != current)
            raise StopError(
                f"there is no room for a new credential: {old} may be all that works for {', '.join(lacking)}, which "
                f"does not have {current}; where nobody uses {old} switch it off by hand, and a run after the overlap "
                "deletes it and makes another"
            )
        ends = [_gone_at(self.slot, known, o) for o in known.made if o != current and current is not None]
        until = f" before {at_second(min(ends))}" if ends else ""
        raise StopError(
            f"there is no room for a new credential{until}: the one before works for its overlap, and is kept for as "
            "long again"
        )

    def _delete_what_is_off(self) -> None:
        """Of the old ones whose time is over: nobody can be using them, wherever the one in use lies."""
        known, current, now = self.known, self.known.current, self.of.clock()
        for old in [i for i in known.made if current is not None and i != current and self._is_off(i)]:
            if next_end(self.slot, known, old) <= now:
                self._delete(old, "its overlap is over")

    def _issue(self) -> Issued:
        self.note(Turn.ISSUE, Phase.INTENT, before=sorted(k.public_id for k in self.keys), login=self.login)
        issued = self.call(Turn.ISSUE, lambda d: self.issuer.issue(self.login, d))
        self.note(Turn.ISSUE, Phase.DONE, id=issued.public_id, login=self.login)
        self.told.done.append(f"{issued.public_id} is made")
        if self.issuer.replaces:
            for old in [i for i in self.known.made if i != issued.public_id]:
                self.note(Turn.DELETE, Phase.DONE, id=old, proof=f"{issued.public_id} took its place")
                self.told.done.append(f"{old} ended with that: there can be one")
            self.keys = ()
        self.keys = (*self.keys, Key(issued.public_id, True))
        return issued

    def _prove(self, issued: Issued) -> None:
        """Before anybody gets it: systems take a while to know a new credential everywhere."""
        waits, wait = self.of.waits, self.of.waits.first
        until = waits.monotonic() + waits.patience
        while True:
            try:
                self.issuer.use(issued, self.login)
                break
            except ProviderError as error:
                if error.trouble not in NOT_SENT | {Trouble.CREDENTIAL, Trouble.UNKNOWN, Trouble.DENIED}:
                    raise
                if waits.monotonic() + wait > until or waits.stopped():
                    raise StopError(self._not_yet(issued.public_id, error.message)) from None
                self.of.sleep(wait)
                wait = min(wait * 2, waits.longest)
        self.note(Turn.PROVE, Phase.DONE, id=issued.public_id)

    def _not_yet(self, who: str, why: str) -> str:
        there = ", ".join(p.delivery.to for p in self.holders(who))
        if there:
            return (
                f"{who}, as it lies in {there}, does not work ({why}), and goes nowhere else; {self._before} where it "
                f"lies. If that stays so delete {who} by hand: the next run makes another"
            )
        return (
            f"{who} was made and does not work yet ({why}); nobody has it, {self._before}; the next run makes another"
        )

    @property
    def _before(self) -> str:
        """What is to be said of the credential before a new one that did not arrive."""
        if not self._one_before:
            return "and there is no other that works"
        return "and the one before works no more" if self.issuer.replaces else "and the one before goes on working"

    def _deliver(self, place: Place, issued: Issued | None, who: str) -> None:
        if issued is None:
            raise StopError(f"the secret of {who} cannot be read back for {place.delivery.to}")
        to = place.delivery.to
        before = self.stored.get(to)
        names, versions = place.delivery.names.all, list(before.versions) if before else []
        self.note(Turn.DELIVER, Phase.INTENT, to=to, id=who, before=versions, names=list(names))
        note = Note(who, self.of.run.id, self.of.clock())
        self.call(
            Turn.DELIVER,
            lambda d: place.store.put(*place.at, issued, note, before, d),
            to=to,
            id=who,
            words=f"{to} does not have {who}, {self._before}"
            + (" until the next run that can deliver" if self.issuer.replaces else ""),
        )
        stored = self.read(lambda: place.store.look(*place.at))
        if stored is None or stored.public_id != who:
            raise StopError(f"{to} took {who} and does not show it")
        self.stored[to] = stored
        self.delivered(to, Held(who, stored.versions, names))
        self.told.done.append(f"{who} lies in {to}")

    def _verify(self, who: str, issued: Issued | None) -> None:
        """As whoever reads it will use it: what can be read back is, and signed in with."""
        if who in self.known.verified:
            return
        seen = []
        for place in (p for p in self.places if p.reads_back):
            found = self.issuer.again(self.read(lambda p=place: p.store.read(*p.at)))  # type: ignore[misc]
            if found is None or found.public_id != who or (issued is not None and found.secret != issued.secret):
                raise StopError(
                    f"what {place.delivery.to} gives back is not {who}; if nobody needs what lies there, remove it, "
                    "and the next run makes another"
                )
            self.read(lambda f=found: self.issuer.use(f, self.login))  # type: ignore[misc]
            seen.append(place.delivery.to)
        told = f"read back from {', '.join(seen)} and used" if seen else "used before it was delivered"
        self.note(Turn.VERIFY, Phase.DONE, id=who, proof=told)
        self.told.done.append(f"{who} works ({told})")

    # The old ones

    def _end_the_old(self) -> None:
        """What is ours and older than the one in use, when its time has come. Without one in use that works nothing is
        ended: what is older may be all that works."""
        self.told.waits.clear()
        current = self.known.current
        if current is None or current not in {k.public_id for k in self.keys if k.active}:
            return
        if not all(self._had(place, current) for place in self.places):
            return
        for old in [i for i in self.known.made if i != current]:
            self._end(old)

    def _had(self, place: Place, who: str) -> bool:
        """Whether no older one can be in use there: it has this one, if only under names of before, or had none."""
        held, stored = self.known.holds.get(place.delivery.to), self.stored.get(place.delivery.to)
        if self.holds(place, who):
            return True
        if held is None:
            return stored is None or stored.public_id not in self.known.made
        return held.id == who and (self.renamed(who) or not held.fits(place.delivery.names.all))

    def _end(self, old: str) -> None:
        now, known = self.of.clock(), self.known
        if old not in known.retired and known.made[old] > known.verified[known.current or ""]:
            return  # newer: a rotation that is not finished
        if next_end(self.slot, known, old) > now:
            what = "is deleted" if old in known.retired else "works"
            until = at_second(next_end(self.slot, known, old))
            self.told.waits.append(f"{old} {what} {'after' if old in known.retired else 'until'} {until}")
            return
        if old not in known.retired:
            self._retire(old)
        else:
            self._delete(old, "its overlap is over")

    def _end_all(self) -> None:
        """Each switched off at once, and deleted after an overlap."""
        live, now = {k.public_id for k in self.keys}, self.of.clock()
        for who in [i for i in self.known.made if i in live]:
            since = self.known.retired.get(who)
            if since is None and self.gives:
                self._retire(who)
            elif since is not None and since + self.slot.overlap <= now:
                self._delete(who, "the files have no such credential any more")
            elif since is not None:
                self.told.waits.append(f"{who} is deleted after {at_second(since + self.slot.overlap)}")

    def _retire(self, old: str) -> None:
        self.note(Turn.RETIRE, Phase.INTENT, id=old)
        self.call(Turn.RETIRE, lambda d: self.issuer.deactivate(self.login, old, d), id=old)
        self.note(Turn.RETIRE, Phase.DONE, id=old)
        self.told.done.append(f"{old} is switched off")
        self.told.waits.append(f"{old} is deleted after {at_second(self.of.clock() + self.slot.overlap)}")

    def _delete(self, old: str, why: str) -> None:
        self.note(Turn.DELETE, Phase.INTENT, id=old, why=why)
        self.call(Turn.DELETE, lambda d: self.issuer.delete(self.login, old, d), id=old)
        self.note(Turn.DELETE, Phase.DONE, id=old)
        self.keys = tuple(k for k in self.keys if k.public_id != old)
        self.told.done.append(f"{old} is deleted: {why}")


def _gone_at(slot: Slot, known: Rotation, old: str) -> Instant:
    """When its place is free at the earliest: switched off first, and deleted after as long again."""
    ends = next_end(slot, known, old)
    return ends if old in known.retired else ends + slot.overlap
