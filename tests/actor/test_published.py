"""The declarations that count, read from a journal: both states of the files, and who is held."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from provisioner.actor.published import published
from provisioner.diagnostics import ProvisionError
from provisioner.records.folder import FolderStore
from provisioner.records.holds import hold
from provisioner.records.journal import Journal
from provisioner.records.published import publish
from provisioner.records.run import RunInfo

NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
RUN = RunInfo("r1", "tests", command="apply")


def said(journal: Journal, tree: str, text: str, *, whole: bool, over: frozenset[str] = frozenset()) -> None:
    journal.publish(tree, {"all.yaml": text.encode()})
    publish(journal.store, tree=tree, whole=whole, over=over, folder="access", run=RUN, at=NOW)


def test_what_was_applied_and_what_was_seen_both_count(tmp_path: Path) -> None:
    journal = Journal(FolderStore(tmp_path))
    said(journal, "a" * 40, "people: {ada: {}, bob: {}}\n", whole=True)
    said(journal, "b" * 40, "people: {bob: {}, zoe: {}}\n", whole=False)
    found = published(journal, {})
    assert [set(tree.identities) for tree in found.counting.trees] == [{"ada", "bob"}, {"bob", "zoe"}]


def test_a_hold_that_the_files_ended_ends_no_other_of_the_same_run(tmp_path: Path) -> None:
    journal = Journal(FolderStore(tmp_path))
    for who in ("ada", "bob"):
        hold(journal.store, who, run=RUN, at=NOW)
    said(journal, "a" * 40, "people: {ada: {}, bob: {}}\n", whole=True, over=frozenset({"ada@r1"}))
    assert set(published(journal, {}).counting.held) == {"bob"}


@pytest.mark.parametrize("text", ["people: {ada: }\n", "people: {ada: {roles: [nobody-knows]}}\n"])
def test_declarations_that_this_version_cannot_read_let_nobody_in(tmp_path: Path, text: str) -> None:
    journal = Journal(FolderStore(tmp_path))
    said(journal, "a" * 40, text, whole=True)
    with pytest.raises(ProvisionError) as raised:
        published(journal, {})
    assert raised.value.diagnostics[0].code == "published-unreadable"


def test_declarations_that_are_gone_let_nobody_in(tmp_path: Path) -> None:
    journal = Journal(FolderStore(tmp_path))
    publish(journal.store, tree="a" * 40, whole=True, over=(), folder="access", run=RUN, at=NOW)
    with pytest.raises(ProvisionError) as raised:
        published(journal, {})
    assert raised.value.diagnostics[0].code == "published-unreadable"
