"""The schema that the embedded directory serves is one that a client which checks names can work with."""

from __future__ import annotations

from typing import Any

import ldap3
import pytest
from ldap3.core.exceptions import LDAPAttributeError, LDAPObjectClassError

from provisioner.sandbox.ldap import LdapServer
from tests.sandbox.ldap.client import PEOPLE, SUFFIX, person

POSIX = {"uidNumber": "1", "gidNumber": "1", "homeDirectory": "/home/x"}
ENTRIES = {
    "inetOrgPerson": ("inetOrgPerson", {"cn": "X", "sn": "X", "mail": "x@example.test", "employeeType": "managed"}),
    "posixAccount": (["inetOrgPerson", "posixAccount"], {"cn": "X", "sn": "X", "loginShell": "/bin/sh", **POSIX}),
    "shadowAccount": (["inetOrgPerson", "shadowAccount"], {"cn": "X", "sn": "X", "shadowExpire": "1"}),
    "ldapPublicKey": (["inetOrgPerson", "ldapPublicKey"], {"cn": "X", "sn": "X", "sshPublicKey": "ssh-ed25519 AAAA"}),
    "account": ("account", {"host": "x"}),
    "simpleSecurityObject": (["account", "simpleSecurityObject"], {"userPassword": "some-password"}),
    "extensibleObject": (["account", "extensibleObject"], {"mail": "x@example.test", "sn": "X"}),
}


def checking(server: LdapServer) -> Any:
    """A connection as careful as ldap3 can make it."""
    described = ldap3.Server(server.url, get_info=ldap3.ALL)
    return ldap3.Connection(
        described, server.service_dn, server.service_password, auto_bind=True, check_names=True, raise_exceptions=True
    )


@pytest.mark.parametrize("kind", ENTRIES)
def test_entries_of_every_kind_pass_a_client_that_checks_names(server: LdapServer, kind: str) -> None:
    classes, values = ENTRIES[kind]
    connection = checking(server)
    connection.add(person("x"), classes, {"uid": "x", **values})
    connection.modify(person("x"), {"description": [(ldap3.MODIFY_REPLACE, ["changed"])]})
    connection.modify(person("x"), {"pwdAccountLockedTime": [(ldap3.MODIFY_REPLACE, ["000001010000Z"])]})
    attributes = [name for name in values if name != "userPassword"]
    connection.search(person("x"), "(objectClass=*)", ldap3.BASE, attributes=[*attributes, "memberOf", "entryUUID"])
    entry = connection.response[0]["raw_attributes"]
    connection.unbind()
    assert {name: entry[name] for name in attributes} == {name: [values[name].encode()] for name in attributes}


def test_groups_of_every_kind_pass_a_client_that_checks_names(server: LdapServer) -> None:
    connection = checking(server)
    kinds = {
        "groupOfNames": {"member": person("x")},
        "groupOfUniqueNames": {"uniqueMember": person("x")},
        "posixGroup": {"gidNumber": "1", "memberUid": "x"},
        "organizationalUnit": {"description": "x"},
        "applicationProcess": {"description": "x"},
        "organization": {"description": "x"},
    }
    for kind, values in kinds.items():
        rdn = {"organizationalUnit": "ou", "organization": "o"}.get(kind, "cn")
        connection.add(f"{rdn}={kind},{SUFFIX}", kind, {rdn: kind, **values})
        assert connection.result["description"] == "success"
    connection.add(f"dc=below,{SUFFIX}", ["organization", "dcObject"], {"dc": "below", "o": "below"})
    connection.unbind()


def test_a_client_that_checks_names_refuses_what_the_schema_does_not_know(server: LdapServer) -> None:
    connection = checking(server)
    with pytest.raises(LDAPAttributeError):
        connection.search(PEOPLE, "(nope=x)")
    with pytest.raises(LDAPObjectClassError):
        connection.add(person("x"), ["nope"], {"uid": "x"})
    connection.unbind()


def test_the_root_dse_tells_what_the_server_can_do(server: LdapServer) -> None:
    connection = checking(server)
    info = connection.server.info
    connection.unbind()
    assert info.naming_contexts == [SUFFIX]
    assert info.supported_ldap_versions == ["3"]
    controls = {each[0] for each in info.supported_controls}
    assert {"1.2.840.113556.1.4.319", "1.3.6.1.1.12", "1.3.6.1.1.13.1", "1.3.6.1.1.13.2"} <= controls
    extensions = {each[0] for each in info.supported_extensions}
    assert extensions == {"1.3.6.1.4.1.4203.1.11.1", "1.3.6.1.4.1.4203.1.11.3"}


def test_the_root_dse_and_the_schema_are_all_that_nobody_may_read(server: LdapServer) -> None:
    connection = ldap3.Connection(ldap3.Server(server.url, get_info=ldap3.ALL), auto_bind=True)
    assert "inetOrgPerson" in connection.server.schema.object_classes
    assert not connection.search(SUFFIX, "(objectClass=*)", attributes=["*"])
    assert connection.result["description"] == "noSuchObject"
    connection.unbind()
