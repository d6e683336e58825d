"""GitHub's GraphQL API, as far as the sandbox serves it: queries, executed by graphql-core over the served part of the
public schema. It refuses mutations: the schema has none.

Answers are 200 with `errors` beside or instead of `data`, in GitHub's form: `type`, `path`, `locations`, `message`.
"""

from __future__ import annotations

from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    execute_sync,
    parse,
    validate,
)

from provisioner.sandbox.github.answers import Refused
from provisioner.sandbox.github.call import Call
from provisioner.sandbox.github.query import guards, people, pulls, repos  # noqa: F401 - each adds its resolvers
from provisioner.sandbox.github.query.cost import Cost, cost_of
from provisioner.sandbox.github.query.resolve import Context, schema

_CODES = {
    "Cannot query field": "undefinedField",
    "Unknown argument": "argumentNotAccepted",
    "Unknown type": "undefinedType",
}


def answer_query(call: Call) -> dict[str, Any]:
    """The body of the answer to a POST to /graphql. Counts its cost in the caller's budget."""
    text, name = call.body.get("query"), call.body.get("operationName")
    variables = call.body.get("variables") or {}
    if not isinstance(text, str) or not isinstance(variables, dict):
        raise Refused(400, "A query attribute must be specified and must be a string.")
    served = schema()
    try:
        document = parse(text)
    except GraphQLSyntaxError as error:
        return {"errors": [_written(error)]}
    wrong = validate(served, document)
    if wrong:
        return {"errors": [_written(error) for error in wrong]}
    try:
        cost = cost_of(served, document, name, variables)
    except GraphQLError as error:
        return {"errors": [_written(error)]}
    return _run(call, served, document, name, variables, cost)


def _run(
    call: Call, served: GraphQLSchema, document: DocumentNode, name: str | None, variables: dict[str, Any], cost: Cost
) -> dict[str, Any]:
    limits, who = call.realm.limits, call.caller.name
    if limits.left(who, "graphql") < cost.points:
        return {"errors": [{"type": "RATE_LIMITED", "message": f"API rate limit exceeded for {who}."}]}
    limits.spend(who, "graphql", cost.points)
    result = execute_sync(
        served, document, context_value=Context(call, cost), variable_values=variables, operation_name=name
    )
    found: dict[str, Any] = {"data": result.data}
    if result.errors:
        found["errors"] = [_written(error) for error in result.errors]
    return found


def _written(error: GraphQLError) -> dict[str, Any]:
    if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
        raise error.original_error  # a mistake of ours, not an answer
    found: dict[str, Any] = {}
    more = dict(error.extensions or {})
    if kind := more.pop("type", None):
        found["type"] = kind
    if error.path:
        found["path"] = list(error.path)
    code = next((code for start, code in _CODES.items() if error.message.startswith(start)), None)
    if code:
        found["extensions"] = {"code": code}
    if error.locations:
        found["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    return {**found, "message": error.message}
