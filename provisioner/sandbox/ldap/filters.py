"""Search filters over entries: true, false or undefined (RFC 4511 section 4.5.1.7), and which entries are worth a look.

A filter is made into a function once per search. Undefined (None) is what an unknown attribute, a value that is none,
or a missing matching rule gives; it selects nothing, also under a negation.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Set
from typing import Any

from provisioner.sandbox.ldap import messages
from provisioner.sandbox.ldap.matching import NORMAL
from provisioner.sandbox.ldap.messages import Relation
from provisioner.sandbox.ldap.schema import Description, Schema
from provisioner.sandbox.ldap.tree import INDEXED, Attribute, Entry, Tree

Test = Callable[[Entry], bool | None]
Fetch = Callable[[Entry, Description], Iterable[Attribute]]
"""An entry's attributes under a description, live ones included, as far as the asking identity may read them."""


class FilterMaker:
    """Makes tests of filters for one schema and one way of fetching attributes."""

    def __init__(self, schema: Schema, fetch: Fetch) -> None:
        self._schema = schema
        self._fetch = fetch

    def make(self, asked: messages.Filter) -> Test:
        match asked:
            case messages.Both(parts):
                return self._all([self.make(each) for each in parts], of=True)
            case messages.Either(parts):
                return self._all([self.make(each) for each in parts], of=False)
            case messages.Not(part):
                return self._negation(self.make(part))
            case messages.Present(attribute):
                return self._present(attribute)
            case messages.Compared():
                return self._compared(asked)
            case messages.Substrings():
                return self._substrings(asked)
            case messages.Extensible():
                return self._extensible(asked)

    @staticmethod
    def _all(tests: list[Test], *, of: bool) -> Test:
        """For `of=True` true if all are; for `of=False` false if all are; one that says otherwise decides."""

        def test(entry: Entry) -> bool | None:
            result: bool | None = of
            for each in tests:
                answer = each(entry)
                if answer is (not of):
                    return answer
                if answer is None:
                    result = None
            return result

        return test

    @staticmethod
    def _negation(part: Test) -> Test:
        def test(entry: Entry) -> bool | None:
            answer = part(entry)
            return None if answer is None else not answer

        return test

    def _present(self, attribute: str) -> Test:
        description = self._schema.description(attribute)
        if description is None:
            return _undefined
        return lambda entry: any(each.values for each in self._fetch(entry, description))

    def _compared(self, asked: messages.Compared) -> Test:
        description = self._schema.description(asked.attribute)
        if description is None:
            return _undefined
        ordering = asked.relation in (Relation.AT_LEAST, Relation.AT_MOST)
        rule = description.type.ordering if ordering else description.type.equality
        if rule is None:
            return _undefined
        try:
            wanted = self._schema.normal(description.type, self._schema.kept(description.type, asked.value), rule)
        except ValueError:
            # An objectClass or a name that is none: known to be nowhere only if the value could be one.
            return _undefined
        if ordering:
            return self._ordered(description, asked.relation, wanted, rule)
        if description.type.name == "objectClass":
            classes = frozenset(self._schema.subclasses(str(wanted)))
            return lambda entry: not classes.isdisjoint(entry.attributes["objectclass"].values)
        return lambda entry: any(wanted in each.values for each in self._fetch(entry, description))

    def _ordered(self, description: Description, relation: Relation, wanted: Any, rule: str) -> Test:
        normal = self._schema.normal

        def test(entry: Entry) -> bool:
            keys: list[Any] = [
                normal(description.type, value, rule)
                for each in self._fetch(entry, description)
                for value in each.values.values()
            ]
            return any(key >= wanted if relation is Relation.AT_LEAST else key <= wanted for key in keys)

        return test

    def _substrings(self, asked: messages.Substrings) -> Test:
        description = self._schema.description(asked.attribute)
        rule = None if description is None else description.type.substrings
        if description is None or rule is None:
            return _undefined
        normal = NORMAL[rule]
        try:
            # A space at an inner edge of a piece counts; the full stop keeps it from being taken for an outer one.
            initial = None if asked.initial is None else str(normal(asked.initial + b"."))[:-1]
            final = None if asked.final is None else str(normal(b"." + asked.final))[1:]
            middle = [str(normal(b"." + piece + b"."))[1:-1] for piece in asked.middle]
        except ValueError:
            return _undefined

        def matches(value: bytes) -> bool:
            text = str(normal(value))
            start, end = 0, len(text)
            if initial is not None:
                if not text.startswith(initial):
                    return False
                start = len(initial)
            if final is not None:
                if not text.endswith(final) or end - len(final) < start:
                    return False
                end -= len(final)
            for piece in middle:
                found = text.find(piece, start, end)
                if found < 0:
                    return False
                start = found + len(piece)
            return True

        def test(entry: Entry) -> bool:
            return any(matches(value) for each in self._fetch(entry, description) for value in each.values.values())

        return test

    def _extensible(self, asked: messages.Extensible) -> Test:
        description = None if asked.attribute is None else self._schema.description(asked.attribute)
        if asked.attribute is not None and description is None:
            return _undefined
        rule = asked.rule or (description.type.equality if description is not None else None)
        if rule is None or (rule not in NORMAL and rule not in ("distinguishedNameMatch", "objectIdentifierMatch")):
            return _undefined

        def test(entry: Entry) -> bool:
            values = self._held(entry, description)
            if asked.in_name:
                values = [*values, *self._in_name(entry, description)]
            return any(self._same(each, value, asked.value, rule) for each, value in values)

        return test

    def _held(self, entry: Entry, description: Description | None) -> list[tuple[Description, bytes]]:
        held = entry.attributes.values() if description is None else self._fetch(entry, description)
        return [
            (each.description, value)
            for each in held
            if each.description.type.name != "userPassword"
            for value in each.values.values()
        ]

    def _in_name(self, entry: Entry, description: Description | None) -> list[tuple[Description, bytes]]:
        """Pairs of the entry's whole name, for `:dn:`."""
        pairs: list[tuple[Description, bytes]] = []
        dn = entry.dn
        while dn.pairs:
            known = ((self._schema.known(attribute), value.encode()) for attribute, value in dn.pairs)
            pairs += [pair for pair in known if description is None or description.covers(pair[0])]
            dn = self._schema.dn(dn.rest)
        return pairs

    def _same(self, description: Description, held: bytes, wanted: bytes, rule: str) -> bool:
        try:
            normal = self._schema.normal
            return bool(normal(description.type, held, rule) == normal(description.type, wanted, rule))
        except ValueError:
            return False


def _undefined(_entry: Entry) -> None:
    return None


def candidates(schema: Schema, tree: Tree, asked: messages.Filter) -> Set[int] | None:
    """Ids among which all that pass the filter are to be found, by the indexes alone; None where all must be tested."""
    match asked:
        case messages.Both(parts):
            found = [ids for each in parts if (ids := candidates(schema, tree, each)) is not None]
            return min(found, key=len, default=None)
        case messages.Either(parts):
            each_found = [candidates(schema, tree, each) for each in parts]
            known = [ids for ids in each_found if ids is not None]
            return frozenset[int]().union(*known) if len(known) == len(each_found) else None
        case messages.Compared(attribute, Relation.EQUAL | Relation.APPROXIMATE, value):
            return _holding(schema, tree, attribute, value)
        case _:
            return None


def _holding(schema: Schema, tree: Tree, attribute: str, value: bytes) -> Set[int] | None:
    description = schema.description(attribute)
    if description is None or description.options or description.type.name.lower() not in INDEXED:
        return None
    name = description.type.name.lower()
    if name in tree.with_options:
        return None
    try:
        key: Hashable = schema.normal(description.type, value)
    except ValueError:
        return frozenset()
    if name == "objectclass":
        return frozenset[int]().union(*(tree.ids_holding(name, each) for each in schema.subclasses(str(key))))
    return tree.ids_holding(name, key)
