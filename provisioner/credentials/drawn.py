"""Passwords that are made here, and the ids that they are known by.

A drawn password has 256 random bits, so that nobody can try them, and an id may be made of it. Refuses to make an id of
anything else: it would help whoever guesses.
"""

from __future__ import annotations

import hashlib
import secrets

from provisioner.credentials.secret import Secret

HEAD = "pvP1-"
"""How each begins: scanners for leaked secrets can look for it, and it holds the kinds of letters that policies ask
for."""
_BYTES = 32


def draw() -> Secret:
    """A new one."""
    return Secret(HEAD + secrets.token_urlsafe(_BYTES))


def id_of(password: Secret) -> str | None:
    """Sixteen hexadecimal digits by which a drawn password is known; None for one that was not drawn here."""
    text = password.reveal()
    if not text.startswith(HEAD) or len(text) < len(HEAD) + _BYTES:
        return None
    return hashlib.sha256(b"provision password " + text.encode()).hexdigest()[:16]
