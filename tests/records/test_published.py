"""Which of the published declarations count: what was applied as a whole, what was seen, and what began."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from provisioner.diagnostics import ProvisionError
from provisioner.records.folder import FolderStore
from provisioner.records.published import count_alone, newest, publish
from provisioner.records.run import RunInfo

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
A, B = "a" * 40, "b" * 40


def said(store: FolderStore, tree: str, *, whole: bool, command: str = "apply", **more: object) -> None:
    run = RunInfo("r1", "tests", tree=tree, command=command)
    given = {"over": (), "folder": "access", "at": NOW, **more}
    publish(store, tree=tree, whole=whole, run=run, **given)  # type: ignore[arg-type]


def test_what_is_seen_moves_with_every_run_and_what_is_applied_with_whole_ones(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert newest(store) is None
    said(store, A, whole=False, command="expire")
    found = newest(store)
    assert found is not None and (found.seen, found.applied) == (A, None)
    said(store, A, whole=True)
    said(store, B, whole=False, command="expire", over={"r7"})
    found = newest(store)
    assert found is not None and (found.seen, found.applied, found.over, found.number) == (B, A, frozenset({"r7"}), 3)


def test_files_count_alone_once_a_whole_apply_has_been_of_them_and_nothing_else_was_seen(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    assert not count_alone(store, A)
    said(store, A, whole=False)
    assert not count_alone(store, A)
    said(store, A, whole=True)
    assert count_alone(store, A) and not count_alone(store, B)
    said(store, B, whole=False)
    assert not count_alone(store, A) and not count_alone(store, B)
    said(store, B, whole=True)
    assert count_alone(store, B)


def test_the_same_again_writes_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    for _ in range(3):
        said(store, A, whole=True)
    assert store.names("published") == ["00000001.json"]


def test_what_began_once_keeps_its_time_and_goes_with_its_line(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    later = NOW + timedelta(hours=1)
    said(store, A, whole=True, begun={"x": NOW}, command="expire")
    assert newest(store).begun == {}  # type: ignore[union-attr]
    said(store, A, whole=True, begun={"x": NOW})
    said(store, B, whole=True, begun={"x": later, "y": later})
    assert newest(store).begun == {"x": NOW, "y": later}  # type: ignore[union-attr]
    said(store, A, whole=True, begun={"y": later})
    assert newest(store).begun == {"y": later}  # type: ignore[union-attr]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format":"provision.published/9","n":1}'])
def test_an_entry_that_cannot_be_read_is_no_entry_before_it(tmp_path: Path, damage: str) -> None:
    store = FolderStore(tmp_path)
    said(store, A, whole=True)
    (tmp_path / "published/00000002.json").write_text(damage)
    with pytest.raises(ProvisionError) as raised:
        newest(store)
    assert raised.value.diagnostics[0].code == "journal-broken"
