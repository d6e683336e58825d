"""Credentials that reach an organisation of the embedded GitHub: deploy keys, fine-grained tokens, and what SAML lists.

Deploy keys stay when the person who added them goes, and keep working; fine-grained tokens and credentials authorised
for SAML lose the organisation with the membership. No secret is ever in an answer.
"""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github.answers import Refused, invalid, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply, unprocessable
from provisioner.sandbox.github.shapes import stamp
from provisioner.sandbox.github.things import DeployKey, Org, Repo, TokenGrant

Json = dict[str, Any]
KEYS = "/repos/{owner}/{repo}/keys"
PATS = "/orgs/{org}/personal-access-tokens"
SSO = "/orgs/{org}/credential-authorizations"
SAML_ADMIN = "organization_administration"


# Deploy keys


def _key(call: Call, repo: Repo, one: DeployKey) -> Json:
    adder = call.world.users.get(one.added_by)
    return {
        "id": one.id,
        "key": one.key,
        "url": f"{call.shapes.api}/repos/{call.world.orgs[repo.org].login}/{repo.name}/keys/{one.id}",
        "title": one.title,
        "verified": True,
        "created_at": stamp(one.created),
        "read_only": one.read_only,
        "added_by": adder.login if adder else None,
        "last_used": None,
        "enabled": True,
    }


@ROUTES.add(f"GET {KEYS}")
def list_keys(call: Call, owner: str, name: str) -> Reply:
    repo = call.repo(owner, name, "administration:read")
    return call.page(list(repo.keys.values()), lambda one: _key(call, repo, one))


@ROUTES.add(f"POST {KEYS}")
def add_key(call: Call, owner: str, name: str) -> Reply:
    """A key is good once, anywhere."""
    repo = call.repo(owner, name, "administration:write")
    key, title = call.given("key", str, required=True), call.given("title", str)
    read_only = call.given("read_only", bool)
    if not key.startswith(("ssh-", "ecdsa-")):
        raise invalid(
            "PublicKey", "key", "custom", "key is invalid. You must supply a key in OpenSSH public key format"
        )
    if any(one.key == key for other in call.world.repos.values() for one in other.keys.values()):
        raise invalid("PublicKey", "key", "custom", "key is already in use")
    made = DeployKey(
        call.world.new_id("key"), title or key[:20], key, bool(read_only), call.caller.actor.id, call.world.now()
    )
    repo.keys[made.id] = made
    shape = _key(call, repo, made)
    call.headers.append(("Location", shape["url"]))
    return 201, shape


@ROUTES.add(f"DELETE {KEYS}/{{key_id}}")
def delete_key(call: Call, owner: str, name: str, number: str) -> Reply:
    repo = call.repo(owner, name, "administration:write")
    if not number.isdigit() or int(number) not in repo.keys:
        raise not_found()
    del repo.keys[int(number)]
    call.world.version += 1
    return 204, None


# Fine-grained tokens: for Apps alone


def _by_app(call: Call, login: str, level: str) -> Org:
    org = call.org(login, f"organization_personal_access_tokens:{level}")
    if call.caller.installation is None:
        raise Refused(403, "Only GitHub Apps can use this endpoint.")
    return org


def _grant(call: Call, one: TokenGrant) -> Json:
    return {
        "id": one.id,
        "owner": call.shapes.user(call.world.users[one.user]),
        "repository_selection": "all",
        "repositories_url": f"{call.shapes.api}/organizations/{one.org}/personal-access-tokens/{one.id}/repositories",
        "permissions": {"organization": {}, "repository": dict(one.permissions)},
        "access_granted_at": stamp(one.created),
        "token_id": one.token,
        "token_name": one.name,
        "token_expired": one.expires is not None and one.expires <= call.world.now(),
        "token_expires_at": stamp(one.expires) if one.expires else None,
        "token_last_used_at": None,
    }


@ROUTES.add(f"GET {PATS}")
def list_grants(call: Call, org: str) -> Reply:
    found = _by_app(call, org, "read")
    owners = [value.casefold() for name, value in call.pairs if name == "owner[]"]
    kept = [g for g in found.grants.values() if not owners or call.world.users[g.user].login.casefold() in owners]
    return call.page(kept, lambda one: _grant(call, one))


@ROUTES.add(f"POST {PATS}")
def revoke_grants(call: Call, org: str) -> Reply:
    found = _by_app(call, org, "write")
    call.choice("action", ("revoke",), required=True)
    for number in call.given("pat_ids", list, required=True):
        found.grants.pop(number, None)
    call.world.version += 1
    return 202, {}


@ROUTES.add(f"POST {PATS}/{{pat_id}}")
def revoke_grant(call: Call, org: str, number: str) -> Reply:
    found = _by_app(call, org, "write")
    call.choice("action", ("revoke",), required=True)
    if not number.isdigit() or int(number) not in found.grants:
        raise not_found()
    del found.grants[int(number)]
    call.world.version += 1
    return 204, None


# What is authorised for SAML


def _saml(call: Call, login: str, level: str) -> Org:
    org = call.org(login, f"{SAML_ADMIN}:{level}", owner=True)
    if not org.saml:
        raise not_found()
    return org


@ROUTES.add(f"GET {SSO}")
def list_authorized(call: Call, org: str) -> Reply:
    found = _saml(call, org, "read")
    wanted = call.args.get("login", "").casefold()
    kept = [g for g in found.authorized.values() if not wanted or call.world.users[g.user].login.casefold() == wanted]
    return call.page(kept, lambda one: _authorized(call, one))


def _authorized(call: Call, one: TokenGrant) -> Json:
    return {
        "login": call.world.users[one.user].login,
        "credential_id": one.id,
        "credential_type": "personal access token",
        "token_last_eight": f"{one.token:08d}"[-8:],
        "credential_authorized_at": stamp(one.created),
        "credential_accessed_at": None,
        "authorized_credential_id": one.token,
        "authorized_credential_note": one.name,
        "authorized_credential_expires_at": stamp(one.expires) if one.expires else None,
        "scopes": list(one.permissions),
    }


@ROUTES.add(f"DELETE {SSO}/{{credential_id}}")
def revoke_authorized(call: Call, org: str, number: str) -> Reply:
    found = _saml(call, org, "write")
    if not number.isdigit() or int(number) not in found.authorized:
        raise not_found()
    del found.authorized[int(number)]
    call.world.version += 1
    return 204, None


@ROUTES.add(f"POST {SSO}/{{username}}/revoke")
def revoke_all_of(call: Call, org: str, username: str) -> Reply:
    """Everything of one person."""
    found = _saml(call, org, "write")
    user = call.world.user(username)
    if user is None:
        raise unprocessable("is not a user of this organization.", "username")
    for number in [number for number, one in found.authorized.items() if one.user == user.id]:
        del found.authorized[number]
    call.world.version += 1
    return 202, {}
