"""PostgreSQL's protocol (version 3) as far as the proxy needs it: messages with a letter and a length; a question ends
with Query or Sync, its answer with ReadyForQuery.

What a transaction did counts at its COMMIT and not before: that is the one call that changes something.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import BinaryIO
from weakref import WeakKeyDictionary

from tests.faults.wire import Answer, Effect, Request, Spoil, Touched

_NAME = r'"((?:[^"]|"")+)"'
_STATES = {"busy": "55P03", "unavailable": "57P01", "error": "XX000", "denied": "42501"}
_DATASET = re.compile(r"ds_[0-9a-f]{16}_([a-z]+)_([a-z]+)_(.+)\Z")


@dataclass(eq=False)
class Talk:
    """One connection: how far it is, and what its open transaction did. `marks` are savepoints."""

    begun: bool = False
    status: bytes = b"I"
    did: list[Touched] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the wire remembers of a question: its connection, its text, and whether it belongs to the handshake."""

    talk: Talk
    text: str
    handshake: bool = False


class PostgresWire:
    """No TLS: the engine's settings say so, and the proxy could not look into it."""

    spoils: tuple[Spoil, ...] = ()
    silent: tuple[Spoil, ...] = ()

    def __init__(self) -> None:
        self._talks: WeakKeyDictionary[BinaryIO, Talk] = WeakKeyDictionary()

    def request(self, stream: BinaryIO) -> Request | None:
        talk = self._talks.setdefault(stream, Talk())
        if not talk.begun:
            raw = _startup(stream)
            if raw is None:
                return None
            talk.begun = True
            return Request(raw, "connect", detail=Asked(talk, "", handshake=True))
        raw, text = b"", ""
        while (message := _message(stream)) is not None:
            raw += message
            kind, body = message[:1], message[5:]
            if kind == b"X":
                return Request(raw, "goodbye", answered=False, detail=Asked(talk, ""))
            if kind == b"p":
                return Request(raw, "password", detail=Asked(talk, "", handshake=True))
            if kind == b"P":
                text = body.split(b"\0")[1].decode(errors="replace")
            if kind == b"Q":
                text = body.rstrip(b"\0").decode(errors="replace")
            if kind in (b"Q", b"S"):
                break
        else:
            return None
        commits = text == "COMMIT" and bool(talk.did)
        name = (text.split() or ["?"])[0].lower()
        touched = tuple(dict.fromkeys(talk.did)) if commits else ()
        return Request(raw, name, mutates=commits, touched=touched, key=raw, detail=Asked(talk, text))

    def answer(self, stream: BinaryIO, request: Request) -> Answer | None:
        asked: Asked = request.detail
        parts: list[bytes] = []
        ok = True
        while (message := _message(stream)) is not None:
            parts.append(message)
            kind = message[:1]
            if kind == b"E":
                ok = False
            if kind == b"R" and int.from_bytes(message[5:9], "big") not in (0, 12):
                return Answer(tuple(parts))  # it wants a password, or the next step of one
            if kind == b"Z":
                asked.talk.status = message[5:6]
                self._note(asked, ok)
                return Answer(tuple(parts), ok)
        return Answer(tuple(parts), ok=False, ends=True) if parts else None

    @staticmethod
    def _note(asked: Asked, ok: bool) -> None:
        """What the transaction did so far; what was rolled back was never done."""
        talk, text = asked.talk, asked.text.lower()
        if text.startswith("rollback to"):
            del talk.did[talk.marks[-1] if talk.marks else 0 :]
        elif text.startswith("savepoint"):
            talk.marks = [len(talk.did)]
        elif talk.status == b"I":
            talk.did, talk.marks = [], []
        elif ok:
            talk.did += touched_by(asked.text)

    def for_request(self, answer: Answer, request: Request) -> Answer:
        return answer

    def success(self, request: Request) -> Answer:
        """A server that says COMMIT and forgets cannot be played in front of one that remembers: it goes away."""
        return self.trouble(request, "unavailable", None)

    def trouble(self, request: Request, kind: str, wait: float | None) -> Answer:
        """A refused statement fails its transaction. A connection that is being made, and a COMMIT, end with it:
        otherwise the server behind would be left in another state than the client believes."""
        asked: Asked = request.detail
        state = _STATES.get(kind, "XX000")
        ends = asked.handshake or asked.text == "COMMIT" or kind == "unavailable"
        severity = b"FATAL" if ends else b"ERROR"
        body = b"S" + severity + b"\0V" + severity + b"\0C" + state.encode() + b"\0M" + kind.encode() + b"\0\0"
        parts = [_made(b"E", body)]
        if not ends:
            parts.append(_made(b"Z", b"I" if asked.talk.status == b"I" else b"E"))
        return Answer(tuple(parts), ok=False, ends=ends)

    def spoiled(self, spoil: Spoil, request: Request, answer: Answer, chance: Random) -> Answer | None:
        return None


def touched_by(text: str) -> Iterator[Touched]:
    """What a statement does to somebody. What is done to a role that only holds rights is nobody's access by itself."""
    give, take = Effect.GIVE, Effect.TAKE
    if found := re.match(rf"create role {_NAME} login", text):
        yield Touched(give, f"account/{found[1]}")
    elif found := re.match(rf"grant {_NAME} to {_NAME}", text):
        yield Touched(give, _held(found[1], found[2]))
    elif found := re.match(rf"revoke {_NAME} from {_NAME}", text):
        yield Touched(take, _held(found[1], found[2]))
    elif found := re.match(rf"alter role {_NAME} (nologin|login|connection limit 0|valid until)", text):
        effect = {"login": give, "valid until": Effect.TOUCH}.get(found[2], take)
        yield Touched(effect, f"account/{found[1]}")
    elif found := re.match(rf"drop role {_NAME}", text):
        yield Touched(take, f"account/{found[1]}")
    elif (found := re.match(rf"comment on role {_NAME}", text)) and not found[1].startswith("ds_"):
        yield Touched(Effect.TOUCH, f"account/{found[1]}")


def _held(role: str, member: str) -> str:
    dataset = _DATASET.match(role)
    if dataset is None:
        return f"membership/{role}/{member}"
    return f"grant/{dataset[2]}.{dataset[3]}/{member}#{dataset[1]}"


def _startup(stream: BinaryIO) -> bytes | None:
    head = stream.read(4)
    if len(head) < 4:
        return None
    body = stream.read(int.from_bytes(head, "big") - 4)
    return head + body


def _message(stream: BinaryIO) -> bytes | None:
    """The next whole message; None where the stream ends."""
    head = stream.read(5)
    if len(head) < 5:
        return None
    size = int.from_bytes(head[1:], "big") - 4
    body = stream.read(size)
    return head + body if len(body) == size else None


def _made(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4, "big") + body
