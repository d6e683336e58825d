"""A copy of the sample access files as a repository of its own, for `demo` and `sandbox`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from provisioner.diagnostics import Diagnostic, ProvisionError

IDENTITY = {
    "GIT_AUTHOR_NAME": "Provision demo",
    "GIT_AUTHOR_EMAIL": "demo@example.com",
    "GIT_COMMITTER_NAME": "Provision demo",
    "GIT_COMMITTER_EMAIL": "demo@example.com",
}


def new_repository(folder: Path, example: str | None = None) -> None:
    """Makes `folder` a git repository with the sample access files, or those of a worked example, in its first commit.
    ProvisionError where something is in the way."""
    from provisioner.sandbox.company import copy_sample
    from provisioner.sandbox.sample import example_tree

    try:
        folder.mkdir(parents=True, exist_ok=True)
        full = any(folder.iterdir())
    except OSError as error:
        raise ProvisionError(
            Diagnostic(
                "option-value",
                f"{folder} cannot be made a folder of sample files: {error.strerror}",
                why="the sample files go into a new folder, which is made a git repository",
                fix="name a new folder, in one that you may write to",
            )
        ) from None
    if full:
        raise ProvisionError(
            Diagnostic(
                "option-value",
                f"{folder} is not empty",
                why="the sample files go into a folder of their own: nothing is overwritten",
                fix="name a new folder",
            )
        )
    if example is None:
        copy_sample(folder / "access")
    else:
        shutil.copytree(example_tree(example), folder, dirs_exist_ok=True)
    (folder / ".gitignore").write_text(".provision/\n", encoding="utf-8")
    git(folder, "init", "--quiet")
    git(folder, "symbolic-ref", "HEAD", "refs/heads/main")  # `init --initial-branch` needs git 2.28
    commit(folder, "Access as it is meant to be")


def commit(folder: Path, message: str) -> None:
    """Commits everything in `folder`, in the name of the demo."""
    git(folder, "add", "--all")
    git(folder, "-c", "commit.gpgsign=false", "commit", "--quiet", "--no-verify", "--message", message)


def git(folder: Path, *arguments: str) -> None:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env={**IDENTITY, **os.environ}, capture_output=True, check=False
        )
    except OSError as error:
        raise _failed(f"git cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        raise _failed(f"git {arguments[0]} failed: {done.stderr.decode('utf-8', 'replace').strip()}")


def _failed(message: str) -> ProvisionError:
    return ProvisionError(
        Diagnostic(
            "git-failed",
            message,
            why="the sample files are kept in a git repository: who left is told by its history",
            fix="install git, or look at what it says",
        )
    )
