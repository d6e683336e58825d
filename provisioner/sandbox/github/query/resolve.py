"""The served schema with its resolvers: functions that other modules give to fields, by `Type.field`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
)

from provisioner.sandbox.github.auth import App, has
from provisioner.sandbox.github.call import Call
from provisioner.sandbox.github.query.cost import Cost
from provisioner.sandbox.github.shapes import node_id, stamp
from provisioner.sandbox.github.things import (
    Comment,
    Environment,
    Invitation,
    Org,
    Protection,
    Pull,
    Repo,
    Ruleset,
    Team,
    User,
)

FILES = ("schema.graphql", "repositories.graphql", "guards.graphql", "pulls.graphql")
_RESOLVERS: dict[str, Callable[..., Any]] = {}
_TYPES: dict[type, str] = {
    Org: "Organization",
    Team: "Team",
    Repo: "Repository",
    Invitation: "OrganizationInvitation",
    App: "App",
    Ruleset: "RepositoryRuleset",
    Protection: "BranchProtectionRule",
    Environment: "Environment",
    Pull: "PullRequest",
    Comment: "IssueComment",
}


@dataclass(frozen=True, slots=True)
class Context:
    """What every resolver has at hand: the call, and what the query costs."""

    call: Call
    cost: Cost


def field(path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator: resolves `Type.field`. The function gets the thing, the call, and the arguments by name."""

    def keep(resolve: Callable[..., Any]) -> Callable[..., Any]:
        _RESOLVERS[path] = lambda thing, info, **args: resolve(thing, info.context.call, **args)
        return resolve

    return keep


def with_info(path: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator like `field`, for a function that wants GraphQL's own `info`."""

    def keep(resolve: Callable[..., Any]) -> Callable[..., Any]:
        _RESOLVERS[path] = resolve
        return resolve

    return keep


@cache
def schema() -> GraphQLSchema:
    """The served part of GitHub's public schema, ready to run."""
    folder = files("provisioner.sandbox.github.query")
    built = build_schema("\n".join((folder / name).read_text("utf-8") for name in FILES))
    built.extensions = {}
    for path, resolve in _RESOLVERS.items():
        kind, _, name = path.partition(".")
        built.type_map[kind].fields[name].resolve = resolve  # type: ignore[attr-defined]
    for one in built.type_map.values():
        if isinstance(one, GraphQLInterfaceType | GraphQLUnionType):
            one.resolve_type = _type_of
    return built


def _type_of(thing: Any, _info: GraphQLResolveInfo[Any], _kind: Any) -> str:
    if isinstance(thing, User):
        return "Bot" if thing.kind == "Bot" else "User"
    if isinstance(thing, dict):
        return str(thing["__typename"])
    return _TYPES[type(thing)]


def forbidden(call: Call) -> GraphQLError:
    """The error of what exists and is not for this caller; the field is null beside it."""
    if call.caller.installation is not None:
        text = "Resource not accessible by integration"
    elif call.caller.token is not None and call.caller.token.permissions is not None:
        text = "Resource not accessible by personal access token"
    else:
        text = "You do not have permission to view this."
    return GraphQLError(text, extensions={"type": "FORBIDDEN"})


def missing(kind: str, what: str) -> GraphQLError:
    return GraphQLError(f"Could not resolve to {kind} with {what}.", extensions={"type": "NOT_FOUND"})


def need(call: Call, what: str, level: str = "read") -> None:
    """Refuse where the token has no such permission."""
    if not has(call.caller, what, level):
        raise forbidden(call)


def constant(path: str, value: Any) -> None:
    _RESOLVERS[path] = lambda thing, info, **args: value


for _name in (
    "User",
    "Bot",
    "Organization",
    "Team",
    "Repository",
    "OrganizationInvitation",
    "RepositoryRuleset",
    "BranchProtectionRule",
    "Environment",
):
    _RESOLVERS[f"{_name}.id"] = lambda thing, info: node_id(thing)
for _name in (
    "User",
    "Bot",
    "Organization",
    "Team",
    "Repository",
    "App",
    "RepositoryRuleset",
    "BranchProtectionRule",
    "Environment",
):
    _RESOLVERS[f"{_name}.databaseId"] = lambda thing, info: thing.id
for _name in ("User", "Organization", "Team", "Repository", "OrganizationInvitation", "RepositoryRuleset"):
    _RESOLVERS[f"{_name}.createdAt"] = lambda thing, info: stamp(thing.created)
for _name in ("Team", "Repository", "RepositoryRuleset"):
    _RESOLVERS[f"{_name}.updatedAt"] = lambda thing, info: stamp(thing.updated)
