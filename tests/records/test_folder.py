"""Records in a folder."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from provisioner.diagnostics import ProvisionError
from provisioner.records.folder import FolderStore
from provisioner.records.journal import open_journal
from tests.builders import TREE


def test_object_is_written_once(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "j")
    assert store.create("journal/t/1.json", b"first")
    assert not store.create("journal/t/1.json", b"second")
    assert store.read("journal/t/1.json") == b"first"
    assert store.names("journal/t") == ["1.json"]


def test_of_many_that_write_one_object_one_succeeds(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "j")
    won: list[int] = []
    start = threading.Barrier(8)

    def race(me: int) -> None:
        start.wait()
        if store.create("journal/t/1.json", str(me).encode()):
            won.append(me)

    threads = [threading.Thread(target=race, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.read("journal/t/1.json") == str(won[0]).encode()
    assert store.names("journal/t") == ["1.json"]


def test_reading_makes_no_folder(tmp_path: Path) -> None:
    journal = open_journal(None, tmp_path)
    assert journal.chain("corp-ldap").converged() is None
    assert journal.chain("corp-ldap").outstanding() == ()
    assert journal.published(TREE) is None
    assert list(tmp_path.iterdir()) == []


def test_default_folder_keeps_itself_out_of_git_and_to_its_owner(tmp_path: Path) -> None:
    open_journal(None, tmp_path).publish(TREE, {"people/ada.yaml": b"people: {}\n"})
    folder = tmp_path / ".provision"
    assert (folder / ".gitignore").read_bytes() == b"*\n"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_journal_elsewhere_is_relative_to_the_repository_and_has_no_gitignore(tmp_path: Path) -> None:
    (tmp_path / "repo").mkdir()
    journal = open_journal("../shared/journal", tmp_path / "repo")
    journal.publish(TREE, {})
    assert isinstance(journal.store, FolderStore)
    assert (tmp_path / "shared/journal/declared").is_dir()
    assert not (journal.store.path / ".gitignore").exists()
    assert not journal.store.lies_within(tmp_path / "repo")
    assert FolderStore(tmp_path / "repo/j").lies_within(tmp_path / "repo")


def test_unknown_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProvisionError) as caught:
        open_journal("gs://acme/journal", tmp_path)
    assert caught.value.diagnostics[0].code == "journal-store"


def test_folder_that_cannot_be_made_is_not_writable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ProvisionError) as caught:
        FolderStore(tmp_path / "file" / "j").create("journal/t/1.json", b"x")
    assert caught.value.diagnostics[0].code == "journal-not-writable"


def test_full_disk_is_not_writable_and_leaves_no_object(tmp_path: Path) -> None:
    """A file-size limit stands for the full disk: the kernel refuses the write half-way."""
    import resource
    import signal

    store = FolderStore(tmp_path / "j")
    store.create("journal/t/1.json", b"x")
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(ProvisionError) as caught:
            store.create("journal/t/2.json", b"y" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert caught.value.diagnostics[0].code == "journal-not-writable"
    assert store.names("journal/t") == ["1.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_folder_is_not_an_empty_one(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "j")
    store.create("journal/t/1.json", b"x")
    (tmp_path / "j/journal").chmod(0)
    try:
        with pytest.raises(ProvisionError) as caught:
            store.names("journal/t")
    finally:
        (tmp_path / "j/journal").chmod(0o700)
    assert caught.value.diagnostics[0].code == "journal-unreadable"


def test_a_file_where_the_journal_should_lie_is_not_an_empty_journal(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("not a folder")
    store = FolderStore(tmp_path / "journal")
    for read in (lambda: store.names("journal/corp-ldap"), lambda: store.read("journal/corp-ldap/00000001.json")):
        with pytest.raises(ProvisionError) as caught:
            read()
        assert [d.code for d in caught.value.diagnostics] == ["journal-unreadable"]
