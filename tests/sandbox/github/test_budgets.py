"""Budgets, entity tags and what goes wrong on the wire, on the embedded GitHub."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.sandbox.github.acme import Acme


def test_every_call_counts_and_says_what_is_left(acme: Acme) -> None:
    answer = acme.owner.ask("GET", "/orgs/acme")
    assert [answer.headers[f"X-RateLimit-{n}"] for n in ("Limit", "Used", "Remaining", "Resource")] == [
        "5000", "1", "4999", "core",
    ]  # fmt: skip
    told = acme.owner("GET", "/rate_limit")["resources"]
    assert (told["core"]["used"], told["graphql"]["used"]) == (1, 0)
    assert acme.member(acme.ada)("GET", "/rate_limit")["rate"]["used"] == 0


def test_what_has_not_changed_is_304_and_costs_nothing(acme: Acme) -> None:
    first = acme.owner.ask("GET", "/orgs/acme/members")
    tag = {"If-None-Match": first.headers["ETag"]}
    again = acme.owner.ask("GET", "/orgs/acme/members", headers=tag)
    assert (again.status_code, again.content, again.headers["X-RateLimit-Used"]) == (304, b"", "1")
    acme.world.set_member(acme.org, acme.eve)
    assert acme.owner.ask("GET", "/orgs/acme/members", headers=tag).status_code == 200
    now = {"If-None-Match": acme.owner.ask("GET", "/orgs/acme/members").headers["ETag"]}
    other = acme.member(acme.ada).ask("GET", "/orgs/acme/members", headers=now)
    assert other.status_code == 200, "a tag belongs to the token that it was given to"


def test_a_spent_hour_is_a_403_that_is_no_lack_of_permission(acme: Acme) -> None:
    acme.server.limits.per_hour["core"] = 2
    acme.owner("GET", "/orgs/acme"), acme.owner("GET", "/orgs/acme")
    told = acme.owner("GET", "/orgs/acme", 403)
    assert told["message"].startswith("API rate limit exceeded") and acme.owner.last is not None
    assert acme.owner.last.headers["X-RateLimit-Remaining"] == "0" and "Retry-After" not in acme.owner.last.headers
    acme.owner("GET", "/rate_limit")
    acme.server.clock.advance(hours=1, seconds=1)
    acme.owner("GET", "/orgs/acme")


@pytest.mark.parametrize(("status", "retry_after"), [(403, 60), (429, 60), (429, None)])
def test_too_much_in_a_minute_is_the_secondary_limit(acme: Acme, status: int, retry_after: int | None) -> None:
    limits = acme.server.limits
    limits.per_minute, limits.status, limits.retry_after = {"core": 12, "graphql": 2}, status, retry_after
    for _ in range(2):
        acme.owner("PUT", "/orgs/acme/memberships/ada", json={"role": "member"})  # a write is worth five reads
    acme.owner("GET", "/orgs/acme"), acme.owner("GET", "/orgs/acme")
    told = acme.owner("GET", "/orgs/acme", status)
    assert "secondary rate limit" in told["message"] and acme.owner.last is not None
    assert acme.owner.last.headers.get("Retry-After") == (None if retry_after is None else "60")
    assert int(acme.owner.last.headers["X-RateLimit-Remaining"]) > 4000
    acme.owner.query("{ viewer { login } }"), acme.owner.query("{ viewer { login } }")
    acme.owner("POST", "/graphql", status, json={"query": "{ viewer { login } }"})
    acme.server.clock.advance(minutes=1, seconds=1)
    acme.owner("GET", "/orgs/acme")


def test_many_invitations_in_a_minute_are_too_many(acme: Acme) -> None:
    acme.server.limits.content_per_minute = 2
    for number in range(2):
        acme.owner("POST", "/orgs/acme/invitations", 201, json={"email": f"p{number}@example.org"})
    acme.owner("POST", "/orgs/acme/invitations", 403, json={"email": "p3@example.org"})


def test_a_client_must_say_who_it_is(acme: Acme) -> None:
    acme.owner("GET", "/orgs/acme", 403, headers={"User-Agent": ""})
    acme.owner("GET", "/orgs/acme", 400, headers={"X-GitHub-Api-Version": "1999-01-01"})


def test_a_call_that_is_carried_out_and_whose_answer_is_lost(acme: Acme) -> None:
    acme.server.fail("PUT /orgs/{org}/memberships", None, lost=True)
    with pytest.raises(requests.ConnectionError):
        acme.owner.ask("PUT", "/orgs/acme/memberships/eve", json={"role": "member"})
    assert "eve" in acme.truth()["invitations"]
    acme.owner("PUT", "/orgs/acme/memberships/eve", json={"role": "member"})


def test_a_page_that_is_cut_off_is_no_page(acme: Acme) -> None:
    acme.server.truncate("GET /orgs/{org}/members", 200)
    with pytest.raises(requests.RequestException):
        acme.owner.ask("GET", "/orgs/acme/members")
    assert len(acme.owner("GET", "/orgs/acme/members")) == 3


def test_trouble_by_the_route_and_after_some_calls(acme: Acme) -> None:
    acme.server.fail("GET /orgs/{org}", 502, times=2, after=1, headers={"Retry-After": "1"})
    statuses = [acme.owner.ask("GET", "/orgs/acme").status_code for _ in range(4)]
    assert statuses == [200, 502, 502, 200]
    assert acme.server.calls["GET /orgs/{org}"] == 4


def test_throttling_on_request_looks_like_the_limit_itself(acme: Acme) -> None:
    acme.server.throttle("GET /orgs/{org}", status=429, retry_after=None)
    told = acme.owner("GET", "/orgs/acme", 429)
    assert "secondary rate limit" in told["message"] and acme.owner.last is not None
    assert "Retry-After" not in acme.owner.last.headers
    acme.owner("GET", "/orgs/acme")


def test_what_is_not_served_is_not_there(acme: Acme) -> None:
    acme.owner("GET", "/orgs/acme/hooks", 404)
    acme.owner("GET", "/orgs/acme/teams/none/at/all", 404)
    answer = acme.owner.query('mutation { deleteRef(input: {refId: "x"}) { clientMutationId } }')
    assert "data" not in answer and answer["errors"]


def test_too_many_calls_at_once_are_too_many(acme: Acme) -> None:
    acme.server.limits.concurrent, acme.server.delay = 2, 0.5
    callers = [acme.caller(acme.owner.token) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda caller: caller.ask("GET", "/orgs/acme").status_code, callers))
    assert set(statuses) == {200, 403}
    acme.server.delay = 0.0
    acme.owner("GET", "/orgs/acme")
