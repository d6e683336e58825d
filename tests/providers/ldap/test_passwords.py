"""Passwords of a service in a real directory: two at a time, or one; never over a wire that others can read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from provisioner.contract import ProviderError, Trouble
from provisioner.diagnostics import NOWHERE
from provisioner.providers.ldap import LdapProvider
from provisioner.providers.ldap.issue import Passwords
from tests.providers.ldap.rig import ENVIRON, OWNER, Rig
from tests.rigs.slapd import Slapd
from tests.worlds import block

BOT = "bot"


@pytest.fixture
def bot(real: Rig) -> str:
    real.add(real.who(BOT), "inetOrgPerson", uid=BOT, cn=BOT, sn=BOT, description="reports")
    return real.who(BOT)


@contextmanager
def issuer(rig: Rig, **settings: str) -> Iterator[Passwords]:
    target = rig.target()
    data = {**target.settings.data, **settings}
    target = replace(target, settings=block(data, "access/targets.yaml"))
    made = LdapProvider(rig.limits).open_issuer(target, ENVIRON, "password", OWNER)
    try:
        yield made
    finally:
        made.close()


def soon() -> float:
    return time.monotonic() + 20


def test_two_passwords_work_side_by_side_and_what_others_set_stays(real: Rig, slapd: Slapd, bot: str) -> None:
    with slapd.connection(slapd.service_dn, slapd.service_password) as connection, issuer(real) as passwords:
        connection.extend.standard.modify_password(user=bot, new_password="by-hand-A1")
        first, second = passwords.issue(BOT, soon()), passwords.issue(BOT, soon())
        assert slapd.can_bind(bot, first.secret.reveal()) and slapd.can_bind(bot, second.secret.reveal())
        passwords.use(second, BOT)
        known = {k.public_id: k.apart for k in passwords.keys(BOT)}
        assert known == {first.public_id: False, second.public_id: False, "password-1-of-others": True}
        again = passwords.again({"whole": second.whole})
        assert again is not None and (again.public_id, again.user) == (second.public_id, bot)
        passwords.deactivate(BOT, first.public_id, soon())
        passwords.delete(BOT, first.public_id, soon())
        assert not slapd.can_bind(bot, first.secret.reveal())
        assert slapd.can_bind(bot, second.secret.reveal()) and slapd.can_bind(bot, "by-hand-A1")
        with pytest.raises(ProviderError) as refused:
            passwords.use(first, BOT)
        assert refused.value.trouble is Trouble.CREDENTIAL
    entry = slapd.dump()[bot]
    assert entry["description"] == [b"reports"]
    assert not any(p.secret.reveal().encode() in v for p in (first, second) for v in entry["userPassword"])


def test_where_there_is_one_the_new_one_ends_the_old_and_what_somebody_set_since_is_noticed(
    real: Rig, slapd: Slapd, bot: str
) -> None:
    with slapd.connection(slapd.admin_dn, slapd.admin_password) as admin:
        policy = f"cn=default,ou=policies,{slapd.suffix}"
        admin.modify(policy, {"pwdCheckQuality": [("MODIFY_REPLACE", ["2"])]})
    with issuer(real) as two, pytest.raises(ProviderError) as told:
        two.issue(BOT, soon())
    assert "passwords: one" in told.value.message
    with issuer(real, passwords="one") as passwords:
        assert passwords.replaces and passwords.keys(BOT) == ()
        first = passwords.issue(BOT, soon())
        assert [k.public_id for k in passwords.keys(BOT)] == [first.public_id]
        second = passwords.issue(BOT, soon())
        assert [k.public_id for k in passwords.keys(BOT)] == [second.public_id]
        assert slapd.can_bind(bot, second.secret.reveal()) and not slapd.can_bind(bot, first.secret.reveal())
        passwords.use(second, BOT)
        stamp = slapd.dump(attributes=["pwdChangedTime"])[bot]["pwdChangedTime"]
        with slapd.connection(slapd.service_dn, slapd.service_password) as connection:
            while slapd.dump(attributes=["pwdChangedTime"])[bot]["pwdChangedTime"] == stamp:
                connection.extend.standard.modify_password(user=bot, new_password="by-hand-A1")
        assert passwords.keys(BOT) == ()
    assert b"reports" in slapd.dump()[bot]["description"]


def test_the_one_password_that_is_ended_works_no_more(real: Rig, slapd: Slapd, bot: str) -> None:
    with issuer(real, passwords="one") as passwords:
        made = passwords.issue(BOT, soon())
        passwords.deactivate(BOT, "0123456789abcdef", soon())
        assert slapd.can_bind(bot, made.secret.reveal()), "another was meant"
        passwords.deactivate(BOT, made.public_id, soon())
        assert not slapd.can_bind(bot, made.secret.reveal()) and passwords.keys(BOT) == ()
        passwords.deactivate(BOT, made.public_id, soon())
        passwords.delete(BOT, made.public_id, soon())


def test_a_password_is_known_and_ended_after_the_target_said_one_and_says_two_or_the_other_way_round(
    real: Rig, slapd: Slapd, bot: str
) -> None:
    with issuer(real, passwords="one") as one, issuer(real) as two:
        first = one.issue(BOT, soon())
        assert [(k.public_id, k.apart) for k in two.keys(BOT)] == [(first.public_id, False)]
        second = two.issue(BOT, soon())
        assert {k.public_id for k in two.keys(BOT)} == {first.public_id, second.public_id}
        assert slapd.can_bind(bot, first.secret.reveal()) and slapd.can_bind(bot, second.secret.reveal())
        two.deactivate(BOT, first.public_id, soon())
        assert not slapd.can_bind(bot, first.secret.reveal()) and slapd.can_bind(bot, second.secret.reveal())
        assert slapd.dump()[bot]["description"] == [b"reports"]
        assert [k.public_id for k in one.keys(BOT)] == [second.public_id]
        one.deactivate(BOT, second.public_id, soon())
        assert not slapd.can_bind(bot, second.secret.reveal()) and one.keys(BOT) == ()


def test_a_value_that_could_not_be_found_again_is_not_left_behind(new_rig: Callable[..., Rig]) -> None:
    hidden = 'to attrs=userPassword by dn.exact="uid=svc,ou=people,dc=example,dc=test" =w by * auth'
    rig = new_rig(access=(hidden,))
    rig.add(rig.who(BOT), "inetOrgPerson", uid=BOT, cn=BOT, sn=BOT)
    with issuer(rig) as passwords, pytest.raises(ProviderError) as told:
        passwords.issue(BOT, soon())
    assert "could never be taken away" in told.value.message
    assert "userPassword" not in (rig.entry(rig.who(BOT)) or {})


def test_a_password_is_not_sent_where_others_can_read_it(real: Rig) -> None:
    with issuer(real, url="ldap://ldap.example.com") as passwords, pytest.raises(ProviderError) as told:
        passwords.issue(BOT, soon())
    assert "others can read" in told.value.message
    target = real.target()
    for url, codes in (("ldap://ldap.example.com", ["credential-plain-text"]), ("ldaps://ldap.example.com", [])):
        data = {**target.settings.data, "url": url}
        far = replace(target, settings=block(data, "access/targets.yaml"))
        assert [d.code for d in LdapProvider().check_credential(far, "password", NOWHERE)] == codes
