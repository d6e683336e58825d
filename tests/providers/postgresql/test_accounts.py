"""Login roles: marks beside people's own words, ends that the server holds too, names that cannot be."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from provisioner.contract import Done, Failed, ProviderError, Refused, Trouble, Unknown
from provisioner.engine import make_plan
from provisioner.model.address import Kind
from provisioner.model.change import Action, Ender
from provisioner.model.identity import Identity
from provisioner.providers.postgresql.calls import Limits
from tests.providers.postgresql.rig import Rig, account, gives, known_as
from tests.runs import failures
from tests.worlds import someone

STAFF = gives("staff", roles=["staff"])
NOTE = "select shobj_description('ada'::regrole, 'pg_authid')"
END = "select nullif(rolvaliduntil, 'infinity') at time zone 'UTC' from pg_roles where rolname = 'ada'"
JUNE, JULY = datetime(2027, 6, 1, 12, tzinfo=UTC), datetime(2027, 7, 1, 12, 30, tzinfo=UTC)


def until(end: datetime | None) -> Identity:
    return someone("ada", "staff", until=end)


def ends(rig: Rig) -> datetime | None:
    found = rig.server.run(END)[0][0]
    return found.replace(tzinfo=UTC) if isinstance(found, datetime) else None


def test_what_people_wrote_in_a_comment_stays(rig: Rig) -> None:
    rig.server.run("create role ada login", "comment on role ada is E'Ada, of the\\nthird floor'")
    oid = str(rig.server.run("select 'ada'::regrole::oid")[0][0])
    here = rig.files([known_as(someone("ada", "staff"), pin=oid)], [STAFF])
    rig.apply(here)
    assert rig.server.run(NOTE) == [("Ada, of the\nthird floor\nprovision/1 o=5f1c0a9b k=ada",)]
    rig.apply(rig.files([], [STAFF]), here)
    text = rig.server.run(NOTE)[0][0]
    assert text.startswith("Ada, of the\nthird floor\nprovision/1 o=5f1c0a9b k=ada d=20")


def test_end_of_a_person_is_given_to_the_server_and_moves_with_the_files(rig: Rig) -> None:
    assert "create login role ada, without a password, valid until 2027-06-01T12:00:00Z" in rig.apply(
        rig.files([until(JUNE)], [STAFF])
    )
    assert ends(rig) == JUNE and rig.apply(rig.files([until(JUNE)], [STAFF])) == []
    assert rig.apply(rig.files([until(JULY)], [STAFF])) == ["let the password of ada end 2027-07-01T12:30:00Z"]
    assert ends(rig) == JULY
    assert rig.apply(rig.files([until(None)], [STAFF])) == ["let the password of ada have no end"]
    assert ends(rig) is None and rig.apply(rig.files([until(None)], [STAFF])) == []


def test_each_line_of_an_account_says_who_ends_it(rig: Rig) -> None:
    rig.server.run("create role ada login")
    oid = str(rig.server.run("select 'ada'::regrole::oid")[0][0])
    declared = rig.files([known_as(until(JUNE), pin=oid)], [STAFF])
    lines = {(c.action, c.ends, c.ends_by) for c in rig.plan(declared).changes if c.address.kind is Kind.ACCOUNT}
    assert lines == {(Action.ADOPT, JUNE, Ender.TARGET), (Action.UPDATE, JUNE, Ender.TARGET)}


def test_the_server_ends_a_persons_password_without_a_run_of_ours_and_not_before(rig: Rig) -> None:
    def signs_in() -> bool:
        try:
            psycopg.connect(f"host=127.0.0.1 port={rig.server.port} dbname=app user=ada password=hers").close()
        except psycopg.OperationalError:
            return False
        return True

    now = datetime.now(UTC).replace(microsecond=0)
    rig.apply(rig.files([until(now + timedelta(hours=1))], [STAFF]), now=now)
    rig.server.run("alter role ada password 'hers'")
    assert signs_in()
    end = datetime.now(UTC) + timedelta(seconds=1)
    rig.apply(rig.files([until(end)], [STAFF]), now=now)
    while signs_in():
        time.sleep(0.05)
    assert datetime.now(UTC) >= end and rig.server.run("select rolcanlogin from pg_roles where rolname = 'ada'") == [
        (True,)
    ]


def test_end_that_somebody_else_set_earlier_stays_and_a_later_one_does_not(rig: Rig) -> None:
    rig.apply(rig.files([until(None)], [STAFF]))
    rig.server.run("alter role ada valid until '2027-01-01 00:00Z'")
    assert rig.apply(rig.files([until(None)], [STAFF])) == [], "it is none of ours"
    rig.apply(rig.files([until(JUNE)], [STAFF]))
    assert ends(rig) == datetime(2027, 1, 1, tzinfo=UTC)
    assert rig.apply(rig.files([until(JUNE)], [STAFF])) == []
    rig.server.run("alter role ada valid until '2028-01-01 00:00Z'")
    assert rig.apply(rig.files([until(JUNE)], [STAFF])) == ["let the password of ada end 2027-06-01T12:00:00Z"]
    assert ends(rig) == JUNE


def test_role_that_nobody_logs_in_as_is_not_taken_for_an_account(rig: Rig) -> None:
    rig.server.run("create role ada")
    planned, applied = rig.run(rig.files([someone("ada", "staff")], [STAFF]))
    change = next(c for c in planned.plan.changes if c.address == account("ada"))
    assert isinstance(applied.outcomes[change.id], Refused)
    assert rig.server.run("select rolcanlogin from pg_roles where rolname = 'ada'") == [(False,)]


def test_login_role_that_nobody_is_in_is_no_role_to_be_put_into_and_the_run_says_so(rig: Rig) -> None:
    rig.server.run("create role carl login")
    planned, applied = rig.run(rig.files([someone("ada", "odd")], [gives("odd", roles=["carl", "staff"])]))
    told = {c.words: applied.outcomes[c.id] for c in planned.plan.changes}
    assert told["create role carl"] == Refused(
        "`carl` is there and can log in, and nobody is in it: that is an account; take another name"
    )
    assert {c.words for c in applied.succeeded} >= {"put ada into role staff", "create role staff"}
    assert rig.server.run("select 1 from pg_auth_members where roleid = 'carl'::regrole") == []


def test_login_role_of_somebody_unknown_is_not_taken(rig: Rig) -> None:
    rig.server.run("create role ada login")
    plan = rig.plan(rig.files([someone("ada", "staff")], [STAFF]))
    assert "account-taken" in {d.code for d in plan.diagnostics}
    assert not [c for c in plan.changes if c.identity == "ada"]


def test_mark_of_another_version_is_somebody_elses(rig: Rig) -> None:
    rig.server.run("create role ada login", "comment on role ada is 'provision/9 k=ada'")
    plan = rig.plan(rig.files([someone("ada", "staff")], [STAFF]))
    assert "account-foreign" in {d.code for d in plan.diagnostics}


@pytest.mark.parametrize("login", ["pg_ada", "public", "none", "a" * 64, "ü" * 32, "pg_monitor"])
def test_names_that_the_server_would_refuse_or_cut(rig: Rig, login: str) -> None:
    assert rig.connection().declare.check_login(login)


def test_switched_off_by_hand_is_locked_by_others(rig: Rig) -> None:
    here = rig.files([someone("ada", "staff")], [STAFF])
    rig.apply(here)
    rig.server.run("alter role ada nologin")
    plan = rig.plan(here)
    assert plan.changes == () and "locked-by-others" in {d.code for d in plan.diagnostics}


def test_one_who_was_only_cut_is_not_called_disabled_and_is_let_in_again_if_declared(rig: Rig) -> None:
    """A run may die between the two."""
    here = rig.files([someone("ada", "staff")], [STAFF])
    rig.apply(here)
    writer = rig.writer()
    writer.cut(account("ada"), time.monotonic() + 15)
    writer.close()
    assert not rig.server.can_log_in("ada")
    live = rig.look(account("ada")).state.get(account("ada"))
    assert live is not None and live.attributes["enabled"] is True and live.attributes["cut"] is True
    assert [c.action for c in rig.plan(rig.files([], [STAFF]), here).changes if c.address == account("ada")] == [
        Action.DISABLE
    ]
    assert rig.apply(here) == ["let ada open sessions again"]
    assert rig.server.can_log_in("ada") and rig.apply(here) == []


def test_suspended_person_comes_back_with_the_end_that_the_files_say(rig: Rig) -> None:
    here, away = until(JUNE), replace(someone("ada", "staff", suspended="leave"), until=JUNE)
    rig.apply(rig.files([here], [STAFF]))
    rig.apply(rig.files([away], [STAFF]), rig.files([here], [STAFF]))
    assert not rig.server.can_log_in("ada")
    rig.apply(rig.files([here], [STAFF]), rig.files([away], [STAFF]))
    assert rig.server.can_log_in("ada") and ends(rig) == JUNE
    assert rig.apply(rig.files([here], [STAFF])) == []


def test_what_others_had_set_on_a_role_comes_back_when_it_is_switched_on_again(rig: Rig) -> None:
    """An earlier end, and how many sessions; whether the switch was ours twice, or by hand in between."""
    here, away = someone("ada", "staff"), someone("ada", "staff", suspended="leave")
    rig.apply(rig.files([here], [STAFF]))
    rig.server.run("comment on role ada is E'Ada\nprovision/1 o=5f1c0a9b k=ada'")
    rig.server.run("alter role ada connection limit 5 valid until '2027-06-01 12:00Z'")
    for by_hand in ((), ("alter role ada login",)):
        rig.apply(rig.files([away], [STAFF]))
        rig.server.run(*by_hand)
        rig.apply(rig.files([away], [STAFF]))
        assert not rig.server.can_log_in("ada")
        rig.apply(rig.files([here], [STAFF]))
        assert rig.server.can_log_in("ada") and ends(rig) == JUNE
        assert rig.server.run("select rolconnlimit from pg_roles where rolname = 'ada'") == [(5,)]
        assert rig.server.run(NOTE) == [("Ada\nprovision/1 o=5f1c0a9b k=ada",)]
    rig.apply(rig.files([replace(away, until=JULY)], [STAFF]))
    rig.apply(rig.files([until(JULY)], [STAFF]))
    assert ends(rig) == JUNE and rig.apply(rig.files([until(JULY)], [STAFF])) == []


def test_no_password_is_in_the_servers_log(rig: Rig) -> None:
    before = rig.server.log.stat().st_size
    rig.apply(rig.files([someone("ada", "staff")], [STAFF]))
    log = rig.server.log.read_bytes()[before:].decode("utf-8", "replace").lower()
    assert "create role" in log and "password '" not in log


def test_another_hand_on_the_same_role_is_worth_another_try(rig: Rig) -> None:
    """Two that alter one role: the server waits for the first, then says `tuple concurrently updated`."""
    rig.apply(rig.files([someone("ada", "staff")], [STAFF]))
    connection = rig.connection()
    declared = rig.files([until(JUNE)], [STAFF])
    change = make_plan(rig.facing(declared)).plan.changes[0]
    writer, unit = connection.writer(), connection.declare.unit(change.address)
    other = rig.server.connect("app")
    other.autocommit = False
    other.execute("alter role ada connection limit 7")
    rig.limits = Limits(lock=0.2)
    writer = rig.writer()
    outcome = writer.write(unit, [change], expect={}, token="t", deadline=time.monotonic() + 15)[0]
    assert isinstance(outcome, Failed) and outcome.error.trouble is Trouble.BUSY
    other.commit()
    other.close()
    assert isinstance(writer.write(unit, [change], expect={}, token="t", deadline=time.monotonic() + 15)[0], Done)
    writer.close()


def test_server_that_stops_answering_is_hung_up_on_and_the_outcome_unknown(rig: Rig) -> None:
    rig.apply(rig.files([someone("ada", "staff")], [STAFF]))
    change = make_plan(rig.facing(rig.files([until(JUNE)], [STAFF]))).plan.changes[0]
    connection = rig.connection()
    writer, unit = connection.writer(), connection.declare.unit(change.address)
    assert isinstance(writer, object)
    session = writer._calls.session("app")  # type: ignore[attr-defined]
    pid = session.rows("select pg_backend_pid()")[0][0]
    session.rollback()
    rig.server.freeze(pid)
    try:
        outcome = writer.write(unit, [change], expect={}, token="t", deadline=time.monotonic() + 0.5)[0]
    finally:
        rig.server.thaw(pid)
    assert isinstance(outcome, Unknown) or (isinstance(outcome, Failed) and outcome.error.trouble is Trouble.UNKNOWN)
    again = writer.write(unit, [change], expect={}, token="t", deadline=time.monotonic() + 15)[0]
    assert isinstance(again, Done)
    writer.close()


def test_transaction_that_failed_is_not_called_committed(rig: Rig) -> None:
    """COMMIT of it answers ROLLBACK, and no error."""
    writer = rig.writer()

    def twice() -> None:
        with writer._calls.transaction("app", time.monotonic() + 15) as session:
            session.run("create role lost", "create role")
            with suppress(ProviderError):
                session.run("create role lost", "create role")

    with pytest.raises(ProviderError) as told:
        twice()
    assert told.value.trouble is Trouble.BUSY and "nothing of it was done" in told.value.message
    assert rig.server.run("select 1 from pg_roles where rolname = 'lost'") == []
    writer.close()


def test_no_server_is_told_as_such(rig: Rig) -> None:
    reader = replace(rig, settings={"dsn": "host=/nonexistent user=svc"}).reader()
    with pytest.raises(ProviderError) as told:
        reader.system()
    assert told.value.trouble is Trouble.UNREACHABLE and "database app at /nonexistent" in told.value.message
    reader = replace(rig, user="nobody-here").reader()
    with pytest.raises(ProviderError) as told:
        reader.system()
    assert told.value.trouble is Trouble.CREDENTIAL


def test_rename_keeps_the_role(rig: Rig) -> None:
    old = rig.files([someone("ada-lovelace", "staff", email="ada@example.com")], [STAFF])
    rig.apply(old)
    oid = rig.server.run("select '\"ada-lovelace\"'::regrole::oid")
    new = rig.files([someone("ada", "staff", was=("ada-lovelace",))], [STAFF])
    planned, applied = rig.run(new, old)
    assert failures(applied) == [] and [c.action for c in planned.plan.changes] == [Action.RENAME]
    assert rig.server.run("select 'ada'::regrole::oid") == oid
