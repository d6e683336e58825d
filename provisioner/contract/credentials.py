"""What makes credentials, and what keeps them: the protocols of rotation, and the values that go between them.

A secret passes here only as `Secret`. Whoever implements these neither retries nor decides when: that is rotation's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from provisioner.credentials import Secret
from provisioner.diagnostics import Diagnostic, Location
from provisioner.model.instant import Instant
from provisioner.model.slot import Names
from provisioner.model.target import Target

if TYPE_CHECKING:
    from pydantic import BaseModel


COMPANION = "provision"
"""The key of the companion in stores that keep a credential and what tells of it in one document."""


@dataclass(frozen=True, slots=True)
class Key:
    """One credential that an account has. `public_id` is what may be said of it."""

    public_id: str
    active: bool
    created: Instant | None = None
    apart: bool = False
    """It was not made by us, as can be seen, and takes no room from those that are."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A credential in hand. `user` goes with the secret (an access key's id, a login); `whole` is both in the one text
    that clients of the system read."""

    public_id: str
    user: str
    secret: Secret
    whole: Secret


@dataclass(frozen=True, slots=True)
class Note:
    """The companion of what is delivered; nothing in it is secret."""

    public_id: str
    run: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store tells of a place without its secret. `public_id` is the companion's word, None where there is none
    that fits what is there now. `versions` change, each of them, when the parts are written: one for each call that a
    delivery takes."""

    public_id: str | None
    versions: tuple[str, ...]


class Issuer(Protocol):
    """The credentials of one kind on one target. Raises ProviderError; `login` is always given."""

    most: int
    """How many credentials an account can have at a time."""
    replaces: bool
    """Whether a new one ends the one before at that moment: the account has one, and no overlap."""

    def keys(self, login: str) -> tuple[Key, ...]:
        """All that the account has, whoever made them. `gone` where there is no such account."""
        ...

    def issue(self, login: str, deadline: float) -> Issued:
        """Make one. Never sent twice: `unknown` where there was no answer."""
        ...

    def again(self, found: Mapping[str, Secret]) -> Issued | None:
        """One that was read back from a store (`whole`, or `user` and `secret`); None where that is none of these."""
        ...

    def use(self, issued: Issued, login: str) -> None:
        """Sign in with it, which changes nothing. `credential` where it does not work (yet)."""
        ...

    def last_used(self, login: str, public_id: str) -> Instant | None: ...

    def deactivate(self, login: str, public_id: str, deadline: float) -> None:
        """It works no more, and could be switched on again. Fine where it is so."""
        ...

    def delete(self, login: str, public_id: str, deadline: float) -> None:
        """Fine where it is gone."""
        ...

    def close(self) -> None: ...


class Store(Protocol):
    """Places that keep secrets. Raises ProviderError. `place` and `names` were let through by `check_place`."""

    def look(self, place: str, names: Names) -> Stored | None:
        """What is there, without the secret; None where nothing is."""
        ...

    def put(self, place: str, names: Names, issued: Issued, note: Note, expect: Stored | None, deadline: float) -> None:
        """Write the credential and its companion over what `look` found; `conflict` where that has changed and the
        store can tell."""
        ...

    def note(self, place: str, names: Names, note: Note, deadline: float) -> None:
        """Write the companion alone, where it is a thing of its own and its writing was cut off."""
        ...

    def read(self, place: str, names: Names) -> Mapping[str, Secret]:
        """The credential: `whole`, or `user` and `secret`. Only where the store `reads_back`."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class Issues(Protocol):
    """A provider that makes credentials. `issues` has the kinds, with the names that their parts have where the files
    do not say (`user`, `secret`). `tells_login`: the account's name is part of what is delivered, which is wrong once
    the account is renamed."""

    issues: Mapping[str, Names]
    tells_login: bool

    def open_issuer(self, target: Target, environ: Mapping[str, str], kind: str, owner: str | None) -> Issuer:
        """`owner` is whose marks we write, as for a writer."""
        ...

    def check_credential(self, target: Target, kind: str, at: Location) -> Iterator[Diagnostic]:
        """What is to be said of a credential of this kind that is declared `at`. No I/O."""
        ...


@runtime_checkable
class Holds(Protocol):
    """A provider that keeps secrets, as an entry of `stores:` or as part of a target. `reads_back`: what it keeps can
    be read by whoever may. `at_once`: both parts of a credential are written in one call. `folds_case`: names that
    differ in capitals alone are one."""

    name: str
    reads_back: bool
    at_once: bool
    folds_case: bool

    @property
    def settings(self) -> type[BaseModel]: ...

    def check_place(self, place: str, names: Names) -> str | None:
        """Why nothing can be kept at `place` under these names, in words, or None. No I/O."""
        ...

    def open_store(self, target: Target, environ: Mapping[str, str]) -> Store: ...


def tells_login(provider: object) -> bool:
    """Whether what a provider makes has the account's name in it."""
    return isinstance(provider, Issues) and provider.tells_login


def issues_of(provider: object) -> Mapping[str, Names]:
    """The kinds of credentials that a provider makes; none where it makes none."""
    return provider.issues if isinstance(provider, Issues) else {}
