"""The declarations kept beside the journal."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.diagnostics import ProvisionError
from provisioner.records.journal import open_journal
from provisioner.records.run import new_run_id, who_is_here
from tests.builders import NOW, TREE

FILES = {"people/ada.yaml": b"people: {ada: {name: Ada}}\n", "odd/bytes": b"\xff\x00", "Ü/ß.yaml": "ß".encode()}


def test_published_declarations_come_back_byte_for_byte(tmp_path: Path) -> None:
    open_journal("j", tmp_path).publish(TREE, FILES)
    assert open_journal("j", tmp_path).published(TREE) == FILES


def test_a_tree_is_published_once(tmp_path: Path) -> None:
    journal = open_journal("j", tmp_path)
    journal.publish(TREE, FILES)
    (kept,) = (tmp_path / "j/declared").iterdir()
    before = kept.stat().st_ino
    journal.publish(TREE, {"other": b""})
    (kept,) = (tmp_path / "j/declared").iterdir()
    assert kept.stat().st_ino == before
    assert journal.published(TREE) == FILES


@pytest.mark.parametrize("damage", [b"", b"not gzip", b"\x1f\x8b"])
def test_damaged_declarations_are_refused_not_empty(tmp_path: Path, damage: bytes) -> None:
    journal = open_journal("j", tmp_path)
    journal.publish(TREE, FILES)
    (kept,) = (tmp_path / "j/declared").iterdir()
    kept.write_bytes(damage)
    with pytest.raises(ProvisionError) as caught:
        journal.published(TREE)
    assert caught.value.diagnostics[0].code == "journal-broken"


def test_tree_id_is_never_a_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a tree id"):
        open_journal("j", tmp_path).published("../../etc/passwd")


def test_run_ids_of_one_second_differ() -> None:
    assert new_run_id(NOW) != new_run_id(NOW)
    assert new_run_id(NOW).startswith("20261122T090000Z-")


def test_who_is_here_is_told_without_git_too(tmp_path: Path) -> None:
    assert who_is_here(tmp_path / "nowhere")
