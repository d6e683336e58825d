"""GitHub Apps and their installations: from a JWT to a token for an hour, and the rate limits of whoever asks."""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github.answers import Refused, not_found
from provisioner.sandbox.github.auth import LEVELS, App, Installation
from provisioner.sandbox.github.call import ROUTES, Call, Reply, unprocessable
from provisioner.sandbox.github.repo_shapes import minimal_repo
from provisioner.sandbox.github.shapes import HTML, stamp
from provisioner.sandbox.github.things import User


def _app(call: Call) -> App:
    if call.caller.app is None:
        raise Refused(401, "A JSON web token could not be decoded")
    return call.caller.app


def app_shape(call: Call, app: App) -> dict[str, Any]:
    """An App as the API writes it."""
    owner = call.shapes.user(app.owner) if isinstance(app.owner, User) else call.shapes.org_as_user(app.owner)
    return {
        "id": app.id,
        "slug": app.slug,
        "client_id": app.client_id,
        "node_id": f"A_{app.id}",
        "owner": owner,
        "name": app.name,
        "description": "",
        "external_url": f"https://{app.slug}.example",
        "html_url": f"{HTML}/apps/{app.slug}",
        "created_at": stamp(app.created),
        "updated_at": stamp(app.created),
        "permissions": dict(app.permissions),
        "events": [],
    }


@ROUTES.add("GET /app")
def get_app(call: Call) -> Reply:
    app = _app(call)
    installed = sum(1 for one in call.realm.keys.installations.values() if one.app is app)
    return 200, {**app_shape(call, app), "installations_count": installed}


def _installation(call: Call, one: Installation) -> dict[str, Any]:
    return {
        "id": one.id,
        "account": call.shapes.org_as_user(one.org),
        "repository_selection": "all" if one.repos is None else "selected",
        "access_tokens_url": f"{call.shapes.api}/app/installations/{one.id}/access_tokens",
        "repositories_url": f"{call.shapes.api}/installation/repositories",
        "html_url": f"{HTML}/organizations/{one.org.login}/settings/installations/{one.id}",
        "app_id": one.app.id,
        "client_id": one.app.client_id,
        "app_slug": one.app.slug,
        "target_id": one.org.id,
        "target_type": "Organization",
        "permissions": dict(one.permissions),
        "events": [],
        "created_at": stamp(one.created),
        "updated_at": stamp(one.created),
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": None,
        "suspended_at": stamp(one.suspended) if one.suspended else None,
    }


def _mine(call: Call) -> list[Installation]:
    app = _app(call)
    return [one for one in call.realm.keys.installations.values() if one.app is app]


def _one(call: Call, number: str) -> Installation:
    found = next((one for one in _mine(call) if str(one.id) == number), None)
    if found is None:
        raise not_found()
    return found


@ROUTES.add("GET /app/installations")
def list_installations(call: Call) -> Reply:
    return call.page(_mine(call), lambda one: _installation(call, one))


@ROUTES.add("GET /app/installations/{installation_id}")
def get_installation(call: Call, number: str) -> Reply:
    return 200, _installation(call, _one(call, number))


@ROUTES.add("GET /orgs/{org}/installation")
def of_org(call: Call, org: str) -> Reply:
    found = next((one for one in _mine(call) if one.org.login.casefold() == org.casefold()), None)
    if found is None:
        raise not_found()
    return 200, _installation(call, found)


@ROUTES.add("POST /app/installations/{installation_id}/access_tokens")
def create_token(call: Call, number: str) -> Reply:
    """A token for an hour, with no more than the installation has; less where less is asked for."""
    one = _one(call, number)
    if one.suspended is not None:
        raise Refused(403, "This installation has been suspended")
    wanted = call.given("permissions", dict)  # an empty one asks for nothing less, as clients send it
    permissions = _narrowed(one, wanted) if wanted else dict(one.permissions)
    repos = _picked(call, one)
    token = call.realm.keys.of_installation(one, permissions, repos)
    expires = stamp(token.expires) if token.expires else ""
    found: dict[str, Any] = {
        "token": token.secret,
        "expires_at": expires,
        "permissions": permissions,
        "repository_selection": "selected" if repos is not None or one.repos is not None else "all",
    }
    if repos is not None:
        found["repositories"] = [minimal_repo(call.shapes, call.world.repos[number]) for number in sorted(repos)]
    return 201, found


def _narrowed(one: Installation, wanted: dict[str, Any]) -> dict[str, str]:
    for name, level in wanted.items():
        if level not in LEVELS:
            raise unprocessable(f'"{level}" is not a member of ["read", "write"].', f"permissions/properties/{name}")
        given = one.permissions.get(name)
        if given is None or LEVELS.index(given) < LEVELS.index(level):
            raise Refused(422, "The permissions requested are not granted to this installation.")
    return {"metadata": "read"} | wanted if "metadata" in one.permissions else dict(wanted)


def _picked(call: Call, one: Installation) -> set[int] | None:
    names, ids = call.given("repositories", list), call.given("repository_ids", list)
    if names is None and ids is None:
        return None
    repos = [call.world.repo(one.org, str(name)) for name in names or ()]
    repos += [call.world.repos.get(number) for number in ids or ()]
    found = {repo.id for repo in repos if repo is not None and repo.org == one.org.id}
    if len(found) < len(repos) or (one.repos is not None and not found <= one.repos):
        raise Refused(
            422, "There is at least one repository that does not exist or is not accessible to the parent installation."
        )
    return found


@ROUTES.add("DELETE /installation/token")
def revoke_token(call: Call) -> Reply:
    if call.caller.installation is None or call.caller.token is None:
        raise Refused(403, "Resource not accessible by integration")
    del call.realm.keys.tokens[call.caller.token.secret]
    return 204, None


@ROUTES.add("GET /installation/repositories")
def list_repositories(call: Call) -> Reply:
    one, token = call.caller.installation, call.caller.token
    if one is None or token is None:
        raise Refused(403, "Resource not accessible by integration")
    picked = token.repos if token.repos is not None else one.repos
    repos = [repo for repo in call.world.repos_of(one.org) if picked is None or repo.id in picked]
    _, page = call.page(repos, lambda repo: minimal_repo(call.shapes, repo))
    return 200, {
        "total_count": len(repos),
        "repository_selection": "all" if picked is None else "selected",
        "repositories": page,
    }


@ROUTES.add("GET /rate_limit")
def rate_limit(call: Call) -> Reply:
    """Costs nothing of the hour's budget."""
    limits, who = call.realm.limits, call.caller.name
    core = limits.overview(who, "core")
    idle = {"limit": 30, "used": 0, "remaining": 30, "reset": core["reset"]}
    return 200, {"resources": {"core": core, "search": idle, "graphql": limits.overview(who, "graphql")}, "rate": core}
