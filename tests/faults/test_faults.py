"""A slice of every kind of fault, in minutes; `python -m tests.faults --full` is the night's worth of the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rigs.need import need
from tests.rigs.postgres import postgres_missing_reason
from tests.rigs.slapd import slapd_missing_reason

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("part", ["kills", "reads", "apply", "canaries"])
def test_a_slice_of_the_faults_holds(part: str) -> None:
    need(slapd_missing_reason())
    _holds(part, "3" if part == "kills" else "2", "--systems", "ldap,aws")


@pytest.mark.parametrize(("part", "count"), [("kills", 3), ("reads", 24), ("limits", 8), ("apply", 3)])
def test_a_slice_of_the_faults_holds_on_the_forges(part: str, count: int) -> None:
    _holds(part, "3" if part == "kills" else "1", "--systems", "github,circleci", "--count", str(count))


@pytest.mark.parametrize("part", ["kills", "apply"])
def test_a_slice_of_the_faults_holds_on_postgresql(part: str) -> None:
    need(postgres_missing_reason())
    _holds(part, "2", "--systems", "postgresql", "--count", "2")


def _holds(part: str, workers: str, *options: str) -> None:
    """In a process of its own, which forks: a test process has threads."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--only", part, "--workers", workers, *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert " 0 points failed" in ended.stdout or " 0 seeds failed" in ended.stdout or "; 0 found" in ended.stdout
