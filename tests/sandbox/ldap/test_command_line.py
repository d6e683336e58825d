"""OpenLDAP's own programs work on the embedded directory, so that a person can look around in `provision sandbox`."""

from __future__ import annotations

import base64
import shutil
import subprocess

import pytest

from provisioner.sandbox.ldap import Code, LdapServer
from tests.rigs.need import need
from tests.sandbox.ldap.client import GROUPS, HOSTILE_NAMES, PEOPLE, Client, escaped, group, person


@pytest.fixture(autouse=True)
def _programs() -> None:
    missing = shutil.which("ldapsearch") is None
    need("ldapsearch is not installed (Debian, Ubuntu: apt-get install ldap-utils)" if missing else None)


def call(server: LdapServer, program: str, *arguments: str, given: str = "", code: int = 0) -> str:
    """Runs a program as the service name; what it prints."""
    command = [program, "-x", "-H", server.url, "-D", server.service_dn, "-w", server.service_password, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


def search(server: LdapServer, *arguments: str, code: int = 0) -> str:
    return call(server, "ldapsearch", "-LLL", "-o", "ldif-wrap=no", *arguments, code=code)


def test_a_person_lives_and_goes_by_command_line(server: LdapServer) -> None:
    ada, eve = person("ada"), person("eve")
    entry = f"dn: {ada}\nobjectClass: inetOrgPerson\nuid: ada\ncn: Ada\nsn: A\n\n"
    staff = f"dn: {group('staff')}\nobjectClass: groupOfNames\ncn: staff\nmember: {ada}\nmember: {eve}\n"
    call(server, "ldapadd", given=entry + staff)
    lock = f"dn: {ada}\nchangetype: modify\nreplace: pwdAccountLockedTime\npwdAccountLockedTime: 000001010000Z\n-\n"
    call(server, "ldapmodify", given=lock + "add: mail\nmail: ada@example.test\n")
    call(server, "ldapmodify", given=lock + "delete: mail\nmail: no\n", code=Code.NO_SUCH_ATTRIBUTE)
    call(server, "ldapcompare", ada, "mail:ADA@example.test", code=Code.COMPARE_TRUE)
    found = search(server, "-b", PEOPLE, "(mail=*)", "memberOf", "pwdAccountLockedTime")
    assert f"memberOf: {group('staff')}\n" in found
    assert "pwdAccountLockedTime: 000001010000Z\n" in found
    call(server, "ldapmodrdn", "-r", ada, "uid=ada2")
    assert f"member: {person('ada2')}\n" in search(server, "-b", GROUPS, "(cn=staff)")
    call(server, "ldapdelete", person("ada2"))
    assert "ada" not in search(server, "-b", GROUPS, "(cn=staff)", "member")
    call(server, "ldapdelete", PEOPLE, code=Code.NOT_ALLOWED_ON_NON_LEAF)


def test_pages_by_command_line(server: LdapServer) -> None:
    for number in range(25):
        server.add(person(f"n{number}"), {"objectClass": "inetOrgPerson", "cn": "N", "sn": "N"})
    server.requests.clear()
    found = search(server, "-b", PEOPLE, "-E", "pr=10/noprompt", "(uid=n*)", "1.1")
    assert found.count("dn: ") == 25
    assert server.count("search") == 3
    server.size_limit = 15
    found = search(server, "-b", PEOPLE, "-E", "pr=10/noprompt", "(uid=n*)", "1.1", code=Code.SIZE_LIMIT_EXCEEDED)
    assert found.count("dn: ") == 15


def test_controls_by_command_line(server: LdapServer) -> None:
    server.add(person("ada"), {"objectClass": "inetOrgPerson", "cn": "Ada", "sn": "A"})
    change = f"dn: {person('ada')}\nchangetype: modify\nreplace: title\ntitle: T\n"
    call(server, "ldapmodify", "-e", "!assert=(title=*)", given=change, code=Code.ASSERTION_FAILED)
    shown = call(server, "ldapmodify", "-e", "!preread=sn", "-e", "!postread=title", given=change)
    assert "title: T\n" in shown
    assert "sn: A\n" in shown


def test_passwords_and_identity_by_command_line(server: LdapServer) -> None:
    server.add(person("ada"), {"objectClass": "inetOrgPerson", "cn": "Ada", "sn": "A"})
    assert call(server, "ldapwhoami") == f"dn:{server.service_dn}\n"
    call(server, "ldappasswd", "-s", "some-password", person("ada"))
    made = call(server, "ldappasswd", person("svc")).removeprefix("New password: ").strip()
    for dn, password in ((person("ada"), "some-password"), (server.service_dn, made)):
        client = Client(server.url, dn, password)
        assert client.bound == 0
        client.close()


def test_hostile_names_survive_the_command_line(server: LdapServer) -> None:
    for name in HOSTILE_NAMES:
        written = base64.b64encode(name.encode()).decode()
        entry = f"dn: cn={escaped(name)},{PEOPLE}\nobjectClass: person\ncn:: {written}\nsn:: {written}\n"
        call(server, "ldapadd", given=entry)
    stored = [entry for entry in server.entries().values() if entry["objectClass"] == [b"person"]]
    assert [entry["cn"] for entry in stored] == [entry["sn"] for entry in stored]
    assert [entry["cn"][0].decode() for entry in stored] == list(HOSTILE_NAMES)
    listed = search(server, "-b", PEOPLE, "(&(objectClass=person)(!(uid=*)))", "1.1")
    names = [line.split(": ", 1) for line in listed.splitlines() if line]
    found = [base64.b64decode(value).decode() if kind == "dn:" else value for kind, value in names]
    for dn in found:
        call(server, "ldapdelete", dn)
    assert len(found) == len(HOSTILE_NAMES)
    assert not [entry for entry in server.entries().values() if entry["objectClass"] == [b"person"]]
