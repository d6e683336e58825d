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


# So many that each kind of boundary, fault and weather is among them. What is spoiled, and how, is in `test_spoils.py`.
@pytest.mark.parametrize(("part", "count"), [("kills", 5), ("reads", 140), ("apply", 10), ("canaries", 1)])
def test_a_slice_of_the_faults_holds(part: str, count: int) -> None:
    need(slapd_missing_reason())
    _holds(part, count, "ldap,aws")


@pytest.mark.parametrize(("part", "count"), [("kills", 3), ("reads", 24), ("limits", 8), ("apply", 3)])
def test_a_slice_of_the_faults_holds_on_the_forges(part: str, count: int) -> None:
    _holds(part, count, "github,circleci")


@pytest.mark.parametrize(("part", "count"), [("kills", 2), ("apply", 2)])
def test_a_slice_of_the_faults_holds_on_postgresql(part: str, count: int) -> None:
    need(postgres_missing_reason())
    _holds(part, count, "postgresql")


def _holds(part: str, count: int, systems: str) -> None:
    """In a process of its own, which forks: a test process has threads. Only where leases are waited for is there
    anything to win by more than one worker, and each has servers of its own."""
    workers = 2 if part == "kills" else 1
    options = ("--only", part, "--workers", str(workers), "--systems", systems, "--count", str(count))
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stdout}\n{ended.stderr}"
    assert " 0 points failed" in ended.stdout or " 0 seeds failed" in ended.stdout or "; 0 found" in ended.stdout
