"""The slapd rig does what tests that stand on it rely on."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ldap3
import pytest
from ldap3.core.exceptions import (
    LDAPConstraintViolationResult,
    LDAPException,
    LDAPInsufficientAccessRightsResult,
    LDAPNoSuchAttributeResult,
    LDAPSocketOpenError,
)

from tests.rigs.ldif import bulk, entry, members_of, user_name
from tests.rigs.slapd import Slapd
from tests.rigs.tls import Authority

NewSlapd = Callable[..., Slapd]
ALL = "(objectClass=*)"


def add_person(slapd: Slapd, uid: str, **attributes: Any) -> str:
    """Add a person with the password `old-password`, as the rootdn; returns the DN."""
    dn = f"uid={uid},{slapd.people}"
    values = {"cn": uid, "sn": uid, "userPassword": "old-password", **attributes}
    connection = slapd.connection()
    connection.add(dn, ["inetOrgPerson", *attributes.pop("objectClass", [])], values)
    connection.unbind()
    return dn


def test_reset_forgets_data_and_configuration(slapd: Slapd) -> None:
    before = slapd.dump()
    add_person(slapd, "ada")
    config = slapd.connection("cn=admin,cn=config", slapd.admin_password)
    config.modify("olcDatabase={1}mdb,cn=config", {"olcReadOnly": [(ldap3.MODIFY_REPLACE, ["TRUE"])]})
    config.unbind()
    url = slapd.url
    slapd.reset()
    assert slapd.dump() == before
    assert slapd.url == url
    add_person(slapd, "ada")


def test_unpaged_search_stops_at_the_size_limit_and_a_paged_one_does_not(new_slapd: NewSlapd) -> None:
    slapd = new_slapd(size_soft=10, size_hard=20)
    slapd.load(bulk(30, 0))
    slapd.start()
    service = slapd.connection(slapd.service_dn, slapd.service_password)
    # ldap3 does not raise on this result, whatever `raise_exceptions` says.
    service.search(slapd.people, ALL)
    assert (service.result["description"], len(service.response)) == ("sizeLimitExceeded", 10)
    found = service.extend.standard.paged_search(slapd.people, ALL, paged_size=7, generator=False)
    assert len(found) == 30 + 3  # the unit, svc and reader
    service.unbind()


def test_a_total_limit_cuts_a_paged_search(new_slapd: NewSlapd) -> None:
    slapd = new_slapd(size_prtotal=12)
    slapd.load(bulk(30, 0))
    slapd.start()
    reader = slapd.connection(slapd.reader_dn, slapd.service_password)
    found = reader.extend.standard.paged_search(slapd.people, ALL, paged_size=5, generator=False)
    assert (reader.result["description"], len(found) <= 12) == ("sizeLimitExceeded", True)
    reader.unbind()


def test_reader_reads_and_cannot_write(slapd: Slapd) -> None:
    dn = add_person(slapd, "ada")
    reader = slapd.connection(slapd.reader_dn, slapd.service_password)
    reader.search(dn, ALL, ldap3.BASE, attributes=["*"])
    assert "userPassword" not in reader.entries[0]
    with pytest.raises(LDAPInsufficientAccessRightsResult):
        reader.modify(dn, {"description": [(ldap3.MODIFY_REPLACE, ["x"])]})
    reader.unbind()


@pytest.mark.parametrize(("pwd_lockout", "may_bind"), [(True, False), (False, True)])
def test_a_lock_bites_only_where_the_policy_has_lockout(new_slapd: NewSlapd, pwd_lockout: bool, may_bind: bool) -> None:
    with new_slapd(pwd_lockout=pwd_lockout) as slapd:
        dn = add_person(slapd, "ada")
        assert slapd.can_bind(dn, "old-password")
        service = slapd.connection(slapd.service_dn, slapd.service_password)
        service.modify(dn, {"pwdAccountLockedTime": [(ldap3.MODIFY_REPLACE, ["000001010000Z"])]})
        service.unbind()
        assert slapd.can_bind(dn, "old-password") is may_bind


def test_without_ppolicy_there_is_no_lock_attribute(new_slapd: NewSlapd) -> None:
    with new_slapd(ppolicy=False) as slapd:
        dn = add_person(slapd, "ada")
        admin = slapd.connection()
        with pytest.raises(LDAPException, match="undefinedAttributeType"):
            admin.modify(dn, {"pwdAccountLockedTime": [(ldap3.MODIFY_REPLACE, ["000001010000Z"])]})
        admin.unbind()


def test_member_of_follows_the_group_and_a_deleted_sole_member_is_replaced(slapd: Slapd) -> None:
    ada = add_person(slapd, "ada")
    group = f"cn=crew,{slapd.groups}"
    admin = slapd.connection()
    admin.add(group, ["groupOfNames"], {"member": [ada]})
    assert slapd.dump(ada, attributes=["memberOf"])[ada] == {"memberOf": [group.encode()]}
    admin.delete(ada)
    member = {"member": [slapd.admin_dn.encode()]}
    # refint works in the background, a moment after the answer: ask a bounded number of times.
    assert any(slapd.dump(group, attributes=["member"])[group] == member for _ in range(2000))
    admin.unbind()


def test_uid_numbers_are_unique(slapd: Slapd) -> None:
    posix = {"objectClass": ["posixAccount"], "uidNumber": 1, "gidNumber": 1, "homeDirectory": "/home/x"}
    add_person(slapd, "ada", **posix)
    with pytest.raises(LDAPConstraintViolationResult):
        add_person(slapd, "bob", **posix)


def test_ssh_keys_need_the_lpk_schema(new_slapd: NewSlapd, slapd: Slapd) -> None:
    key = "ssh-ed25519 AAAAC3 ada"
    with new_slapd(lpk=True) as other:
        dn = add_person(other, "ada", objectClass=["ldapPublicKey"], sshPublicKey=key)
        assert other.dump(dn)[dn]["sshPublicKey"] == [key.encode()]
    with pytest.raises(LDAPException):
        add_person(slapd, "ada", objectClass=["ldapPublicKey"], sshPublicKey=key)


@pytest.mark.parametrize("start_tls", [True, False])
def test_certificate_is_checked_against_the_own_ca(slapd: Slapd, tmp_path: Path, start_tls: bool) -> None:
    def connect(ca_file: Path) -> Any:
        tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(ca_file))
        server = ldap3.Server(slapd.url if start_tls else slapd.ldaps_url, tls=tls, get_info=ldap3.NONE)
        bind = ldap3.AUTO_BIND_TLS_BEFORE_BIND if start_tls else ldap3.AUTO_BIND_NO_TLS
        return ldap3.Connection(server, slapd.service_dn, slapd.service_password, auto_bind=bind)

    connect(slapd.ca_file).unbind()
    stranger = Authority.new("somebody else").write(tmp_path / "other.crt")
    with pytest.raises(LDAPException, match=r"(?i)certificate"):
        connect(stranger)


def test_kill_and_freeze_look_like_an_outage_and_data_survives(slapd: Slapd) -> None:
    dn = add_person(slapd, "ada")
    slapd.freeze()
    with pytest.raises(LDAPException):
        slapd.connection(timeout=1)
    slapd.thaw()
    assert dn in slapd.dump()
    slapd.kill()
    assert not slapd.running
    with pytest.raises(LDAPSocketOpenError):
        slapd.connection(timeout=1)
    slapd.start()
    assert dn in slapd.dump()


def test_bulk_load_is_what_the_overlays_would_have_made(new_slapd: NewSlapd) -> None:
    slapd = new_slapd()
    slapd.load(bulk(20, 3, members=6))
    slapd.start()
    first = f"cn=grp0000,{slapd.groups}"
    dns = {f"uid={user_name(n)},{slapd.people}" for n in members_of(0, 20, 6)}
    admin = slapd.connection()
    admin.search(slapd.people, f"(memberOf={first})")
    assert {e["dn"] for e in admin.response} == dns
    one = sorted(dns)[0]
    admin.modify(first, {"member": [(ldap3.MODIFY_DELETE, [one])]})
    assert first.encode() not in slapd.dump(one, attributes=["memberOf"])[one].get("memberOf", [])
    with pytest.raises(LDAPNoSuchAttributeResult):
        admin.modify(first, {"member": [(ldap3.MODIFY_DELETE, [one])]})
    admin.unbind()


@pytest.mark.parametrize(
    "value", ["plain", " lead", "trail ", "#x", ":x", "<x", "ümlaut", "a\nb", 'a,+"\\*()', "🦊", b"\0\xff"]
)
def test_ldif_values_are_literal(new_slapd: NewSlapd, value: str | bytes) -> None:
    slapd = new_slapd()
    dn = f"uid=ada,{slapd.people}"
    # jpegPhoto is compared as bytes, so nothing is normalised away on the way.
    slapd.load(
        entry(dn, {"objectClass": ["inetOrgPerson"], "uid": ["ada"], "cn": ["a"], "sn": ["a"], "jpegPhoto": [value]})
    )
    slapd.start()
    assert slapd.dump(dn)[dn]["jpegPhoto"] == [value.encode() if isinstance(value, str) else value]
