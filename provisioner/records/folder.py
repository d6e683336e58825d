"""Records in a folder: one file an object, created only if absent, on disk before anybody acts on it.

Refuses to guess after an error: a failed write or fsync is never tried again on the same file.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from provisioner.diagnostics import Diagnostic, ProvisionError

# Where hard links do not exist (FAT, some network file systems).
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class FolderStore:
    """Makes its folder when the first object is written, not before: planning writes nothing. `private` is for the
    default `.provision/`: readable by its owner alone, and with a `.gitignore` that keeps all of it out of git."""

    def __init__(self, path: Path, *, private: bool = False) -> None:
        self.path = path
        self._private = private

    def create(self, key: str, data: bytes) -> bool:
        place = self.path / key
        with _told("journal-not-writable", "written", place):
            self._make(place.parent)
            temporary = place.parent / f".tmp-{secrets.token_hex(8)}"
            try:
                _write(temporary, data)
                try:
                    os.link(temporary, place)
                except FileExistsError:
                    return False
                except OSError as error:
                    if error.errno not in _NO_LINKS:
                        raise
                    try:
                        _write(place, data)
                    except FileExistsError:
                        return False
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
            _sync(place.parent)
            return True

    def replace(self, key: str, data: bytes) -> None:
        place = self.path / key
        with _told("journal-not-writable", "written", place):
            self._make(place.parent)
            temporary = place.parent / f".tmp-{secrets.token_hex(8)}"
            try:
                temporary.write_bytes(data)
                temporary.replace(place)
            finally:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def remove(self, key: str) -> None:
        place = self.path / key
        with _told("journal-not-writable", "removed", place):
            place.unlink(missing_ok=True)

    def read(self, key: str) -> bytes | None:
        place = self.path / key
        with _told("journal-unreadable", "read", place):
            try:
                return place.read_bytes()
            except FileNotFoundError:
                return None

    def names(self, prefix: str) -> list[str]:
        place = self.path / prefix
        with _told("journal-unreadable", "read", place):
            try:
                return sorted(each.name for each in place.iterdir())
            except FileNotFoundError:
                return []

    def set_aside(self, key: str) -> str:
        place = self.path / key
        with _told("journal-not-writable", "moved aside", place):
            new = place.with_name(f"{place.name}.torn-{secrets.token_hex(3)}")
            place.rename(new)
            _sync(place.parent)
            return str(new.relative_to(self.path))

    def where(self, key: str = "") -> str:
        return str(self.path / key)

    def lies_within(self, folder: Path) -> bool:
        """Whether the records lie in `folder` (in CI: in the working folder, which is thrown away with the runner)."""
        return self.path.resolve().is_relative_to(folder.resolve())

    def _make(self, folder: Path) -> None:
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            with suppress(FileExistsError):
                each.mkdir(mode=0o700 if self._private and each == self.path else 0o777)
            _sync(each.parent)
            if self._private and each == self.path:
                with suppress(FileExistsError):
                    _write(each / ".gitignore", b"*\n")


def _write(place: Path, data: bytes) -> None:
    """A new file, with its bytes on disk; FileExistsError where there is one."""
    descriptor = os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    """A new name is durable only when its folder is on disk too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(code: str, what: str, place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reading = code == "journal-unreadable"
        raise ProvisionError(
            Diagnostic(
                code,
                f"{place} could not be {what}: {error.strerror or error}",
                why="what is outstanding cannot be known without the journal"
                if reading
                else "a change is only made when it stands in the journal first; nothing more was changed",
                fix="give this user read access to the journal"
                if reading
                else "free some space, or give this user write access to the journal, and run again",
            )
        ) from error
