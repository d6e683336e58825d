"""Git by its command line: refs, lists of revisions, and objects by one process that stays.

Reads only. Names from outside never reach the command line where an option could stand, no shell is involved, and the
environment's own GIT_ variables do not decide what is read.
"""

from __future__ import annotations

import os
import subprocess
import weakref
from pathlib import Path
from types import TracebackType
from typing import IO

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.load.display import show

_SWITCHES = ("--no-pager", "--literal-pathspecs", "--no-replace-objects", "-c", "core.fsmonitor=false")


class GitError(ProvisionError):
    """Git is missing, or refused what it was asked."""

    def __init__(self, message: str) -> None:
        super().__init__(
            Diagnostic(
                "git-failed",
                message,
                why="the history of the access files says who has left since the last run",
                fix="run the same git command by hand to see what is wrong with the repository",
            )
        )


def run(repo: Path, *arguments: str, text: str | None = None) -> str | None:
    """What git prints, or None where it says no (exit 1, 128 and the like)."""
    try:
        done = subprocess.run(
            ["git", *_SWITCHES, "-C", os.fspath(repo), *arguments],
            input=text.encode("utf-8", "surrogateescape") if text is not None else None,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            env=_environment(),
            check=False,
        )
    except (OSError, ValueError) as wrong:
        raise GitError(f"git cannot be run: {wrong}") from None
    return done.stdout.decode("utf-8", "surrogateescape") if done.returncode == 0 else None


def must(repo: Path, *arguments: str, text: str | None = None) -> str:
    """What git prints; GitError where it says no."""
    out = run(repo, *arguments, text=text)
    if out is None:
        raise GitError(f"git {show(' '.join(arguments))} failed in {show(repo)}")
    return out


def is_repository(repo: Path) -> bool:
    return run(repo, "rev-parse", "--git-dir") is not None


def commit_of(repo: Path, revision: str) -> str | None:
    """The commit's id, or None where there is no such revision."""
    if "\n" in revision or "\0" in revision:
        return None
    out = run(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    return out.strip() if out else None


def is_shallow(repo: Path) -> bool:
    return (run(repo, "rev-parse", "--is-shallow-repository") or "").strip() == "true"


def boundary(repo: Path) -> frozenset[str]:
    """The commits whose parents a shallow clone does not have."""
    where = (run(repo, "rev-parse", "--git-path", "shallow") or "").strip()
    try:
        return frozenset((repo / where).read_text("ascii").split())
    except (OSError, ValueError):
        return frozenset()


class Objects:
    """`git cat-file --batch`, kept running: one object a request."""

    def __init__(self, repo: Path) -> None:
        try:
            self._process = subprocess.Popen(
                ["git", *_SWITCHES, "-C", os.fspath(repo), "cat-file", "--batch"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
            )
        except OSError as wrong:
            raise GitError(f"git cannot be run: {wrong}") from None
        self._end = weakref.finalize(self, _end, self._process)

    def get(self, name: str, most: int | None = None) -> tuple[str, str, bytes] | None:
        """Id, type and bytes of an object by its id or `<commit>:<path>`; None where there is none. Of an object with
        more than `most` bytes, no bytes at all."""
        if "\n" in name:
            return None
        ask, answer = self._pipes()
        try:
            ask.write(name.encode("utf-8", "surrogateescape") + b"\n")
            ask.flush()
            head = answer.readline().split()
            if len(head) != 3 or head[1] in (b"missing", b"ambiguous"):
                if not head:
                    raise GitError("git cat-file stopped")
                return None
            size = int(head[2])
            data = answer.read(size) if most is None or size <= most else self._skip(answer, size)
            answer.read(1)
        except (OSError, ValueError) as wrong:
            raise GitError(f"git cat-file failed: {wrong}") from None
        return head[0].decode("ascii"), head[1].decode("ascii"), data

    def close(self) -> None:
        """Ends the process."""
        self._end()

    def __enter__(self) -> Objects:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def _skip(self, answer: IO[bytes], size: int) -> bytes:
        left = size
        while left > 0:
            left -= len(answer.read(min(left, 1 << 20)))
        return b""


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()


def _environment() -> dict[str, str]:
    """The environment without what would point git elsewhere; quiet, and in one language."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
