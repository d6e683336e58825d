"""64 secrets that stand for all: planted in the environment of every test, and in systems by a story of their own.

None may ever be found in what the product says or leaves behind, in no spelling: as it is, base64, hexadecimal, as a
URL or JSON writes it. All begin alike, so that looking for them is cheap.
"""

from __future__ import annotations

import base64
import gzip
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

COUNT = 64
_HEAD = "k4N4ry"
_BEGINNINGS = (
    _HEAD.encode(),
    base64.b64encode(_HEAD.encode()),
    _HEAD.encode().hex().encode(),
    _HEAD.encode().hex().upper().encode(),
)
_LEFT_BEHIND = re.compile(r"\.provision(/|$)|journal|provision-bug-|\.(json|plan|txt|md|yaml|yml|csv|gz)$")
_NOT_OURS = ("slapd", "/server/", "/conf/", "/db/")


def secret(number: int) -> str:
    """The `number`-th: characters that every encoding writes differently, and a tail of its own."""
    return f'{_HEAD}{number:02}-q"/+&é<{number * 7919 % 9973:04}=='


def in_the_environment() -> dict[str, str]:
    """For the whole suite: names of every kind that tools are given secrets by, none of which the product needs."""
    kinds = ("TOKEN", "PASSWORD", "KEY", "SECRET")
    return {f"CANARY_{kinds[n % 4]}_{n:02}": secret(n) for n in range(16)}


def found_in(data: bytes, others: Iterable[str] = ()) -> str | None:
    """The first trace of a canary, or of one of the `others`, with what stands around it."""
    for mark in (*_BEGINNINGS, *(form for one in others for form in forms(one))):
        at = data.find(mark)
        if at >= 0:
            return data[max(0, at - 80) : at + 80].decode("utf-8", "replace")
    return None


def forms(one: str) -> Iterator[bytes]:
    """A secret as it may be spelled; for those that systems make by themselves."""
    raw = one.encode()
    yield raw
    yield base64.b64encode(raw).rstrip(b"=")
    yield raw.hex().encode()


def left_behind(folder: Path) -> Iterator[Path]:
    """The product's files below a test's folder: journals, plans, tracebacks, access files. Not the servers' own."""
    if not folder.is_dir():
        return
    for path in folder.rglob("*"):
        text = str(path.relative_to(folder))
        if any(part in f"/{text}/" for part in _NOT_OURS) or not _LEFT_BEHIND.search(text):
            continue
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 5_000_000:
            yield path


def in_files(paths: Iterable[Path], others: Iterable[str] = ()) -> list[str]:
    """What was found, with the file."""
    others, wrong = list(others), []
    for path in paths:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            with suppress(OSError, EOFError, zlib.error):  # damaged on purpose: then it is looked through as it is
                data = gzip.decompress(data)
        trace = found_in(data, others)
        if trace is not None:
            wrong.append(f"{path}: ...{trace}...")
    return wrong


def in_texts(texts: Mapping[str, str], others: Iterable[str] = ()) -> list[str]:
    """What was found, with where it was said."""
    others = list(others)
    found = ((name, found_in(text.encode("utf-8", "replace"), others)) for name, text in texts.items())
    return [f"{name}: ...{trace}..." for name, trace in found if trace is not None]
