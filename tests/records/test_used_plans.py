"""A saved plan is applied once, whoever comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.records.folder import FolderStore
from provisioner.records.journal import Journal
from provisioner.records.run import RunInfo
from tests.builders import NOW

PLAN = "sha256:" + "ab" * 32


def journal(tmp_path: Path) -> Journal:
    return Journal(FolderStore(tmp_path))


def test_a_plan_is_taken_once_and_it_is_known_by_whom(tmp_path: Path) -> None:
    assert journal(tmp_path).used(PLAN) is None
    assert journal(tmp_path).use(PLAN, run=RunInfo("r1", "ada"), at=NOW) is None
    told = "by run r1 of ada at 2026-11-22T09:00:00Z"
    assert journal(tmp_path).used(PLAN) == told
    assert journal(tmp_path).use(PLAN, run=RunInfo("r2", "ben"), at=NOW) == told
    assert journal(tmp_path).used(PLAN) == told


def test_an_unreadable_note_still_means_used(tmp_path: Path) -> None:
    journal(tmp_path).use(PLAN, run=RunInfo("r1", "ada"), at=NOW)
    (tmp_path / "used" / f"{'ab' * 32}.json").write_text("{")
    assert journal(tmp_path).used(PLAN) is not None


def test_only_a_digest_names_a_plan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        journal(tmp_path).used("../../etc/passwd")
