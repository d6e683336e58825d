"""What each CI system says of the run that we are in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from provisioner.ci.context import PullRequest
from provisioner.ci.recognise import this_run

GITHUB = {
    "CI": "true",
    "GITHUB_ACTIONS": "true",
    "GITHUB_ACTOR": "ada-b",
    "GITHUB_TRIGGERING_ACTOR": "ada-b",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_SHA": "4" * 40,
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "acme/access",
    "GITHUB_RUN_ID": "99",
}
GITLAB = {"CI": "true", "GITLAB_CI": "true", "GITLAB_USER_LOGIN": "ada", "CI_PIPELINE_SOURCE": "push"}
CIRCLE = {"CI": "true", "CIRCLECI": "true", "CIRCLE_USERNAME": "ada", "CIRCLE_SHA1": "5" * 40}
JENKINS = {"JENKINS_URL": "https://ci.example.com/", "BUILD_URL": "https://ci.example.com/job/access/7/"}


def github(tmp_path: Path, event: object, **more: str) -> dict[str, str]:
    path = tmp_path / "event.json"
    path.write_text(event if isinstance(event, str) else json.dumps(event))
    return {**GITHUB, "GITHUB_EVENT_PATH": str(path), **more}


def change(head: int | None, base: int = 1) -> dict[str, object]:
    source = None if head is None else {"id": head}
    return {
        "pull_request": {
            "number": 12,
            "html_url": "https://github.com/acme/access/pull/12",
            "head": {"repo": source},
            "base": {"repo": {"id": base}},
        }
    }


def test_somebodys_own_machine_is_no_ci_system() -> None:
    run = this_run({"HOME": "/home/ada"})
    assert (run.system, run.who, run.trusted, run.approvers) == ("", "", True, None)


def test_a_system_that_only_says_ci() -> None:
    assert this_run({"CI": "1"}).system == "CI"


def test_github_push(tmp_path: Path) -> None:
    run = this_run(github(tmp_path, {}))
    assert (run.system, run.who, run.commit, run.trusted) == ("GitHub Actions", "ada-b", "4" * 40, True)
    assert run.url == "https://github.com/acme/access/actions/runs/99" and run.pull_request is None


def test_github_tells_who_ran_it_again(tmp_path: Path) -> None:
    assert this_run(github(tmp_path, {}, GITHUB_TRIGGERING_ACTOR="ben")).who == "ada-b, run again by ben"


def test_a_schedule_is_nobody(tmp_path: Path) -> None:
    assert this_run(github(tmp_path, {}, GITHUB_EVENT_NAME="schedule")).who == "a schedule (ada-b edited it last)"
    assert this_run({**GITLAB, "CI_PIPELINE_SOURCE": "schedule"}).who == "a schedule (ada owns it)"


@pytest.mark.parametrize(("head", "trusted"), [(1, True), (2, False), (None, False)])
def test_github_pull_request_of_a_fork_is_not_trusted(tmp_path: Path, head: int | None, trusted: bool) -> None:
    run = this_run(github(tmp_path, change(head), GITHUB_EVENT_NAME="pull_request"))
    assert run.trusted is trusted
    assert run.pull_request == PullRequest("12", "https://github.com/acme/access/pull/12")


@pytest.mark.parametrize("event", ["pull_request_target", "workflow_run", "issue_comment"])
def test_github_events_that_anybody_can_cause_are_not_trusted(tmp_path: Path, event: str) -> None:
    assert this_run(github(tmp_path, change(1), GITHUB_EVENT_NAME=event)).trusted is False


def test_github_merge_queue_names_the_pull_request(tmp_path: Path) -> None:
    ref = "refs/heads/gh-readonly-queue/main/pr-34-" + "a" * 40
    assert this_run(github(tmp_path, {}, GITHUB_EVENT_NAME="merge_group", GITHUB_REF=ref)).pull_request == PullRequest(
        "34"
    )


@pytest.mark.parametrize("event", ["", "[1", "[]", '{"pull_request": 3}', '{"pull_request": {"number": "x"}}'])
def test_an_event_that_cannot_be_read_says_nothing(tmp_path: Path, event: str) -> None:
    run = this_run(github(tmp_path, event, GITHUB_EVENT_NAME="pull_request"))
    assert run.pull_request is None and run.trusted is None
    assert this_run({**GITHUB, "GITHUB_EVENT_PATH": str(tmp_path / "none")}).pull_request is None


def test_gitlab_merge_request() -> None:
    run = this_run(
        {
            **GITLAB,
            "CI_MERGE_REQUEST_IID": "5",
            "CI_MERGE_REQUEST_PROJECT_URL": "https://gitlab.com/acme/access",
            "CI_MERGE_REQUEST_PROJECT_ID": "1",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "2",
        }
    )
    assert run.pull_request == PullRequest("5", "https://gitlab.com/acme/access/-/merge_requests/5")
    assert run.trusted is False
    assert this_run(GITLAB).trusted is True


def test_circleci() -> None:
    url = "https://github.com/acme/access/pull/9"
    run = this_run({**CIRCLE, "CIRCLE_PULL_REQUEST": url, "CIRCLE_BUILD_URL": "https://circleci.com/x/1"})
    assert (run.who, run.pull_request, run.trusted) == ("ada", PullRequest("9", url), None)
    assert this_run({**CIRCLE, "CIRCLE_PR_REPONAME": "access"}).trusted is False


def test_jenkins() -> None:
    run = this_run({**JENKINS, "BUILD_USER_ID": "ada", "CHANGE_ID": "3", "CHANGE_URL": "https://x.example/3"})
    assert (run.system, run.who, run.trusted) == ("Jenkins", "ada", True)
    assert run.pull_request == PullRequest("3", "https://x.example/3")
    assert this_run({**JENKINS, "CHANGE_ID": "3", "CHANGE_FORK": "eve"}).trusted is False


def test_approvers_and_pull_request_may_be_told_by_whoever_runs_us() -> None:
    run = this_run({**GITHUB, "PROVISION_APPROVERS": "grace, ben,,grace", "PROVISION_PULL_REQUEST": "#7"})
    assert run.approvers == ("grace", "ben") and str(run.pull_request) == "#7"
    assert this_run({**GITHUB, "PROVISION_APPROVERS": ""}).approvers == ()
    assert this_run(GITHUB).approvers is None


def test_values_are_hostile_text() -> None:
    run = this_run(
        {
            **GITHUB,
            "GITHUB_ACTOR": "ada\x1b[31m\n::error::x" + "y" * 5000,
            "GITHUB_TRIGGERING_ACTOR": "",
            "GITHUB_SERVER_URL": "javascript:alert(1)",
            "PROVISION_PULL_REQUEST": "https://x.example/\n## pull",
            "PROVISION_APPROVERS": ",".join(f"\x00{n}" for n in range(500)),
        }
    )
    assert run.who.isprintable() and len(run.who) <= 200
    assert run.url == "" and run.pull_request is None
    assert run.approvers is not None and len(run.approvers) == 50 and all(a.isprintable() for a in run.approvers)


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target", "pull_request_review"])
@pytest.mark.parametrize(("head", "fork"), [(1, False), (2, True), (None, True)])
def test_github_tells_a_fork_and_the_branchs_newest_commit(
    tmp_path: Path, event: str, head: int | None, fork: bool
) -> None:
    about = change(head)
    about["pull_request"]["head"]["sha"] = "9" * 40  # type: ignore[index]
    run = this_run(github(tmp_path, about, GITHUB_EVENT_NAME=event))
    assert (run.fork, run.head, run.commit) == (fork, "9" * 40, "4" * 40)


@pytest.mark.parametrize(
    ("environ", "fork"),
    [
        ({**CIRCLE, "CIRCLE_BRANCH": "pull/7"}, True),
        ({**CIRCLE, "CIRCLE_BRANCH": "change"}, False),
        ({**CIRCLE, "CIRCLE_PR_REPONAME": "access"}, True),
        ({**GITLAB, "CI_MERGE_REQUEST_IID": "1"}, None),
        ({**GITLAB, "CI_MERGE_REQUEST_IID": "1", "CI_MERGE_REQUEST_PROJECT_ID": "7",
          "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "8"}, True),
        (GITLAB, False),
        ({**JENKINS, "CHANGE_FORK": "eve"}, True),
        (JENKINS, False),
        ({"HOME": "/"}, None),
    ],
)  # fmt: skip
def test_each_system_tells_whether_it_is_a_fork(environ: dict[str, str], fork: bool | None) -> None:
    assert this_run(environ).fork is fork
