"""A change of one file: what it held, what it will hold. Shown as a diff, written whole or not at all."""

from __future__ import annotations

import contextlib
import difflib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from provisioner.diagnostics import Diagnostic, Location, ProvisionError


@dataclass(frozen=True, slots=True)
class Edit:
    """`shown` is the file's name as places in it are told. `after` None takes the file away."""

    path: Path
    shown: str
    before: bytes
    after: bytes | None

    def diff(self) -> list[str]:
        """The lines of a unified diff, without line ends."""
        old, new = _lines(self.before), _lines(self.after or b"")
        to = "/dev/null" if self.after is None else f"b/{self.shown}"
        return list(difflib.unified_diff(old, new, f"a/{self.shown}", to, lineterm=""))

    def write(self) -> None:
        """ProvisionError where the file is another by now, or cannot be written; then nothing has changed."""
        try:
            if self.path.read_bytes() != self.before:
                raise _refused(self.shown, "the file was changed in the meantime")
            if self.after is None:
                self.path.unlink()
            else:
                self._replace(self.after)
        except OSError as error:
            raise _refused(self.shown, f"the file cannot be written: {error.strerror}") from None

    def _replace(self, data: bytes) -> None:
        """A new file in place of the old one, with the same permissions: a reader sees one or the other."""
        mode = stat.S_IMODE(self.path.stat().st_mode)
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=self.path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, mode)  # noqa: PTH101 - the name is mkstemp's
            os.replace(name, self.path)  # noqa: PTH105
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)  # noqa: PTH108
            raise


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
