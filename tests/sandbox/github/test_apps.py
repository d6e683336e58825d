"""GitHub Apps of the embedded GitHub: from a signed JWT to a token for an hour, with no more than was granted."""

from __future__ import annotations

import time

import jwt
import pytest

from provisioner.sandbox.github import WRITE_ALL, AppKey
from tests.sandbox.github.acme import Acme, as_app, installed


def test_an_app_finds_its_installation_and_reads_and_writes_by_it(acme: Acme) -> None:
    key = acme.server.create_app(acme.org)
    app = as_app(acme, key)
    assert app("GET", "/app")["slug"] == "provision"
    assert app("GET", "/orgs/acme/installation")["id"] == key.installation_id
    app("GET", "/orgs/acme/members", 401)
    caller = installed(acme, key)
    caller("PUT", "/orgs/acme/memberships/eve", json={"role": "member"})
    assert caller("GET", "/orgs/acme/invitations")[0]["inviter"]["login"] == "provision[bot]"
    caller("POST", "/orgs/acme/teams", 201, json={"name": "Made by an App"})
    assert acme.truth()["teams"]["made-by-an-app"]["members"] == {}
    caller("GET", "/user", 403)


def test_a_token_has_what_was_asked_for_and_never_more_than_was_granted(acme: Acme) -> None:
    key = acme.server.create_app(acme.org, permissions={"members": "write", "metadata": "read"})
    reader = installed(acme, key, permissions={"members": "read"})
    assert len(reader("GET", "/orgs/acme/members")) == 3
    assert reader("DELETE", "/orgs/acme/members/ada", 403)["message"] == "Resource not accessible by integration"
    at = f"/app/installations/{key.installation_id}/access_tokens"
    as_app(acme, key)("POST", at, 422, json={"permissions": {"administration": "write"}})
    as_app(acme, key)("POST", at, 422, json={"permissions": {"members": "all"}})
    assert as_app(acme, key)("POST", at, 201, json={"permissions": {}})["permissions"]["members"] == "write"


def test_a_token_for_some_repositories_sees_no_other(acme: Acme) -> None:
    acme.repo("app"), acme.repo("other")
    caller = installed(acme, acme.server.create_app(acme.org), repositories=["app"])
    assert caller("GET", "/installation/repositories")["total_count"] == 1
    caller("GET", "/repos/acme/other", 404)
    some = acme.server.create_app(acme.org, "Narrow", WRITE_ALL, [acme.repo("third")])
    assert [r["name"] for r in installed(acme, some)("GET", "/installation/repositories")["repositories"]] == ["third"]


def test_a_token_ends_after_an_hour_or_when_it_is_given_back(acme: Acme) -> None:
    key = acme.server.create_app(acme.org)
    first, second = installed(acme, key), installed(acme, key)
    first("DELETE", "/installation/token", 204)
    first("GET", "/orgs/acme", 401)
    acme.server.clock.advance(minutes=59)
    second("GET", "/orgs/acme")
    acme.server.clock.advance(minutes=2)
    assert second("GET", "/orgs/acme", 401)["message"] == "Bad credentials"


@pytest.mark.parametrize(
    ("claim", "from_now"),
    [("exp", -30), ("exp", 3600), ("iat", 600), ("exp", None)],
    ids=["over", "too long", "not yet", "no end"],
)
def test_a_jwt_with_wrong_times_is_refused(acme: Acme, claim: str, from_now: int | None) -> None:
    claims = {claim: None if from_now is None else int(time.time()) + from_now}
    as_app(acme, acme.server.create_app(acme.org), **claims)("GET", "/app", 401)


def test_a_jwt_that_another_key_signed_is_refused(acme: Acme) -> None:
    one, other = acme.server.create_app(acme.org, "One"), acme.server.create_app(acme.org, "Other")
    forged = AppKey(one.app_id, one.client_id, one.installation_id, other.private_key)
    as_app(acme, forged)("GET", "/app", 401)
    now = int(time.time())
    weak = jwt.encode({"iss": one.client_id, "iat": now, "exp": now + 60}, "x" * 64, "HS256")
    acme.caller(weak)("GET", "/app", 401)
    as_app(acme, other)("GET", f"/app/installations/{one.installation_id}", 404)


def test_graphql_by_an_installation(acme: Acme) -> None:
    text = '{ viewer { login } organization(login: "acme") { membersWithRole(first: 5) { totalCount } } }'
    answer = installed(acme, acme.server.create_app(acme.org)).query(text)
    assert answer["errors"][0]["type"] == "FORBIDDEN"
    weak = installed(acme, acme.server.create_app(acme.org, "Weak"), permissions={"contents": "read"})
    answer = weak.query('{ organization(login: "acme") { membersWithRole(first: 5) { totalCount } } }')
    assert answer["errors"][0]["message"] == "Resource not accessible by integration"
