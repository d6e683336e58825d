"""Who runs this, of what: the part of every record that says on whose word something was done.

What a CI system knows (pull request, approvers) is added by the room that recognises it; here is what any machine
knows.
"""

from __future__ import annotations

import getpass
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

from provisioner.model.instant import Instant


@dataclass(frozen=True, slots=True)
class RunInfo:
    """`who` triggered the run, in words; `revision` and `tree` are of the access files, `plan` is the plan's digest.
    What a CI system says of the run is a claim: `approvers` is None where nobody says who they are. `reviews` has the
    review of each approver that the forge was asked about; `approved` says that it was asked about all that the files
    say, and that no approval was missing."""

    id: str
    who: str
    revision: str | None = None
    tree: str = ""
    plan: str = ""
    command: str = "apply"
    engine: str = ""
    uncommitted: bool = False
    ci: str = ""
    url: str = ""
    pull_request: str = ""
    approvers: tuple[str, ...] | None = None
    reviews: tuple[tuple[str, int], ...] = ()
    approved: bool = False


def new_run_id(now: Instant) -> str:
    """`20261122T083000Z-5f1c9a`: sorts by time, and two runs of one second differ."""
    return f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def who_is_here(folder: Path) -> str:
    """`Ada Byron <ada@example.com>, as ada`: the git user of `folder` where there is one, and the system's user."""
    name, email = _git(folder, "user.name"), _git(folder, "user.email")
    git = f"{name} <{email}>" if name and email else name or email
    return f"{git}, as {_system_user()}" if git else _system_user()


def _git(folder: Path, key: str) -> str:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), "config", "--get", key], capture_output=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.decode("utf-8", "replace").strip() if answer.returncode == 0 else ""


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return f"uid {os.getuid()}"
