"""What a list of modifications makes of an entry's attributes (RFC 4511 section 4.6): all of them, or a refusal.

Order and codes of the checks are OpenLDAP's. Knows neither who asks nor what else hangs on the entry.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from provisioner.sandbox.ldap.matching import INTEGER_SYNTAX
from provisioner.sandbox.ldap.messages import How, Modification
from provisioner.sandbox.ldap.results import Code, Refused
from provisioner.sandbox.ldap.schema import Description, Dn, Schema
from provisioner.sandbox.ldap.tree import Attribute

Attributes = Mapping[str, Attribute]


@dataclass(frozen=True, slots=True)
class Checked:
    """A modification whose values are known to be values, with their keys."""

    how: How
    description: Description
    values: Mapping[Hashable, bytes]


def attribute_of(schema: Schema, description: Description, values: Iterable[bytes]) -> Attribute:
    """An attribute with these values, or the refusal that a bad or repeated value gets."""
    name = description.text
    kept: dict[Hashable, bytes] = {}
    for index, value in enumerate(values):
        try:
            spelled = schema.kept(description.type, value)
            key = schema.normal(description.type, spelled)
        except ValueError as error:
            bad = f"{name}: value #{index} invalid per syntax"
            raise Refused(Code.INVALID_ATTRIBUTE_SYNTAX, bad) from error
        if key in kept:
            raise Refused(
                Code.ATTRIBUTE_OR_VALUE_EXISTS, f"{name}: value #{list(kept).index(key)} provided more than once"
            )
        kept[key] = spelled
    if description.type.single and len(kept) > 1:
        raise Refused(Code.CONSTRAINT_VIOLATION, f"{name}: multiple values provided")
    return Attribute(description, kept)


def check(schema: Schema, modifications: Sequence[Modification]) -> list[Checked]:
    """What can be said of modifications without the entry that they are for."""
    checked: list[Checked] = []
    for each in modifications:
        if each.how is How.ADD and not each.values:
            raise Refused(Code.PROTOCOL_ERROR, "modify/add operation requires values")
        if each.how is How.INCREMENT and len(each.values) != 1:
            raise Refused(Code.PROTOCOL_ERROR, "modify/increment operation requires single value")
    for each in modifications:
        description = schema.known(each.attribute)
        if each.how is How.INCREMENT and description.type.syntax != INTEGER_SYNTAX:
            unfit = f"{description.text}: attribute syntax inappropriate for increment"
            raise Refused(Code.CONSTRAINT_VIOLATION, unfit)
        checked.append(Checked(each.how, description, attribute_of(schema, description, each.values).values))
    for made in checked:
        refuse_read_only(made.description)
    return checked


def refuse_read_only(description: Description) -> None:
    if description.type.read_only:
        raise Refused(Code.CONSTRAINT_VIOLATION, f"{description.text}: no user modification allowed")


def apply(
    schema: Schema, attributes: Attributes, changes: Iterable[Checked], *, permissive: bool
) -> dict[str, Attribute]:
    """The attributes afterwards; the given ones stay as they are."""
    result = dict(attributes)
    for each in changes:
        key = each.description.key
        present = result.get(key)
        values: dict[Hashable, bytes] = {} if present is None else dict(present.values)
        match each.how:
            case How.ADD:
                _add(each, values, permissive=permissive)
            case How.DELETE:
                _delete(each, values, permissive=permissive)
            case How.REPLACE:
                values = dict(each.values)
            case How.INCREMENT:
                values = _increment(schema, each, values)
        if values:
            result[key] = Attribute(each.description, values)
        else:
            result.pop(key, None)
    return result


def _add(change: Checked, values: dict[Hashable, bytes], *, permissive: bool) -> None:
    name = change.description.text
    if values and change.description.type.equality is None:
        raise Refused(Code.INAPPROPRIATE_MATCHING, f"modify/add: {name}: no equality matching rule")
    for index, (key, value) in enumerate(change.values.items()):
        if key in values:
            if permissive:
                continue
            raise Refused(Code.ATTRIBUTE_OR_VALUE_EXISTS, f"modify/add: {name}: value #{index} already exists")
        values[key] = value


def _delete(change: Checked, values: dict[Hashable, bytes], *, permissive: bool) -> None:
    name = change.description.text
    if not values:
        if permissive:
            return
        raise Refused(Code.NO_SUCH_ATTRIBUTE, f"modify/delete: {name}: no such attribute")
    if not change.values:
        values.clear()
        return
    if change.description.type.equality is None:
        raise Refused(Code.INAPPROPRIATE_MATCHING, f"modify/delete: {name}: no equality matching rule")
    last = next(reversed(change.values))
    for key in change.values:
        if key in values:
            del values[key]
        elif not permissive or key == last:
            # OpenLDAP 2.5 forgives under the permissive control every absent value but the last one of the list.
            raise Refused(Code.NO_SUCH_ATTRIBUTE, "" if permissive else f"modify/delete: {name}: no such value")


def _increment(schema: Schema, change: Checked, values: Mapping[Hashable, bytes]) -> dict[Hashable, bytes]:
    name = change.description.text
    if not values:
        raise Refused(Code.NO_SUCH_ATTRIBUTE, f"modify/increment: {name}: no such attribute")
    step = int(next(iter(change.values.values())))
    raised = [str(int(value) + step).encode() for value in values.values()]
    return dict(attribute_of(schema, change.description, raised).values)


def check_entry(schema: Schema, dn: Dn, attributes: Attributes, before: Attributes | None) -> str:
    """Whether an entry may be so (RFC 4512); `before` is what it was, for a change. Its structural class."""
    for each in attributes.values():
        if each.description.type.single and len(each.values) > 1:
            several = f"attribute '{each.description.text}' cannot have multiple values"
            raise Refused(Code.CONSTRAINT_VIOLATION, several)
    classes = attributes.get("objectclass")
    if classes is None:
        raise Refused(Code.OBJECT_CLASS_VIOLATION, "no objectClass attribute")
    known = schema.classes_of(classes.values.values())
    structural = schema.structural_class(known).name
    if before is not None:
        former = schema.structural_class(schema.classes_of(before["objectclass"].values.values())).name
        if former != structural:
            moved = f"structural object class modification from '{former}' to '{structural}' not allowed"
            raise Refused(Code.OBJECT_CLASS_MODS_PROHIBITED, moved)
    for attribute, value in dn.pairs:
        held = attributes.get(attribute.lower())
        if held is None:
            raise Refused(Code.NAMING_VIOLATION, f"naming attribute '{attribute}' is not present in entry")
        if schema.normal(held.description.type, value.encode()) not in held.values:
            raise Refused(Code.NAMING_VIOLATION, f"value of naming attribute '{attribute}' is not present in entry")
    bare = {name.partition(";")[0]: each.description for name, each in attributes.items()}
    schema.check_attributes(known, bare)
    return structural
