"""One note on a merge request of GitLab: the same rules, over GitLab's own API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioner.ci.comment import Mark, Posted, key_of, post
from provisioner.ci.gitlab_thread import GitLabThread
from provisioner.ci.place import Place, place_of
from provisioner.ci.recognise import this_run
from provisioner.ci.trouble import ForgeError
from tests.ci.gitlab import AT, GitLab

HEAD, BOT, ADA = "a" * 40, 11, 12
KEY = key_of("access", None, None)


@pytest.fixture
def gitlab() -> Iterator[GitLab]:
    with GitLab(tokens={"glpat-bot": BOT, "glpat-ada": ADA}) as running:
        yield running


def thread(gitlab: GitLab, token: str = "glpat-bot") -> GitLabThread:
    return GitLabThread(Place("gitlab", f"{gitlab.url}/api/v4", "7", "3"), token)


def mark(minute: int = 0, commit: str = HEAD) -> Mark:
    return Mark(KEY, commit, f"2026-11-28T10:{minute:02}:00Z")


def test_a_note_is_made_found_behind_hundreds_and_updated(gitlab: GitLab) -> None:
    for number in range(130):
        gitlab.note(ADA, f"before {number}")
    assert post(thread(gitlab), mark(), "one") is Posted.CREATED
    for number in range(130):
        gitlab.note(ADA, f"after {number}")
    assert post(thread(gitlab), mark(1), "two") is Posted.UPDATED
    assert [n["body"] for n in gitlab.notes if n["author"]["id"] == BOT] == [f"{mark(1)}\ntwo"]


def test_a_note_that_somebody_else_forged_is_left_alone(gitlab: GitLab) -> None:
    forged = gitlab.note(ADA, f"{mark()}\nno changes")
    assert post(thread(gitlab), mark(1), "one") is Posted.CREATED
    assert forged["body"] == f"{mark()}\nno changes"


def test_an_older_commit_says_nothing_and_a_fork_is_never_spoken_to(gitlab: GitLab) -> None:
    gitlab.sha = "b" * 40
    assert post(thread(gitlab), mark(), "old") is Posted.OUTDATED
    gitlab.source = 8
    with pytest.raises(ForgeError, match="comes from a fork"):
        post(thread(gitlab), mark(commit="b" * 40), "x")
    assert gitlab.notes == []


def test_what_keeps_us_from_it_is_told_and_the_token_is_not(gitlab: GitLab) -> None:
    gitlab.readers.add(ADA)
    for token, told in (("glpat-none", "401, the token is not taken"), ("glpat-ada", "403, the token may not")):
        with pytest.raises(ForgeError, match=told) as raised:
            post(thread(gitlab, token), mark(), "x")
        assert token not in str(raised.value.diagnostics)


def test_where_a_merge_request_is_comes_from_gitlabs_own_variables(gitlab: GitLab) -> None:
    env = {
        "GITLAB_CI": "true",
        "CI_MERGE_REQUEST_IID": "3",
        "CI_MERGE_REQUEST_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "7",
        "CI_API_V4_URL": f"{gitlab.url}/api/v4",
    }
    place = place_of(this_run(env), env)
    assert isinstance(place, Place)
    assert post(GitLabThread(place, "glpat-bot"), mark(), "x") is Posted.CREATED
    assert f"POST {AT}/notes" in gitlab.calls
    assert place_of(
        this_run({**env, "CI_API_V4_URL": "http://gitlab.example"}), env | {"CI_API_V4_URL": "http://x"}
    ) == ("the forge's API is not at an https address: http://x")
    branch = {"GITLAB_CI": "true", "CI_PROJECT_ID": "7"}
    assert place_of(this_run(branch), branch) == "this pipeline is not of a merge request"
