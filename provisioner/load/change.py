"""A change under review, merged onto its base: read from git's objects alone, so that nothing of it is checked out.

What it wrote is data. No filter, hook, attribute or configuration of the change takes part, and of its files only the
access folder is looked at, by the same rules as any. Nothing is fetched: what git does not have is an error.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from provisioner.contract import Provider
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.load import git, limits
from provisioner.load.display import show
from provisioner.load.history import resolve
from provisioner.load.loader import Loaded, load_access

_SHORT = 12
_LINK, _SUBMODULE, _EXECUTABLE = "120000", "160000", "100755"


@dataclass(frozen=True, slots=True)
class Merged:
    """The access files as the merge would have them; `commit` is the change's, `base` what it is merged onto."""

    loaded: Loaded
    commit: str
    base: str


def merged(
    root: Path,
    folder: str,
    base: str,
    change: str,
    *,
    providers: Mapping[str, Provider],
    planned: Collection[str] = (),
    departed: Collection[str] = (),
) -> Merged:
    """`folder` is the access folder as the repository calls it. ProvisionError where git cannot merge the two."""
    onto, commit = resolve(root, base), resolve(root, change)
    tree = _merge(root, onto, commit)
    with tempfile.TemporaryDirectory(prefix="provision-change-") as made:
        top = Path(made)
        _write(root, tree, folder, top)
        loaded = load_access(top / folder, root=top, providers=providers, planned=planned, departed=departed)
    return Merged(loaded, commit, onto)


def _merge(root: Path, base: str, change: str) -> str:
    """The tree of the merge, made by git among its objects."""
    out = git.run(root, "merge-tree", "--write-tree", "--no-messages", base, change)
    if out is not None:
        return out.strip()
    if git.run(root, "merge-base", base, change) is None:
        what, fix = "they have no commit in common", "check the repository out with its whole history"
    else:
        what, fix = "git cannot merge it by itself", "merge the base into the branch and settle the conflicts there"
    raise ProvisionError(
        Diagnostic(
            "change-not-merged",
            f"the change {change[:_SHORT]} cannot be planned on {base[:_SHORT]}: {what}",
            why="what a merge would do is planned, and there is no telling what that is (git 2.38 or newer can)",
            fix=fix,
        )
    )


def _write(root: Path, tree: str, folder: str, top: Path) -> None:
    """The access folder of a tree below `top`, byte for byte. What is no plain file is put there as what it is, and
    refused by whoever reads it."""
    (top / folder).mkdir(parents=True, exist_ok=True)
    inside = [] if folder in ("", ".") else ["--", folder.strip("/") + "/"]
    listed = git.must(root, "ls-tree", "-r", "-z", "-l", "--full-tree", tree, *inside)
    total = 0
    with git.Objects(root) as objects:
        for row in filter(None, listed.split("\0")):
            facts, _, path = row.partition("\t")
            mode, _, oid, size = facts.split()
            total += int(size) if size.isdigit() else 0
            if total > limits.TREE_BYTES + limits.FILE_BYTES:
                return  # enough to be told that it is too much
            where = _place(top, path)
            where.parent.mkdir(parents=True, exist_ok=True)
            if mode == _SUBMODULE:
                (where / ".git").mkdir(parents=True)
                continue
            found = objects.get(oid)
            data = found[2] if found is not None else b""
            if mode == _LINK:
                where.symlink_to(os.fsdecode(data.replace(b"\0", b"") or b"."))
            else:
                where.write_bytes(data)
                where.chmod(0o755 if mode == _EXECUTABLE else 0o644)


def _place(top: Path, path: str) -> Path:
    """Where a path of a tree goes. Git lets nobody push such names, and nothing here rests on it."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts):
        raise ProvisionError(
            Diagnostic(
                "not-a-file",
                f"the change has a path that leads elsewhere: {show(path)}",
                why="only regular files that lie in the access folder themselves are read: nothing may point elsewhere",
                fix="put the file itself there, under a plain name",
            )
        )
    return top.joinpath(*parts)
