"""What lies ready for runs, where one account is several targets."""

from __future__ import annotations

from pathlib import Path

from provisioner.cli.preparing import same_system
from provisioner.model.target import Target
from provisioner.records.folder import FolderStore
from provisioner.records.journal import Journal
from provisioner.records.record import RecordKind
from provisioner.records.run import RunInfo
from tests.builders import NOW, REVISION, TREE


def test_a_run_of_one_of_them_is_a_run_of_the_others(tmp_path: Path) -> None:
    journal = Journal(FolderStore(tmp_path))
    systems = {"aws": "1111", "also": "1111", "other": "2222", "db": "1111"}
    for name, system in systems.items():
        run = RunInfo("r1", "ada", REVISION, TREE, "")
        journal.chain(name).append(RecordKind.RUN, {"system": system}, run=run, at=NOW)
    targets = {name: Target(name, name, "postgresql" if name == "db" else "aws-iam") for name in (*systems, "new")}
    assert same_system(journal, targets, "aws") == {"aws", "also"}
    assert same_system(journal, targets, "new") == {"new"}
