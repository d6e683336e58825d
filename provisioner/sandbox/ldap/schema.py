"""Attribute types and object classes, what values and entries they allow, and names (DNs) as the schema sees them.

Definitions are read by ldaptor's RFC 4512 reader from `definitions.py`. Refuses what OpenLDAP refuses, with its codes;
structure rules, content rules and collective attributes are not here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass

from ldaptor.schema import AttributeTypeDescription, ObjectClassDescription

from provisioner.sandbox.ldap import names
from provisioner.sandbox.ldap.definitions import ATTRIBUTE_TYPES, OBJECT_CLASSES
from provisioner.sandbox.ldap.matching import DN_AND_UID_SYNTAX, DN_SYNTAX, NORMAL, VALID
from provisioner.sandbox.ldap.results import Code, Refused


@dataclass(frozen=True, slots=True)
class Dn:
    """A name: `text` as OpenLDAP prints it; `key` is equal for equal names; `pairs` are those of its leaf."""

    text: str
    key: str
    above: tuple[str, ...]
    """The keys of the names above this one, nearest first."""
    pairs: tuple[names.Pair, ...]
    rest: str
    """The text of the name above this one."""

    @property
    def parent(self) -> str:
        """The key of the name above this one."""
        return self.above[0] if self.above else ""

    def under(self, base: str) -> bool:
        """Whether this is the name with the key `base`, or lies below it."""
        return not base or self.key == base or base in self.above


@dataclass(frozen=True, slots=True)
class AttributeType:
    """One attribute type, with what it takes from its superior already filled in."""

    name: str
    superiors: frozenset[str]
    """Lower-case names of this type and of those above it."""
    syntax: str
    equality: str | None
    ordering: str | None
    substrings: str | None
    single: bool
    read_only: bool
    operational: bool


@dataclass(frozen=True, slots=True)
class ObjectClass:
    """One object class; `must` and `may` hold lower-case first names, superiors' included."""

    name: str
    kind: str
    superiors: frozenset[str]
    must: tuple[str, ...]
    may: frozenset[str]


class Description:
    """An attribute description: a type with options, such as `userCertificate;binary`; one object for each."""

    __slots__ = ("key", "options", "text", "type")

    def __init__(self, of: AttributeType, options: tuple[str, ...]) -> None:
        self.type = of
        self.options = options
        self.text = ";".join((of.name, *options))
        self.key = self.text.lower()

    def covers(self, other: Description) -> bool:
        """Whether asking for this asks for the other: the same type or one below it, with at least these options."""
        return self.type.name.lower() in other.type.superiors and set(self.options) <= set(other.options)


def _first(values: Iterable[bytes]) -> str:
    return next(iter(values)).decode()


class Schema:
    """The whole schema; immutable after it is made, so it may be shared between threads."""

    def __init__(self) -> None:
        self._types: dict[str, AttributeType] = {}
        self._classes: dict[str, ObjectClass] = {}
        for text in ATTRIBUTE_TYPES:
            self._add_type(AttributeTypeDescription(text))
        for text in OBJECT_CLASSES:
            self._add_class(ObjectClassDescription(text))
        self._descriptions: dict[str, Description] = {}
        self.dn: Callable[[str], Dn] = functools.lru_cache(maxsize=65536)(self._dn)
        self._relative = functools.lru_cache(maxsize=4096)(self._rdn)

    def _add_type(self, read: AttributeTypeDescription) -> None:
        above = self._types[read.sup.decode().lower()] if read.sup else None

        def rule(own: bytes | None, inherited: str | None) -> str | None:
            return own.decode() if own else inherited

        name = _first(read.name)
        syntax = rule(read.syntax, above.syntax if above else None) or ""
        made = AttributeType(
            name=name,
            superiors=frozenset({name.lower()}) | (above.superiors if above else frozenset()),
            syntax=syntax.partition("{")[0],
            equality=rule(read.equality, above.equality if above else None),
            ordering=rule(read.ordering, above.ordering if above else None),
            substrings=rule(read.substr, above.substrings if above else None),
            single=bool(read.single_value),
            read_only=bool(read.no_user_modification),
            operational=bool(read.usage and read.usage != b"userApplications"),
        )
        for known in (*(each.decode() for each in read.name), read.oid.decode()):
            self._types[known.lower()] = made

    def _add_class(self, read: ObjectClassDescription) -> None:
        above = [self._classes[each.decode().lower()] for each in read.sup]
        name = _first(read.name)

        def attributes(own: Iterable[bytes]) -> list[str]:
            known = (self._types.get(each.decode().lower()) for each in own)
            return [each.name.lower() for each in known if each is not None]

        made = ObjectClass(
            name=name,
            kind=(read.type or b"STRUCTURAL").decode(),
            superiors=frozenset({name.lower()}).union(*(each.superiors for each in above)),
            must=tuple(dict.fromkeys([*(each for sup in above for each in sup.must), *attributes(read.must)])),
            may=frozenset(attributes(read.may)).union(*(each.may for each in above)),
        )
        for known in (*(each.decode() for each in read.name), read.oid.decode()):
            self._classes[known.lower()] = made

    def has_subtypes(self, attribute: AttributeType) -> bool:
        """Whether other types take after this one, as `cn` and `sn` after `name`."""
        own = attribute.name.lower()
        return any(own in each.superiors and each is not attribute for each in self._types.values())

    def subclasses(self, name: str) -> list[str]:
        """Lower-case names of a class and of all that take after it."""
        return [each.name.lower() for each in set(self._classes.values()) if name in each.superiors]

    def object_class(self, name: bytes) -> ObjectClass | None:
        return self._classes.get(name.decode("utf-8", "replace").lower())

    def description(self, text: str) -> Description | None:
        """The description that a client wrote in some way; None where it knows no such type."""
        found = self._descriptions.get(text)
        if found is None and (type_ := self._types.get(text.partition(";")[0].lower())) is not None:
            options = tuple(sorted(each.lower() for each in text.split(";")[1:]))
            made = Description(type_, options)
            found = self._descriptions.setdefault(made.text, made)
            self._descriptions[text] = found
        return found

    def known(self, text: str) -> Description:
        """The description, or the refusal that an unknown attribute gets."""
        found = self.description(text)
        if found is None:
            raise Refused(Code.UNDEFINED_ATTRIBUTE_TYPE, f"{text}: attribute type undefined")
        return found

    # -- names

    def _dn(self, text: str) -> Dn:
        try:
            parsed = names.parse(text)
        except names.BadName as error:
            raise Refused(Code.INVALID_DN_SYNTAX, "invalid DN") from error
        relative = [self._relative(pairs) for pairs in parsed]
        printed = [names.print_name(spelled) for _, spelled in relative]
        keys = [",".join(key for key, _ in relative[cut:]) for cut in range(len(relative))] or [""]
        leaf = relative[0][1] if relative else ()
        return Dn(",".join(printed), keys[0], tuple(keys[1:]), leaf, ",".join(printed[1:]))

    def _rdn(self, pairs: tuple[names.Pair, ...]) -> tuple[str, tuple[names.Pair, ...]]:
        """Key and spelling of one relative name."""
        key: list[names.Pair] = []
        spelled: list[names.Pair] = []
        for attribute, value in pairs:
            found = self._types.get(attribute.lower())
            if found is None:
                raise Refused(Code.INVALID_DN_SYNTAX, "invalid DN")
            try:
                kept = self.kept(found, value.encode())
                normal = self.normal(found, kept)
                key.append((found.name.lower(), normal.decode("latin-1") if isinstance(normal, bytes) else str(normal)))
            except ValueError as error:
                raise Refused(Code.INVALID_DN_SYNTAX, "invalid DN") from error
            spelled.append((found.name, kept.decode()))
        if len({attribute for attribute, _ in key}) != len(key):
            raise Refused(Code.INVALID_DN_SYNTAX, "invalid DN")
        return names.print_name(tuple(sorted(key))), tuple(sorted(spelled))

    # -- values

    def kept(self, attribute: AttributeType, value: bytes) -> bytes:
        """The value as the server keeps it: names in its own spelling. ValueError where it is none of this syntax."""
        if attribute.syntax in (DN_SYNTAX, DN_AND_UID_SYNTAX):
            return self._name_value(value).text.encode()
        if attribute.name == "objectClass":
            if self.object_class(value) is None:
                raise ValueError(value)
            return value
        VALID.get(attribute.syntax, len)(value)
        return value

    def _name_value(self, value: bytes) -> Dn:
        try:
            return self.dn(value.decode())
        except Refused as error:
            raise ValueError(value) from error

    def normal(self, attribute: AttributeType, value: bytes, rule: str | None = None) -> Hashable:
        """The key of a value under the attribute's equality rule, or under `rule`; octets where there is no rule."""
        rule = rule or attribute.equality
        if rule in ("distinguishedNameMatch", "uniqueMemberMatch"):
            return self._name_value(value).key
        if rule == "objectIdentifierMatch":
            return self._identifier(attribute, value)
        return value if rule is None else NORMAL.get(rule, bytes)(value)

    def _identifier(self, attribute: AttributeType, value: bytes) -> str:
        name = value.decode("ascii").lower()
        known: ObjectClass | AttributeType | None
        known = self._types.get(name)
        if attribute.name in ("objectClass", "structuralObjectClass"):
            known = self._classes.get(name)
        return name if known is None else known.name.lower()

    # -- entries

    def classes_of(self, values: Collection[bytes]) -> list[ObjectClass]:
        """The classes of an entry's `objectClass`; each is known, since `kept` refused the others."""
        return [found for value in values if (found := self.object_class(value)) is not None]

    def structural_class(self, classes: Iterable[ObjectClass]) -> ObjectClass:
        """The most specific structural class, of which an entry has exactly one chain (RFC 4512 section 2.4.2)."""
        lowest: ObjectClass | None = None
        for each in classes:
            if each.kind != "STRUCTURAL" or (lowest is not None and each.name.lower() in lowest.superiors):
                continue
            if lowest is not None and lowest.name.lower() not in each.superiors:
                chain = f"invalid structural object class chain ({lowest.name}/{each.name})"
                raise Refused(Code.OBJECT_CLASS_VIOLATION, chain)
            lowest = each
        if lowest is None:
            raise Refused(Code.OBJECT_CLASS_VIOLATION, "no structural object class provided")
        return lowest

    def check_attributes(self, classes: Iterable[ObjectClass], present: Mapping[str, Description]) -> None:
        """Every required attribute is there, every user attribute is allowed; `present` by lower-case first name."""
        classes = list(classes)
        for each in classes:
            for must in each.must:
                if must not in present:
                    missing = f"object class '{each.name}' requires attribute '{self._types[must].name}'"
                    raise Refused(Code.OBJECT_CLASS_VIOLATION, missing)
        if any(each.name == "extensibleObject" for each in classes):
            return
        allowed = frozenset[str]().union(*(each.may.union(each.must) for each in classes))
        for name, description in present.items():
            if name not in allowed and not description.type.operational:
                raise Refused(Code.OBJECT_CLASS_VIOLATION, f"attribute '{description.type.name}' not allowed")
