"""A few races for the lock, as `python -m tests.records.races` runs thousands of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(("store", "races"), [("folder", 16)])
def test_nobody_holds_the_lock_with_another_or_writes_after_losing_it(store: str, races: int) -> None:
    """In a process of its own: it forks, and its children are killed and stopped."""
    command = [sys.executable, "-m", "tests.records.races", "--races", str(races), "--store", store, "--jobs", "4"]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing went wrong" in done.stdout
