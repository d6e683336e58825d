"""Deploy keys and other people's tokens on the embedded GitHub."""

from __future__ import annotations

from tests.sandbox.github.acme import Acme, installed


def test_a_deploy_key_outlives_whoever_added_it(acme: Acme) -> None:
    repo = acme.repo("app")
    repo.collaborators[acme.ada.id] = "admin"
    acme.world.version += 1
    made = acme.member(acme.ada)("POST", "/repos/acme/app/keys", 201, json={"key": "ssh-ed25519 AAAA", "title": "ci"})
    acme.owner("POST", "/repos/acme/app/keys", 422, json={"key": "ssh-ed25519 AAAA"})
    acme.owner("POST", "/repos/acme/app/keys", 422, json={"key": "nonsense"})
    acme.owner("DELETE", "/orgs/acme/members/ada", 204)
    found = acme.owner("GET", "/repos/acme/app/keys")
    assert [(one["id"], one["added_by"], one["read_only"]) for one in found] == [(made["id"], "ada", False)]
    acme.owner("DELETE", f"/repos/acme/app/keys/{made['id']}", 204)
    acme.owner("DELETE", f"/repos/acme/app/keys/{made['id']}", 404)


def test_fine_grained_tokens_are_for_apps_to_see_and_end_with_the_membership(acme: Acme) -> None:
    one = acme.world.grant_token(acme.org, acme.ada, "laptop", contents="write")
    acme.world.grant_token(acme.org, acme.bob, "phone", contents="read")
    acme.owner("GET", "/orgs/acme/personal-access-tokens", 403)
    app = installed(acme, acme.server.create_app(acme.org))
    rows = app("GET", "/orgs/acme/personal-access-tokens?owner[]=ADA")
    assert [(row["id"], row["owner"]["login"], row["token_name"]) for row in rows] == [(one.id, "ada", "laptop")]
    app("POST", "/orgs/acme/personal-access-tokens", 202, json={"action": "revoke", "pat_ids": [one.id]})
    acme.owner("DELETE", "/orgs/acme/members/bob", 204)
    assert app("GET", "/orgs/acme/personal-access-tokens") == []


def test_what_is_authorised_for_saml_is_listed_only_where_there_is_saml(acme: Acme) -> None:
    acme.owner("GET", "/orgs/acme/credential-authorizations", 404)
    acme.org.saml = True
    one = acme.world.grant_token(acme.org, acme.ada, "laptop", saml=True)
    rows = acme.owner("GET", "/orgs/acme/credential-authorizations?login=ada")
    assert [row["credential_id"] for row in rows] == [one.id]
    acme.owner("POST", "/orgs/acme/credential-authorizations/ada/revoke", 202)
    assert acme.owner("GET", "/orgs/acme/credential-authorizations") == []
