"""`provision approvals` in a pull request on GitHub: red until those have approved its newest commit who must."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.github.things import Pull
from tests.cli import reviewed
from tests.cli.conftest import Ran, Repository
from tests.rigs.forge import Forge


@pytest.fixture
def forge(embedded_github: GitHubServer) -> Forge:
    return Forge(embedded_github)


class Change:
    """A pull request by ada that gives her a role in production; the job for it has its newest commit checked out."""

    def __init__(self, repository: Repository, forge: Forge, folder: Path) -> None:
        self.repository, self.forge, self.folder = repository, forge, folder
        reviewed.team(repository, forge)
        repository.git("checkout", "--quiet", "-b", "grant")
        reviewed.pinned(repository, forge, "ada", reviewed.GRANT)
        self.push("ada")
        self.pull: Pull = forge.open("grant", "ada")
        self.summary = forge.job(repository.env, folder, "pull_request", self.pull)

    def push(self, by: str) -> str:
        return self.forge.push("grant", by, self.repository.commit())

    def check(self, *more: str) -> Ran:
        return self.repository.run("approvals", "--base", "main", *more)


@pytest.fixture
def change(repository: Repository, forge: Forge, tmp_path: Path) -> Change:
    return Change(repository, forge, tmp_path)


def test_a_peer_who_owns_nothing_of_it_is_not_enough(change: Change) -> None:
    change.forge.review(change.pull, "peer")
    change.forge.review(change.pull, "stranger")
    change.forge.review(change.pull, "grace", "COMMENT")
    ran = change.check()
    assert ran.status == 3
    assert "  role deployer: fatima or grace; MISSING\n  environment production: boss or linus; MISSING\n" in ran.out
    assert (
        "approved by peer" in ran.out
        and "does not count: stranger" in ran.out
        and "the base knows nobody with this id" in ran.out
    )
    assert "::error file=access/people/ada.yaml,line=5,col=24,title=approval-missing::" in ran.err
    assert "the approval of fatima or grace is missing (role deployer)" in ran.err
    summary = change.summary.read_text()
    assert summary.startswith("### ❌ Approvals") and "`fatima or grace`" in summary


def test_it_is_green_when_both_owners_have_approved_the_newest_commit(change: Change) -> None:
    change.forge.review(change.pull, "grace")
    half = change.check()
    assert half.status == 3 and "role deployer: fatima or grace; approved" in half.out
    change.forge.review(change.pull, "linus")
    ran = change.check()
    assert ran.status == 0
    assert "approved by grace, linus" in ran.out
    assert "all that is needed is approved" in ran.err and "::error" not in ran.err


def test_never_the_person_who_gains(repository: Repository, forge: Forge, tmp_path: Path) -> None:
    """grace owns the role, and approves that she gets it."""
    reviewed.team(repository, forge)
    repository.git("checkout", "--quiet", "-b", "grant")
    reviewed.pinned(repository, forge, "grace", reviewed.GRANT)
    forge.push("grant", "ada", repository.commit())
    pull = forge.open("grant", "ada")
    forge.job(repository.env, tmp_path, "pull_request", pull)
    forge.review(pull, "grace")
    forge.review(pull, "linus")
    ran = repository.run("approvals", "--base", "main")
    assert ran.status == 3
    assert "role deployer: fatima (not grace, who gains by it); MISSING" in ran.out
    forge.review(pull, "fatima")
    assert repository.run("approvals", "--base", "main").status == 0


def test_a_review_before_the_newest_commit_is_stale_by_name(change: Change) -> None:
    change.forge.review(change.pull, "grace")
    change.forge.review(change.pull, "linus")
    before = change.pull.head
    change.repository.write("README.md", "more\n")
    after = change.push("ada")
    ran = change.check()
    assert ran.status == 3
    assert f"does not count: grace approved {before[:12]}, and {after[:12]} has come since" in ran.out
    change.forge.review(change.pull, "grace")
    change.forge.review(change.pull, "linus")
    assert change.check().status == 0


def test_who_pushed_the_newest_commit_does_not_approve_it(change: Change) -> None:
    change.repository.write("README.md", "more\n")
    change.push("grace")
    for name in ("grace", "linus"):
        change.forge.review(change.pull, name)
    ran = change.check()
    assert ran.status == 3
    assert "role deployer: fatima (not grace, who wrote it); MISSING" in ran.out
    assert "does not count: grace pushed its newest commit" in ran.out


@pytest.mark.parametrize("event", ["REQUEST_CHANGES", "dismiss"])
def test_the_last_word_of_a_reviewer_counts(change: Change, event: str) -> None:
    for name in ("grace", "linus"):
        change.forge.review(change.pull, name)
    if event == "dismiss":
        next(iter(change.pull.reviews.values())).state = "DISMISSED"
    else:
        change.forge.review(change.pull, "grace", event)
    change.forge.review(change.pull, "grace", "COMMENT")
    ran = change.check()
    assert ran.status == 3
    assert (
        f"does not count: grace {'the review was dismissed' if event == 'dismiss' else 'asked for changes'}" in ran.out
    )


def test_people_are_known_by_their_id_and_not_by_a_login_that_changed_hands(change: Change) -> None:
    world = change.forge.server.world
    grace = change.forge.user("grace")
    world.rename_user(grace, "grace-h")
    impostor = world.create_user("grace")
    change.forge.users.update({"grace-h": grace, "grace": impostor})
    change.forge.review(change.pull, "grace")
    change.forge.review(change.pull, "linus")
    ran = change.check()
    assert ran.status == 3 and f"does not count: grace ({impostor.id}) the base knows nobody with this id" in ran.out
    change.forge.review(change.pull, "grace-h")
    assert change.check().status == 0


def test_a_pull_request_cannot_give_an_owners_place_to_another_account(change: Change) -> None:
    mallory = change.forge.user("mallory")
    reviewed.pinned(change.repository, change.forge, "grace", number=mallory.id)
    change.push("ada")
    for name in ("mallory", "linus", "boss"):
        change.forge.review(change.pull, name)
    ran = change.check()
    assert ran.status == 3
    assert f"does not count: mallory ({mallory.id}) the base knows nobody with this id" in ran.out
    assert "grace: accounts changed" in ran.out


def test_someone_without_a_pinned_id_is_told_how_to_be_known(change: Change) -> None:
    change.repository.git("checkout", "--quiet", "main")
    change.repository.person("fatima", "[developer]\n    accounts: {hub: {login: Fatima-A}}")
    reviewed.on_main(change.repository, change.forge)
    change.repository.git("checkout", "--quiet", "grant")
    change.repository.git("merge", "--quiet", "--no-edit", "main")
    change.forge.push("grant", "ada", change.repository.git("rev-parse", "HEAD"))
    number = change.forge.user("fatima-a").id
    change.forge.review(change.pull, "fatima-a")
    ran = change.check()
    assert ran.status == 3
    assert f"write `accounts: {{hub: {{login: fatima-a, id: {number}}}}}`" in ran.out


def test_bots_and_accounts_that_are_gone_do_not_count(change: Change) -> None:
    change.forge.user("robot[bot]", kind="Bot")
    change.forge.review(change.pull, "robot[bot]")
    change.forge.review(change.pull, "ghost")
    change.pull.reviews[max(change.pull.reviews)].user = None
    ran = change.check()
    assert ran.status == 3
    assert "it is no person's account" in ran.out and "an account that is gone the account is gone" in ran.out


def test_github_that_cannot_be_read_is_red(change: Change) -> None:
    for name in ("grace", "linus"):
        change.forge.review(change.pull, name)
    change.forge.server.fail("GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews", 404, None)
    ran = change.check()
    assert ran.status == 5 and "error[reviews-unread]" in ran.err
    change.forge.server.heal()
    change.repository.env.delenv("GITHUB_TOKEN")
    ran = change.check()
    assert ran.status == 5 and "there is no token to ask GitHub with" in ran.err
    (change.folder / "event.json").write_text("{}")
    ran = change.check()
    assert ran.status == 5 and "its number is not told" in ran.err


def test_the_files_must_be_those_that_were_reviewed(change: Change) -> None:
    """A job that is run again checks out what it did the first time."""
    for name in ("grace", "linus"):
        change.forge.review(change.pull, name)
    old = change.repository.git("rev-parse", "HEAD")
    change.repository.write("README.md", "more\n")
    change.push("ada")
    change.repository.git("checkout", "--quiet", old)
    ran = change.check()
    assert ran.status == 3 and "error[reviews-of-other-commit]" in ran.err
    change.repository.git("checkout", "--quiet", "grant")
    reviewed.pinned(change.repository, change.forge, "ada", "[developer]")
    assert "uncommitted changes" in change.check().err


def test_what_it_comes_to_when_merged_is_the_same(change: Change) -> None:
    """As the workflow has it that `init` writes: the merge is checked out, and its first parent is the base."""
    for name in ("grace", "linus"):
        change.forge.review(change.pull, name)
    change.repository.git("checkout", "--quiet", "--detach", "main")
    change.repository.git("merge", "--quiet", "--no-ff", "--no-edit", "grant")
    assert change.check().status == 0
    change.repository.env.setenv("PROVISION_FORGE_TOKEN", change.forge.token)
    change.repository.env.delenv("GITHUB_TOKEN")
    assert change.repository.run("approvals", "--base", "HEAD^1").status == 0


def test_in_a_merge_queue_its_commit_is_held_against_the_pull_requests_reviews(change: Change) -> None:
    """The queue squashes the change onto what the branch, or the entry before, has become by then."""
    repository = change.repository
    repository.git("checkout", "--quiet", "--detach", "main")
    repository.write("README.md", "of the entry before\n")
    base = repository.commit()
    repository.git("merge", "--quiet", "--squash", "grant")
    merged = repository.commit()
    queue = f"refs/heads/gh-readonly-queue/main/pr-{change.pull.number}-{merged}"
    for name, value in {"EVENT_NAME": "merge_group", "REF": queue, "SHA": merged}.items():
        repository.env.setenv(f"GITHUB_{name}", value)
    (change.folder / "event.json").write_text(json.dumps({"merge_group": {"base_sha": base}}))
    ran = repository.run("approvals", "--base", base)
    assert ran.status == 3 and "role deployer: fatima or grace; MISSING" in ran.out
    for name in ("grace", "linus"):
        change.forge.review(change.pull, name)
    assert repository.run("approvals", "--base", base).status == 0


def test_anywhere_with_the_number_and_the_repository(change: Change) -> None:
    change.forge.review(change.pull, "grace")
    for name in ("GITHUB_ACTIONS", "GITHUB_REPOSITORY", "GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH"):
        change.repository.env.delenv(name)
    assert change.check().status == 0  # nobody says which pull request: only whose approval it takes
    ran = change.check("--pull-request", "1", "--repository", "acme/access", "--format", "json")
    assert ran.status == 3 and "::error" not in ran.err
    found = json.loads(ran.out)["pull_request"]
    assert (found["repository"], found["number"], found["head"]) == ("acme/access", 1, change.pull.head)
    assert found["approved"] == [{"person": "grace", "review": next(iter(change.pull.reviews))}]
    assert found["author"]["login"] == "ada" and found["wrote"] == ["ada"]
    wrong = change.check("--pull-request", "1", "--approved-by", "grace")
    assert wrong.status == 64


def test_what_a_reviewer_calls_themselves_is_not_live(change: Change) -> None:
    change.forge.review(change.pull, "x\x1b[2J\n::error::<img src=x>`@everybody`")
    ran = change.check()
    assert "does not count: x" in ran.out and "\x1b" not in ran.out + ran.err
    assert "\n::error::" not in ran.out + ran.err
    (line,) = [line for line in change.summary.read_text().splitlines() if "<img" in line]
    assert line.startswith("``") and line.rstrip().endswith("``")
