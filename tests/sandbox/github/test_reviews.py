"""Pull requests of the embedded GitHub: reviews belong to a commit, merges of all kinds are found again."""

from __future__ import annotations

import pytest

from provisioner.sandbox.github import pushes
from provisioner.sandbox.github.things import Pull
from tests.sandbox.github.acme import Acme

AT = "/repos/acme/access"


@pytest.fixture
def pull(acme: Acme) -> Pull:
    repo = acme.repo("access")
    pushes.push(acme.world, repo, "main", acme.boss)
    pushes.push(acme.world, repo, "grant", acme.ada)
    return pushes.open_pull(acme.world, repo, "grant", acme.ada, "ada may deploy")


def test_a_review_belongs_to_the_newest_commit_of_its_moment(acme: Acme, pull: Pull) -> None:
    first = pull.head
    made = acme.member(acme.bob)("POST", f"{AT}/pulls/1/reviews", json={"event": "APPROVE"})
    assert (made["state"], made["commit_id"], made["user"]["id"]) == ("APPROVED", first, acme.bob.id)
    pushes.push(acme.world, acme.world.repos[pull.repo], "grant", acme.ada)
    assert acme.owner("GET", f"{AT}/pulls/1")["head"]["sha"] == pull.head != first
    assert [r["commit_id"] for r in acme.owner("GET", f"{AT}/pulls/1/reviews")] == [first]
    assert acme.owner("GET", f"{AT}/pulls/1/reviews/{made['id']}")["state"] == "APPROVED"


def test_nobody_approves_their_own_and_words_are_needed(acme: Acme, pull: Pull) -> None:
    told = acme.member(acme.ada)("POST", f"{AT}/pulls/1/reviews", 422, json={"event": "APPROVE"})
    assert told["errors"] == ["Can not approve your own pull request"]
    acme.member(acme.bob)("POST", f"{AT}/pulls/1/reviews", 422, json={"event": "COMMENT"})
    acme.member(acme.ada)("POST", f"{AT}/pulls/1/reviews", json={"event": "COMMENT", "body": "see CHG-1"})
    acme.reader()("POST", f"{AT}/pulls/1/reviews", 403, json={"event": "APPROVE"})
    acme.member(acme.eve)("GET", f"{AT}/pulls/1/reviews", 404)
    acme.owner("GET", f"{AT}/pulls/2", 404)


def test_a_dismissed_review_stays_and_is_said_to_be_one(acme: Acme, pull: Pull) -> None:
    made = acme.member(acme.bob)("POST", f"{AT}/pulls/1/reviews", json={"event": "APPROVE"})
    at = f"{AT}/pulls/1/reviews/{made['id']}/dismissals"
    acme.owner("PUT", at, json={"message": "not the owner"})
    assert [r["state"] for r in acme.owner("GET", f"{AT}/pulls/1/reviews")] == ["DISMISSED"]
    acme.owner("PUT", at, 422, json={"message": "again"})


def test_what_is_not_submitted_yet_is_seen_by_its_author(acme: Acme, pull: Pull) -> None:
    acme.member(acme.bob)("POST", f"{AT}/pulls/1/reviews", json={"body": "later"})
    assert acme.owner("GET", f"{AT}/pulls/1/reviews") == []
    assert [r["state"] for r in acme.member(acme.bob)("GET", f"{AT}/pulls/1/reviews")] == ["PENDING"]


def test_reviews_and_moves_of_a_branch_come_in_pages(acme: Acme, pull: Pull) -> None:
    repo = acme.world.repos[pull.repo]
    for _ in range(5):
        pushes.review(acme.world, pull, acme.bob, "COMMENT", "hm")
        pushes.push(acme.world, repo, "grant", acme.bob)
    assert len(acme.owner.pages(f"{AT}/pulls/1/reviews?per_page=2")) == 5
    moves = acme.owner.pages(f"{AT}/activity?per_page=2&ref=grant")
    assert [m["after"] for m in moves] == list(reversed(pull.commits))
    assert [m["activity_type"] for m in moves] == ["push"] * 5 + ["branch_creation"]
    assert moves[0]["actor"]["id"] == acme.bob.id and moves[0]["before"] == moves[1]["after"]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_a_merged_pull_request_is_found_by_what_it_brought(acme: Acme, pull: Pull, method: str) -> None:
    pushes.push(acme.world, acme.world.repos[pull.repo], "grant", acme.ada)
    acme.owner("PUT", f"{AT}/pulls/1/merge", 409, json={"sha": "0" * 40})
    sha = acme.owner("PUT", f"{AT}/pulls/1/merge", json={"merge_method": method})["sha"]
    assert len(pull.landed) == {"merge": 3, "squash": 1, "rebase": 2}[method]
    for landed in pull.landed:
        (found,) = acme.owner("GET", f"{AT}/commits/{landed}/pulls")
        assert (found["number"], found["merge_commit_sha"]) == (1, sha) and found["merged_at"]
    assert acme.owner("GET", f"{AT}/branches/main")["commit"]["sha"] == sha
    acme.owner("PUT", f"{AT}/pulls/1/merge", 405)


def test_a_commit_that_nobody_asked_for_has_no_pull_request(acme: Acme, pull: Pull) -> None:
    sha = pushes.push(acme.world, acme.world.repos[pull.repo], "main", acme.boss)
    assert acme.owner("GET", f"{AT}/commits/{sha}/pulls") == []
    acme.owner("GET", f"{AT}/commits/{'1' * 40}/pulls", 422)
    assert acme.owner("GET", f"{AT}/commits/{sha}")["author"]["id"] == acme.boss.id


def test_a_pull_request_is_opened_over_the_wire(acme: Acme, pull: Pull) -> None:
    pushes.push(acme.world, acme.world.repos[pull.repo], "other", acme.bob)
    wanted = {"title": "Bob too", "head": "other", "base": "main"}
    assert acme.member(acme.bob)("POST", f"{AT}/pulls", 201, json=wanted)["number"] == 2
    acme.member(acme.bob)("POST", f"{AT}/pulls", 422, json=wanted)
    acme.member(acme.bob)("POST", f"{AT}/pulls", 422, json={**wanted, "head": "nowhere"})
    assert [p["number"] for p in acme.owner("GET", f"{AT}/pulls")] == [2, 1]
