"""What `plan` and `apply` show in a pipeline: job summary, annotations, SARIF, and the comment on the pull request."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from provisioner.records.journal import DEFAULT_FOLDER
from provisioner.sandbox.github import GitHubServer, pushes
from provisioner.sandbox.github.things import Pull
from tests import canaries
from tests.cli.conftest import COMMON, Ran, Repository
from tests.report.stories import HOSTILE
from tests.rigs.specs import Checked


@dataclass
class Pipeline:
    """A job of GitHub Actions for a pull request whose branch `change` is in the repository."""

    repository: Repository
    server: GitHubServer
    pull: Pull
    summary: Path
    event: Path

    def starts(self, kind: str = "pull_request_target", fork: bool = False) -> None:
        """What the runner says of the pull request as it is now."""
        head, boss = self.repository.git("rev-parse", "change"), self.server.world.users[self.pull.author]
        pushes.push(self.server.world, self.server.world.repos[self.pull.repo], "change", boss, head)
        about = {
            "number": 1,
            "html_url": "https://github.com/acme/access/pull/1",
            "head": {"sha": self.pull.head, "repo": {"id": 2 if fork else 1}},
            "base": {"repo": {"id": 1}},
        }
        self.event.write_text(json.dumps({"pull_request": about}))
        self.repository.env.setenv("GITHUB_EVENT_NAME", kind)

    def plan(self, *more: str) -> Ran:
        return self.repository.run("plan", "--change", "change", "--comment", *more)

    @property
    def comments(self) -> list[str]:
        return [one.body for one in self.pull.comments.values()]


@pytest.fixture
def pipeline(repository: Repository, tmp_path: Path) -> Iterator[Pipeline]:
    assert repository.run("apply").status == 0
    repository.git("checkout", "--quiet", "-b", "change")
    repository.person("zoe")
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    with GitHubServer() as server:
        checked = Checked("github").watch(server)
        boss = server.world.create_user("boss")
        access = server.world.create_repo(server.world.create_org("acme", boss), "access")
        pushes.push(server.world, access, "change", boss)
        made = Pipeline(
            repository,
            server,
            pushes.open_pull(server.world, access, "change", boss),
            tmp_path / "summary.md",
            tmp_path / "event.json",
        )
        for name, value in {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": server.url,
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_REPOSITORY": "acme/access",
            "GITHUB_RUN_ID": "77",
            "GITHUB_EVENT_PATH": str(made.event),
            "GITHUB_STEP_SUMMARY": str(made.summary),
            "PROVISION_FORGE_TOKEN": server.actions_token(access, pull_requests="write", contents="read"),
        }.items():
            repository.env.setenv(name, value)
        made.starts()
        yield made
    assert not checked.problems, "\n".join(checked.problems)


def test_a_plan_is_in_log_summary_and_one_comment(pipeline: Pipeline) -> None:
    ran = pipeline.plan()
    assert ran.status == 0, ran.err
    (comment,) = pipeline.comments
    for shown in (ran.out, pipeline.summary.read_text(), comment):
        assert "create account zoe" in shown
    assert comment.startswith("<!-- provision:plan/1 key=")
    assert f"commit={pipeline.pull.head}" in comment.splitlines()[0]
    assert comment.endswith("\nThe log of this run has all of it: <https://github.com/acme/access/actions/runs/77>\n")
    assert "commented on https://github.com/acme/access/pull/1" in ran.err


def test_the_next_push_updates_it_and_the_run_of_the_older_one_does_not(pipeline: Pipeline) -> None:
    older = pipeline.repository.git("rev-parse", "change")
    assert pipeline.plan().status == 0
    pipeline.repository.git("checkout", "--quiet", "change")
    pipeline.repository.person("mia")
    pipeline.repository.commit()
    pipeline.repository.git("checkout", "--quiet", "main")
    pipeline.starts()
    assert "updated the comment" in pipeline.plan().err
    ran = pipeline.repository.run("plan", "--change", older, "--comment")
    assert (ran.status, "nothing was said, a newer commit or run has its own plan" in ran.err) == (0, True)
    (comment,) = pipeline.comments
    assert "create account mia" in comment


def test_mistakes_take_the_place_of_the_plan_of_an_earlier_commit(pipeline: Pipeline) -> None:
    pipeline.plan()
    pipeline.repository.git("checkout", "--quiet", "change")
    pipeline.repository.person("zoe", roles="[develper]")
    pipeline.repository.commit()
    pipeline.repository.git("checkout", "--quiet", "main")
    pipeline.starts()
    ran = pipeline.plan()
    assert ran.status == 1
    (comment,) = pipeline.comments
    assert "create account" not in comment and "no role named" in comment
    assert "::error file=access/people/zoe.yaml,line=5,col=13," in ran.err
    assert "no role named" in pipeline.summary.read_text()


def test_a_change_that_cannot_be_merged_takes_its_place_too(pipeline: Pipeline) -> None:
    pipeline.plan()
    pipeline.repository.write("access/people/zoe.yaml", "people: {zoe: {name: Z, email: z@example.com, roles: []}}\n")
    pipeline.repository.commit()
    assert pipeline.plan().status == 1
    (comment,) = pipeline.comments
    assert "change-not-merged" in comment and "create account" not in comment


@pytest.mark.parametrize("kind", ["pull_request", "pull_request_target"])
def test_a_fork_gets_no_token_no_comment_and_no_system_is_called(pipeline: Pipeline, kind: str) -> None:
    pipeline.starts(kind, fork=True)
    pipeline.server.reset_calls()
    pipeline.repository.env.setenv("LDAP_URL", "ldap://127.0.0.1:1")  # a call would be status 5
    ran = pipeline.plan()
    assert (ran.status, "error[fork-not-planned]" in ran.err) == (3, True)
    assert (pipeline.comments, sum(pipeline.server.calls.values())) == ([], 0)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PROVISION_FORGE_TOKEN", "", "there is no token in PROVISION_FORGE_TOKEN"),
        ("GITHUB_API_URL", "http://forge.example", "not at an https address"),
        ("GITHUB_REPOSITORY", "acme/../evil", "does not say which repository"),
        ("GITHUB_EVENT_PATH", "/nowhere", "this run is not of a pull request"),
    ],
)
def test_a_comment_that_is_not_posted_fails_the_job_and_not_the_plan(
    pipeline: Pipeline, name: str, value: str, told: str
) -> None:
    pipeline.repository.env.setenv(name, value)
    ran = pipeline.plan()
    assert ran.status == 8
    assert "create account zoe" in ran.out
    assert "error[comment-not-posted]" in ran.err and told in ran.err
    assert pipeline.comments == []


def test_without_the_option_nothing_is_said_on_the_pull_request(pipeline: Pipeline) -> None:
    assert pipeline.repository.run("plan", "--change", "change").status == 0
    assert pipeline.comments == []


def test_the_address_of_a_pull_request_does_not_say_where_the_token_goes(pipeline: Pipeline) -> None:
    env = pipeline.repository.env
    for name in ("GITHUB_ACTIONS", "GITHUB_API_URL"):
        env.delenv(name)
    env.setenv("CIRCLECI", "true")
    env.setenv("CIRCLE_PULL_REQUEST", f"https://{pipeline.server.url.partition('//')[2]}/acme/access/pull/1")
    pipeline.server.reset_calls()
    ran = pipeline.plan()
    assert (ran.status, "GITHUB_API_URL does not say where its API is" in ran.err) == (8, True)
    assert sum(pipeline.server.calls.values()) == 0


def test_circleci_speaks_through_github_and_finds_the_number_itself(pipeline: Pipeline) -> None:
    env = pipeline.repository.env
    env.delenv("GITHUB_ACTIONS")
    for name, value in {
        "CIRCLECI": "true",
        "CIRCLE_SHA1": pipeline.pull.head,
        "CIRCLE_BRANCH": "change",
        "CIRCLE_PROJECT_USERNAME": "acme",
        "CIRCLE_PROJECT_REPONAME": "access",
    }.items():
        env.setenv(name, value)
    ran = pipeline.plan()
    assert ran.status == 0, ran.err
    assert len(pipeline.comments) == 1
    assert not pipeline.summary.exists()


# Text that wants to be more than text

ALIVE = {"link_open", "image", "html_inline", "html_block", "heading_open"}


def dead(shown: str) -> None:
    """CommonMark finds nothing live in it but what is ours, and nobody is mentioned."""
    for token in MarkdownIt("commonmark", {"html": True}).parse(shown):
        if token.type == "html_block":
            ours = r"<!-- provision:plan/1 [a-z0-9=:TZ -]+ -->|</?details>(<summary>[\w ,]+</summary>)?"
            assert re.fullmatch(ours, token.content.strip()), token.content
        for inner in token.children or []:
            if inner.type == "link_open":
                assert inner.attrs["href"] == "https://github.com/acme/access/actions/runs/77"
            assert inner.type not in ("image", "html_inline"), inner.content
            if inner.type == "text":
                assert not any(sign in inner.content for sign in ("@", "evil", "<img", "\x1b", "add-mask")), (
                    inner.content
                )


@pytest.fixture
def hostile(pipeline: Pipeline) -> Pipeline:
    """A change whose names and reasons hold Markdown, HTML, mentions, ANSI and workflow commands."""
    text = json.dumps(HOSTILE.replace("\r\n", " "))
    command = json.dumps("::add-mask::evil ]( http://evil.example ) <!-- --> ``` @org/all ##vso[task.x]evil")
    repository = pipeline.repository
    repository.git("checkout", "--quiet", "change")
    grant = f"{{role: ops, until: 2099-01-01T00:00:00Z, reason: {command}}}"
    repository.write(
        "access/people/eve.yaml",
        f"people:\n  eve:\n    name: {json.dumps('Eve `<img src=x>` @org/all ::error::x')}\n"
        f"    email: eve@example.com\n    roles: [developer, {grant}]\n",
    )
    repository.write(
        "access/common.yaml",
        COMMON.replace(
            "roles:\n", "roles:\n  ops: {owners: [grace], grants: {corp-ldap: {groups: ['@org/all <b>x']}}}\n"
        ),
    )
    repository.write(
        "access/bad name ::error::`x`.yaml", f"services: {{x: {{name: {text}, owners: [grace], roles: [{text}]}}}}\n"
    )
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    pipeline.starts()
    return pipeline


@pytest.mark.parametrize("valid", [True, False])
def test_nothing_hostile_is_live_in_comment_summary_or_log(hostile: Pipeline, valid: bool) -> None:
    if valid:
        hostile.repository.git("checkout", "--quiet", "change")
        (hostile.repository.root / "access/bad name ::error::`x`.yaml").unlink()
        hostile.repository.commit()
        hostile.repository.git("checkout", "--quiet", "main")
        hostile.starts()
    ran = hostile.plan()
    assert ran.status == (0 if valid else 1), ran.err
    (comment,) = hostile.comments
    summary = hostile.summary.read_text()
    assert "@org/all" in comment  # it is there, as text
    for shown in (comment, summary):
        dead(shown)
    for line in (ran.out + ran.err).splitlines():
        assert "##[" not in line and "##vso[" not in line
        if line.lstrip().startswith("::"):
            assert re.match(r"::(error|warning|notice) [^:]*::", line), line
            assert "\r" not in line
    assert (ran.out + ran.err).replace("\n", "").isprintable()


# Size


def test_a_plan_of_thousands_fits_and_says_that_it_was_cut(pipeline: Pipeline) -> None:
    repository = pipeline.repository
    repository.git("checkout", "--quiet", "change")
    roles = "".join(
        f"  role-{n:03}: {{owners: [grace], grants: {{corp-ldap: {{groups: [group-{'x' * 40}-{n:03}]}}}}}}\n"
        for n in range(350)
    )
    people = "".join(
        f"  person-{n:03}: {{name: Person {n}, email: p{n}@example.com, roles: [role-{n:03}]}}\n" for n in range(350)
    )
    repository.write("access/many.yaml", f"roles:\n{roles}people:\n{people}")
    repository.leave("ada")
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    pipeline.starts()
    ran = pipeline.plan("--format", "json")
    assert ran.status == 0, ran.err
    (comment,) = pipeline.comments
    assert 40_000 < len(comment) <= 65_536
    assert "**Cut here:**" in comment
    assert json.loads(ran.out)["digest"] in comment
    assert comment.index("remove ada from group developers") < comment.index("person-000")
    assert pipeline.summary.stat().st_size <= 1024 * 1024


def test_a_summary_stays_below_the_limit_of_a_step_whatever_stands_there(pipeline: Pipeline) -> None:
    pipeline.summary.write_bytes(b"x" * (1024 * 1024 - 3000))
    assert pipeline.plan().status == 0
    assert 1024 * 1024 - 3000 < pipeline.summary.stat().st_size <= 1024 * 1024
    pipeline.summary.write_bytes(b"x" * 1024 * 1024)
    assert "the job summary has no room left" in pipeline.plan().err
    assert pipeline.summary.stat().st_size == 1024 * 1024


def test_a_summary_that_cannot_be_written_is_told_and_nothing_else(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.repository.env.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no/such/folder"))
    ran = pipeline.plan()
    assert (ran.status, "the job summary could not be written" in ran.err) == (0, True)


def test_no_token_is_in_anything_that_was_said(pipeline: Pipeline) -> None:
    ran = pipeline.plan()
    token = next(iter(pipeline.server.keys.tokens))
    assert token not in ran.out + ran.err + pipeline.summary.read_text() + "".join(pipeline.comments)
    assert not canaries.in_texts({"comment": pipeline.comments[0]})


def test_what_apply_and_drift_said_is_in_the_summary_as_dead_text(pipeline: Pipeline, tmp_path: Path) -> None:
    repository = pipeline.repository
    shutil.copytree(repository.root / DEFAULT_FOLDER, tmp_path / "journal")
    repository.write("access/common.yaml", COMMON.replace("5f1c0a2b", f"5f1c0a2b, journal: {tmp_path / 'journal'}"))
    repository.person("eve")
    repository.write("access/ops.yaml", "roles:\n  ops: {grants: {corp-ldap: {groups: ['@org ```` <b>']}}}\n")
    repository.person("mia", roles="[ops]")
    repository.commit()
    ran = repository.run("apply")
    assert ran.status == 0, ran.err
    summary = pipeline.summary.read_text()
    assert "### provision apply\n\n`````text\n" in summary
    assert "create account eve" in summary and "@org ````" in summary
    dead(summary)
    repository.run("drift")
    assert "### provision drift\n\n```text\n" in pipeline.summary.read_text()
