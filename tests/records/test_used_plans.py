"""A saved plan is applied once, whoever comes first; a run that was cut off can be taken up again."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.records.folder import FolderStore
from provisioner.records.run import RunInfo
from provisioner.records.used import finish, take, use_of
from tests.builders import NOW

PLAN = "sha256:" + "ab" * 32
FIRST, SECOND, THIRD = RunInfo("r1", "ada"), RunInfo("r2", "ben"), RunInfo("r3", "eve")


def test_a_plan_is_taken_once_and_it_is_known_by_whom(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert use_of(store, PLAN) is None
    assert take(store, PLAN, run=FIRST, at=NOW)
    assert not take(store, PLAN, run=SECOND, at=NOW)
    use = use_of(store, PLAN)
    assert use is not None
    assert use.words == "by run r1 of ada at 2026-11-22T09:00:00Z"
    assert not use.finished


def test_a_run_that_did_not_finish_is_taken_up_once_and_one_that_did_is_not(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    take(store, PLAN, run=FIRST, at=NOW)
    first = use_of(store, PLAN)
    assert take(store, PLAN, run=SECOND, at=NOW, after=first)
    assert not take(store, PLAN, run=THIRD, at=NOW, after=first)
    finish(store, PLAN, run=SECOND, at=NOW)
    use = use_of(store, PLAN)
    assert use is not None
    assert use.finished
    assert use.words.startswith("by run r2 of ben")


def test_an_unreadable_note_means_used_for_good(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    take(store, PLAN, run=FIRST, at=NOW)
    (tmp_path / "used" / f"{'ab' * 32}.json").write_text("{")
    use = use_of(store, PLAN)
    assert use is not None
    assert use.finished


def test_only_a_digest_names_a_plan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        use_of(FolderStore(tmp_path), "../../etc/passwd")
