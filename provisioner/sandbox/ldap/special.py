"""The two entries that lie outside the tree: the root DSE (RFC 4512 section 5.1) and `cn=Subschema` (section 4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from provisioner.sandbox.ldap import definitions
from provisioner.sandbox.ldap.schema import Schema
from provisioner.sandbox.ldap.tree import Attribute, Entry

if TYPE_CHECKING:
    from provisioner.sandbox.ldap.directory import Directory

PAGED_RESULTS = "1.2.840.113556.1.4.319"
ASSERTION = "1.3.6.1.1.12"
PRE_READ = "1.3.6.1.1.13.1"
POST_READ = "1.3.6.1.1.13.2"
PERMISSIVE_MODIFY = "1.2.840.113556.1.4.1413"
MANAGE_DSA_IT = "2.16.840.1.113730.3.4.2"
START_TLS = "1.3.6.1.4.1.1466.20037"
PASSWORD_MODIFY = "1.3.6.1.4.1.4203.1.11.1"
WHO_AM_I = "1.3.6.1.4.1.4203.1.11.3"
_INCREMENT = "1.3.6.1.1.14"
_ALL_OPERATIONAL = "1.3.6.1.4.1.4203.1.5.1"
_TRUE_FALSE_FILTERS = "1.3.6.1.4.1.4203.1.5.3"


def root_dse(directory: Directory) -> Entry:
    """What the server can do. OpenLDAP honours permissive modify without naming it here, and so does this one."""
    return _entry(
        directory.schema,
        "",
        {
            "objectClass": ["top", "OpenLDAProotDSE"],
            "namingContexts": [directory.suffix.text],
            "supportedControl": [MANAGE_DSA_IT, PAGED_RESULTS, POST_READ, PRE_READ, ASSERTION],
            "supportedExtension": [PASSWORD_MODIFY, WHO_AM_I],
            "supportedFeatures": [_INCREMENT, _ALL_OPERATIONAL, _TRUE_FALSE_FILTERS],
            "supportedLDAPVersion": ["3"],
            "subschemaSubentry": ["cn=Subschema"],
        },
    )


def subschema(directory: Directory) -> Entry:
    """The schema, for clients that read it before they speak."""
    return _entry(
        directory.schema,
        "cn=Subschema",
        {
            "objectClass": ["top", "subschema", "extensibleObject"],
            "cn": ["Subschema"],
            "attributeTypes": definitions.ATTRIBUTE_TYPES,
            "objectClasses": definitions.OBJECT_CLASSES,
            "matchingRules": definitions.MATCHING_RULES,
            "ldapSyntaxes": definitions.SYNTAXES,
        },
    )


def _entry(schema: Schema, dn: str, values: Mapping[str, Iterable[str]]) -> Entry:
    attributes: dict[str, Attribute] = {}
    for name, each in values.items():
        description = schema.known(name)
        octets = [value.encode() for value in each]
        by_key = {schema.normal(description.type, value): value for value in octets}
        attributes[name.lower()] = Attribute(description, by_key)
    return Entry(0, schema.dn(dn), attributes)
