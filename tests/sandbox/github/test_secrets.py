"""Actions secrets and variables of the embedded GitHub: sealed, never told, and refused where GitHub refuses."""

from __future__ import annotations

import base64

from nacl.public import PublicKey, SealedBox

from tests.sandbox.github.acme import Acme

SECRETS, VARIABLES = "/repos/acme/app/actions/secrets", "/repos/acme/app/actions/variables"


def sealed(key: str, value: str) -> str:
    return base64.b64encode(SealedBox(PublicKey(base64.b64decode(key))).encrypt(value.encode())).decode()


def test_a_secret_is_kept_and_never_told(acme: Acme) -> None:
    repo = acme.repo("app")
    key = acme.owner("GET", f"{SECRETS}/public-key")
    body = {"encrypted_value": sealed(key["key"], "one"), "key_id": key["key_id"]}
    acme.owner("PUT", f"{SECRETS}/API_KEY", 201, json=body)
    acme.owner("PUT", f"{SECRETS}/api_key", 204, json={**body, "encrypted_value": sealed(key["key"], "two")})
    assert repo.vault.opened("API_KEY") == "two"
    told = acme.owner("GET", f"{SECRETS}/API_KEY")
    assert sorted(told) == ["created_at", "name", "updated_at"]
    assert [one["name"] for one in acme.owner("GET", SECRETS)["secrets"]] == ["API_KEY"]
    acme.owner("DELETE", f"{SECRETS}/API_KEY", 204)
    acme.owner("GET", f"{SECRETS}/API_KEY", 404)


def test_what_is_refused(acme: Acme) -> None:
    acme.repo("app")
    key = acme.owner("GET", f"{SECRETS}/public-key")
    body = {"encrypted_value": sealed(key["key"], "one"), "key_id": key["key_id"]}
    acme.owner("PUT", f"{SECRETS}/API_KEY", 422, json={**body, "key_id": "1"})
    acme.owner("PUT", f"{SECRETS}/GITHUB_KEY", 422, json=body)
    acme.reader()("PUT", f"{SECRETS}/API_KEY", 403, json=body)
    acme.owner("GET", "/repos/acme/app/environments/none/secrets/public-key", 404)


def test_variables_are_plain(acme: Acme) -> None:
    acme.repo("app")
    acme.owner("POST", VARIABLES, 201, json={"name": "WHO", "value": "ada"})
    acme.owner("POST", VARIABLES, 409, json={"name": "WHO", "value": "eve"})
    acme.owner("PATCH", f"{VARIABLES}/WHO", 204, json={"value": "grace"})
    assert acme.owner("GET", f"{VARIABLES}/WHO")["value"] == "grace"
    acme.owner("PATCH", f"{VARIABLES}/NOBODY", 404, json={"value": "grace"})


def test_an_organizations_secret_says_who_may_read_it(acme: Acme) -> None:
    at = "/orgs/acme/actions/secrets"
    key = acme.owner("GET", f"{at}/public-key")
    body = {"encrypted_value": sealed(key["key"], "one"), "key_id": key["key_id"]}
    acme.owner("PUT", f"{at}/API_KEY", 422, json=body)
    acme.owner("PUT", f"{at}/API_KEY", 201, json={**body, "visibility": "private"})
    assert acme.owner("GET", f"{at}/API_KEY")["visibility"] == "private"
    acme.member(acme.ada)("GET", at, 403)
