"""Contexts of the embedded CircleCI: themselves, their restrictions and their variables."""

from __future__ import annotations

import re
from typing import Any

from provisioner.sandbox.circleci.call import ROUTES, Call, Refused, Reply, stamp
from provisioner.sandbox.circleci.state import (
    EVERYBODY,
    LONGEST_NAME,
    LONGEST_VALUE,
    MOST_CONTEXTS,
    MOST_VARIABLES,
    Context,
    Organization,
    Restriction,
    Variable,
)

Json = dict[str, Any]
KINDS = ("project", "expression", "group")
NAMED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _shape(context: Context) -> Json:
    return {"id": context.id, "name": context.name, "created_at": stamp(context.created)}


@ROUTES.add("GET /context")
def list_contexts(call: Call) -> Reply:
    number, slug = call.args.get("owner-id"), call.args.get("owner-slug")
    if number is None and slug is None:
        raise Refused(400, "owner-id or owner-slug has to be given.")
    org = call.org(number, slug)
    return call.page(sorted(call.state.contexts_of(org), key=lambda one: (one.created, one.id)), _shape)


@ROUTES.add("POST /context")
def create_context(call: Call) -> Reply:
    """Any member may; it is open to every member then."""
    name, owner = call.text("name", LONGEST_NAME), call.body().get("owner")
    if not isinstance(owner, dict) or not ("id" in owner or "slug" in owner):
        raise Refused(400, "owner: id or slug, which is required")
    org = call.org(owner.get("id"), owner.get("slug"))
    held = call.state.contexts_of(org)
    if any(one.name == name for one in held):
        raise Refused(409, "A context with that name already exists.")
    if len(held) >= MOST_CONTEXTS:
        raise Refused(400, f"An organization has at most {MOST_CONTEXTS} contexts.")
    return 200, _shape(call.state.create_context(org, name))


@ROUTES.add("GET /context/{context-id}")
def get_context(call: Call, number: str) -> Reply:
    context = call.context(number)
    if not call.manners.detailed:
        return 200, _shape(context)
    org = call.state.orgs[context.org]
    variables = [_variable(context, name, one) for name, one in sorted(context.variables.items())]
    restrictions = [_restriction(call, context, one) for one in context.restrictions.values()]
    whole = {"org_id": org.id, "environment_variables": variables, "restrictions": restrictions}
    return 200, {**_shape(context), **whole}


@ROUTES.add("DELETE /context/{context-id}")
def delete_context(call: Call, number: str) -> Reply:
    """With its variables and restrictions."""
    context = call.context(number)
    call.admin(call.state.orgs[context.org])
    del call.state.contexts[context.id]
    return 200, {"message": "Context deleted."}


# Restrictions


def _restriction(call: Call, context: Context, one: Restriction) -> Json:
    org = call.state.orgs[context.org]
    return {
        "id": one.id,
        "context_id": context.id,
        "project_id": one.value if one.kind == "project" else None,
        "name": _name(call, org, one),
        "restriction_type": one.kind,
        "restriction_value": one.value,
    }


def _name(call: Call, org: Organization, one: Restriction) -> str | None:
    if one.kind == "project":
        project = call.state.projects.get(one.value)
        return project.name if project else None
    if one.kind == "group":
        return EVERYBODY if one.value == org.id else org.groups[one.value].name if one.value in org.groups else None
    return None


@ROUTES.add("GET /context/{context-id}/restrictions")
def list_restrictions(call: Call, number: str) -> Reply:
    context = call.context(number)
    return call.page(list(context.restrictions.values()), lambda one: _restriction(call, context, one))


@ROUTES.add("POST /context/{context-id}/restrictions")
def add_restriction(call: Call, number: str) -> Reply:
    context = call.context(number)
    org = call.state.orgs[context.org]
    call.admin(org)
    body = call.body()
    kind = body.get("restriction_type", "project" if "project_id" in body else None)
    value = body.get("restriction_value", body.get("project_id"))
    if kind not in KINDS or not isinstance(value, str) or not value:
        raise Refused(
            400, "restriction_type has to be one of project, expression, group; restriction_value is required."
        )
    _check(call, org, kind, value)
    if value in context.values(kind):
        raise Refused(409, "Context restriction already exists.")
    return 201, _restriction(call, context, call.state.restrict(context, kind, value))


def _check(call: Call, org: Organization, kind: str, value: str) -> None:
    if kind == "project":
        project = call.state.projects.get(value)
        if project is None or project.org != org.id:
            raise Refused(404, "Project not found.")
    elif kind == "group":
        if org.kind != "github" or not call.manners.group_restrictions:
            raise Refused(400, "Group restrictions are not supported for this organization.")
        if value != org.id and value not in org.groups:
            raise Refused(404, "Group not found.")
    elif re.search(r"pipeline\.(trigger_)?parameters\.", value) or value.count("(") != value.count(")"):
        raise Refused(400, "The expression is invalid.")


@ROUTES.add("DELETE /context/{context-id}/restrictions/{restriction-id}")
def delete_restriction(call: Call, number: str, restriction: str) -> Reply:
    context = call.context(number)
    call.admin(call.state.orgs[context.org])
    if restriction not in context.restrictions:
        raise Refused(404, "Context restriction not found.")
    del context.restrictions[restriction]
    return 200, {"message": "Context restriction deleted."}


# Variables


def _variable(context: Context, name: str, one: Variable) -> Json:
    return {
        "variable": name,
        "created_at": stamp(one.created),
        "updated_at": stamp(one.updated),
        "context_id": context.id,
        "truncated_value": one.value[-4:] if len(one.value) > 8 else "",
    }


@ROUTES.add("GET /context/{context-id}/environment-variable")
def list_variables(call: Call, number: str) -> Reply:
    context = call.context(number)
    return call.page(sorted(context.variables), lambda name: _variable(context, name, context.variables[name]))


@ROUTES.add("PUT /context/{context-id}/environment-variable/{env-var-name}")
def set_variable(call: Call, number: str, name: str) -> Reply:
    """Made or replaced; the old value is gone."""
    context = call.context(number)
    call.inside(context)
    value = call.text("value", LONGEST_VALUE)
    if not NAMED.fullmatch(name) or len(name) > 300:
        raise Refused(400, "The name of an environment variable is invalid.")
    if name not in context.variables and len(context.variables) >= MOST_VARIABLES:
        raise Refused(400, f"A context has at most {MOST_VARIABLES} environment variables.")
    return 200, _variable(context, name, call.state.set_variable(context.variables, name, value))


@ROUTES.add("DELETE /context/{context-id}/environment-variable/{env-var-name}")
def delete_variable(call: Call, number: str, name: str) -> Reply:
    context = call.context(number)
    call.inside(context)
    if name not in context.variables:
        raise Refused(404, "Environment variable not found.")
    del context.variables[name]
    return 200, {"message": "Environment variable deleted."}
