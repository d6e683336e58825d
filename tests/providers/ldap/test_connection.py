"""How the server is reached: encryption that is checked, no empty password, and a reader that cannot write."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ldap3.core.exceptions import LDAPConnectionIsReadOnlyError

from provisioner.contract import Failed, ProviderError, Trouble, Unknown
from provisioner.model.change import Action
from provisioner.providers.ldap import PROVIDER, LdapProvider
from provisioner.providers.ldap.calls import WriteCalls
from provisioner.providers.ldap.connection import Limits, Link
from tests.providers.ldap.conftest import rig_of_slapd
from tests.providers.ldap.rig import ENVIRON, Rig, change, membership
from tests.rigs.proxy import Proxy
from tests.rigs.slapd import Slapd
from tests.rigs.tls import Authority


@pytest.mark.parametrize("how", ["ldaps", "start_tls"])
def test_an_encrypted_connection_with_the_right_authority(slapd: Slapd, real: Rig, how: str) -> None:
    settings: dict[str, Any] = {"ca_file": str(slapd.ca_file)}
    settings |= {"url": slapd.ldaps_url} if how == "ldaps" else {"start_tls": True}

    assert real.read(**settings).coverage.complete


@pytest.mark.parametrize("how", ["ldaps", "start_tls"])
@pytest.mark.parametrize("trusts", ["other", "system"])
def test_a_certificate_of_an_unknown_authority_is_refused(
    slapd: Slapd, real: Rig, tmp_path: Path, how: str, trusts: str
) -> None:
    settings: dict[str, Any] = {"url": slapd.ldaps_url} if how == "ldaps" else {"start_tls": True}
    if trusts == "other":
        settings["ca_file"] = str(Authority.new().write(tmp_path / "other.crt"))

    with pytest.raises(ProviderError) as caught:
        real.read(**settings)

    assert caught.value.trouble is Trouble.CREDENTIAL
    assert "certificate verify failed" in caught.value.message


def test_a_certificate_for_another_host_is_refused(slapd: Slapd, real: Rig) -> None:
    with Proxy(slapd.ldaps_port, host="127.0.0.2") as proxy, pytest.raises(ProviderError) as caught:
        real.read(url=f"ldaps://127.0.0.2:{proxy.port}", ca_file=str(slapd.ca_file))

    assert caught.value.trouble is Trouble.CREDENTIAL
    assert "127.0.0.2" in caught.value.message


def test_a_certificate_file_that_is_missing_is_named(slapd: Slapd, real: Rig) -> None:
    with pytest.raises(ProviderError) as caught:
        real.read(url=slapd.ldaps_url, ca_file="/nowhere/ca.crt")

    assert caught.value.trouble is Trouble.CREDENTIAL
    assert "/nowhere/ca.crt" in caught.value.message


def test_a_server_without_start_tls_is_not_spoken_to_in_clear(embedded: Rig) -> None:
    with pytest.raises(ProviderError) as caught:
        embedded.read(start_tls=True)

    assert caught.value.trouble is not Trouble.UNREACHABLE
    assert "StartTLS" in caught.value.call


@pytest.mark.parametrize("password", ["", None])
def test_no_password_is_an_error_that_names_the_variable(rig: Rig, password: str | None) -> None:
    environ: Mapping[str, str] = {} if password is None else {"LDAP_PASSWORD": password}

    with pytest.raises(ProviderError) as caught:
        PROVIDER.open_reader(rig.target(), environ)

    assert caught.value.trouble is Trouble.CREDENTIAL
    assert "LDAP_PASSWORD" in caught.value.message


def test_a_wrong_password_is_told_and_never_shown(rig: Rig) -> None:
    reader = LdapProvider().open_reader(rig.target(), {"LDAP_PASSWORD": "wrong-and-secret"})

    with pytest.raises(ProviderError) as caught:
        reader.me()

    assert caught.value.trouble is Trouble.CREDENTIAL
    assert "wrong-and-secret" not in str(caught.value) + repr(reader._calls.link) + repr(caught.value.__cause__)


def test_settings_may_come_from_the_environment(rig: Rig) -> None:
    target = rig.target(url={"env": "URL"}, bind_dn={"env": "WHO"})
    environ = {**ENVIRON, "URL": rig.url, "WHO": rig.service_dn}

    reader = PROVIDER.open_reader(target, environ)

    assert reader.me().name == rig.service_dn
    reader.close()


@pytest.mark.parametrize("url", ["http://x", "ldap://", "ldap://h/dc=x", "ldap://u@h", "ldap://h:0", "ldap://h:port"])
def test_an_address_from_the_environment_is_checked_when_it_is_used(rig: Rig, url: str) -> None:
    with pytest.raises(ProviderError) as caught:
        PROVIDER.open_reader(rig.target(url={"env": "URL"}), {**ENVIRON, "URL": url})

    assert caught.value.trouble is Trouble.CREDENTIAL


def test_a_reader_that_is_asked_to_write_raises(rig: Rig) -> None:
    ada = rig.add_person("ada")
    connection = rig.reader()._calls.connect()
    before = rig.dump()

    attempts: tuple[Callable[[], Any], ...] = (
        lambda: connection.add(rig.who("eve"), ["account"], {"uid": ["eve"]}),
        lambda: connection.modify(ada, {"sn": [("MODIFY_REPLACE", ["x"])]}),
        lambda: connection.modify_dn(ada, "uid=eve"),
        lambda: connection.delete(ada),
        lambda: connection.extend.standard.modify_password(user=ada, new_password="Stolen-1234"),
    )
    for attempt in attempts:
        with pytest.raises(LDAPConnectionIsReadOnlyError):
            attempt()

    assert rig.dump() == before


def test_a_write_without_an_answer_is_unknown_and_the_next_one_connects_anew(real: Rig, slapd: Slapd) -> None:
    real.add_group("devs", real.add_person("bob"))
    real.add_person("ada")
    put = change(Action.CREATE, membership("devs", "ada"), after={}, who="ada")
    with Proxy(slapd.port, cut_at=4) as proxy:  # bind, the person, the group, the change
        rig = rig_of_slapd(slapd, f"ldap://127.0.0.1:{proxy.port}")
        writer = rig.writer()
        first = rig.write(writer, put)[0]
        second = rig.write(writer, put)[0]
        writer.close()

    assert isinstance(first, Unknown)
    assert not isinstance(second, Failed | Unknown)
    assert real.who("ada") in real.values(real.cn("devs"), "member")


def test_a_write_gives_up_at_its_deadline(real: Rig, slapd: Slapd) -> None:
    real.add_group("devs", real.add_person("bob"))
    real.add_person("ada")
    put = change(Action.CREATE, membership("devs", "ada"), after={}, who="ada")
    with Proxy(slapd.port, silent_at=4) as proxy:
        rig = rig_of_slapd(slapd, f"ldap://127.0.0.1:{proxy.port}")
        writer = rig.writer()
        outcome = rig.write(writer, put, seconds=0.7)[0]
        writer.close()

    assert isinstance(outcome, Unknown)


def test_a_write_whose_time_is_over_is_not_sent(rig: Rig) -> None:
    rig.add_group("devs", rig.add_person("ada"))
    before = rig.dump()
    take = change(Action.REVOKE, membership("devs", "ada"), before={}, who="ada")

    outcome = rig.write(rig.writer(), take, seconds=-1)[0]

    assert isinstance(outcome, Failed)
    assert outcome.error.trouble is Trouble.UNREACHABLE
    assert rig.dump() == before


def test_a_change_that_we_may_not_make_is_denied(real: Rig) -> None:
    real.add_group("devs", real.add_person("ada"))
    target = real.target(bind_dn=f"uid=reader,{real.people}")
    writer = LdapProvider().open_writer(target, ENVIRON, None)
    take = change(Action.REVOKE, membership("devs", "ada"), before={}, who="ada")

    outcome = real.write(writer, take)[0]
    writer.close()

    assert isinstance(outcome, Failed)
    assert outcome.error.trouble is Trouble.DENIED


def test_a_change_asserted_on_a_state_that_is_gone_is_refused(rig: Rig) -> None:
    ada = rig.add_person("ada")
    host, _, port = rig.url.removeprefix("ldap://").partition(":")
    calls = WriteCalls(Link(host, int(port), False, False, rig.service_dn, ENVIRON["LDAP_PASSWORD"]))
    csn = rig.values(ada, "entryCSN")[0]
    calls.modify(ada, {"title": [("REPLACE", [b"one"])]}, time.monotonic() + 5, only_if=f"(entryCSN={csn})")

    with pytest.raises(ProviderError) as caught:
        calls.modify(ada, {"title": [("REPLACE", [b"two"])]}, time.monotonic() + 5, only_if=f"(entryCSN={csn})")

    calls.close()
    assert caught.value.code == "122"
    assert rig.values(ada, "title") == ["one"]


def test_something_else_that_answers_is_told_apart(rig: Rig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(1000)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b"<html></html>" * 50)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ProviderError) as caught:
            LdapProvider(Limits(2, 2)).open_reader(
                rig.target(url=f"ldap://127.0.0.1:{listener.getsockname()[1]}"), ENVIRON
            ).me()
        thread.join()

    assert caught.value.trouble in (Trouble.UNREACHABLE, Trouble.INVALID)


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_the_pure_side_loads_no_sdk() -> None:
    loaded = _run(
        "import sys; from provisioner.providers.ldap import PROVIDER as p; p.settings, p.grants, p.objects;"
        "print([m for m in ('ldap3', 'pyasn1') if m in sys.modules])"
    )
    assert loaded == "[]"


def test_a_missing_package_is_an_error_that_names_the_command() -> None:
    code = (
        "import sys; sys.modules['ldap3'] = None\n"
        "from provisioner.contract import ProviderError\n"
        "from provisioner.model.block import Block, nowhere\n"
        "from provisioner.model.target import Target\n"
        "from provisioner.providers.ldap import PROVIDER\n"
        "base = {'people': 'o=x', 'groups': 'o=x'}\n"
        "data = {'url': 'ldap://h', 'bind_dn': 'cn=x', 'password': {'env': 'P'}, 'base': base}\n"
        "try: PROVIDER.open_reader(Target('t', 't', 'ldap', settings=Block(data, nowhere())), {'P': 'p'})\n"
        "except ProviderError as e: print(e.code, e.message)\n"
    )
    told = _run(code)
    assert told.startswith("missing-extra")
    assert "pip install 'provision-access[ldap]'" in told
