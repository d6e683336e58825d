"""Credentials of a run, sealed for another job: only whoever has the private key opens them.

A sealed box (X25519) as PyNaCl makes it, in base64. It says for which run and until when; it proves nothing about who
made it, and needs not to: whoever can put a box there has a credential of their own in it. Refuses one with anything
else in it, such as a PATH of theirs.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioner.credentials import Secret
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.instant import Instant, format_instant, parse_instant

FORMAT = "provision.sealed/1"
_BYTES = 32
_OF_CREDENTIALS = ("AWS_", "PG")
"""How the variables begin by which clients of systems that are minted for find theirs."""


@dataclass(frozen=True)
class Sealed:
    """What is in a box."""

    run: str
    ends: Instant
    environ: Mapping[str, Secret]


def new_key(place: Path) -> str:
    """Writes a new private key to `place`, for its owner alone, and gives the public one."""
    _needs_nacl()
    from nacl.public import PrivateKey

    key = PrivateKey.generate()
    _write(place, base64.b64encode(bytes(key)) + b"\n")
    return base64.b64encode(bytes(key.public_key)).decode()


def check_seal(public_key: str, place: Path) -> None:
    """ProvisionError where nothing can be sealed for it, or not be written there: asked before anything is made."""
    _decoded(public_key, "the public key after --sealed-for")
    _needs_nacl()
    if os.path.lexists(place):
        raise _there(place)
    if not os.access(place.parent, os.W_OK | os.X_OK):
        missing = not os.path.isdir(place.parent)  # noqa: PTH112 - no error for what cannot be looked at
        raise _unwritten(place, "there is no such folder" if missing else "the folder is closed to this user")


def seal(public_key: str, run: str, ends: Instant, environ: Mapping[str, Secret | str], place: Path) -> None:
    """Writes a box that the private key opens."""
    from nacl.public import PublicKey, SealedBox

    values = {name: v.reveal() if isinstance(v, Secret) else v for name, v in environ.items()}
    body = json.dumps({"format": FORMAT, "run": run, "ends": format_instant(ends), "environ": values})
    box = SealedBox(PublicKey(_decoded(public_key, "the public key after --sealed-for")))
    _write(place, base64.b64encode(box.encrypt(body.encode())) + b"\n")


def unseal(place: Path, key: Path) -> Sealed:
    """What is in the box at `place`. The file of the key is removed: nothing else needs it."""
    _needs_nacl()
    from nacl.exceptions import CryptoError
    from nacl.public import PrivateKey, SealedBox

    private = PrivateKey(_decoded(_text(key), f"the private key in {key}"))
    try:
        told = json.loads(SealedBox(private).decrypt(base64.b64decode(_text(place), validate=True)))
        if told["format"] != FORMAT:
            raise ValueError("it is of another format")
        environ = {str(name): Secret(str(value)) for name, value in told["environ"].items()}
        if not all(name.startswith(_OF_CREDENTIALS) for name in environ):
            raise ValueError("it holds more than credentials")
        found = Sealed(str(told["run"]), parse_instant(told["ends"]), environ)
    except (CryptoError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = "it was not sealed for this key" if isinstance(error, CryptoError) else "it is no such file, or not whole"
        raise _wrong(f"{place} cannot be opened: {why}") from None
    try:
        key.unlink()
    except OSError as error:
        raise _wrong(f"{key} cannot be removed ({error.strerror}), and the command must not find it") from None
    return found


def _text(place: Path) -> str:
    try:
        return place.read_text("ascii").strip()
    except OSError as error:
        there = os.path.exists(place)  # noqa: PTH110 - likewise
        fix = f"see that the job brought it, and that {'it' if there else 'the name'} is right"
        raise _wrong(f"{place} cannot be read: {error.strerror}", fix) from None
    except UnicodeDecodeError:
        raise _wrong(f"{place} is no text", "name the file that --new-key or --out wrote") from None


def _decoded(text: str, what: str) -> bytes:
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != _BYTES:
        raise _wrong(f"{what} is not {_BYTES} bytes in base64")
    return found


def _write(place: Path, data: bytes) -> None:
    try:
        descriptor = os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
    except FileExistsError:
        raise _there(place) from None
    except OSError as error:
        raise _unwritten(place, error.strerror or "") from None


def _there(place: Path) -> ProvisionError:
    return _wrong(f"{place} is there already, and is not overwritten", "name another file, or remove it first")


def _unwritten(place: Path, why: str) -> ProvisionError:
    return _wrong(f"{place} cannot be written: {why}", "name a file in a folder that you may write to")


def _needs_nacl() -> None:
    try:
        import nacl.public  # noqa: F401
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "nacl":
            raise
        raise ProvisionError(
            Diagnostic(
                "missing-extra",
                "sealing a credential needs a further package",
                why="it is sealed with PyNaCl",
                fix="pip install 'provision-access[github]'",
            )
        ) from error


_NEW = "provision run --new-key FILE makes a key, and prints what goes after --sealed-for"


def _wrong(told: str, fix: str = _NEW) -> ProvisionError:
    return ProvisionError(
        Diagnostic(
            "option-value",
            told,
            why="a credential goes from the job that makes it to the job that uses it sealed for that job's key",
            fix=fix,
        )
    )
