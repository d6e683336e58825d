"""Canonical bytes and hashes of plain values: RFC 8785 (JSON Canonicalization Scheme), SHA-256."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import rfc8785

_MOST = 2**53 - 1


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of a value made of mappings with text keys, lists, text, numbers, booleans and None."""
    if _plain(value):
        # The same bytes from the C encoder, thirty times as fast: RFC 8785 differs from it only in how it writes
        # fractions, and in the order of keys beyond ASCII.
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    return rfc8785.dumps(value)


def _plain(value: Any) -> bool:
    """Whether `value` holds nothing that the two write differently, or that one of them refuses."""
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is dict:
        return all(type(k) is str and k.isascii() and _plain(v) for k, v in value.items())
    if kind is list or kind is tuple:
        return all(_plain(v) for v in value)
    return kind is int and -_MOST <= value <= _MOST


def readable_json(value: Any) -> str:
    """Indented, keys in their own order, and a newline at the end. Pure ASCII, and without the beginning of a log
    command, so that no terminal or log can be misled by it."""
    return json.dumps(value, indent=2, ensure_ascii=True).replace("##[", "##\\u005b") + "\n"


def digest(value: Any) -> str:
    """`sha256:` and the hash of the canonical bytes."""
    return "sha256:" + hashlib.sha256(canonical_json(value)).hexdigest()
