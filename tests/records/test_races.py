"""A few races for the lock, as `python -m tests.records.races` runs thousands of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("store", "races", "jobs", "lease"), [("folder", 12, 6, 1.5), ("s3", 3, 3, 2)])
def test_nobody_holds_the_lock_with_another_or_writes_after_losing_it(
    store: str, races: int, jobs: int, lease: float
) -> None:
    """In a process of its own: it forks, and its children are killed and stopped. Where the machine is too busy for a
    short lease, nearly everybody is ended at the end of it, and a longer one is tried.
    """
    size = ("--races", str(races), "--jobs", str(jobs))
    command = [sys.executable, "-m", "tests.records.races", "--store", store, *size]
    for longer in (1, 4):
        done = subprocess.run(
            [*command, "--lease", str(longer * lease)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert "nothing went wrong" in done.stdout, done.stdout + done.stderr
        if "proves little" not in done.stdout:
            break
    assert done.returncode == 0, done.stdout + done.stderr
