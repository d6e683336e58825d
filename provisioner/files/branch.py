"""A commit on a new branch that changes the access files, beside whatever is checked out.

Made of git's own parts (a tree, a commit, a ref), so that neither working tree nor index nor the checked-out branch
changes, and no hook runs. Never moves a branch that is there.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.files.edit import Edit
from provisioner.files.offboard import offboard
from provisioner.load import Loaded

_NOBODY = ("-c", "user.name=provision", "-c", "user.email=provision@localhost")


@dataclass(frozen=True)
class Branch:
    """A branch to be made on top of `start`."""

    root: Path
    name: str
    start: str

    def check(self) -> None:
        """ProvisionError where no branch of that name can be made."""
        if self._git("check-ref-format", "--branch", self.name)[0] is None:
            raise _refused(f"`{self.name}` cannot be the name of a branch", "name another one")
        if self._git("rev-parse", "--verify", "--quiet", f"refs/heads/{self.name}")[0] is not None:
            raise _refused(f"there is a branch `{self.name}` already", "name another one, or remove it")

    def take_out(self, who: str, committed: Loaded, message: str) -> str:
        """Commit the edit that takes `who` out of the files of `start`, which are `committed`. The new commit."""
        return self.commit([offboard(committed, Path(committed.folder), who)], message)

    def commit(self, edits: Iterable[Edit], message: str) -> str:
        """Commit edits of the files of `start`, whose paths are below the repository's top. The new commit."""
        with tempfile.TemporaryDirectory(prefix="provision-") as folder:
            index = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self._must("read-tree", self.start, more=index)
            for edit in edits:
                path = edit.path.as_posix()
                if edit.after is None:
                    self._must("update-index", "--force-remove", "--", path, more=index)
                    continue
                blob = self._must("hash-object", "-w", "--stdin", text=edit.after)
                mode = self._must("ls-tree", "--format=%(objectmode)", self.start, "--", path) or "100644"
                self._must("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", more=index)
            tree = self._must("write-tree", more=index)
        identity = () if self._git("var", "GIT_COMMITTER_IDENT")[0] is not None else _NOBODY
        commit = self._must(*identity, "commit-tree", tree, "-p", self.start, "-m", message)
        self._must("update-ref", f"refs/heads/{self.name}", commit, "")
        return commit

    def _git(
        self, *arguments: str, text: bytes | None = None, more: dict[str, str] | None = None
    ) -> tuple[str | None, str]:
        """What git said, None where it failed; and then why."""
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith("GIT_") or k.startswith(("GIT_AUTHOR", "GIT_COM"))
        }
        try:
            done = subprocess.run(
                ["git", "--literal-pathspecs", "-C", os.fspath(self.root), *arguments],
                input=text or b"",
                capture_output=True,
                env={**kept, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", **(more or {})},
                check=False,
            )
        except (OSError, ValueError) as error:
            return None, str(error)
        if done.returncode != 0:
            return None, done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        return done.stdout.decode("utf-8", "surrogateescape").strip(), ""

    def _must(self, *arguments: str, text: bytes | None = None, more: dict[str, str] | None = None) -> str:
        found, why = self._git(*arguments, text=text, more=more)
        if found is None:
            command = next(a for a in arguments if "-" in a.strip("-") and "=" not in a)
            raise ProvisionError(
                Diagnostic(
                    "branch-not-made",
                    f"the branch `{self.name}` could not be made: git {command} failed"
                    + (f": {why.removeprefix('error: ').removeprefix('fatal: ')}" if why else ""),
                    why="the change of the files is what the review is about",
                    fix="mend what git says; or run the command without --branch, commit, and open the review",
                )
            )
        return found


def _refused(message: str, fix: str) -> ProvisionError:
    why = "--branch makes a new branch with the edit as its one commit"
    return ProvisionError(Diagnostic("option-value", message, why=why, fix=fix))
