"""`apply --reviewed pull-request`: how the plan that was reviewed reaches the run that applies it; what does not."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.sandbox.github import GitHubServer, pushes
from provisioner.sandbox.github.things import Artifact, Pull, Repo, Run, User
from tests.cli.conftest import COMMON, Ran, Repository
from tests.rigs.specs import Checked

WORKFLOW = ".github/workflows/access-plan.yml"


def packed(content: bytes, name: str = "plan.json") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(name, content)
    return made.getvalue()


@dataclass
class Main:
    """The branch `main` of `acme/access`: pull requests are planned, and merged by squash."""

    repository: Repository
    server: GitHubServer
    access: Repo
    boss: User
    file: Path

    def review(
        self, person: str, path: str = WORKFLOW, event: str = "pull_request_target"
    ) -> tuple[Pull, Run, Artifact]:
        """A branch with somebody new, planned as the workflow does."""
        git = self.repository.git
        git("checkout", "--quiet", "-B", person, "main")
        self.repository.person(person)
        head = self.repository.commit()
        git("checkout", "--quiet", "main")
        ran = self.repository.run("plan", "--change", head, "--out", str(self.file))
        assert ran.status == 0, ran.err
        self.push(person, head)
        pull = pushes.open_pull(self.server.world, self.access, person, self.boss)
        run = self.server.world.create_run(pull, path, event)
        kept = self.server.world.leave_artifact(run, f"access-plan-{head}", packed(self.file.read_bytes()))
        return pull, run, kept

    def push(self, branch: str, sha: str) -> None:
        pushes.push(self.server.world, self.access, branch, self.boss, sha)

    def merge(self, pull: Pull) -> str:
        """Squashed onto main; the commit before."""
        before = self.repository.git("rev-parse", "main")
        self.repository.git("merge", "--squash", "--quiet", pull.head)
        pushes.merge(self.server.world, pull, self.boss, "squash", [self.repository.commit()])
        return before

    def apply(self, before: str) -> Ran:
        return self.repository.run("apply", "--reviewed", "pull-request", "--base", before)


@pytest.fixture
def main(repository: Repository, tmp_path: Path) -> Iterator[Main]:
    journal = tmp_path / "journal"
    repository.write("access/common.yaml", COMMON.replace("5f1c0a2b", f"5f1c0a2b, journal: {journal}"))
    repository.commit()
    assert repository.run("apply").status == 0
    with GitHubServer() as server:
        checked = Checked("github").watch(server)
        boss = server.world.create_user("boss")
        access = server.world.create_repo(server.world.create_org("acme", boss), "access")
        token = server.actions_token(access, actions="read", pull_requests="read", contents="read")
        for name, value in {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": server.url,
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REF_NAME": "main",
            "GITHUB_REPOSITORY": "acme/access",
            "PROVISION_FORGE_TOKEN": token,
        }.items():
            repository.env.setenv(name, value)
        repository.env.delenv("GITHUB_STEP_SUMMARY", raising=False)
        yield Main(repository, server, access, boss, tmp_path / "plan.json")
    assert not checked.problems, "\n".join(checked.problems)


def test_what_was_reviewed_is_applied_and_the_journal_names_the_pull_request(main: Main) -> None:
    pull, _, _ = main.review("zoe")
    ran = main.apply(main.merge(pull))
    assert ran.status == 0, ran.err
    assert "zoe" in main.repository.people()
    shown = main.repository.run("journal", "show", "--person", "zoe", "--format", "json").out
    assert {r["trigger"]["pull_request"] for r in json.loads(shown)["records"]} == {
        "https://github.com/acme/access/pull/1"
    }


def test_a_merge_whose_run_was_pushed_out_is_applied_by_the_next(main: Main) -> None:
    first, _, _ = main.review("zoe")
    main.merge(first)
    second, _, _ = main.review("mia")
    ran = main.apply(main.merge(second))
    assert ran.status == 0, ran.err
    assert {"zoe", "mia"} <= main.repository.people()


def test_a_push_that_nobody_reviewed_gives_nothing_and_fails(main: Main) -> None:
    before = main.repository.git("rev-parse", "main")
    main.repository.person("eve")
    main.push("main", main.repository.commit())
    ran = main.apply(before)
    assert ran.status == 8
    assert "error[no-reviewed-plan]" in ran.err and "came by no pull request" in ran.err
    assert "eve" not in main.repository.people()
    assert "add eve to group developers" in ran.err  # held back, by name


def test_a_leaver_goes_also_where_the_plan_is_not_to_be_had(main: Main) -> None:
    before = main.repository.git("rev-parse", "main")
    main.repository.leave("ada")
    main.push("main", main.repository.commit())
    assert main.apply(before).status == 8
    assert main.repository.members("developers") == {"grace"}


@pytest.mark.parametrize(
    ("path", "event"),
    [(".github/workflows/mine.yml", "pull_request_target"), (WORKFLOW, "push"), (WORKFLOW, "pull_request")],
)
def test_an_artifact_that_a_branch_could_have_made_is_not_taken(main: Main, path: str, event: str) -> None:
    pull, _, _ = main.review("zoe", path, event)
    ran = main.apply(main.merge(pull))
    assert (ran.status, "was not made by" in ran.err) == (8, True)
    assert "zoe" not in main.repository.people()


def test_a_forged_artifact_beside_the_true_one_changes_nothing(main: Main) -> None:
    pull, _, true = main.review("zoe")
    forger = main.server.world.create_run(pull, ".github/workflows/mine.yml", "push")
    main.server.world.leave_artifact(forger, true.name, packed(b"{}"))
    assert main.apply(main.merge(pull)).status == 0
    assert "zoe" in main.repository.people()


def test_a_plan_of_another_commit_of_the_branch_is_no_review_of_this_one(main: Main) -> None:
    pull, _, kept = main.review("zoe")
    main.repository.git("checkout", "--quiet", "zoe")
    main.repository.person("eve")
    main.push("zoe", main.repository.commit())
    main.repository.git("checkout", "--quiet", "main")
    kept.name = f"access-plan-{pull.head}"  # the older plan under the newer one's name
    ran = main.apply(main.merge(pull))
    assert (ran.status, "was merged" in ran.err) == (8, True)
    assert not {"zoe", "eve"} & main.repository.people()


@pytest.mark.parametrize(
    ("archive", "told"),
    [
        (b"no archive", "is no archive with a plan.json in it"),
        (packed(b"x", "other.json"), "is no archive with a plan.json in it"),
        (packed(b"not json"), "plan-file-"),
        (packed(b'{"format": "provision.plan/1"}'), "plan-file-"),
    ],
)
def test_an_artifact_that_is_no_plan_gives_nothing(main: Main, archive: bytes, told: str) -> None:
    pull, _, kept = main.review("zoe")
    kept.archive = archive
    ran = main.apply(main.merge(pull))
    assert (ran.status, told in ran.err) == (8, True), ran.err
    assert "zoe" not in main.repository.people()


def test_an_edited_plan_gives_nothing(main: Main) -> None:
    pull, _, kept = main.review("zoe")
    kept.archive = packed(main.file.read_bytes().replace(b"zoe", b"eve"))
    ran = main.apply(main.merge(pull))
    assert (ran.status, "plan-file-edited" in ran.err) == (8, True)


def test_what_is_cut_on_its_way_does_not_have_the_digest(main: Main) -> None:
    pull, _, _ = main.review("zoe")
    before = main.merge(pull)
    main.server.fail("GET /_storage", 200, body=b"PK", times=None)
    ran = main.apply(before)
    assert (ran.status, "does not have the digest that GitHub noted" in ran.err) == (8, True)


def test_a_plan_that_is_kept_no_longer_is_told(main: Main) -> None:
    pull, _, kept = main.review("zoe")
    kept.expires = main.server.world.now() - timedelta(days=1)
    ran = main.apply(main.merge(pull))
    assert (ran.status, "it is kept no longer" in ran.err) == (8, True)


def test_elsewhere_than_in_github_actions_it_is_wrong_to_ask(main: Main) -> None:
    main.repository.env.delenv("GITHUB_ACTIONS")
    ran = main.apply("HEAD")
    assert (ran.status, "only GitHub Actions keeps reviewed plans" in ran.err) == (1, True)
