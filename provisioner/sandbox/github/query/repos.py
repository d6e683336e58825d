"""GraphQL: repositories, and who may do what to them by which source."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError

from provisioner.sandbox.github import auth
from provisioner.sandbox.github.call import Call
from provisioner.sandbox.github.query.pages import connect
from provisioner.sandbox.github.query.resolve import field, forbidden, missing, need
from provisioner.sandbox.github.rights import Source
from provisioner.sandbox.github.shapes import HTML, node_id, stamp
from provisioner.sandbox.github.things import ROLES, Org, Repo, User

# GraphQL writes a source's permission with four words alone; the name of the role is beside it.
_FOUR = {"triage": "READ", "maintain": "WRITE"}


def _found(call: Call, org: Org | None, owner: str, name: str, follow: bool) -> Repo:
    repo = call.world.repo(org, name) if org else None
    if repo is None and org is not None and follow:
        repo = call.world.repos.get(call.world.moved.get((org.id, name.casefold()), 0))
    if repo is None or not auth.sees_repo(call.caller, repo, call.base_on(repo)):
        raise missing("a Repository", f"the name '{owner}/{name}'")
    return repo


@field("Query.repository")
def repository(_: Any, call: Call, owner: str, name: str, followRenames: bool = True) -> Repo:  # noqa: N803
    return _found(call, call.world.org(owner), owner, name, followRenames)


@field("Organization.repository")
def repository_of(thing: Org, call: Call, name: str, followRenames: bool = True) -> Repo:  # noqa: N803
    return _found(call, thing, thing.login, name, followRenames)


@field("User.repository")
def repository_of_user(thing: User, call: Call, name: str, followRenames: bool = True) -> Repo:  # noqa: N803
    return _found(call, None, thing.login, name, followRenames)


@field("Organization.repositories")
def repositories(thing: Org, call: Call, **args: Any) -> dict[str, Any]:
    seen = [r for r in call.world.repos_of(thing) if auth.sees_repo(call.caller, r, call.base_on(r))]
    if args.get("isArchived") is not None:
        seen = [repo for repo in seen if repo.archived == args["isArchived"]]
    if args.get("isFork"):
        seen = []
    for name in ("privacy", "visibility"):
        if args.get(name):
            seen = [repo for repo in seen if _visibility(repo) == args[name]]
    order = args.get("orderBy") or {}
    by_name = order.get("field") == "NAME"
    if order.get("field", "NAME") not in ("NAME", "CREATED_AT"):
        raise GraphQLError(f"The sandbox does not sort repositories by {order['field']}.")
    return connect(
        seen,
        args,
        lambda repo: (repo.name.casefold(), repo.id) if by_name else repo.id,
        down=order.get("direction") == "DESC",
    )


def _visibility(repo: Repo) -> str:
    return "PRIVATE" if repo.private else "PUBLIC"


@field("Repository.visibility")
def visibility(thing: Repo, call: Call) -> str:
    return _visibility(thing)


@field("Repository.isPrivate")
def is_private(thing: Repo, call: Call) -> bool:
    return thing.private


@field("Repository.isArchived")
def is_archived(thing: Repo, call: Call) -> bool:
    return thing.archived


@field("Repository.isFork")
def is_fork(thing: Repo, call: Call) -> bool:
    return False


@field("Repository.nameWithOwner")
def name_with_owner(thing: Repo, call: Call) -> str:
    return f"{call.world.orgs[thing.org].login}/{thing.name}"


@field("Repository.owner")
def owner(thing: Repo, call: Call) -> Org:
    return call.world.orgs[thing.org]


@field("Repository.url")
def url(thing: Repo, call: Call) -> str:
    return f"{HTML}/{call.world.orgs[thing.org].login}/{thing.name}"


@field("Repository.defaultBranchRef")
def default_branch(thing: Repo, call: Call) -> dict[str, str] | None:
    if thing.default_branch not in thing.branches:
        return None
    return {"id": f"REF_{node_id(thing)}", "name": thing.default_branch, "prefix": "refs/heads/"}


@field("Repository.viewerPermission")
def viewer_permission(thing: Repo, call: Call) -> str | None:
    base = call.base_on(thing)
    return base.upper() if base else None


@field("Repository.viewerCanAdminister")
def viewer_can_administer(thing: Repo, call: Call) -> bool:
    return administers(call, thing)


def administers(call: Call, repo: Repo, level: str = "read") -> bool:
    """Whether the caller may read (or write) the repository's settings."""
    if not auth.has(call.caller, "administration", level):
        return False
    return call.caller.installation is not None or call.base_on(repo) == "admin"


@field("Repository.deployKeys")
def deploy_keys(thing: Repo, call: Call, **args: Any) -> dict[str, Any]:
    """Of who added a key GraphQL says nothing."""
    if not administers(call, thing):
        raise forbidden(call)
    found = [
        {
            "__typename": "DeployKey",
            "id": node_id(thing) + f"_K{one.id}",
            "at": one.id,
            "createdAt": stamp(one.created),
            "enabled": True,
            "key": one.key,
            "readOnly": one.read_only,
            "title": one.title,
            "verified": True,
        }
        for one in thing.keys.values()
    ]
    return connect(found, args, lambda one: one["at"])


@field("Repository.collaborators")
def collaborators(thing: Repo, call: Call, **args: Any) -> dict[str, Any]:
    need(call, "metadata")
    if call.caller.user is not None and ROLES.index(call.base_on(thing) or "read") < ROLES.index("write"):
        raise forbidden(call)
    ids = call.rights.collaborators(thing, (args.get("affiliation") or "ALL").lower())
    users = [call.world.users[number] for number in ids]
    if args.get("login"):
        users = [one for one in users if one.login.casefold() == args["login"].casefold()]
    if args.get("query"):
        users = [one for one in users if args["query"].casefold() in one.login.casefold()]

    def more(one: User) -> dict[str, Any]:
        base = call.rights.base_on(thing, one.id) or "read"
        return {"permission": base.upper(), "permissionSources": lambda info: _sources(thing, call, one)}

    return connect(users, args, lambda one: one.id, more)


def _sources(repo: Repo, call: Call, user: User) -> list[dict[str, Any]]:
    org = call.world.orgs[repo.org]
    return [_source(org, one) for one in call.rights.sources(repo, user.id)]


def _source(org: Org, one: Source) -> dict[str, Any]:
    permission = _FOUR.get(one.base, one.base.upper())
    return {"organization": org, "permission": permission, "roleName": one.role, "source": one.giver}
