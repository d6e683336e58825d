"""The embedded directory as a server: starting, stopping, many clients, nonsense on the wire, what it tells a test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import ldap3
import pytest
from ldap3.core.exceptions import LDAPException

from provisioner.sandbox.ldap import LdapServer, Refused, SizeLimit
from tests.sandbox.ldap.client import ALL, GROUPS, PEOPLE, SUFFIX, Client, group, person

Connect = Callable[..., Client]


def test_starts_with_units_a_policy_and_the_service_account(server: LdapServer) -> None:
    assert list(server.entries()) == [
        SUFFIX,
        PEOPLE,
        GROUPS,
        f"ou=policies,{SUFFIX}",
        f"cn=default,ou=policies,{SUFFIX}",
        server.service_dn,
    ]
    assert server.entries()[f"cn=default,ou=policies,{SUFFIX}"]["pwdLockout"] == [b"TRUE"]


def test_another_suffix_and_a_service_name_that_is_no_person() -> None:
    suffix = "o=Acme\\, Inc"
    with LdapServer(suffix=suffix, service_dn=f"cn=provision,{suffix}", service_password="quite-secret") as server:
        client = Client(server.url, server.service_dn, "quite-secret")
        assert client.bound == 0
        assert list(client.search("o=acme\\2c inc", "(objectClass=inetOrgPerson)")) == []
        assert client.add(f"uid=ada,ou=people,{suffix}", "inetOrgPerson", {"cn": "Ada", "sn": "A"}) == 0
        client.close()


def test_stops_and_starts_again_on_the_same_port_with_its_entries() -> None:
    server = LdapServer()
    for round_ in range(3):
        server.start()
        url = server.url
        client = Client(url, server.service_dn, server.service_password)
        assert client.add_person(f"ada{round_}") == 0
        assert len(client.uids("(uid=ada*)")) == round_ + 1
        server.stop()
        with pytest.raises(LDAPException):
            client.search(PEOPLE)
        with pytest.raises(LDAPException):
            Client(url, server.service_dn, server.service_password)
    server.stop()


def test_two_servers_run_side_by_side() -> None:
    with LdapServer() as one, LdapServer() as other:
        assert one.url != other.url
        one.add(person("ada"), {"objectClass": "inetOrgPerson", "cn": "Ada", "sn": "A"})
        assert person("ada") not in other.entries()


def test_starting_twice_is_an_error(server: LdapServer) -> None:
    with pytest.raises(RuntimeError, match="running already"):
        server.start()


def test_requests_are_noted_by_operation_and_name(server: LdapServer, connect: Connect) -> None:
    client = connect(server.service_dn, server.service_password)
    server.requests.clear()
    client.add_person("ada")
    client.modify(person("ada"), ("sn", "replace", "x"))
    client.compare(person("ada"), "sn", "x")
    client.rename(person("ada"), "uid=eve")
    client.search(PEOPLE, "(uid=eve)")
    client.who_am_i()
    client.delete(person("eve"))
    assert server.requests == [
        ("add", person("ada")),
        ("modify", person("ada")),
        ("compare", person("ada")),
        ("modify_dn", person("ada")),
        ("search", PEOPLE),
        ("extended", ""),
        ("delete", person("eve")),
    ]
    assert server.count("search") == 1


def test_seeding_takes_operational_attributes_and_drops_those_that_are_worked_out(service: Client) -> None:
    with LdapServer() as server:
        server.add(
            person("ada"),
            {
                "objectClass": ["inetOrgPerson"],
                "cn": "Ada",
                "sn": "A",
                "jpegPhoto": b"\xff\xd8",
                "entryUUID": "11111111-2222-3333-4444-555555555555",
                "memberOf": group("none"),
                "pwdEndTime": "20200101000000Z",
            },
        )
        ada = server.entries()[person("ada")]
    assert ada["entryUUID"] == [b"11111111-2222-3333-4444-555555555555"]
    assert (ada["jpegPhoto"], ada["uid"], ada["pwdEndTime"]) == ([b"\xff\xd8"], [b"ada"], [b"20200101000000Z"])
    assert "memberOf" not in ada


def test_seeding_what_the_schema_forbids_is_refused(server: LdapServer) -> None:
    with pytest.raises(Refused, match="requires attribute 'sn'"):
        server.add(person("ada"), {"objectClass": "inetOrgPerson", "cn": "Ada"})


def test_ldif_is_loaded_with_folded_lines_base64_comments_and_escapes(server: LdapServer) -> None:
    server.load_ldif(
        f"""version: 1

# a comment
dn: cn=M\\C3\\BCller\\2C Zo\\c3\\ab,{PEOPLE}
objectClass: person
cn:: TcO8bGxlciwgWm/Dqw==
sn: Mül
 ler

dn: {group("staff")}
objectClass: groupOfNames
cn: staff
member: cn=Müller\\, Zoë,{PEOPLE}
"""
    )
    dn = f"cn=Müller\\2C Zoë,{PEOPLE}"
    zoe = server.entries()[dn]
    assert (zoe["sn"], zoe["cn"]) == (["Müller".encode()], ["Müller, Zoë".encode()])
    assert zoe["memberOf"] == [group("staff").encode()]
    assert server.entries()[group("staff")]["member"] == [dn.encode()]


def test_an_entry_deleted_behind_the_clients_backs_is_gone(server: LdapServer, service: Client) -> None:
    service.add_person("ada")
    server.delete(person("ada"))
    assert service.uids("(uid=ada)") == []


def test_size_limits_can_be_changed_while_it_runs(server: LdapServer, service: Client) -> None:
    for number in range(5):
        service.add_person(f"n{number}")

    def seen() -> tuple[int, str]:
        return len(service.search(PEOPLE, "(uid=n*)")), service.result["description"]

    assert seen() == (5, "success")
    server.size_limit = 3
    assert seen() == (3, "sizeLimitExceeded")
    server.limit(server.service_dn, SizeLimit(4))
    assert seen() == (4, "sizeLimitExceeded")
    server.limit(server.service_dn, SizeLimit())
    assert seen() == (5, "success")
    server.limit(server.service_dn, None)
    assert seen() == (3, "sizeLimitExceeded")


def test_many_clients_change_one_group_at_once(server: LdapServer, service: Client) -> None:
    assert service.add_group("all", person("first")) == 0
    codes: list[int] = []

    def work(number: int) -> None:
        client = Client(server.url, server.service_dn, server.service_password)
        for each in range(10):
            uid = f"w{number}-{each}"
            codes.append(client.add_person(uid))
            codes.append(client.modify(group("all"), ("member", "add", person(uid))))
        client.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 160
    assert len(server.entries()[group("all")]["member"]) == 81
    sequence = [entry["entryCSN"][0] for entry in server.entries().values()]
    assert len(set(sequence)) == len(sequence)


NONSENSE = {
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a set": b"\x31\x03\x02\x01\x01",
    "unknown operation": bytes.fromhex("30050201017f00"),
    "no operation": bytes.fromhex("3003020101"),
    "truncated inside": bytes.fromhex("3007020101630aff00"),
    "longer than any": bytes.fromhex("3084ffffffff"),
    "bind without credentials": bytes.fromhex("300702010160020201"),
}


@pytest.mark.parametrize("octets", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_ends_its_connection_and_no_other(
    server: LdapServer, service: Client, octets: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection((server.host, server.port), timeout=10) as raw:
        raw.sendall(octets)
        raw.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert b"1.3.6.1.4.1.1466.20036" in answer  # notice of disconnection
    assert service.search(SUFFIX, scope="base")
    assert capfd.readouterr() == ("", "")


def test_requests_that_come_in_pieces_and_together_are_all_answered(server: LdapServer) -> None:
    bind = bytes.fromhex("300c020101600702010304008000")
    with socket.create_connection((server.host, server.port), timeout=10) as raw:
        for octet in bind:
            raw.sendall(bytes([octet]))
        raw.sendall(bind + bind)
        answers = b""
        while answers.count(bytes.fromhex("61070a01000400")) < 3:
            answers += raw.recv(4096)


def test_a_big_group_goes_over_the_wire_whole(server: LdapServer, service: Client) -> None:
    members = [person(f"n{number:05}") for number in range(3000)]
    assert service.add_group("big", *members) == 0
    assert service.values(group("big"), "member") == members
    assert service.modify(group("big"), ("member", "delete", members[:1500])) == 0
    assert len(server.entries()[group("big")]["member"]) == 1500


def test_clients_that_pipeline_get_every_answer(server: LdapServer, service: Client) -> None:
    connection: Any = ldap3.Connection(
        server.url, server.service_dn, server.service_password, client_strategy=ldap3.ASYNC, auto_bind=True
    )
    classes = ["inetOrgPerson"]
    asked = [connection.add(person(f"n{number}"), classes, {"cn": "N", "sn": "N"}) for number in range(100)]
    codes = [connection.get_response(each)[1]["result"] for each in asked]
    connection.unbind()
    assert codes == [0] * 100
    assert len(service.search(PEOPLE, "(uid=n*)")) == 100


def test_thousands_of_entries_are_read_in_pages(server: LdapServer, service: Client) -> None:
    for number in range(3_000):
        values = {"objectClass": "inetOrgPerson", "cn": "N", "sn": "N", "mail": f"{number}@example.test"}
        server.add(person(f"n{number:05}"), values)
    server.requests.clear()
    found = service.connection.extend.standard.paged_search(
        PEOPLE, ALL, attributes=["mail"], paged_size=500, generator=False
    )
    assert len({entry["dn"] for entry in found}) == 3_000 + 2
    assert server.count("search") == 7
