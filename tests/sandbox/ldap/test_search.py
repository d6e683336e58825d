"""Searches of the embedded directory: what a filter finds, what is given back, pages and limits."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provisioner.sandbox.ldap import Code, LdapServer, SizeLimit
from tests.sandbox.ldap.client import ALL, PEOPLE, SERVICE, SUFFIX, Client, cookie, group, page, person

Connect = Callable[..., Client]


@pytest.fixture
def client(service: Client) -> Client:
    """The service name, with some people and a group there."""
    service.add(
        person("ada"),
        ["inetOrgPerson", "posixAccount"],
        {
            "cn": ["Ada Byron", "Ä*(b)\\"],
            "sn;lang-de": "Byron",
            "sn": "Lovelace",
            "uidNumber": "900",
            "gidNumber": "1",
            "homeDirectory": "/home/ada",
        },
    )
    service.add_person("bob", manager=person("ada"), mail="Bob@Example.test")
    service.add_group("admins", person("ada"))
    return service


FOUND = {
    "(uid=ADA)": ["ada"],
    "(cn=ada  byron)": ["ada"],
    "(cn=\\c3\\a4\\2a\\28b\\29\\5c)": ["ada"],
    "(cn=*\\2a*)": ["ada"],
    "(cn=a*by*n)": ["ada"],
    "(cn=*byron)": ["ada"],
    "(sn=byron)": ["ada"],
    "(surname;lang-de=byron)": ["ada"],
    "(name=lovelace)": ["ada"],
    "(uidNumber=900)": ["ada"],
    "(uidNumber=0900)": [],
    "(uidNumber>=901)": [],
    "(uidNumber<=1000)": ["ada"],
    "(homeDirectory=/HOME/ada)": [],
    "(mail=bob@example.TEST)": ["bob"],
    f"(manager=UID=Ada , OU=people,{SUFFIX})": ["bob"],
    f"(memberOf=CN=Admins,ou=groups,{SUFFIX})": ["ada"],
    "(memberOf=*)": ["ada"],
    "(&(objectClass=person)(!(memberOf=*)))": ["bob", "svc"],
    "(|(uid=ada)(mail=*))": ["ada", "bob"],
    "(nope=*)": [],
    "(!(nope=x))": [],
    "(|(nope=x)(uid=ada))": ["ada"],
    "(uid~=ada)": ["ada"],
    "(uid:caseExactMatch:=ADA)": [],
}


@pytest.mark.parametrize("filter_", FOUND)
def test_filters_find(client: Client, filter_: str) -> None:
    assert client.uids(filter_) == FOUND[filter_]


def test_scopes(client: Client) -> None:
    assert list(client.search(PEOPLE, ALL, scope="base")) == [PEOPLE]
    assert PEOPLE not in client.search(PEOPLE, ALL, scope="one")
    assert {PEOPLE, person("ada"), group("admins")} <= set(client.search(SUFFIX, ALL, scope="sub"))


def test_operational_attributes_come_only_when_they_are_asked_for(client: Client) -> None:
    plain, all_, named = (client.read(person("ada"), *each) for each in (["*"], ["*", "+"], ["entryUUID", "cn"]))
    assert set(plain) == {"objectClass", "uid", "cn", "sn", "sn;lang-de", "uidNumber", "gidNumber", "homeDirectory"}
    assert {"entryUUID", "entryCSN", "memberOf", "createTimestamp", "modifyTimestamp", "hasSubordinates"} <= set(all_)
    assert set(named) == {"entryUUID", "cn"}
    assert client.read(person("ada"), "1.1") == {}


def test_types_only_gives_names_without_values(client: Client) -> None:
    client.search(person("ada"), ALL, ["cn", "memberOf"], "base", types_only=True)
    (entry,) = client.connection.response
    assert set(entry["raw_attributes"]) == {"cn", "memberOf"}
    assert not any(entry["raw_attributes"].values())


def test_passwords_are_shown_to_those_who_may_change_them(server: LdapServer, client: Client, connect: Connect) -> None:
    client.modify(person("bob"), ("userPassword", "replace", "bobs-password"))
    bob = connect(person("bob"), "bobs-password")
    assert "userPassword" in bob.read(person("bob"))
    assert "userPassword" not in bob.read(SERVICE)
    assert bob.uids("(userPassword=*)") == ["bob"]
    assert client.uids("(userPassword=*)") == ["bob", "svc"]


def many(server: LdapServer, count: int) -> None:
    for number in range(count):
        server.add(person(f"n{number:03}"), {"objectClass": "inetOrgPerson", "cn": "N", "sn": "N"})


def test_pages_end_with_an_empty_cookie_and_miss_nobody(server: LdapServer, service: Client) -> None:
    many(server, 25)
    sizes, seen, given = [], set(), b""
    while True:
        found = service.search(PEOPLE, "(uid=n*)", controls=[page(10, given)])
        sizes.append(len(found))
        seen |= set(found)
        given = cookie(service)
        if not given:
            break
    assert sizes == [10, 10, 5]
    assert len(seen) == 25


def test_entries_that_come_and_go_between_pages_do_not_disturb_the_others(server: LdapServer, service: Client) -> None:
    many(server, 20)
    first = service.search(PEOPLE, "(uid=n*)", controls=[page(10)])
    given = cookie(service)
    server.delete(person("n000"))
    server.delete(person("n015"))
    server.add(person("n999"), {"objectClass": "inetOrgPerson", "cn": "N", "sn": "N"})
    second = service.search(PEOPLE, "(uid=n*)", controls=[page(100, given)])
    assert not set(first) & set(second)
    assert set(second) == {person(f"n{number:03}") for number in (*range(10, 15), *range(16, 20), 999)}


def test_a_cookie_of_another_connection_is_refused(server: LdapServer, service: Client, connect: Connect) -> None:
    many(server, 20)
    service.search(PEOPLE, "(uid=n*)", controls=[page(10)])
    other = connect(server.service_dn, server.service_password)
    assert other.search(PEOPLE, "(uid=n*)", controls=[page(10, cookie(service))]) == {}
    assert other.result["result"] == Code.PROTOCOL_ERROR


def test_an_old_or_made_up_cookie_is_refused(server: LdapServer, service: Client) -> None:
    many(server, 30)
    service.search(PEOPLE, "(uid=n*)", controls=[page(10)])
    old = cookie(service)
    service.search(PEOPLE, "(uid=n*)", controls=[page(10, old)])
    for given in (old, b"x", b"12345678"):
        assert service.search(PEOPLE, "(uid=n*)", controls=[page(10, given)]) == {}
        assert service.result["result"] == Code.PROTOCOL_ERROR


def test_paging_does_not_defeat_a_size_limit_unless_it_is_told_to(server: LdapServer, service: Client) -> None:
    many(server, 30)
    server.size_limit = 20

    def read() -> tuple[int, str]:
        found = service.connection.extend.standard.paged_search(PEOPLE, "(uid=n*)", paged_size=8, generator=False)
        return len(found), service.result["description"]

    assert read() == (20, "sizeLimitExceeded")
    server.paged_limit = None
    assert read() == (30, "success")
    server.paged_limit = 10
    assert read() == (10, "sizeLimitExceeded")


def test_limits_hold_everybody_but_the_root_name(server: LdapServer, root: Client, connect: Connect) -> None:
    many(server, 10)
    server.add(person("eve"), {"objectClass": "inetOrgPerson", "cn": "E", "sn": "E", "userPassword": "eves-password"})
    server.size_limit = 5
    server.limit(person("eve"), SizeLimit(7))
    eve, service = connect(person("eve"), "eves-password"), connect(SERVICE, server.service_password)
    counts = [len(each.search(PEOPLE, "(uid=n*)")) for each in (root, eve, service)]
    assert counts == [10, 7, 5]


def test_a_client_may_ask_for_less_than_the_limit(server: LdapServer, service: Client) -> None:
    many(server, 10)
    assert len(service.search(PEOPLE, "(uid=n*)", size_limit=3)) == 3
    assert service.result["result"] == Code.SIZE_LIMIT_EXCEEDED
