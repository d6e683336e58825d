"""Actions secrets and variables of the embedded GitHub: of a repository, its environments, or an organisation.

Secrets come sealed for a public key of their place and are never told again; only whoever holds the emulator itself can
open them (`Vault.opened`), as a job would see them. Variables are plain.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any

from provisioner.sandbox.github.answers import Refused, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply, unprocessable
from provisioner.sandbox.github.shapes import stamp
from provisioner.sandbox.github.vault import Kept, Vault

Json = dict[str, Any]
_NAME = re.compile(r"(?!GITHUB_)[A-Za-z_][A-Za-z0-9_]*")
_LONGEST = 48 * 1024


Find = Callable[..., Vault]


def _of_repository(call: Call, level: str, what: str, owner: str, name: str) -> Vault:
    vault: Vault = call.repo(owner, name, f"{what}:{level}").vault
    return vault


def _of_environment(call: Call, level: str, _what: str, owner: str, name: str, environment: str) -> Vault:
    found = call.repo(owner, name, f"environments:{level}").environments.get(environment.casefold())
    if found is None:
        raise not_found()
    vault: Vault = found.vault
    return vault


def _of_organization(call: Call, level: str, what: str, login: str) -> Vault:
    needs = "organization_secrets" if what == "secrets" else "organization_actions_variables"
    vault: Vault = call.org(login, f"{needs}:{level}", owner=True).vault
    return vault


def _shape(kept: Kept, *, plain: bool) -> Json:
    found: Json = {"name": kept.name, "created_at": stamp(kept.created), "updated_at": stamp(kept.updated)}
    if plain:
        found["value"] = kept.value.decode()
    if kept.visibility is not None:
        found["visibility"] = kept.visibility
    return found


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        text = "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_)."
        raise Refused(422, text)
    return name.upper()


def _audience(call: Call, org: bool) -> str | None:
    """Who in the organisation may read it: has to be said there."""
    return call.choice("visibility", ("all", "private", "selected"), required=True) if org else None


def _add(at: str, find: Find, *, org: bool = False) -> None:
    base = f"{at}/actions" if not at.endswith("{environment_name}") else at
    _add_secrets(f"{base}/secrets", find, org)
    _add_variables(f"{base}/variables", find, org)


def _add_secrets(secrets: str, find: Find, org: bool) -> None:
    @ROUTES.add(f"GET {secrets}/public-key")
    def public_key(call: Call, *where: str) -> Reply:
        return 200, find(call, "read", "secrets", *where).public()

    @ROUTES.add(f"GET {secrets}")
    def list_secrets(call: Call, *where: str) -> Reply:
        found = list(find(call, "read", "secrets", *where).secrets.values())
        _, page = call.page(found, lambda one: _shape(one, plain=False))
        return 200, {"total_count": len(found), "secrets": page}

    @ROUTES.add(f"GET {secrets}/{{secret_name}}")
    def get_secret(call: Call, *where: str) -> Reply:
        kept = find(call, "read", "secrets", *where[:-1]).secrets.get(where[-1].upper())
        if kept is None:
            raise not_found()
        return 200, _shape(kept, plain=False)

    @ROUTES.add(f"PUT {secrets}/{{secret_name}}")
    def put_secret(call: Call, *where: str) -> Reply:
        vault, name = find(call, "write", "secrets", *where[:-1]), _named(where[-1])
        sealed, key_id = call.given("encrypted_value", str, required=True), call.given("key_id", str, required=True)
        audience = _audience(call, org)
        try:
            value = base64.b64decode(sealed, validate=True)
        except ValueError:
            raise unprocessable(f"{sealed!r} does not match the pattern of base64.", "encrypted_value") from None
        if vault.key is None or key_id != vault.key_id:
            raise Refused(422, "The key_id is not that of the current public key.")
        if len(value) > _LONGEST:
            raise Refused(422, "Secrets are limited to 48 KB.")
        return _keep(call, vault.secrets, name, value, audience)

    @ROUTES.add(f"DELETE {secrets}/{{secret_name}}")
    def delete_secret(call: Call, *where: str) -> Reply:
        if find(call, "write", "secrets", *where[:-1]).secrets.pop(where[-1].upper(), None) is None:
            raise not_found()
        return 204, None


def _add_variables(variables: str, find: Find, org: bool) -> None:
    @ROUTES.add(f"GET {variables}")
    def list_variables(call: Call, *where: str) -> Reply:
        found = list(find(call, "read", "actions_variables", *where).variables.values())
        _, page = call.page(found, lambda one: _shape(one, plain=True), most=30, usual=10)
        return 200, {"total_count": len(found), "variables": page}

    @ROUTES.add(f"POST {variables}")
    def create_variable(call: Call, *where: str) -> Reply:
        vault = find(call, "write", "actions_variables", *where)
        name = _named(call.given("name", str, required=True))
        value = call.given("value", str, required=True)
        if name in vault.variables:
            raise Refused(409, "Already exists - Variable already exists")
        _keep(call, vault.variables, name, value.encode(), _audience(call, org))
        return 201, {}

    @ROUTES.add(f"GET {variables}/{{name}}")
    def get_variable(call: Call, *where: str) -> Reply:
        kept = find(call, "read", "actions_variables", *where[:-1]).variables.get(where[-1].upper())
        if kept is None:
            raise not_found()
        return 200, _shape(kept, plain=True)

    @ROUTES.add(f"PATCH {variables}/{{name}}")
    def update_variable(call: Call, *where: str) -> Reply:
        vault = find(call, "write", "actions_variables", *where[:-1])
        kept = vault.variables.get(where[-1].upper())
        if kept is None:
            raise not_found()
        kept.value = (call.given("value", str) or "").encode()
        kept.updated = call.world.now()
        return 204, None


def _keep(call: Call, held: dict[str, Kept], name: str, value: bytes, audience: str | None) -> Reply:
    now, there = call.world.now(), held.get(name)
    chosen = call.given("selected_repository_ids", list) or []
    held[name] = Kept(name, value, there.created if there else now, now, audience, [int(n) for n in chosen])
    return (204, None) if there else (201, {})


_add("/repos/{owner}/{repo}", _of_repository)
_add("/repos/{owner}/{repo}/environments/{environment_name}", _of_environment)
_add("/orgs/{org}", _of_organization, org=True)
