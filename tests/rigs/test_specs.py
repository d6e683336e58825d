"""The check against vendors' specifications sees what is wrong, and says what it did not look at."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.sandbox.service import Exchange
from tests.rigs.specs import Checked, missing_reason

USER = {
    "login": "ada", "id": 7, "node_id": "U_7", "avatar_url": "https://x.example/7", "gravatar_id": "",
    "url": "https://x.example/7", "html_url": "https://x.example/7", "followers_url": "https://x.example/7",
    "following_url": "x", "gists_url": "x", "starred_url": "x", "subscriptions_url": "https://x.example/7",
    "organizations_url": "https://x.example/7", "repos_url": "https://x.example/7", "events_url": "x",
    "received_events_url": "https://x.example/7", "type": "User", "site_admin": False,
}  # fmt: skip


@pytest.fixture
def checked() -> Checked:
    for name in ("github", "circleci", "graphql"):
        if (reason := missing_reason(name)) is not None:
            pytest.skip(reason)
    return Checked("github", reported=False)


def exchange(call: str, path: str, status: int, answer: Any, body: Any = None, query: str = "") -> Exchange:
    method = call.partition(" ")[0]
    environ = {"REQUEST_METHOD": method, "RAW_URI": path, "QUERY_STRING": query, "CONTENT_TYPE": "application/json"}
    sent = b"" if body is None else json.dumps(body).encode()
    content = b"" if answer is None else json.dumps(answer).encode()
    return Exchange(call, environ, sent, (status, [("Content-Type", "application/json")], content))


def see(checked: Checked, *arguments: Any, **more: Any) -> list[str]:
    checked.problems.clear()
    checked.see(exchange(*arguments, **more))
    return list(checked.problems)


def test_a_good_exchange_is_counted_and_a_lacking_answer_is_told(checked: Checked) -> None:
    members = ("GET /orgs/{org}/members", "/orgs/acme/members")
    assert see(checked, *members, 200, [USER]) == []
    assert (checked.counted["answers checked"], checked.counted["requests checked"]) == (1, 1)
    lacking = {name: value for name, value in USER.items() if name != "login"}
    assert "'login' is a required property" in see(checked, *members, 200, [lacking])[0]
    assert "is not of type 'integer'" in see(checked, *members, 200, [{**USER, "id": "7"}])[0]


def test_a_request_that_the_vendor_does_not_allow_is_told_unless_it_was_refused(checked: Checked) -> None:
    call = ("PATCH /repos/{owner}/{repo}/invitations/{invitation_id}", "/repos/acme/app/invitations/1")
    refusal = {"message": "Validation Failed", "documentation_url": "https://x.example"}
    assert "request" in see(checked, *call, 200, None, {"permissions": "push"})[0]
    assert see(checked, *call, 422, refusal, {"permissions": "push"}) == []
    asked = see(checked, "GET /orgs/{org}/members", "/orgs/acme/members", 200, [], query="role=king")
    assert "request" in asked[0]


def test_a_status_that_the_description_lacks_has_to_be_a_refusal_with_its_body(checked: Checked) -> None:
    call = ("DELETE /orgs/{org}/members/{username}", "/orgs/acme/members/ada")
    assert "knows no status 200" in see(checked, *call, 200, {"message": "fine"})[0]
    assert see(checked, *call, 404, {"message": "Not Found"}) == []
    assert "no error body" in see(checked, *call, 404, {"error": "Not Found"})[0]


def test_what_the_description_lacks_is_counted(checked: Checked) -> None:
    assert (
        see(checked, "GET /orgs/{org}/credential-authorizations", "/orgs/acme/credential-authorizations", 200, []) == []
    )
    assert checked.unchecked.total() == 1


def test_a_query_is_held_against_the_public_schema(checked: Checked) -> None:
    good, bad = {"query": "{ viewer { login } }"}, {"query": "{ viewer { nonsense } }"}
    assert see(checked, "POST /graphql", "/graphql", 200, {"data": {}}, good) == []
    assert "nonsense" in see(checked, "POST /graphql", "/graphql", 200, {"data": {}}, bad)[0]
    assert see(checked, "POST /graphql", "/graphql", 200, {"errors": []}, bad) == []


def test_a_null_that_circleci_allows_and_one_that_it_does_not(checked: Checked) -> None:
    ci = Checked("circleci", reported=False)
    page = ("GET /context", "/api/v2/context")
    environ = {"HTTP_CIRCLE_TOKEN": "x"}
    one = exchange(*page, 200, {"items": [], "next_page_token": None})
    ci.problems.clear()
    ci.see(Exchange(one.call, {**one.environ, **environ}, one.body, one.answer))
    assert ci.problems == []
    one = exchange(*page, 200, {"items": None, "next_page_token": None})
    ci.see(Exchange(one.call, {**one.environ, **environ}, one.body, one.answer))
    assert len(ci.problems) == 1
