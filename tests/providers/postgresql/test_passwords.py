"""Passwords of a service: on two logins that take turns, never sent in clear, and gone with the service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from provisioner.contract import Issued, ProviderError, Trouble
from provisioner.credentials import Secret
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.identity import Identity, IdentityKind
from provisioner.providers.postgresql import PostgresProvider
from provisioner.providers.postgresql.issue import Passwords
from tests.providers.postgresql.rig import Rig, account, gives
from tests.runs import failures
from tests.worlds import OWNER, block, someone

READS = gives("reads", datasets={"sales.orders": ["select"]})
BOT = "report_bot"
JUNE = datetime(2027, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def bank(rig: Rig) -> Rig:
    """Over the port, which asks for passwords, by no superuser; with the bot in place."""
    rig.server.run(
        "alter role svc nosuperuser createrole password 'svc-password'",
        "alter database app owner to app_owner",
        "grant app_owner, pg_signal_backend to svc",
    )
    rig.apply(here(rig))
    return rig


def here(rig: Rig, **more: Any) -> DeclaredAccess:
    bot: Identity = replace(someone(BOT, "reads", **more), kind=IdentityKind.SERVICE)
    return rig.files([bot], [READS])


def target(rig: Rig) -> Any:
    data = {
        "dsn": f"host=127.0.0.1 port={rig.server.port} user=svc",
        "password": {"env": "SVC"},
        "databases": rig.databases,
        **rig.settings,
    }
    return replace(rig.target(), settings=block(data, "access/targets.yaml"))


@contextmanager
def issuer(rig: Rig, owner: str | None = OWNER) -> Iterator[Passwords]:
    made = PostgresProvider().open_issuer(target(rig), {"SVC": "svc-password"}, "password", owner)
    try:
        yield made
    finally:
        made.close()


def soon() -> float:
    return time.monotonic() + 20


def signs_in(rig: Rig, found: Issued, statement: str = "select count(*) from sales.orders") -> Any:
    """As a consumer does, with the one text; None where it is not let in."""
    try:
        with psycopg.connect(found.whole.reveal(), autocommit=True) as connection:
            return connection.execute(statement).fetchone()
    except psycopg.OperationalError:
        return None


def shows_nothing(rig: Rig) -> bool:
    """Whether the cluster looks to a plan as it did before there were logins."""
    state = rig.read().state
    return not [a for a in state.resources if f"{BOT}_" in str(a)] and rig.plan(here(rig)).changes == ()


def test_two_logins_take_turns_and_act_as_the_service(bank: Rig) -> None:
    with issuer(bank) as passwords:
        first = passwords.issue(BOT, soon())
        second = passwords.issue(BOT, soon())
        assert (first.user, second.user) == ("report_bot_a", "report_bot_b")
        whole = {k.public_id: k.active for k in passwords.keys(BOT)}
        assert whole == {first.public_id: True, second.public_id: True}
        with pytest.raises(ProviderError) as full:
            passwords.issue(BOT, soon())
        assert full.value.trouble is Trouble.CONFLICT
        for one in (first, second):
            assert signs_in(bank, one) == (0,)
            assert signs_in(bank, one, "select session_user::text, current_user::text") == (one.user, BOT)
            passwords.use(one, BOT)
        passwords.deactivate(BOT, first.public_id, soon())
        assert signs_in(bank, first) is None and signs_in(bank, second) == (0,)
        passwords.delete(BOT, first.public_id, soon())
        third = passwords.issue(BOT, soon())
        assert third.user == first.user and third.secret != first.secret
        assert signs_in(bank, first) is None and signs_in(bank, third) == (0,)
        assert {k.public_id for k in passwords.keys(BOT)} == {second.public_id, third.public_id}
        passwords.delete(BOT, first.public_id, soon())  # long gone: nothing else of that login is touched
        assert signs_in(bank, third) == (0,)
        assert shows_nothing(bank)


def test_a_password_is_sent_to_nobody_and_its_sessions_end_with_it_and_not_before(bank: Rig) -> None:
    with issuer(bank) as passwords:
        made = passwords.issue(BOT, soon())
        log = bank.server.log.read_text(errors="replace")
        assert "create role" in log and made.secret.reveal() not in log
        kept = dict(bank.server.run("select rolname::text, rolpassword from pg_authid"))
        assert kept[made.user].startswith("SCRAM-SHA-256$") and kept[BOT] is None

        parts = passwords.again({"user": Secret(made.user), "secret": made.secret})
        whole = passwords.again({"whole": made.whole})
        assert parts is not None and whole is not None
        assert parts.public_id == whole.public_id == made.public_id and whole.secret == made.secret
        assert passwords.again({"whole": Secret("no address")}) is None

        with psycopg.connect(made.whole.reveal(), autocommit=True) as open_session:
            assert passwords.last_used(BOT, made.public_id) is not None
            passwords.deactivate(BOT, made.public_id, soon())
            open_session.execute("select 1")
            passwords.delete(BOT, made.public_id, soon())
            with pytest.raises(psycopg.OperationalError):
                open_session.execute("select 1")
        assert passwords.keys(BOT) == ()


def test_a_login_that_is_not_ours_is_not_used_and_one_that_got_more_than_its_place_is_shown(bank: Rig) -> None:
    with issuer(bank) as passwords:
        made = passwords.issue(BOT, soon())
        assert made.user == "report_bot_a" and shows_nothing(bank)
        bank.server.run("create role others nologin", "grant others to report_bot_a", "create role report_bot_b login")
        with pytest.raises(ProviderError) as told:
            passwords.issue(BOT, soon())
    assert "nothing says that it is a login of report_bot" in told.value.message
    shown = {str(a) for a in bank.read().state.resources if a.kind in (Kind.ACCOUNT, Kind.MEMBERSHIP)}
    assert {"db:account/report_bot_a", "db:account/report_bot_b", "db:membership/others/report_bot_a"} <= shown


def test_a_login_of_before_there_was_an_owner_leaves_with_the_service_and_one_of_another_owner_is_shown(
    bank: Rig,
) -> None:
    with issuer(bank, owner=None) as before:
        old = before.issue(BOT, soon())
    with issuer(bank) as passwords:
        assert [k.public_id for k in passwords.keys(BOT)] == [old.public_id] and shows_nothing(bank)
        theirs = passwords.issue(BOT, soon())
    bank.server.run(f"comment on role {theirs.user} is 'provision/1 login o=0ther001 b'")
    assert f"db:account/{theirs.user}" in {str(a) for a in bank.read().state.resources}
    bank.apply(bank.files([], [READS]), here(bank))
    assert signs_in(bank, old) is None and not bank.server.can_log_in(old.user)
    shown = bank.read().state.get(account(theirs.user))
    assert shown is not None and shown.attributes["enabled"], "not ours to end, and not hidden"


def test_what_becomes_of_the_service_becomes_of_its_logins(bank: Rig) -> None:
    bank.settings = {"reassign_to": "app_owner"}
    with issuer(bank) as passwords:
        made = passwords.issue(BOT, soon())
        ends = "select rolvaliduntil at time zone 'UTC' from pg_roles where rolname = 'report_bot_a'"
        bank.apply(here(bank, until=JUNE))
        assert bank.server.run(ends)[0][0].replace(tzinfo=UTC) == JUNE
        bank.server.run(f"alter role {made.user} valid until '2020-01-01'")
        assert [k.active for k in passwords.keys(BOT)] == [False] and signs_in(bank, made) is None
        bank.server.run(f"alter role {made.user} valid until 'infinity'")

        bank.server.run("grant create on schema sales to report_bot")
        bank.server.run("set role none", "create table sales.left_behind (id int)", user=BOT)
        bank.server.run("alter table sales.left_behind owner to report_bot_a")
        with psycopg.connect(made.whole.reveal(), autocommit=True) as open_session:
            open_session.execute("select 1")
            bank.apply(bank.files([], [READS]), here(bank, until=JUNE))
            with pytest.raises(psycopg.OperationalError):
                open_session.execute("select 1")
        assert passwords.keys(BOT) == () and not bank.server.can_log_in(made.user)
        owner = "select tableowner::text from pg_tables where tablename = 'left_behind'"
        assert bank.server.run(owner) == [("app_owner",)]

        later = datetime.now(UTC) + timedelta(days=31)
        planned, applied = bank.run(bank.files([], [READS]), now=later)
        assert [c.words for c in planned.plan.changes] == [
            "drop login role report_bot, and give what it owns to app_owner"
        ]
        assert failures(applied) == []
        assert bank.server.run("select 1 from pg_roles where rolname like 'report_bot%'") == []
