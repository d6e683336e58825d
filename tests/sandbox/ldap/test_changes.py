"""Additions, modifications, renames and deletions, and what hangs on them: memberOf, references, atomicity, codes."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from provisioner.sandbox.ldap import Code, LdapServer
from tests.sandbox.ldap.client import (
    GROUPS,
    LOCKED_FOR_EVER,
    PEOPLE,
    PERMISSIVE,
    ROOT,
    SUFFIX,
    Client,
    assertion,
    group,
    person,
    post_read,
    pre_read,
)

ADA, BOB = person("ada"), person("bob")


@pytest.fixture
def client(service: Client) -> Client:
    """The service name, with two people there."""
    assert service.add_person("ada") == service.add_person("bob") == 0
    return service


def test_the_last_member_of_a_group_cannot_be_removed(client: Client) -> None:
    assert client.add(group("admins"), "groupOfNames", {"cn": "admins"}) == Code.OBJECT_CLASS_VIOLATION
    assert client.add_group("admins", ADA) == 0
    assert client.modify(group("admins"), ("member", "delete", ADA)) == Code.OBJECT_CLASS_VIOLATION
    assert client.values(group("admins"), "member") == [ADA]


def test_present_and_absent_members_have_their_own_codes(client: Client) -> None:
    client.add_group("admins", ADA)
    admins = group("admins")
    assert client.modify(admins, ("member", "add", ADA.upper())) == Code.ATTRIBUTE_OR_VALUE_EXISTS
    assert client.modify(admins, ("member", "delete", BOB)) == Code.NO_SUCH_ATTRIBUTE
    assert client.modify(group("none"), ("member", "add", ADA)) == Code.NO_SUCH_OBJECT
    assert client.result["dn"] == GROUPS


def test_a_modification_that_fails_in_its_middle_changes_nothing(server: LdapServer, client: Client) -> None:
    before = server.entries()[ADA]
    changes = (("title", "add", "T"), ("mail", "replace", ["a@b.test"]), ("cn", "delete", "no such"))
    assert client.modify(ADA, *changes) == Code.NO_SUCH_ATTRIBUTE
    assert server.entries()[ADA] == before


def test_the_permissive_control_forgives_what_is_so_already(client: Client) -> None:
    client.add_group("admins", ADA)
    admins = group("admins")
    assert client.modify(admins, ("member", "add", [ADA, BOB]), controls=[PERMISSIVE]) == 0
    assert client.modify(admins, ("member", "delete", [person("eve"), BOB]), controls=[PERMISSIVE]) == 0
    assert client.modify(ADA, ("mail", "delete", []), controls=[PERMISSIVE]) == 0
    assert client.values(admins, "member") == [ADA]


def test_the_permissive_control_does_not_forgive_a_last_absent_value_as_in_slapd(client: Client) -> None:
    client.add_group("admins", ADA, BOB)
    absent_last = ("member", "delete", [BOB, person("eve")])
    assert client.modify(group("admins"), absent_last, controls=[PERMISSIVE]) == Code.NO_SUCH_ATTRIBUTE
    assert client.values(group("admins"), "member") == [ADA, BOB]


def test_member_of_follows_the_groups_and_cannot_be_written(client: Client) -> None:
    client.add_group("admins", ADA)
    assert client.values(ADA, "memberOf") == [group("admins")]
    assert "memberOf" not in client.read(ADA, "*")
    assert client.modify(ADA, ("memberOf", "delete", [])) == Code.CONSTRAINT_VIOLATION
    client.rename(group("admins"), "cn=bosses")
    assert client.values(ADA, "memberOf") == [group("bosses")]
    client.delete(group("bosses"))
    assert client.values(ADA, "memberOf") == []


def test_member_of_tells_of_group_of_names_alone(client: Client) -> None:
    client.add(group("u"), "groupOfUniqueNames", {"cn": "u", "uniqueMember": ADA})
    client.add(group("x"), ["organizationalRole", "extensibleObject"], {"cn": "x", "member": ADA})
    assert client.values(ADA, "memberOf") == []


def test_references_follow_a_rename_and_go_with_a_deletion(client: Client) -> None:
    client.add_group("admins", ADA, BOB)
    client.add(group("u"), "groupOfUniqueNames", {"cn": "u", "uniqueMember": [ADA, BOB], "owner": ADA})
    client.modify(BOB, ("manager", "add", [ADA, person("eve")]), ("seeAlso", "add", [ADA, person("eve")]))
    moved = person("ada2")
    assert client.rename(ADA, "uid=ada2") == 0
    assert set(client.values(group("admins"), "member")) == {BOB, moved}
    assert set(client.values(group("u"), "uniqueMember")) == {BOB, moved}
    assert client.values(group("u"), "owner") == [moved]
    assert set(client.values(BOB, "manager")) == {person("eve"), moved}
    assert client.delete(moved) == 0
    assert client.values(group("admins"), "member") == [BOB]
    assert client.values(group("u"), "uniqueMember") == [BOB]
    assert client.values(BOB, "seeAlso") == [person("eve")]
    assert client.values(group("u"), "owner") == [ROOT]


def test_the_last_member_that_is_deleted_leaves_the_root_name_or_dangles() -> None:
    for nothing, left in (("", ROOT), (f"cn=none,{SUFFIX}", f"cn=none,{SUFFIX}"), (None, ADA)):
        with LdapServer(refint_nothing=nothing) as server:
            client = Client(server.url, server.service_dn, server.service_password)
            client.add_person("ada")
            client.add_group("admins", ADA)
            assert client.delete(ADA) == 0
            assert client.values(group("admins"), "member") == [left]
            client.close()


def test_references_can_be_cleaned_after_the_answer_as_slapd_does() -> None:
    with LdapServer(refint_delay=3600) as server:
        client = Client(server.url, server.service_dn, server.service_password)
        client.add_person("ada")
        client.add_group("admins", ADA, BOB)
        client.delete(ADA)
        assert client.values(group("admins"), "member") == [ADA, BOB]
        waiting = [each for each in threading.enumerate() if isinstance(each, threading.Timer)]
        client.close()
        for each in waiting:
            each.cancel()
    with LdapServer(refint_delay=0.01) as server:
        client = Client(server.url, server.service_dn, server.service_password)
        client.add_person("ada")
        client.add_group("admins", ADA, BOB)
        client.delete(ADA)
        client.close()
    assert server.entries()[group("admins")]["member"] == [BOB.encode()]  # stop() waits for what is still to be done


def test_a_branch_moves_with_all_below_it(client: Client) -> None:
    client.add_group("admins", ADA)
    assert client.rename(PEOPLE, "ou=staff") == 0
    moved = f"uid=ada,ou=staff,{SUFFIX}"
    assert client.values(moved, "memberOf") == [group("admins")]
    assert client.values(group("admins"), "member") == [moved]
    assert client.search(ADA) == {}


def test_a_branch_with_entries_cannot_be_deleted(client: Client) -> None:
    assert client.delete(PEOPLE) == Code.NOT_ALLOWED_ON_NON_LEAF


def test_a_deleted_entry_that_comes_back_has_another_id(client: Client) -> None:
    before = client.values(ADA, "entryUUID")
    client.delete(ADA)
    client.add_person("ada")
    assert client.values(ADA, "entryUUID") != before


def test_every_change_has_its_own_sequence_number(client: Client) -> None:
    numbers = []
    for title in "abc":
        client.modify(ADA, ("title", "replace", title))
        numbers += client.values(ADA, "entryCSN")
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 3


def test_an_assertion_guards_a_change_by_sequence_number_and_by_value(client: Client) -> None:
    (number,) = client.values(ADA, "entryCSN")
    title = ("title", "replace", "T")
    assert client.modify(ADA, title, controls=[assertion(f"(entryCSN={number})")]) == 0
    assert client.modify(ADA, title, controls=[assertion(f"(entryCSN={number})")]) == Code.ASSERTION_FAILED
    assert client.delete(ADA, [assertion("(employeeType=managed)")]) == Code.ASSERTION_FAILED
    assert client.delete(ADA, [assertion("(nope=x)")]) == Code.ASSERTION_FAILED
    assert client.delete(ADA, [assertion("(!(nope=x))")]) == Code.ASSERTION_FAILED
    assert client.delete(ADA, [assertion("(title=t)")]) == 0


def test_read_controls_prove_a_change_in_the_same_operation(client: Client) -> None:
    lock = ("pwdAccountLockedTime", "replace", LOCKED_FOR_EVER)
    controls = [pre_read("pwdAccountLockedTime"), post_read("pwdAccountLockedTime", "entryCSN")]
    assert client.modify(ADA, lock, controls=controls) == 0
    before, after = (client.result["controls"][f"1.3.6.1.1.13.{which}"]["value"]["result"] for which in (1, 2))
    assert before == {}
    assert after["pwdAccountLockedTime"] == [LOCKED_FOR_EVER]
    assert after["entryCSN"] == client.values(ADA, "entryCSN")


@pytest.mark.parametrize("operation", ["add", "modify", "delete", "rename", "compare", "search"])
def test_an_unknown_critical_control_is_refused_everywhere(client: Client, operation: str) -> None:
    controls = [("1.2.3.4", True, None)]
    ask: dict[str, Callable[[], object]] = {
        "add": lambda: client.add(person("eve"), "inetOrgPerson", {"cn": "E", "sn": "E"}, controls),
        "modify": lambda: client.modify(ADA, ("sn", "replace", "x"), controls=controls),
        "delete": lambda: client.delete(ADA, controls),
        "rename": lambda: client.rename(ADA, "uid=x", controls=controls),
        "compare": lambda: client.compare(ADA, "sn", "S", controls),
        "search": lambda: client.search(PEOPLE, controls=controls),
    }
    ask[operation]()
    assert client.result["result"] == Code.UNAVAILABLE_CRITICAL_EXTENSION


def test_only_root_and_service_may_write(server: LdapServer, client: Client) -> None:
    server.add(person("eve"), {"objectClass": "inetOrgPerson", "cn": "E", "sn": "E", "userPassword": "eves-password"})
    eve, nobody = Client(server.url, person("eve"), "eves-password"), Client(server.url)
    assert eve.modify(ADA, ("sn", "replace", "x")) == eve.delete(ADA) == eve.add_person("x") == Code.INSUFFICIENT_ACCESS
    assert nobody.modify(ADA, ("sn", "replace", "x")) == nobody.delete(ADA) == Code.STRONGER_AUTH_REQUIRED
    assert eve.uids("(uid=ada)") == ["ada"]
    assert nobody.uids("(uid=ada)") == []
    eve.close()
    nobody.close()
