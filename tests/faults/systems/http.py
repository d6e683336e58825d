"""HTTP/1.1 messages as far as the proxies need them: read whole, made, and given another body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import BinaryIO

from tests.faults.wire import Answer

Head = list[bytes]
"""The first line and the fields, each with its end of line; without the empty line."""


def message(stream: BinaryIO) -> tuple[Head, bytes] | None:
    """The next whole message, with as long a body as it says; None where the stream ends first."""
    first = stream.readline()
    if not first:
        return None
    head, length = [first], 0
    while (line := stream.readline()) not in (b"\r\n", b"\n", b""):
        head.append(line)
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    body = stream.read(length)
    return None if len(body) < length else (head, body)


def whole(head: Sequence[bytes], body: bytes) -> bytes:
    return b"".join(head) + b"\r\n" + body


def told(head: Sequence[bytes], name: str) -> str:
    """A field's value; empty where it is not there."""
    wanted = name.lower().encode()
    found = next((line.partition(b":")[2] for line in head[1:] if line.partition(b":")[0].lower() == wanted), b"")
    return found.strip().decode("latin-1")


def changed(head: Sequence[bytes], body: bytes, **fields: str | None) -> Head:
    """The head for another body, with some fields (`Link` as `link`) set or, by None, taken out."""
    gone = {b"content-length", *(name.lower().replace("_", "-").encode() for name in fields)}
    kept = [head[0], *(line for line in head[1:] if line.partition(b":")[0].lower() not in gone)]
    new = {**fields, "content_length": str(len(body))}
    given = ((name.replace("_", "-"), value) for name, value in new.items() if value is not None)
    return kept + [f"{name}: {value}\r\n".encode() for name, value in given]


def received(stream: BinaryIO) -> tuple[Answer, Head, bytes] | None:
    """The next answer, and what it is made of."""
    found = message(stream)
    if found is None:
        return None
    head, body = found
    return Answer((b"".join(head) + b"\r\n", body), ok=200 <= int(head[0].split()[1]) < 300), head, body


def head_of(answer: Answer) -> Head:
    return [line + b"\r\n" for line in answer.parts[0].split(b"\r\n") if line]


def made(status: int, body: bytes, kind: str = "application/json", fields: Mapping[str, str] | None = None) -> Answer:
    """An answer that no server gave."""
    named = {"Content-Type": kind, "Content-Length": str(len(body)), **(fields or {})}
    first = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
    head = first + "".join(f"{name}: {value}\r\n" for name, value in named.items()) + "\r\n"
    return Answer((head.encode(), body), ok=200 <= status < 300)


def with_body(answer: Answer, body: bytes, **fields: str | None) -> Answer:
    """The same answer with another body, and with fields set or taken out as in `changed`."""
    return Answer((b"".join(changed(head_of(answer), body, **fields)) + b"\r\n", body), ok=answer.ok)
