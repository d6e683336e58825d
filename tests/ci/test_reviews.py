"""Reviews as GitHub tells of them: read whole or not at all, with who pushed, over the wire."""

from __future__ import annotations

import pytest

from provisioner.ci.forge import Forge as Asked
from provisioner.ci.forge import UnreadReviewsError, forge_of
from provisioner.ci.reviews import Reviews
from provisioner.model.review import PullRequestReviews
from provisioner.sandbox.github import GitHubServer, pushes
from provisioner.sandbox.github.things import Pull
from provisioner.transport import Pace
from tests.rigs.forge import Forge

HEAD, NEXT, MAIN = "a" * 40, "b" * 40, "e" * 40


@pytest.fixture
def forge(embedded_github: GitHubServer) -> Forge:
    return Forge(embedded_github)


@pytest.fixture
def pull(forge: Forge) -> Pull:
    forge.push("main", "boss", MAIN)
    forge.push("grant", "ada", HEAD)
    return forge.open("grant", "ada")


def ask(forge: Forge, token: str | None = None) -> Reviews:
    still = Pace(sleep=lambda _: None, patience=0.0)
    return Reviews(Asked(forge.server.url, "acme/access", token or forge.token), still)


def read(forge: Forge, number: int = 1) -> PullRequestReviews:
    with ask(forge) as reviews:
        return reviews.of(number)


def test_all_reviews_by_id_and_who_pushed_in_three_calls(forge: Forge, pull: Pull) -> None:
    forge.review(pull, "grace")
    forge.push("grant", "linus", NEXT, author="ada")
    forge.review(pull, "fatima", "REQUEST_CHANGES")
    forge.server.calls.clear()
    found = read(forge)
    assert (found.head, found.author and found.author.login) == (NEXT, "ada")
    assert [(a.id, a.login) for a in found.pushed_by] == [(forge.user("linus").id, "linus")]
    assert [(r.who and r.who.login, r.state, r.commit) for r in found.reviews] == [
        ("grace", "APPROVED", HEAD),
        ("fatima", "CHANGES_REQUESTED", NEXT),
    ]
    assert sum(forge.server.calls.values()) == 3


def test_more_reviews_than_a_page_are_all_read(forge: Forge, pull: Pull) -> None:
    for _ in range(101):
        forge.review(pull, "linus", "COMMENT")
    last = forge.review(pull, "grace")
    assert [r.id for r in read(forge).reviews][-1] == last


@pytest.mark.parametrize(
    "call", ["GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews", "GET /repos/{owner}/{repo}/activity"]
)
def test_a_read_that_fails_is_no_answer(forge: Forge, pull: Pull, call: str) -> None:
    forge.review(pull, "grace")
    forge.server.fail(call, 502, None)
    with pytest.raises(UnreadReviewsError, match="out of order"):
        read(forge)


def test_a_token_that_may_not_read_is_told_and_not_shown(forge: Forge, pull: Pull) -> None:
    weak = forge.server.fine_grained_token(forge.user("boss"), {"metadata": "read"})
    with ask(forge, weak) as reviews, pytest.raises(UnreadReviewsError, match="403") as told:
        reviews.of(pull.number)
    assert weak not in told.value.message
    with ask(forge, "ghs_nothing") as reviews, pytest.raises(UnreadReviewsError, match="Bad credentials"):
        reviews.of(pull.number)


def test_a_fork_that_hides_who_pushed_is_told(forge: Forge, pull: Pull) -> None:
    world = forge.server.world
    fork = world.create_repo(world.create_org("mallory-inc", forge.user("mallory")), "access")
    pushes.push(world, fork, "grant", forge.user("mallory"), NEXT, author=forge.user("grace"))
    made = pushes.open_pull(world, forge.repo, "grant", forge.user("mallory"), fork=fork)
    found = read(forge, made.number)
    assert "cannot be told" in found.guessed
    assert [a.login for a in found.pushed_by] == ["grace"]


@pytest.mark.parametrize("method", ["merge", "squash", "rebase"])
def test_the_pull_request_of_a_merge_is_found(forge: Forge, pull: Pull, method: str) -> None:
    forge.review(pull, "grace")
    landed = ["c" * 40, "d" * 40] if method == "rebase" else ["c" * 40]
    forge.merge(pull, "boss", *landed, method=method)
    with ask(forge) as reviews:
        for sha in landed:
            found = reviews.of_commit(sha)
            assert found is not None
            assert (found.number, found.head, found.merged_as) == (1, HEAD, landed[-1])
            assert [r.commit for r in found.reviews] == [HEAD]


def test_a_commit_without_a_pull_request(forge: Forge, pull: Pull) -> None:
    forge.push("main", "boss", NEXT)
    with ask(forge) as reviews:
        assert reviews.of_commit(NEXT) is None
        assert reviews.of_commit(HEAD) is None  # its pull request is open
        with pytest.raises(UnreadReviewsError, match="No commit found"):
            reviews.of_commit("9" * 40)
        with pytest.raises(UnreadReviewsError, match="is no commit"):
            reviews.of_commit("main/../../user")


def test_whom_to_ask() -> None:
    assert forge_of({}) is None
    there = {"GITHUB_REPOSITORY": "acme/access"}
    with pytest.raises(UnreadReviewsError, match=r"no token .* in PROVISION_FORGE_TOKEN or GITHUB_TOKEN"):
        forge_of(there)
    found = forge_of({**there, "GITHUB_TOKEN": "ghs_x"})
    assert found is not None and found.api == "https://api.github.com"
    assert "ghs_x" not in repr(found)
    both = forge_of({**there, "GITHUB_TOKEN": "ghs_x", "PROVISION_FORGE_TOKEN": "ghs_y"})
    assert both is not None and both.token == "ghs_y"
    for wrong in ("acme", "acme/a/b", "acme/../orgs", "acme/a?x=1"):
        with pytest.raises(UnreadReviewsError, match="no repository"):
            forge_of({"GITHUB_TOKEN": "ghs_x"}, wrong)
    with pytest.raises(UnreadReviewsError, match="GITHUB_API_URL"):
        forge_of({**there, "GITHUB_TOKEN": "ghs_x", "GITHUB_API_URL": "file:///etc"})
