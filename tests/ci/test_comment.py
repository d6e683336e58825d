"""One comment on a pull request: ours alone, updated in place, never an older plan over a newer."""

from __future__ import annotations

import pytest

from provisioner.ci.comment import Mark, Posted, key_of, mark_of, post
from provisioner.ci.trouble import ForgeError
from provisioner.sandbox.github import pushes
from tests.ci.conftest import HEAD, Forge

KEY = key_of("access", None, None)
NEWER = "b" * 40


def mark(commit: str = HEAD, at: str = "2026-11-28T10:00:00Z", key: str = KEY) -> Mark:
    return Mark(key, commit, at)


def later(minutes: int) -> str:
    return f"2026-11-28T10:{minutes:02}:00Z"


def test_the_first_plan_is_a_new_comment_and_the_next_one_takes_its_place(forge: Forge) -> None:
    assert post(forge.thread(), mark(), "one change") is Posted.CREATED
    forge.pull.head = NEWER
    assert post(forge.thread(), mark(NEWER, later(1)), "two changes") is Posted.UPDATED
    assert forge.bodies() == [f"{mark(NEWER, later(1))}\ntwo changes"]


def test_what_stands_there_already_is_not_written_again(forge: Forge) -> None:
    post(forge.thread(), mark(), "one change")
    forge.server.reset_calls()
    assert post(forge.thread(), mark(), "one change") is Posted.UNCHANGED
    assert set(forge.server.calls) == {"POST /graphql"}


def test_a_comment_that_somebody_else_forged_is_left_alone(forge: Forge) -> None:
    forged = forge.server.world.comment(forge.pull, forge.ada, f"{mark()}\nno changes, honestly")
    assert post(forge.thread(), mark(), "one change") is Posted.CREATED
    assert forged.body == f"{mark()}\nno changes, honestly"
    assert len(forge.bodies()) == 2


def test_a_mark_inside_a_comment_of_ours_is_none(forge: Forge) -> None:
    ours = forge.server.world.comment(forge.pull, forge.bot, f"about access: {mark()}")
    assert post(forge.thread(), mark(), "one change") is Posted.CREATED
    assert ours.body == f"about access: {mark()}"


def test_ours_is_found_behind_hundreds_of_others(forge: Forge) -> None:
    world = forge.server.world
    for number in range(120):
        world.comment(forge.pull, forge.ada, f"before {number}")
    ours = world.comment(forge.pull, forge.bot, f"{mark(at=later(0))}\nold")
    for number in range(120):
        world.comment(forge.pull, forge.ada, f"after {number}")
    assert post(forge.thread(), mark(at=later(1)), "new") is Posted.UPDATED
    assert ours.body.endswith("new")
    assert forge.server.calls["POST /graphql"] == 3


def test_a_plan_of_an_older_commit_says_nothing_any_more(forge: Forge) -> None:
    forge.pull.head = NEWER
    post(forge.thread(), mark(NEWER), "the newer plan")
    assert post(forge.thread(), mark(HEAD, later(9)), "the older plan") is Posted.OUTDATED
    assert forge.bodies() == [f"{mark(NEWER)}\nthe newer plan"]


def test_an_older_run_of_the_same_commit_says_nothing_any_more(forge: Forge) -> None:
    post(forge.thread(), mark(at=later(5)), "as it is now")
    assert post(forge.thread(), mark(at=later(4)), "as it was") is Posted.OUTDATED
    assert forge.bodies()[0].endswith("as it is now")


def test_two_workflows_have_a_comment_each(forge: Forge) -> None:
    other = key_of("access", "aws", None)
    post(forge.thread(), mark(), "all")
    post(forge.thread(), mark(key=other), "aws")
    post(forge.thread(), mark(at=later(1)), "all again")
    assert [body.partition("\n")[2] for body in forge.bodies()] == ["all again", "aws"]


def test_of_two_that_began_at_once_one_is_left(forge: Forge) -> None:
    for text in ("first", "second"):
        forge.server.world.comment(forge.pull, forge.bot, f"{mark()}\n{text}")
    assert post(forge.thread(), mark(at=later(1)), "the plan") is Posted.UPDATED
    assert forge.bodies() == [f"{mark(at=later(1))}\nthe plan"]


def test_a_commit_that_stands_for_the_heads_merge_counts_as_the_head(forge: Forge) -> None:
    assert post(forge.thread(), mark("c" * 40), "of a merge", also=("d" * 40, HEAD)) is Posted.CREATED
    found = mark_of(forge.bodies()[0])
    assert found is not None and found.commit == HEAD


def test_where_the_ci_system_tells_no_number_the_commit_does(forge: Forge) -> None:
    assert post(forge.thread(number=""), mark(), "found") is Posted.CREATED
    pushes.push(forge.server.world, forge.repo, "again", forge.ada, HEAD)
    pushes.open_pull(forge.server.world, forge.repo, "again", forge.ada)
    with pytest.raises(ForgeError, match="no open pull request, or more than one"):
        forge.thread(number="")


def test_a_forks_pull_request_is_never_spoken_to(forge: Forge) -> None:
    forge.pull.source = None
    with pytest.raises(ForgeError, match="comes from a fork"):
        post(forge.thread(), mark(), "secret plans")
    assert forge.bodies() == []


@pytest.mark.parametrize(
    ("breaks", "told"),
    [
        (lambda _s, f: f.server.actions_token(f.repo, pull_requests="read", contents="read"), "403, the token may not"),
        (lambda _s, f: f.server.actions_token(f.repo, contents="read"), "Resource not accessible by integration"),
        (lambda _s, _f: "ghs_nonsense", "401, the token is not taken"),
        (lambda s, f: s.fail("POST /repos", 410) or f.token, "410, it is closed to that"),
        (lambda s, f: s.fail("POST /repos", 422) or f.token, "422, it is not taken"),
        (lambda s, f: s.fail("POST /repos", None) or f.token, "no answer from"),
        (lambda s, f: s.fail("POST /repos", 502) or f.token, "out of order"),
    ],
)
def test_what_keeps_us_from_it_is_told_and_the_token_is_not(forge: Forge, breaks: object, told: str) -> None:
    token = breaks(forge.server, forge)  # type: ignore[operator]
    with pytest.raises(ForgeError) as raised:
        post(forge.thread(token), mark(), "x")
    (problem,) = raised.value.diagnostics
    assert problem.code == "comment-not-posted"
    assert told in problem.message
    assert token not in str(problem)


def test_a_read_that_fails_once_is_tried_again_and_a_write_is_not(forge: Forge) -> None:
    forge.server.fail("POST /graphql", 502)
    assert post(forge.thread(), mark(), "x") is Posted.CREATED
    forge.server.fail("PATCH /repos", 502)
    with pytest.raises(ForgeError):
        post(forge.thread(), mark(at=later(1)), "y")
    assert forge.server.calls["PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}"] == 1


def test_the_longest_comment_is_taken_and_a_longer_one_never_sent(forge: Forge) -> None:
    room = 65_536 - len(str(mark())) - 1
    assert post(forge.thread(), mark(), "ö" * room) is Posted.CREATED
    with pytest.raises(ValueError, match="65537 characters"):
        post(forge.thread(), mark(at=later(1)), "ö" * (room + 1))


def test_nothing_goes_to_another_repository(forge: Forge) -> None:
    token = forge.server.actions_token(forge.server.world.create_repo(forge.server.world.orgs[forge.repo.org], "other"))
    with pytest.raises(ForgeError, match="Could not resolve to a Repository"):
        post(forge.thread(token), mark(), "x")
