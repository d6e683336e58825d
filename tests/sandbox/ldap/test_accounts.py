"""Who may bind to the embedded directory: passwords, locks, ends, and the password modify operation."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import ldap3
import pytest

from provisioner.sandbox.ldap import Code, LdapServer
from tests.sandbox.ldap.client import LOCKED_FOR_EVER, PEOPLE, SUFFIX, Client, person

Connect = Callable[..., Client]
ADA = person("ada")
LOCK = ("pwdAccountLockedTime", "replace", LOCKED_FOR_EVER)
DENIED = Code.INVALID_CREDENTIALS


@pytest.fixture
def client(service: Client) -> Client:
    """The service name, with an account that has a password."""
    assert service.add_person("ada", userPassword="first-password") == 0
    return service


STORED = {
    "clear": "some-password",
    "SHA": "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=",
    "MD5": "{MD5}X03MO1qnZdYdgyfeuILPmQ==",
}


def test_passwords_are_kept_as_hashes_and_hashes_as_they_are(server: LdapServer, client: Client) -> None:
    (stored,) = server.entries()[ADA]["userPassword"]
    assert stored.startswith(b"{SSHA}")
    client.modify(ADA, ("userPassword", "replace", STORED["SHA"]))
    assert server.entries()[ADA]["userPassword"] == [STORED["SHA"].encode()]


@pytest.mark.parametrize("kind", ["clear", "SHA", "MD5"])
def test_stored_passwords_of_every_scheme_bind(client: Client, connect: Connect, kind: str) -> None:
    password = "password" if kind != "clear" else "some-password"
    client.modify(ADA, ("userPassword", "replace", STORED[kind]))
    assert connect(ADA, password).bound == 0
    assert connect(ADA, "wrong").bound == DENIED


def test_a_lock_and_an_end_keep_out_with_the_same_answer_as_a_wrong_password(client: Client, connect: Connect) -> None:
    answers = [connect(ADA, "wrong").result]
    client.modify(ADA, LOCK)
    answers.append(connect(ADA, "first-password").result)
    client.modify(ADA, ("pwdAccountLockedTime", "delete", []), ("pwdEndTime", "replace", "20200101000000Z"))
    answers.append(connect(ADA, "first-password").result)
    assert [(each["result"], each["message"]) for each in answers] == [(DENIED, "")] * 3


def test_a_lock_does_not_end_a_connection_that_is_bound(client: Client, connect: Connect) -> None:
    ada = connect(ADA, "first-password")
    client.modify(ADA, LOCK)
    assert ada.uids("(uid=ada)") == ["ada"]


def test_a_new_password_takes_a_lock_away_but_no_end(client: Client, connect: Connect) -> None:
    client.modify(ADA, LOCK)
    client.set_password(ADA, None, "second-password")
    assert connect(ADA, "second-password").bound == 0
    client.modify(ADA, ("pwdEndTime", "replace", "20200101000000Z"))
    client.set_password(ADA, None, "third-password")
    assert connect(ADA, "third-password").bound == DENIED


def test_a_lock_set_with_a_new_password_holds_only_where_there_was_none(client: Client, connect: Connect) -> None:
    client.modify(ADA, ("userPassword", "replace", "second-password"), LOCK)
    assert connect(ADA, "second-password").bound == DENIED
    client.modify(ADA, ("userPassword", "replace", "third-password"), LOCK)
    assert connect(ADA, "third-password").bound == 0


def test_without_lockout_in_the_policy_a_lock_does_not_bite(client: Client, root: Client, connect: Connect) -> None:
    root.modify(f"cn=default,ou=policies,{SUFFIX}", ("pwdLockout", "replace", "FALSE"))
    client.modify(ADA, LOCK)
    assert connect(ADA, "first-password").bound == 0


def test_five_failures_lock_until_the_lock_is_removed(client: Client, connect: Connect) -> None:
    for _ in range(5):
        connect(ADA, "wrong")
    assert connect(ADA, "first-password").bound == DENIED
    client.modify(ADA, ("pwdAccountLockedTime", "delete", []))
    assert connect(ADA, "first-password").bound == 0


def test_locks_by_failures_and_ends_go_by_the_servers_clock() -> None:
    now = datetime.datetime(2030, 1, 1, tzinfo=datetime.UTC)
    with LdapServer(clock=lambda: now) as server:
        root = Client(server.url, server.root_dn, server.root_password)
        root.modify(f"cn=default,ou=policies,{SUFFIX}", ("pwdLockoutDuration", "replace", "60"))
        root.add_person("ada", userPassword="first-password", pwdEndTime="20300102000000Z")
        for _ in range(5):
            Client(server.url, ADA, "wrong").close()

        def bound() -> int:
            client = Client(server.url, ADA, "first-password")
            client.close()
            return client.bound

        assert bound() == DENIED
        now += datetime.timedelta(seconds=61)
        assert bound() == 0
        now += datetime.timedelta(days=1)
        assert bound() == DENIED
        root.close()


def test_the_server_makes_a_password_where_none_is_given(client: Client, connect: Connect) -> None:
    made = client.set_password(ADA, None, None)
    assert connect(ADA, made).bound == 0


def test_a_person_changes_their_own_password_only(client: Client, connect: Connect) -> None:
    ada = connect(ADA, "first-password")
    assert not ada.set_password(None, "wrong", "second-password")
    assert ada.result["result"] == Code.UNWILLING_TO_PERFORM
    assert ada.set_password(None, "first-password", "second-password")
    assert connect(ADA, "second-password").bound == 0
    assert not ada.set_password(person("svc"), None, "second-password")
    assert ada.result["result"] == Code.INSUFFICIENT_ACCESS
    nobody = connect()
    assert not nobody.set_password(ADA, None, "third-password")
    assert nobody.result["result"] == Code.STRONGER_AUTH_REQUIRED


def test_a_password_that_root_reset_must_be_changed_first(client: Client, root: Client, connect: Connect) -> None:
    root.modify(ADA, ("userPassword", "replace", "second-password"))
    ada = connect(ADA, "second-password")
    assert (ada.bound, ada.search(PEOPLE), ada.result["result"]) == (0, {}, Code.INSUFFICIENT_ACCESS)
    assert ada.set_password(None, None, "third-password")
    assert ada.uids("(uid=ada)") == ["ada"]


def test_who_am_i_tells_the_bound_name(server: LdapServer, client: Client, connect: Connect) -> None:
    assert client.who_am_i() == f"dn:{server.service_dn}"
    assert not connect().who_am_i()


def test_a_failed_bind_leaves_a_connection_as_nobody(server: LdapServer, client: Client) -> None:
    connection = client.connection
    assert not connection.rebind(server.service_dn, "wrong")
    assert client.search(PEOPLE) == {}
    assert client.result["result"] == Code.NO_SUCH_OBJECT


def test_other_ways_to_bind_are_refused(server: LdapServer) -> None:
    connection = ldap3.Connection(
        server.url, authentication=ldap3.SASL, sasl_mechanism="PLAIN", sasl_credentials=(None, "a", "b")
    )
    assert not connection.bind()
    assert connection.result["result"] == Code.AUTH_METHOD_NOT_SUPPORTED
    connection.unbind()


def test_start_tls_is_refused_and_the_connection_goes_on(server: LdapServer, client: Client) -> None:
    answer = client.connection.extended("1.3.6.1.4.1.1466.20037")
    assert not answer
    assert client.result["result"] == Code.UNAVAILABLE
    assert client.uids("(uid=ada)") == ["ada"]
