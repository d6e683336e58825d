"""One credential slot, from whatever state it is in to a credential that works and lies in all of its places.

    recover -> (issue -> prove -> deliver -> verify) -> retire -> delete

An intent is on record before each call that changes something, and what became of it after. The process may die
anywhere: the next run looks at the live system and at the places, finishes a credential whose secret can be read back,
and takes back one whose secret was lost before anybody had it. The credential in use is switched off only when the new
one lies everywhere, was proven, and the overlap is over. It refuses to take back, or to make room by taking back, a
credential that nothing shows to be ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from provisioner.apply.retry import NOT_SENT, Waits
from provisioner.contract import Issued, Issuer, Key, Note, ProviderError, Store, Stored, Trouble
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.instant import Instant, format_instant
from provisioner.model.rotation import Phase, Rotation, Turn
from provisioner.model.slot import Delivery, Slot
from provisioner.plan.rotation import is_old, next_end
from provisioner.records.chain import Chain
from provisioner.records.record import RecordKind
from provisioner.records.rotation import rotation_body
from provisioner.records.run import RunInfo

SKEW = timedelta(minutes=5)
_UNSURE = frozenset({Trouble.UNKNOWN})
T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A delivery, and the store that takes it. Those that can be read back are written first: a run that dies between
    two places then goes on with what the first one has."""

    delivery: Delivery
    store: Store
    reads_back: bool


@dataclass(frozen=True)
class Rotating:
    """What all slots of a run share. `lost` says why nothing may be changed any more."""

    run: RunInfo
    clock: Callable[[], Instant]
    waits: Waits
    sleep: Callable[[float], None]
    lost: Callable[[], Diagnostic | None] = lambda: None


@dataclass
class Rotated:
    """What became of a slot, in words: `done`, and why something could not be. `waits` is what has to wait, `strange`
    what is there and was not made by us."""

    slot: Slot
    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)


class _StopError(Exception):
    """This slot goes no further in this run; why, in words."""


@dataclass
class Rotate:
    """`anew`: make a new one whether or not it is due. `gives` False: only what is over is ended (`expire`). `gone`: no
    file has such a slot any more, and everything of ours in it is ended; what is not ours is left."""

    slot: Slot
    login: str
    issuer: Issuer
    places: Sequence[Place]
    chain: Chain
    of: Rotating
    anew: bool = False
    gives: bool = True
    gone: bool = False
    _told: Rotated = field(init=False)
    _keys: tuple[Key, ...] = ()
    _stored: dict[str, Stored | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._told = Rotated(self.slot)
        self.places = sorted(self.places, key=lambda p: not p.reads_back)

    def go(self) -> Rotated:
        """Raises ProvisionError where the journal cannot be written, or the lock is lost."""
        try:
            self._look()
            if self.gone:
                self._end_all()
                return self._told
            if self.gives:
                self._replace()
            self._end_the_old()
        except _StopError as stop:
            self._told.failed.append(str(stop))
        except ProviderError as error:
            self._told.failed.append(str(error))
        return self._told

    # What there is

    @property
    def _known(self) -> Rotation:
        return self.chain.rotation(str(self.slot.address))

    def _look(self) -> None:
        """The live credentials and the places; and what a run that died had begun is settled."""
        try:
            self._keys = self._read(lambda: self.issuer.keys(self.login))
        except ProviderError as error:
            if not self.gone or error.trouble is not Trouble.GONE:
                raise
        for place in self.places:
            self._stored[place.delivery.to] = self._read(lambda p=place: p.store.look(*_at(p)))  # type: ignore[misc]
        self._settle_issue()
        self._settle_puts()
        self._settle_deletes()
        self._take_for_ours()
        for key in (k for k in self._keys if k.public_id not in self._known.made):
            made = f", made {format_instant(key.created)}" if key.created is not None else ""
            state = "works" if key.active else "is switched off"
            self._told.strange.append(f"{key.public_id} {state}{made}, and nothing shows that it is ours")

    def _settle_issue(self) -> None:
        begun = self._known.issuing
        if begun is None:
            return
        for key in self._keys:
            if key.public_id in begun.before or key.public_id in self._known.made:
                continue
            used = self._read(lambda k=key: self.issuer.last_used(self.login, k.public_id))  # type: ignore[misc]
            if used is None and (key.created is None or key.created >= begun.at - SKEW):
                self._note(Turn.ISSUE, Phase.DONE, id=key.public_id, proof="looked: it was made, and nobody has it")
                return
        self._note(Turn.ISSUE, Phase.FAILED, why="looked: it was not made")

    def _settle_puts(self) -> None:
        """Whether a delivery without an outcome arrived: the companion says so, or each part has been written since."""
        by_to = {p.delivery.to: p for p in self.places}
        for to, begun in list(self._known.putting.items()):
            place, stored = by_to.get(to), self._stored.get(to)
            if place is None or stored is None:
                self._note(Turn.DELIVER, Phase.FAILED, to=to, id=begun.id, why="looked: nothing is there")
                continue
            written = len(begun.before) == len(stored.versions) and all(
                one != other for one, other in zip(begun.before, stored.versions, strict=True)
            )
            fresh = not begun.before and all(stored.versions)
            if stored.public_id == begun.id or (not place.reads_back and (written or fresh)):
                if stored.public_id != begun.id:
                    self._write_note(place, begun.id)
                self._delivered(to, begun.id, stored, "looked: it arrived")
            else:
                self._note(Turn.DELIVER, Phase.FAILED, to=to, id=begun.id, why="looked: it did not arrive")

    def _settle_deletes(self) -> None:
        """Ours that are not live any more. One that was made just now may not be listed yet."""
        live, listed = {k.public_id for k in self._keys}, self.of.clock() - SKEW
        for old in [i for i, made in self._known.made.items() if i not in live and made < listed]:
            self._note(Turn.DELETE, Phase.DONE, id=old, proof="looked: it is gone")

    def _take_for_ours(self) -> None:
        """A live credential that a companion names is ours, also where the journal was lost."""
        live = {k.public_id: k for k in self._keys}
        for to, stored in self._stored.items():
            found = stored.public_id if stored is not None else None
            if found is None or found not in live or stored is None:
                continue
            if found not in self._known.made:
                made = live[found].created or self.of.clock()
                self._note(Turn.ISSUE, Phase.DONE, id=found, made=format_instant(made), proof=f"{to} names it")
            if self._known.holds.get(to, ("", ()))[0] != found:
                self._delivered(to, found, stored, "its companion names it")

    def _holders(self, who: str) -> list[Place]:
        """The places that have it: by their companion, and where nothing can be read back only as it was left."""
        return [p for p in self.places if self._holds(p, who)]

    def _holds(self, place: Place, who: str) -> bool:
        stored = self._stored.get(place.delivery.to)
        held, versions = self._known.holds.get(place.delivery.to, ("", ()))
        if stored is None:
            return False
        if place.reads_back:
            return stored.public_id == who
        return held == who and stored.versions == versions

    # A new one

    def _replace(self) -> None:
        issued, who = None, self._unfinished()
        if who is not None:
            issued = self._secret_of(who)
            missing = [p for p in self.places if not self._holds(p, who)]
            if issued is None and missing and who in self._known.verified:
                who = None  # it goes on working where it is, until a new one lies everywhere
            elif issued is None and missing:
                if len(missing) < len(self.places):
                    raise _StopError(
                        f"{who} lies in some of its places, and its secret cannot be read back for "
                        f"{', '.join(p.delivery.to for p in missing)}; what works goes on working. Add a store that "
                        f"can be read back, or take {who} back by hand"
                    )
                self._delete(who, "its secret was lost with the run that made it, and nobody has it")
                who = None
            elif issued is None and who not in self._known.proven:
                who = self._proven_by_others(who)
        current = self._known.current
        off = any(k.public_id == current and not k.active for k in self._keys)  # by hand, or with its account
        due = current is None or off or self.anew or is_old(self.slot, self._known, self.of.clock())
        if who is None:
            if not due and current is not None and len(self._holders(current)) == len(self.places):
                return
            self._make_room()
            issued = self._issue()
            who = issued.public_id
        if issued is not None and who not in self._known.proven:
            self._prove(issued)
        for place in self.places:
            if not self._holds(place, who):
                self._deliver(place, issued, who)
        self._verify(who, issued)

    def _proven_by_others(self, who: str) -> str | None:
        """Where the journal was lost: whether somebody has signed in with it since."""
        used = self._read(lambda: self.issuer.last_used(self.login, who))
        if used is None:
            return None
        self._note(Turn.PROVE, Phase.DONE, id=who, proof=f"it was used {format_instant(used)}")
        return who

    def _unfinished(self) -> str | None:
        """The newest of ours, where something is still to be done with it."""
        known = self._known
        ours = [i for i in known.made if i not in known.retired]
        newest = max(ours, key=lambda i: known.made[i], default=None)
        if newest is None or (newest in known.verified and self.anew):
            return None
        if newest in known.verified and len(self._holders(newest)) == len(self.places):
            return None
        if newest in known.verified and is_old(self.slot, known, self.of.clock()):
            return None
        return newest

    def _secret_of(self, who: str) -> Issued | None:
        """From a place that can be read back."""
        for place in self._holders(who):
            if place.reads_back:
                found = self._read(lambda p=place: p.store.read(*_at(p)))  # type: ignore[misc]
                issued = self.issuer.again(found)
                if issued is not None and issued.public_id == who:
                    return issued
        return None

    def _make_room(self) -> None:
        """Only what was retired long enough is deleted for it, never what may be in use."""
        self._end_the_old()
        taken = [k for k in self._keys if not k.apart]
        if self.issuer.replaces or len(taken) < self.issuer.most:
            return
        known, current = self._known, self._known.current
        foreign = [k.public_id for k in taken if k.public_id not in known.made]
        if foreign:
            raise _StopError(
                f"{self.login} has {len(taken)} of at most {self.issuer.most} credentials, and nothing shows that "
                f"{', '.join(foreign)} is ours; delete it where it is not used, then run again"
            )
        ends = [next_end(self.slot, known, o) for o in known.made if o != current and current is not None]
        until = f" until {format_instant(min(ends))}" if ends else ""
        raise _StopError(f"there is no room for a new credential{until}: the one before is still in its overlap")

    def _issue(self) -> Issued:
        self._note(Turn.ISSUE, Phase.INTENT, before=sorted(k.public_id for k in self._keys))
        issued = self._call(Turn.ISSUE, lambda d: self.issuer.issue(self.login, d))
        self._note(Turn.ISSUE, Phase.DONE, id=issued.public_id)
        self._told.done.append(f"{issued.public_id} is made")
        if self.issuer.replaces:
            for old in [i for i in self._known.made if i != issued.public_id]:
                self._note(Turn.DELETE, Phase.DONE, id=old, proof=f"{issued.public_id} took its place")
                self._told.done.append(f"{old} ended with that: there can be one")
            self._keys = ()
        self._keys = (*self._keys, Key(issued.public_id, True))
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
                    raise _StopError(
                        f"{issued.public_id} was made and does not work yet ({error.message}); nobody has it, "
                        f"{self._before}; the next run makes another"
                    ) from None
                self.of.sleep(wait)
                wait = min(wait * 2, waits.longest)
        self._note(Turn.PROVE, Phase.DONE, id=issued.public_id)

    @property
    def _before(self) -> str:
        """What is to be said of the credential before a new one that did not arrive."""
        return "and the one before works no more" if self.issuer.replaces else "and the one before goes on working"

    def _deliver(self, place: Place, issued: Issued | None, who: str) -> None:
        if issued is None:
            raise _StopError(f"the secret of {who} cannot be read back for {place.delivery.to}")
        to = place.delivery.to
        before = self._stored.get(to)
        self._note(Turn.DELIVER, Phase.INTENT, to=to, id=who, before=list(before.versions) if before else [])
        note = Note(who, self.of.run.id, self.of.clock())
        self._call(
            Turn.DELIVER,
            lambda d: place.store.put(*_at(place), issued, note, before, d),
            to=to,
            id=who,
            words=f"{to} does not have {who}, {self._before}"
            + (" until the next run that can deliver" if self.issuer.replaces else ""),
        )
        stored = self._read(lambda: place.store.look(*_at(place)))
        if stored is None or stored.public_id != who:
            raise _StopError(f"{to} took {who} and does not show it")
        self._stored[to] = stored
        self._delivered(to, who, stored, "")
        self._told.done.append(f"{who} lies in {to}")

    def _verify(self, who: str, issued: Issued | None) -> None:
        """As whoever reads it will use it: what can be read back is, and signed in with."""
        if who in self._known.verified:
            return
        seen = []
        for place in (p for p in self.places if p.reads_back):
            found = self.issuer.again(self._read(lambda p=place: p.store.read(*_at(p))))  # type: ignore[misc]
            if found is None or found.public_id != who or (issued is not None and found.secret != issued.secret):
                raise _StopError(f"what {place.delivery.to} gives back is not {who}")
            self._read(lambda f=found: self.issuer.use(f, self.login))  # type: ignore[misc]
            seen.append(place.delivery.to)
        told = f"read back from {', '.join(seen)} and used" if seen else "used before it was delivered"
        self._note(Turn.VERIFY, Phase.DONE, id=who, proof=told)
        self._told.done.append(f"{who} works ({told})")

    # The old ones

    def _end_the_old(self) -> None:
        """What is ours and older than the one in use, when its time has come. Without one in use nothing is ended."""
        self._told.waits.clear()
        current = self._known.current
        if current is None or current not in {k.public_id for k in self._keys}:
            return
        if len(self._holders(current)) < len(self.places):
            return
        for old in [i for i in self._known.made if i != current]:
            self._end(old)

    def _end(self, old: str) -> None:
        now, known = self.of.clock(), self._known
        if old not in known.retired and known.made[old] > known.verified[known.current or ""]:
            return  # newer: a rotation that is not finished
        if next_end(self.slot, known, old) > now:
            what = "is deleted" if old in known.retired else "works"
            until = format_instant(next_end(self.slot, known, old))
            self._told.waits.append(f"{old} {what} {'after' if old in known.retired else 'until'} {until}")
            return
        if old not in known.retired:
            self._retire(old)
        else:
            self._delete(old, "its overlap is over")

    def _end_all(self) -> None:
        """Each switched off at once, and deleted after an overlap."""
        live, now = {k.public_id for k in self._keys}, self.of.clock()
        for who in [i for i in self._known.made if i in live]:
            since = self._known.retired.get(who)
            if since is None and self.gives:
                self._retire(who)
            elif since is not None and since + self.slot.overlap <= now:
                self._delete(who, "the files have no such credential any more")
            elif since is not None:
                self._told.waits.append(f"{who} is deleted after {format_instant(since + self.slot.overlap)}")

    def _retire(self, old: str) -> None:
        self._note(Turn.RETIRE, Phase.INTENT, id=old)
        self._call(Turn.RETIRE, lambda d: self.issuer.deactivate(self.login, old, d), id=old)
        self._note(Turn.RETIRE, Phase.DONE, id=old)
        self._told.done.append(f"{old} is switched off")
        self._told.waits.append(f"{old} is deleted after {format_instant(self.of.clock() + self.slot.overlap)}")

    def _delete(self, old: str, why: str) -> None:
        self._note(Turn.DELETE, Phase.INTENT, id=old, why=why)
        self._call(Turn.DELETE, lambda d: self.issuer.delete(self.login, old, d), id=old)
        self._note(Turn.DELETE, Phase.DONE, id=old)
        self._keys = tuple(k for k in self._keys if k.public_id != old)
        self._told.done.append(f"{old} is deleted: {why}")

    # How a call is made, and written down

    def _note(self, turn: Turn, phase: Phase, **more: Any) -> None:
        lost = self.of.lost() if phase is Phase.INTENT else None
        if lost is not None:
            raise ProvisionError(lost)
        body = rotation_body(str(self.slot.address), self.slot.service, turn, phase, **more)
        self.chain.append(RecordKind.ROTATE, body, run=self.of.run, at=self.of.clock())

    def _delivered(self, to: str, who: str, stored: Stored, proof: str) -> None:
        more = {"proof": proof} if proof else {}
        self._note(Turn.DELIVER, Phase.DONE, to=to, id=who, after=list(stored.versions), **more)

    def _write_note(self, place: Place, who: str) -> None:
        note = Note(who, self.of.run.id, self.of.clock())
        place.store.note(*_at(place), note, self.of.waits.deadline())

    def _call(self, turn: Turn, act: Callable[[float], T], *, words: str = "", **named: str) -> T:
        """Sent once. What is known not to be done is recorded so; what is not known is looked at by the next run."""
        try:
            return act(self.of.waits.deadline())
        except ProviderError as error:
            if error.trouble not in _UNSURE:
                self._note(turn, Phase.FAILED, why=str(error), **named)
            raise _StopError(f"{words}: {error}" if words else str(error)) from None

    def _read(self, act: Callable[[], T]) -> T:
        """A read may be repeated."""
        wait = self.of.waits.first
        for attempt in range(1, self.of.waits.tries + 1):
            try:
                return act()
            except ProviderError as error:
                if error.trouble not in NOT_SENT | {Trouble.UNKNOWN, Trouble.PARTIAL} or attempt == self.of.waits.tries:
                    raise
            self.of.sleep(wait)
            wait = min(wait * 2, self.of.waits.longest)
        raise AssertionError("a loop that always returns or raises")


def _at(place: Place) -> tuple[str, Any]:
    return place.delivery.place, place.delivery.names


def counts(found: Sequence[Rotated]) -> Mapping[str, int]:
    """How many slots had something done, and how many could not be finished."""
    return {"done": sum(bool(r.done) for r in found), "failed": sum(bool(r.failed) for r in found)}
