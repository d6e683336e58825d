"""Canonical bytes and hashes of plain values: RFC 8785 (JSON Canonicalization Scheme), SHA-256."""

from __future__ import annotations

import hashlib
from typing import Any

import rfc8785


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of a value made of mappings with text keys, lists, text, numbers, booleans and None."""
    return rfc8785.dumps(value)


def digest(value: Any) -> str:
    """`sha256:` and the hash of the canonical bytes."""
    return "sha256:" + hashlib.sha256(canonical_json(value)).hexdigest()
