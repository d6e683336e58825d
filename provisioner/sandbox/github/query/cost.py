"""What a GraphQL query may ask for, and what it costs, by GitHub's published rules, worked out before it is run.

Each connection needs `first` or `last`, of 1 to 100. The nodes that could come back are counted, at most 500,000. The
cost in points is the number of requests that would be needed to fill every connection once, divided by 100, at least
one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    value_from_ast_untyped,
)

MOST_NODES, MOST_OF_ONE = 500_000, 100


@dataclass(slots=True)
class Cost:
    """Points, and the nodes that could come back."""

    points: int
    nodes: int


class _Count:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self.schema, self.variables = schema, dict(variables)
        fragments = [one for one in document.definitions if isinstance(one, FragmentDefinitionNode)]
        self.fragments = {one.name.value: one for one in fragments}
        self.requests = self.nodes = 0

    def walk(self, selected: SelectionSetNode | None, parent: Any, times: int) -> None:
        for node in selected.selections if selected else ():
            if isinstance(node, FragmentSpreadNode):
                fragment = self.fragments[node.name.value]
                self.walk(fragment.selection_set, self.schema.type_map[fragment.type_condition.name.value], times)
            elif isinstance(node, InlineFragmentNode):
                on = self.schema.type_map[node.type_condition.name.value] if node.type_condition else parent
                self.walk(node.selection_set, on, times)
            elif isinstance(node, FieldNode) and node.name.value in getattr(parent, "fields", {}):
                self._field(node, parent, times)

    def _field(self, node: FieldNode, parent: Any, times: int) -> None:
        kind = get_named_type(parent.fields[node.name.value].type)
        if not kind.name.endswith("Connection"):
            self.walk(node.selection_set, kind, times)
            return
        name = node.name.value
        args = {one.name.value: value_from_ast_untyped(one.value, self.variables) for one in node.arguments or ()}
        count, which = (args["first"], "first") if args.get("first") is not None else (args.get("last"), "last")
        if count is None:
            text = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
            raise _error(text, "MISSING_PAGINATION_BOUNDARIES", node)
        if count < 0 or count > MOST_OF_ONE:
            over = f"exceeds the `{which}` limit of {MOST_OF_ONE} records." if count > 0 else "is not possible."
            raise _error(f"Requesting {count} records on the `{name}` connection {over}", "EXCESSIVE_PAGINATION", node)
        self.requests += times
        self.nodes += times * count
        if self.nodes > MOST_NODES:
            text = (
                f"By the time this query traverses to the {name} connection, it is requesting up to {self.nodes:,} "
                f"possible nodes which exceeds the maximum limit of {MOST_NODES:,}."
            )
            raise _error(text, "MAX_NODE_LIMIT_EXCEEDED", node)
        self.walk(node.selection_set, kind, times * count)


def cost_of(schema: GraphQLSchema, document: DocumentNode, name: str | None, variables: Mapping[str, Any]) -> Cost:
    """The cost of an operation; GraphQLError where it asks for more than is allowed."""
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    picked = [one for one in operations if name is None or (one.name and one.name.value == name)]
    defaults: dict[str, Any] = {}
    for operation in picked[:1]:
        for variable in operation.variable_definitions or ():
            if variable.default_value is not None:
                defaults[variable.variable.name.value] = value_from_ast_untyped(variable.default_value)
    count = _Count(schema, document, defaults | dict(variables))
    for operation in picked[:1]:
        count.walk(operation.selection_set, schema.query_type, 1)
    return Cost(max(1, round(count.requests / 100)), count.nodes)


def _error(text: str, kind: str, node: FieldNode) -> GraphQLError:
    return GraphQLError(text, node, extensions={"type": kind})
