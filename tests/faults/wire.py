"""What the proxy must know of a protocol: where a request ends, whether it changes something, how to spoil an answer.

One implementation for each protocol, beside its system. It knows nothing of the engine, of tests, or of what they
expect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, BinaryIO, Protocol


class Effect(StrEnum):
    """What a call does to access: `give` and `take` something, or `touch` an object that stays."""

    GIVE = "give"
    TAKE = "take"
    TOUCH = "touch"


@dataclass(frozen=True, slots=True)
class Touched:
    """One thing that a call changes, by its name in addresses, without the target: `membership/devs/ada`. `also` are
    other names that the same change may go by: who is taken out of an organization loses the account there too."""

    effect: Effect
    thing: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """`mutates`: it asks to change something. `answered`: an answer is due. `key` is the same for the same question
    asked twice; `scope` what whole the answer is a part of (`people`, `groups`, `everything`, `credentials/ada`), empty
    for other questions; `detail` is what the protocol's own code wants to remember."""

    raw: bytes
    name: str
    mutates: bool = False
    answered: bool = True
    touched: tuple[Touched, ...] = ()
    key: bytes = b""
    scope: str = ""
    detail: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """`parts` are what may be cut between: messages of LDAP, head and body of HTTP. `ok`: the server said yes. `hurt`:
    of a spoiled answer that is part of several wholes, which one of them is short."""

    parts: tuple[bytes, ...]
    ok: bool = True
    ends: bool = False
    hurt: str = ""

    @property
    def raw(self) -> bytes:
        return b"".join(self.parts)


@dataclass(frozen=True, slots=True)
class Spoil:
    """A way to spoil the answer to a read. `shows`: somebody who reads carefully can see that it is not whole."""

    name: str
    shows: bool = True


class Stream(Protocol):
    """Something to read whole messages from."""

    def read(self, size: int, /) -> bytes: ...

    def readline(self, limit: int = -1, /) -> bytes: ...


class Wire(Protocol):
    """A protocol, request by request. Every method that makes bytes makes them for the given request."""

    spoils: tuple[Spoil, ...]

    def request(self, stream: BinaryIO) -> Request | None:
        """The next request; None at the end."""
        ...

    def answer(self, stream: BinaryIO, request: Request) -> Answer | None:
        """The whole answer; None where the server closed the connection first."""
        ...

    def for_request(self, answer: Answer, request: Request) -> Answer:
        """An answer given before to the same question, as the answer to this one (a message number may differ)."""
        ...

    def success(self, request: Request) -> Answer:
        """The answer of a server that says yes and does nothing."""
        ...

    def trouble(self, request: Request, kind: str, wait: float | None) -> Answer:
        """A refusal to work: `busy` (throttled, with the seconds to wait where the protocol can say them),
        `unavailable`, `error`, `denied` (what it is asked for needs more rights)."""
        ...

    def spoiled(self, spoil: Spoil, request: Request, answer: Answer, chance: Random) -> Answer | None:
        """The answer, spoiled; None where that cannot be done to this one."""
        ...


@dataclass(slots=True)
class Call:
    """One line of the request log: what came, what was done to it, and when (monotonic seconds).

    `sent`: the server got it. `ok`: and said yes. `passed`: the client got the server's own answer, or what was made of
    it. `records` is how many journal records of the target were on disk when it came. `shows`: who reads carefully can
    see what was done to the answer.
    """

    system: str
    number: int
    connection: int
    at: float
    name: str
    mutates: bool
    touched: tuple[Touched, ...]
    process: int = 0
    fault: str = ""
    sent: bool = False
    ok: bool = False
    passed: bool = False
    records: int = 0
    ended: float = 0.0
    key: bytes = field(default=b"", repr=False)
    scope: str = ""
    shows: bool = False

    @property
    def committed(self) -> bool:
        """Whether the server did it."""
        return self.mutates and self.sent and self.ok
