"""Files with one credential each, as JSON, mode 0600; replaced in one step: a reader sees the old or the new."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from provisioner.contract import COMPANION, Issued, Note, ProviderError, Stored, Trouble
from provisioner.credentials import Secret
from provisioner.model.instant import format_instant
from provisioner.model.slot import Names


class Files:
    """Below `folder`, which is made where it is missing (mode 0700)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def close(self) -> None:
        """Nothing is open."""

    def look(self, place: str, names: Names) -> Stored | None:
        try:
            changed = (self._folder / place).stat().st_mtime_ns
            data = self._data(place)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unread(place, error) from None
        noted = data.get(COMPANION)
        found = noted.get("credential") if isinstance(noted, dict) else None
        return Stored(str(found) if found else None, (f"{found or ''} {changed}",))

    def put(self, place: str, names: Names, issued: Issued, note: Note, expect: Stored | None, deadline: float) -> None:
        now = self.look(place, names)
        if (now and now.versions) != (expect and expect.versions):
            raise ProviderError(Trouble.CONFLICT, "the file has changed since it was looked at", call=f"file {place}")
        if names.whole is not None:
            found: dict[str, Any] = {names.whole: issued.whole.reveal()}
        else:
            found = {str(names.user): issued.user, str(names.secret): issued.secret.reveal()}
        found[COMPANION] = {"credential": note.public_id, "at": format_instant(note.at), "run": note.run}
        self._replace(self._folder / place, json.dumps(found, indent=1).encode() + b"\n")

    def note(self, place: str, names: Names, note: Note, deadline: float) -> None:
        """It is written with the credential; there is nothing to add."""

    def read(self, place: str, names: Names) -> Mapping[str, Secret]:
        try:
            data = self._data(place)
        except FileNotFoundError:
            return {}
        parts = {"whole": names.whole, "user": names.user, "secret": names.secret}
        return {part: Secret(str(data[named])) for part, named in parts.items() if named and named in data}

    def _data(self, place: str) -> dict[str, Any]:
        try:
            found = json.loads((self._folder / place).read_bytes())
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            raise _unread(place, error) from None
        return found if isinstance(found, dict) else {}

    def _replace(self, path: Path, data: bytes) -> None:
        """On disk before it gets its name, and never readable by others, not even for a moment."""
        beside = path.with_name(f".{path.name}.{os.getpid()}.new")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            for left in path.parent.glob(f".{glob.escape(path.name)}.*.new"):  # of a run that died
                left.unlink(missing_ok=True)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise ProviderError(
                Trouble.INVALID, f"the file cannot be written: {error.strerror}", call=f"file {path.name}"
            ) from None


def _unread(place: str, error: OSError | ValueError) -> ProviderError:
    """What is there and is none of ours is not written over."""
    if isinstance(error, NotADirectoryError):
        told = "the place cannot be read: a part of its path is a file; give it another place"
    elif isinstance(error, IsADirectoryError):
        told = "the place cannot be read: it is a folder; give it another place"
    elif isinstance(error, OSError):
        told = f"the file cannot be read: {error.strerror}"
    else:
        told = "the file cannot be read: it is no JSON; if nobody needs it, remove it"
    return ProviderError(Trouble.CONFLICT, told, call=f"file {place}")
