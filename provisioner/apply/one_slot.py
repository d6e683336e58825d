"""One credential slot as a run finds it: which credentials are live, what lies in the places, how a call is made.

An intent is on record before each call that changes something, and what became of it after. What is due is not decided
here. It refuses to begin anything once the lock is lost, and to repeat a call that changes something.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from provisioner.apply.retry import NOT_SENT, Waits
from provisioner.contract import Issued, Issuer, Key, Note, ProviderError, Store, Stored, Trouble
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.instant import Instant
from provisioner.model.rotation import Held, Phase, Rotation, Turn
from provisioner.model.slot import Delivery, Names, Slot
from provisioner.records.chain import Chain
from provisioner.records.record import RecordKind
from provisioner.records.rotation import rotation_body
from provisioner.records.run import RunInfo

_UNSURE = frozenset({Trouble.UNKNOWN})
T = TypeVar("T")


@dataclass(frozen=True)
class Place:
    """A delivery, and the store that takes it. Those that can be read back are written first: a run that dies between
    two places then goes on with what the first one has."""

    delivery: Delivery
    store: Store
    reads_back: bool

    @property
    def at(self) -> tuple[str, Names]:
        """Where in the store, and under which names."""
        return self.delivery.place, self.delivery.names


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


class StopError(Exception):
    """This slot goes no further in this run; why, in words."""


@dataclass
class OneSlot:
    """A slot, its account, who makes its credentials and where they go. `told` is what became of it so far; `keys` and
    `stored` are empty before `look`. `before`: by the names that the service had before, what the slot was called.
    `tells_login`: as of the provider."""

    slot: Slot
    login: str
    issuer: Issuer
    places: Sequence[Place]
    chain: Chain
    of: Rotating
    before: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    tells_login: bool = field(default=False, kw_only=True)
    told: Rotated = field(init=False)
    keys: tuple[Key, ...] = field(default=(), init=False)
    stored: dict[str, Stored | None] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.told = Rotated(self.slot)
        self.places = sorted(self.places, key=lambda p: not p.reads_back)

    # What there is

    @property
    def known(self) -> Rotation:
        """What the journal says of it."""
        return self.chain.rotation(str(self.slot.address))

    def look(self, *, gone: bool) -> None:
        """The live credentials and the places. Where it is `gone` from the files, its account may be as well."""
        self.keys = self.keys_of(self.login, gone=gone)
        for place in self.places:
            self.stored[place.delivery.to] = self.read(lambda p=place: p.store.look(*p.at))  # type: ignore[misc]

    def keys_of(self, login: str, *, gone: bool) -> tuple[Key, ...]:
        """The live credentials of an account. None has one that is `gone`, where it may be."""
        try:
            return self.read(lambda: self.issuer.keys(login))
        except ProviderError as error:
            if not gone or error.trouble is not Trouble.GONE:
                raise
            return ()

    def holders(self, who: str) -> list[Place]:
        """The places that have it: by their companion, and where nothing can be read back only as it was left."""
        return [p for p in self.places if self.holds(p, who)]

    def holds(self, place: Place, who: str) -> bool:
        """Whether this place has it."""
        stored = self.stored.get(place.delivery.to)
        held = self.known.holds.get(place.delivery.to, Held())
        if stored is None or self.renamed(who) or (held.id == who and not held.fits(place.delivery.names.all)):
            return False
        if place.reads_back:
            return stored.public_id == who
        return held.id == who and stored.versions == held.versions

    def renamed(self, who: str) -> bool:
        """Whether the account has another name by now than the one that was delivered with it."""
        return self.tells_login and self.known.logins.get(who, self.login) != self.login

    def works(self, issued: Issued) -> bool:
        """Signs in with it."""
        try:
            self.read(lambda: self.issuer.use(issued, self.login))
        except ProviderError as error:
            if error.trouble is not Trouble.CREDENTIAL:
                raise
            return False
        return True

    # How a call is made, and written down

    def note(self, turn: Turn, phase: Phase, **more: Any) -> None:
        """Into the journal. Raises ProvisionError where the lock is lost and something would be begun."""
        lost = self.of.lost() if phase is Phase.INTENT else None
        if lost is not None:
            raise ProvisionError(lost)
        body = rotation_body(str(self.slot.address), self.slot.service, turn, phase, **more)
        self.chain.append(RecordKind.ROTATE, body, run=self.of.run, at=self.of.clock())

    def delivered(self, to: str, held: Held, proof: str = "") -> None:
        """On record: it lies there; `proof` where that was seen rather than done."""
        more: dict[str, Any] = {"proof": proof} if proof else {}
        if held.names is not None:
            more["names"] = list(held.names)
        self.note(Turn.DELIVER, Phase.DONE, to=to, id=held.id, after=list(held.versions), **more)

    def write_note(self, place: Place, who: str) -> None:
        """The companion beside a secret that arrived without it."""
        note = Note(who, self.of.run.id, self.of.clock())
        place.store.note(*place.at, note, self.of.waits.deadline())

    def call(self, turn: Turn, act: Callable[[float], T], *, words: str = "", **named: str) -> T:
        """Sent once. What is known not to be done is recorded so; what is not known is looked at by the next run."""
        try:
            return act(self.of.waits.deadline())
        except ProviderError as error:
            if error.trouble not in _UNSURE:
                self.note(turn, Phase.FAILED, why=str(error), **named)
            raise StopError(f"{words}: {error}" if words else str(error)) from None

    def read(self, act: Callable[[], T]) -> T:
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
