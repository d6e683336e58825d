"""What makes credentials for one run alone: the protocols of `provision run`, and the values that go between them.

A provider says what two parties have in common, as its system can enforce it, and makes a credential for exactly that.
It never decides who may have one, for how long, or what is done about one that was left over.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from provisioner.contract.errors import ProviderError, Trouble
from provisioner.credentials import Secret
from provisioner.model.instant import Instant
from provisioner.model.resource import Resource
from provisioner.model.target import Target


@dataclass(frozen=True, slots=True)
class Shared:
    """What both parties have. `cannot` says, in words, each thing that the system has no way to narrow to: then nothing
    is made at all (`cannot-narrow`), for a thing left out quietly could be a prohibition."""

    things: tuple[Resource, ...]
    cannot: tuple[str, ...] = ()


class CannotNarrow(ProviderError):  # noqa: N818 - it is what the system is like, not something wrong in us
    """What only the live system shows, or the order lacks: there is no credential that would be no wider than both.
    Nothing was made. `reasons` say each thing in words, as `Shared.cannot` does."""

    def __init__(self, reasons: Sequence[str], *, call: str) -> None:
        super().__init__(Trouble.INVALID, "; ".join(reasons), call=call, code="cannot-narrow")
        self.reasons = tuple(reasons)


@runtime_checkable
class Narrows(Protocol):
    """A `Declare` that can tell what two parties share. Pure."""

    def shared(self, person: Sequence[Resource], scope: Sequence[Resource]) -> Shared:
        """No wider than either of them. `person` and `scope` are desired grants and memberships of one target, each
        with its own principal; the result's principals are of no matter."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """A credential that is wanted. `run` is unique and made of at most 16 of a-z and 0-9; `person` the declared id of
    whom it is for and `login` their account's name on the target; `others` are the accounts there of those who set the
    run going too, for it is to be no wider than any of them. `things` come from `shared`. `settings` are what the
    pipeline's entry says for this target (`assume`), empty where it says nothing. `ends` is the last moment at which
    it may work."""

    run: str
    person: str
    login: str
    pipeline: str
    things: tuple[Resource, ...]
    ends: Instant
    settings: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Minted:
    """A credential in hand. `public_id` may be said and is what `end` takes; `environ` all that a client of the system
    reads: it finds no other variables of that system. `ends` is when the system itself ends it. `taken_back` False:
    nothing ends it before that."""

    public_id: str
    environ: Mapping[str, Secret | str]
    ends: Instant
    taken_back: bool = True


@dataclass(frozen=True, slots=True)
class Left:
    """A credential of some run that is still there. `now` is what the system's own clock said as it was asked, where it
    tells that: whether the credential is over is not for our clock alone to say."""

    public_id: str
    run: str
    ends: Instant | None
    now: Instant | None = None


class Minter(Protocol):
    """Makes and ends credentials of runs on one target. Raises ProviderError."""

    def mint(self, order: Order, deadline: float) -> Minted:
        """Make one; safe to say again for the same order after `unknown`. What is half made when it fails is found by
        `left`, and works for nobody. Raises CannotNarrow where only the live system shows that it cannot be."""
        ...

    def end(self, public_id: str, deadline: float) -> None:
        """End its sessions, and take it away. Fine where it is gone. It touches nothing that is not of a run."""
        ...

    def left(self) -> tuple[Left, ...]:
        """All that runs have left here, of any pipeline; empty where the system forgets them by itself."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Mints(Protocol):
    """A provider that makes credentials for runs. `takes_back` False: nothing ends one before its time."""

    takes_back: bool

    def open_minter(self, target: Target, environ: Mapping[str, str], owner: str | None) -> Minter:
        """`owner` is `records.owner`, for the marks. On the main thread."""
        ...


# What has to lie ready before a run comes


@dataclass(frozen=True, slots=True)
class Usual:
    """A run that may come any day, of one person alone: fields as in `Order`."""

    person: str
    login: str
    pipeline: str
    things: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that runs are given a part of by name. Another `content` has another `name`, and by itself it gives
    nobody anything. `runs` say whose it is for, in words."""

    name: str
    content: str
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """`needless` are known, and of no use to any usual run; they may be gone already. `strange`, in words: what lies
    where ours lie, and is left alone."""

    lacking: tuple[Piece, ...] = ()
    needless: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()


class Preparer(Protocol):
    """Lays ready what a minter cannot make when a run comes. Raises ProviderError."""

    def look(self, usual: Sequence[Usual], known: Collection[str]) -> Prepared:
        """`known` are the names of what was made there, by the journal. In the fewest reads; writes nothing."""
        ...

    def make(self, piece: Piece, deadline: float) -> None:
        """Safe to say again. It has shown when a later `look` does not call it lacking."""
        ...

    def drop(self, name: str, deadline: float) -> None:
        """Take away what is `needless`, if it still is as we made it. Fine where it is gone."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Prepares(Protocol):
    """A provider whose runs may need something that lies ready on the target."""

    def open_preparer(self, target: Target, environ: Mapping[str, str], owner: str | None, *, writes: bool) -> Preparer:
        """`owner` is `records.owner`. On the main thread."""
        ...
