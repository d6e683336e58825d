"""Earlier states of the access files: all of them, or an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from provisioner.diagnostics import ProvisionError
from provisioner.load import load_access, load_files
from provisioner.load.history import HistoryCache, declared_at, files_at, head, resolve, revisions
from provisioner.load.tree import EMPTY_TREE
from tests.load.repository import Repository
from tests.load.tiny import PROVIDERS

ADA = "people:\n  ada: {roles: [developer]}\n"
BOB = "people:\n  bob: {}\n"
ROLES = "roles:\n  developer: {grants: {corp: {groups: [developers]}}}\n"
TARGETS = "targets:\n  corp: {provider: directory, url: ldap://x, groups: {developers: {}}}\n"


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.at(tmp_path / "repo")


def _commits(repo: Repository, start: str | None) -> list[str]:
    return [r.commit for r in revisions(repo.path, "access", start)]


def test_only_revisions_at_which_access_changed_are_listed_newest_first(repo: Repository) -> None:
    one = repo.commit(ada=ADA)
    repo.write("README", "x")
    repo.commit("elsewhere")
    two = repo.commit(bob=BOB)
    three = repo.commit(ada=None)
    found = revisions(repo.path, "access", None)
    assert [r.commit for r in found] == [three, two, one]
    assert [r.tree for r in found] == [repo.tree(three), repo.tree(two), repo.tree(one)]
    assert all(r.when.tzinfo is not None for r in found)


def test_the_start_itself_is_listed_though_it_changed_nothing(repo: Repository) -> None:
    repo.commit(ada=ADA)
    repo.write("README", "x")
    start = repo.commit("elsewhere")
    two = repo.commit(bob=BOB)
    assert _commits(repo, start) == [two, start]
    assert _commits(repo, two) == [two]


def test_a_merged_branch_counts_as_one_change(repo: Repository) -> None:
    start = repo.commit(ada=ADA)
    repo.git("checkout", "-q", "-b", "side")
    repo.commit(bob=BOB)
    repo.commit(bob=None)
    side = repo.commit(zoe="people:\n  zoe: {}\n")
    repo.git("checkout", "-q", "main")
    repo.commit("elsewhere")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    merge = repo.git("rev-parse", "HEAD")
    assert _commits(repo, start) == [merge, start]
    assert side not in _commits(repo, start)


def test_a_start_on_a_branch_is_still_looked_at(repo: Repository) -> None:
    one = repo.commit(ada=ADA)
    repo.git("checkout", "-q", "-b", "side")
    side = repo.commit(bob=BOB)
    repo.git("checkout", "-q", "main")
    two = repo.commit(zoe="people:\n  zoe: {}\n")
    assert _commits(repo, side) == [two, side]
    assert one not in _commits(repo, side)


def test_a_revision_that_git_no_longer_has_is_an_error(repo: Repository) -> None:
    repo.commit(ada=ADA)
    with pytest.raises(ProvisionError) as told:
        revisions(repo.path, "access", "0123456789012345678901234567890123456789")
    assert told.value.diagnostics[0].code == "history-incomplete"
    assert "fetch-depth: 0" in told.value.diagnostics[0].fix


def test_a_shallow_clone_is_an_error_unless_it_reaches_the_start(repo: Repository, tmp_path: Path) -> None:
    start = repo.commit(ada=ADA)
    two = repo.commit(bob=BOB)
    repo.commit(ada=None)
    repo.git("clone", "-q", "--depth", "2", repo.path.as_uri(), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    for beyond in (start, None):
        with pytest.raises(ProvisionError) as told:
            revisions(clone.path, "access", beyond)
        assert told.value.diagnostics[0].code == "history-incomplete"
        assert "fetch-depth: 0" in told.value.diagnostics[0].fix
    assert len(revisions(clone.path, "access", two)) == 2
    clone.git("fetch", "-q", "--unshallow")
    assert len(revisions(clone.path, "access", start)) == 3


def test_a_start_that_is_only_reached_round_the_missing_part_is_an_error(repo: Repository, tmp_path: Path) -> None:
    """The merged branch begins at the start; on main itself, what lies between is cut off."""
    start = repo.commit(ada=ADA)
    repo.git("checkout", "-q", "-b", "side")
    repo.commit("on the side")
    repo.git("checkout", "-q", "main")
    for number in range(3):
        repo.commit(bob=f"people:\n  bob{number}: {{}}\n")
    repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    repo.git("clone", "-q", "--depth", "3", repo.path.as_uri(), str(tmp_path / "clone"))
    clone = Repository(tmp_path / "clone")
    clone.git("merge-base", "--is-ancestor", start, "HEAD")
    with pytest.raises(ProvisionError) as told:
        revisions(clone.path, "access", start)
    assert told.value.diagnostics[0].code == "history-incomplete"


def test_a_removed_access_folder_is_an_empty_tree(repo: Repository) -> None:
    one = repo.commit(ada=ADA)
    repo.commit(ada=None)
    assert [r.tree for r in revisions(repo.path, "access", one)] == [EMPTY_TREE, repo.tree(one)]
    with HistoryCache() as cache:
        assert not declared_at(repo.path, "access", EMPTY_TREE, PROVIDERS, cache).declared.identities


def test_before_the_first_commit_there_is_no_history(repo: Repository) -> None:
    assert revisions(repo.path, "access", None) == []
    assert head(repo.path, "access") == (here := head(repo.path, "access"))
    assert (here.revision, here.uncommitted, here.tree) == (None, True, "")


def test_outside_of_a_repository_there_is_no_head(tmp_path: Path) -> None:
    assert head(tmp_path, "access").revision is None


def test_head_knows_uncommitted_files(repo: Repository) -> None:
    commit = repo.commit(ada=ADA)
    clean = head(repo.path, "access")
    assert (clean.revision, clean.uncommitted, clean.tree) == (commit, False, repo.tree())
    repo.write("elsewhere", "x")
    assert not head(repo.path, "access").uncommitted
    repo.write("access/bob.yaml", BOB)
    assert head(repo.path, "access").uncommitted


def test_the_tree_id_is_gits(repo: Repository) -> None:
    repo.write("access/people/ada.yaml", ADA)
    repo.write("access/people.yaml", BOB)
    repo.write("access/a/b/c.yaml", ROLES)
    repo.write("access/README.md", "not yaml")
    repo.write("access/people-x/ü.yaml", TARGETS)
    repo.write("access/run.sh", "true")
    (repo.path / "access/run.sh").chmod(0o755)
    repo.git("add", "-A")
    expected = repo.git("rev-parse", f"{repo.git('write-tree')}:access")
    assert load_access(repo.path / "access", providers=PROVIDERS).declared.tree == expected


def test_declared_at_reads_a_commit_or_a_tree(repo: Repository) -> None:
    one = repo.commit(ada=ADA, roles=ROLES, targets=TARGETS)
    repo.commit(ada=None, bob=BOB)
    with HistoryCache() as cache:
        by_commit = declared_at(repo.path, "access", one, PROVIDERS, cache)
        by_tree = declared_at(repo.path, "access", repo.tree(one), PROVIDERS, cache)
        now = declared_at(repo.path, "access", "HEAD", PROVIDERS, cache)
    assert set(by_commit.declared.identities) == {"ada"}
    assert by_commit.declared.tree == by_tree.declared.tree == repo.tree(one)
    assert by_commit.declared.identities["ada"] is by_tree.declared.identities["ada"]
    assert by_commit.declared.roles["developer"] is now.declared.roles["developer"]
    assert set(now.declared.identities) == {"bob"}
    assert str(now.declared.identities["bob"].location) == "access/bob.yaml:2:3"


def test_past_files_that_break_todays_rules_still_say_who_was_declared(repo: Repository) -> None:
    broken = "people:\n  ada: {roles: [gone, developer], until: tomorrow, nick: a}\n  Zoe: {}\n"
    roles = ROLES + "  other: {grants: {corp: {unknown: [x]}, elsewhere: {groups: [x]}}}\n"
    commit = repo.commit(broken=broken, roles=roles, targets=TARGETS, syntax="people: [\n")
    with HistoryCache() as cache:
        loaded = declared_at(repo.path, "access", commit, PROVIDERS, cache)
    assert not loaded.ok
    assert [held.role for held in loaded.declared.identities["ada"].roles] == ["gone", "developer"]
    assert [grant.target for grant in loaded.declared.roles["other"].grants] == ["elsewhere"]


def test_links_and_submodules_in_a_past_tree_are_passed_over(repo: Repository) -> None:
    repo.write("access/ada.yaml", ADA)
    (repo.path / "access" / "link.yaml").symlink_to("/etc/passwd")
    commit = repo.commit()
    with HistoryCache() as cache:
        assert set(declared_at(repo.path, "access", commit, PROVIDERS, cache).declared.identities) == {"ada"}


def test_files_at_gives_the_bytes_for_loading_them_strictly(repo: Repository) -> None:
    commit = repo.commit(ada=ADA, roles=ROLES)
    repo.commit(ada=None)
    with HistoryCache() as cache:
        files = files_at(repo.path, "access", commit, cache)
    assert files == {"ada.yaml": ADA.encode(), "roles.yaml": ROLES.encode()}
    assert "unknown-target" in {d.code for d in load_files(files, PROVIDERS).diagnostics}


@pytest.mark.parametrize(
    "name", ["--upload-pack=touch x", "-x", "HEAD\nHEAD", "HEAD:access", "", "a b", "@{-1}", "\udc80"]
)
def test_hostile_revision_names_are_only_unknown(repo: Repository, name: str) -> None:
    repo.commit(ada=ADA)
    with pytest.raises(ProvisionError) as told:
        resolve(repo.path, name)
    assert told.value.diagnostics[0].code == "unknown-revision"


def test_the_environment_does_not_decide_what_is_read(
    repo: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = repo.commit(ada=ADA)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", os.devnull)
    assert head(repo.path, "access").revision == commit


def test_odd_folder_names_are_read_literally(tmp_path: Path) -> None:
    repo = Repository.at(tmp_path / "-repo *")
    repo.write("acc*ess [x]/ada.yaml", ADA)
    repo.write("access/bob.yaml", BOB)
    one = repo.commit()
    repo.write("access/bob.yaml", None)
    repo.commit()
    assert _commits_of(repo, "acc*ess [x]") == [one]
    with HistoryCache() as cache:
        assert set(declared_at(repo.path, "acc*ess [x]", one, PROVIDERS, cache).declared.identities) == {"ada"}


def _commits_of(repo: Repository, access: str) -> list[str]:
    return [r.commit for r in revisions(repo.path, access, None)]


def test_a_repository_with_longer_ids_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "repo"
    path.mkdir()
    repo = Repository(path)
    repo.git("init", "-q", "-b", "main", "--object-format=sha256")
    one = repo.commit(ada=ADA, bob=BOB)
    assert len(one) == 64
    with HistoryCache() as cache:
        assert set(declared_at(path, "access", one, PROVIDERS, cache).declared.identities) == {"ada", "bob"}
