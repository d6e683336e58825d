"""The branch that `--branch` names, to be made beside what is checked out."""

from __future__ import annotations

from pathlib import Path

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.files.branch import Branch
from provisioner.load import git
from provisioner.load.files import find_top


def branch_from(access: Path, name: str) -> Branch:
    """The branch to be made, on what is checked out. ProvisionError where there can be none."""
    root = find_top(access)
    start = git.commit_of(root, "HEAD")
    if start is None:
        raise ProvisionError(
            Diagnostic(
                "option-value",
                "there is no commit to begin a branch on",
                why="--branch makes a new branch on what is checked out",
                fix="commit the access files first, or leave --branch out",
            )
        )
    made = Branch(root, name, start)
    made.check()
    return made
