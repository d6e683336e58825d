"""A slice of every kind of fault, in minutes; `python -m tests.faults --full` is the night's worth of the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rigs.need import need
from tests.rigs.slapd import slapd_missing_reason

ROOT = Path(__file__).parents[2]


HOLDS = (" 0 points failed", " 0 seeds failed", "; 0 found")


@pytest.mark.parametrize("part", ["kills", "reads", "apply", "canaries"])
def test_a_slice_of_the_faults_holds(part: str) -> None:
    need(slapd_missing_reason())
    said = session(part, "ldap,aws", "--workers", "3" if part == "kills" else "2")
    assert any(words in said for words in HOLDS)


@pytest.mark.parametrize(("part", "count"), [("kills", 3), ("reads", 24), ("limits", 8), ("apply", 3)])
def test_a_slice_of_the_faults_holds_on_the_forges(part: str, count: int) -> None:
    said = session(part, "github,circleci", "--count", str(count), "--workers", "3" if part == "kills" else "1")
    assert any(words in said for words in HOLDS)


def session(part: str, systems: str, *more: str) -> str:
    """What it prints. In a process of its own, which forks: a test process has threads."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--only", part, "--systems", systems, *more],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    return ended.stdout
