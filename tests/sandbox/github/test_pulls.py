"""Comments on pull requests, and what runs of workflows leave behind, on the embedded GitHub."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
import requests

from provisioner.sandbox.github import pushes
from provisioner.sandbox.github.comments import LONGEST
from provisioner.sandbox.github.things import Pull, Repo
from tests.sandbox.github.acme import Acme

HEAD, MERGE = "a" * 40, "b" * 40
AT = "/repos/acme/access/issues/1/comments"
SAID = """query($after: String) { repository(owner: "acme", name: "access") { pullRequest(number: 1) {
  headRefOid isCrossRepository state headRepository { databaseId } comments(first: 100, after: $after) {
  totalCount pageInfo { hasNextPage endCursor } nodes {
  fullDatabaseId body viewerDidAuthor url author { login } } } } } }"""
CAME_BY = """query($oid: GitObjectID!) { repository(owner: "acme", name: "access") { object(oid: $oid) { oid
  ... on Commit { associatedPullRequests(first: 10) { nodes {
  number merged headRefOid baseRefName mergeCommit { oid } } } } } } }"""


@pytest.fixture
def repo(acme: Acme) -> Repo:
    return acme.repo("access")


@pytest.fixture
def pull(acme: Acme, repo: Repo) -> Pull:
    pushes.push(acme.world, repo, "change", acme.ada, HEAD)
    return pushes.open_pull(acme.world, repo, "change", acme.ada)


def test_a_comment_is_written_edited_and_deleted(acme: Acme, pull: Pull) -> None:
    made = acme.owner("POST", AT, 201, json={"body": "first"})
    assert (made["body"], made["user"]["login"]) == ("first", "boss")
    one = f"/repos/acme/access/issues/comments/{made['id']}"
    assert acme.owner("PATCH", one, json={"body": "second"})["body"] == "second"
    assert acme.owner("GET", one)["body"] == "second"
    acme.owner("DELETE", one, 204)
    acme.owner("GET", one, 404)
    acme.owner("PATCH", one, 404, json={"body": "x"})


def test_many_comments_come_in_pages_and_unchanged_ones_cost_nothing(acme: Acme, pull: Pull) -> None:
    for number in range(130):
        acme.world.comment(pull, acme.ada, f"comment {number}")
    assert len(acme.owner.pages(f"{AT}?per_page=100")) == 130
    acme.owner("GET", AT)
    assert acme.owner.last is not None
    tag = acme.owner.last.headers["ETag"]
    assert acme.owner.ask("GET", AT, headers={"If-None-Match": tag}).status_code == 304
    first = acme.owner.query(SAID)["data"]["repository"]["pullRequest"]
    page = first["comments"]["pageInfo"]
    rest = acme.owner.query(SAID, after=page["endCursor"])["data"]["repository"]["pullRequest"]
    assert (first["headRefOid"], first["state"], first["isCrossRepository"]) == (HEAD, "OPEN", False)
    assert len(first["comments"]["nodes"] + rest["comments"]["nodes"]) == first["comments"]["totalCount"] == 130
    assert not rest["comments"]["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize("body", [{}, {"body": ""}, {"body": " \n"}, {"body": 7}, {"body": "x" * (LONGEST + 1)}])
def test_a_body_that_is_none_or_too_long_is_unprocessable(acme: Acme, pull: Pull, body: dict[str, object]) -> None:
    acme.owner("POST", AT, 422, json=body)
    assert pull.comments == {}


def test_the_longest_body_is_taken(acme: Acme, pull: Pull) -> None:
    acme.owner("POST", AT, 201, json={"body": "x" * LONGEST})


def test_who_may_not_write_is_refused_and_who_may_not_see_finds_nothing(acme: Acme, pull: Pull) -> None:
    acme.reader()("POST", AT, 403, json={"body": "x"})
    acme.member(acme.eve)("POST", AT, 404, json={"body": "x"})
    acme.owner("POST", "/repos/acme/access/issues/2/comments", 404, json={"body": "x"})
    acme.caller(None)("POST", AT, 404, json={"body": "x"})


def test_only_who_may_write_there_edits_what_others_said_or_speaks_when_it_is_locked(
    acme: Acme, repo: Repo, pull: Pull
) -> None:
    said = acme.world.comment(pull, acme.boss, "mine")
    one = f"/repos/acme/access/issues/comments/{said.id}"
    acme.member(acme.bob)("PATCH", one, 403, json={"body": "no, mine"})
    pull.locked = True
    acme.member(acme.bob)("POST", AT, 403, json={"body": "x"})
    repo.collaborators[acme.bob.id] = "write"
    acme.world.version += 1
    acme.member(acme.bob)("PATCH", one, json={"body": "ours"})
    acme.member(acme.bob)("POST", AT, 201, json={"body": "x"})


def test_a_jobs_token_speaks_as_the_bot_and_knows_its_own_words(acme: Acme, repo: Repo, pull: Pull) -> None:
    acme.world.comment(pull, acme.ada, "hers")
    job = acme.caller(acme.server.actions_token(repo, pull_requests="write"))
    assert job("POST", AT, 201, json={"body": "its"})["user"]["login"] == "github-actions[bot]"
    nodes = job.query(SAID)["data"]["repository"]["pullRequest"]["comments"]["nodes"]
    assert {node["body"]: node["viewerDidAuthor"] for node in nodes} == {"hers": False, "its": True}
    again = acme.caller(acme.server.actions_token(repo, pull_requests="read"))
    again("POST", AT, 403, json={"body": "x"})
    assert again.last is not None
    assert again.last.json()["message"] == "Resource not accessible by integration"
    other = acme.repo("other")
    pushes.push(acme.world, other, "change", acme.ada, HEAD)
    elsewhere = pushes.open_pull(acme.world, other, "change", acme.ada)
    job("POST", f"/repos/acme/other/issues/{elsewhere.number}/comments", 404, json={"body": "x"})


def test_a_commit_knows_the_pull_request_that_it_came_by(acme: Acme, pull: Pull, repo: Repo) -> None:
    pushes.merge(acme.world, pull, acme.boss, "squash", [MERGE])
    pushes.push(acme.world, repo, "main", acme.boss, "c" * 40)

    def came_by(oid: str) -> object:
        found = acme.owner.query(CAME_BY, oid=oid)["data"]["repository"]["object"]
        return found and found["associatedPullRequests"]["nodes"]

    assert came_by(MERGE) == [
        {"number": 1, "merged": True, "headRefOid": HEAD, "baseRefName": "main", "mergeCommit": {"oid": MERGE}}
    ]
    assert came_by("c" * 40) == []
    assert came_by("d" * 40) is None


def test_an_artifact_is_fetched_from_another_host_that_wants_no_token(acme: Acme, repo: Repo, pull: Pull) -> None:
    run = acme.world.create_run(pull, ".github/workflows/plan.yml", "pull_request_target")
    acme.world.create_run(pull, ".github/workflows/other.yml", "push")
    acme.world.leave_artifact(run, "plan", b"PK-archive")
    acme.world.leave_artifact(run, "log", b"PK-other")
    at = "/repos/acme/access/actions"
    found = acme.owner("GET", f"{at}/workflows/plan.yml/runs?head_sha={HEAD}&event=pull_request_target&status=success")
    assert [one["id"] for one in found["workflow_runs"]] == [run.id]
    acme.owner("GET", f"{at}/workflows/none.yml/runs", 404)
    (one,) = acme.owner("GET", f"{at}/runs/{run.id}/artifacts?name=plan")["artifacts"]
    assert one["digest"] == f"sha256:{hashlib.sha256(b'PK-archive').hexdigest()}"
    named = acme.owner("GET", f"{at}/artifacts?name=plan&per_page=100")["artifacts"]
    assert [(a["id"], a["workflow_run"]["id"]) for a in named] == [(one["id"], run.id)]
    assert acme.owner("GET", f"{at}/runs/{run.id}")["event"] == "pull_request_target"
    acme.owner("GET", f"{at}/runs/1", 404)
    answer = acme.owner.ask("GET", f"{at}/artifacts/{one['id']}/zip")
    assert answer.status_code == 302
    place = answer.headers["Location"]
    assert requests.get(place, timeout=30).content == b"PK-archive"
    assert requests.get(place, headers={"Authorization": "Bearer x"}, timeout=30).status_code == 403
    acme.server.clock.ahead = timedelta(days=91)
    acme.owner("GET", f"{at}/artifacts/{one['id']}/zip", 410)
