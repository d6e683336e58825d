"""Which earlier states of the files a target is judged by: every one since it converged, from wherever it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from provisioner.cli.past import Memory
from provisioner.diagnostics import ProvisionError
from provisioner.load import load_access
from provisioner.records.journal import Journal, open_journal
from provisioner.records.tail import Converged
from tests.builders import NOW
from tests.load.repository import Repository
from tests.load.tiny import PROVIDERS

TARGETS = "targets:\n  one: {provider: directory, url: ldap://x}\n  two: {provider: directory, url: ldap://y}\n"
ADA, BOB = "people:\n  ada: {}\n", "people:\n  bob: {}\n"


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.at(tmp_path / "repo")


def journal(repo: Repository) -> Journal:
    return open_journal(None, repo.path)


def point(revision: str | None, tree: str) -> Converged:
    return Converged(revision, tree, NOW, "r1")


def seen(
    repo: Repository, converged: Mapping[str, Converged | None], applied: Mapping[str, Sequence[str]] | None = None
) -> dict[str, list[list[str]]]:
    """By target, who was declared in each state that counts for it, newest first."""
    memory = Memory(repo.path, "access", True, journal(repo), PROVIDERS)
    told = memory.since(converged, applied or {}, load_access(repo.path / "access", providers=PROVIDERS))
    return {t: [sorted(p.declared.identities) for p in told if t in p.targets] for t in converged}


def test_revision_on_which_one_target_converged_counts_though_it_changed_no_access_file(repo: Repository) -> None:
    start = repo.commit(targets=TARGETS)
    repo.commit(ada=ADA)
    unrelated = repo.commit("elsewhere")
    repo.commit(ada=None)
    tree = repo.tree(unrelated)
    found = seen(repo, {"one": point(unrelated, tree), "two": point(start, repo.tree(start))})
    assert found == {"one": [[], ["ada"]], "two": [[], ["ada"], []]}


def test_revision_of_a_branch_on_which_one_target_converged_counts_for_it_alone(repo: Repository) -> None:
    start = repo.commit(targets=TARGETS)
    repo.git("checkout", "-q", "-b", "feature")
    branch = repo.commit(bob=BOB)
    repo.git("checkout", "-q", "main")
    repo.commit(ada=ADA)
    found = seen(repo, {"one": point(branch, repo.tree(branch)), "two": point(start, repo.tree(start))})
    assert found == {"one": [["ada"], ["bob"]], "two": [["ada"], []]}


def test_files_that_were_applied_in_part_and_never_committed_count_until_the_target_converges(repo: Repository) -> None:
    start = repo.commit(targets=TARGETS)
    repo.write("access/ada.yaml", ADA)
    loaded = load_access(repo.path / "access", providers=PROVIDERS)
    journal(repo).publish(loaded.declared.tree, loaded.files)
    repo.write("access/ada.yaml", None)
    both = {"one": point(start, repo.tree(start)), "two": point(start, repo.tree(start))}
    found = seen(repo, both, {"one": [loaded.declared.tree, repo.tree(start)], "two": []})
    assert found == {"one": [["ada"], []], "two": [[]]}


def test_files_that_were_applied_and_are_nowhere_are_an_error(repo: Repository) -> None:
    start = repo.commit(targets=TARGETS)
    with pytest.raises(ProvisionError) as raised:
        seen(repo, {"one": point(start, repo.tree(start))}, {"one": ["f" * 40]})
    assert [d.code for d in raised.value.diagnostics] == ["history-incomplete"]
