"""A change of one file: what it held, what it will hold. Shown as a diff, written whole or not at all."""

from __future__ import annotations

import contextlib
import difflib
import os
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.diagnostics import Diagnostic, Location, ProvisionError

_NEW = 0o666


@dataclass(frozen=True, slots=True)
class Edit:
    """`shown` is the file's name as places in it are told. `before` None: the file is new; `after` None: it goes."""

    path: Path
    shown: str
    before: bytes | None
    after: bytes | None

    def diff(self) -> list[str]:
        """The lines of a unified diff, without line ends."""
        old, new = _lines(self.before or b""), _lines(self.after or b"")
        of = "/dev/null" if self.before is None else f"a/{self.shown}"
        to = "/dev/null" if self.after is None else f"b/{self.shown}"
        return list(difflib.unified_diff(old, new, of, to, lineterm=""))

    def write(self) -> None:
        """ProvisionError where the file is another by now, or cannot be written; then nothing has changed."""
        try:
            self._check()
            if self.after is None:
                self.path.unlink()
            else:
                self._replace(self.after)
        except OSError as error:
            raise _refused(self.shown, f"the file cannot be written: {error.strerror}") from None

    def _check(self) -> None:
        """That the file is what the edit was made from. A link is never followed to write elsewhere."""
        if self.before is None:
            if os.path.lexists(self.path):
                raise _refused(self.shown, "there is a file of that name already")
        elif self.path.read_bytes() != self.before:
            raise _refused(self.shown, "the file was changed in the meantime")

    def _replace(self, data: bytes) -> None:
        """A new file in place of the old one, with the same permissions: a reader sees one or the other."""
        mode = _NEW & ~_umask() if self.before is None else stat.S_IMODE(self.path.stat().st_mode)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, mode)  # noqa: PTH101 - the name is mkstemp's
            os.replace(name, self.path)  # noqa: PTH105
        except BaseException:  # also an interrupt: no half-written file stays behind
            with contextlib.suppress(OSError):
                os.unlink(name)  # noqa: PTH108
            raise


def write_all(edits: Sequence[Edit]) -> None:
    """All of them, or none: where one cannot be written, those before it are put back as they were."""
    try:
        for edit in edits:
            edit._check()
    except OSError as error:
        raise _refused(error.filename or "a file", f"the file cannot be read: {error.strerror}") from None
    done: list[Edit] = []
    try:
        for edit in edits:
            edit.write()
            done.append(edit)
    except BaseException:  # also an interrupt: all of them, or none
        for edit in reversed(done):
            with contextlib.suppress(ProvisionError):
                Edit(edit.path, edit.shown, edit.after, edit.before).write()
        raise


def _umask() -> int:
    """What the process takes from the permissions of new files; it can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "backslashreplace").splitlines()


def _refused(file: str, message: str) -> ProvisionError:
    return ProvisionError(
        Diagnostic(
            "file-not-edited",
            message,
            location=Location(file),
            why="a file is changed whole or not at all",
            fix="look at the file, and run the command again",
        )
    )
