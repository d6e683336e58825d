"""Somebody leaves: everything of theirs goes, on the server's own word, and nothing of anybody else's."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from provisioner.contract import Refused
from provisioner.engine import make_plan
from provisioner.model.access import DeclaredAccess
from provisioner.model.change import Action
from tests.providers.postgresql.rig import Rig, gives, grant, known_as, person
from tests.runs import failures
from tests.worlds import someone

READ = "select count(*) from sales.orders"
CLERK = gives("clerk", roles=["staff"], datasets={"sales.orders": ["select"]})
DEPENDS = """select count(*) from pg_shdepend where refclassid = 'pg_authid'::regclass and refobjid = {}"""


def here(rig: Rig) -> DeclaredAccess:
    return rig.files([someone("ada", "clerk"), someone("bob", "clerk")], [CLERK])


def without_ada(rig: Rig) -> DeclaredAccess:
    return rig.files([someone("bob", "clerk")], [CLERK])


def by_hand(rig: Rig) -> None:
    """What administrators gave ada beside the files, in all the ways there are, and what she gave on."""
    rig.server.run(
        "create role carl login",
        "create role extra role ada",
        "alter role ada createdb",
        "grant usage on schema sales to ada with grant option",
        "grant select, insert on sales.prices to ada with grant option",
        "grant update (id) on sales.orders to ada",
        "create function sales.f(a integer, b text) returns int language sql as 'select 1'",
        "grant execute on function sales.f to ada",
        "create aggregate sales.most(float8 order by anyelement) (sfunc = ordered_set_transition, stype = internal, "
        "finalfunc = percentile_disc_final, finalfunc_extra)",
        "grant execute on routine sales.most to ada",
        "create type sales.mood as enum ('ok')",
        "grant usage on type sales.mood to ada",
        "grant create, temporary on database app to ada",
        "grant usage on language plpgsql to ada",
        "select lo_create(4242)",
        "grant select on large object 4242 to ada",
        "grant create on tablespace pg_default to ada",
        "alter default privileges for role app_owner in schema sales grant delete on tables to ada",
        "alter default privileges for role app_owner grant execute on functions to ada",
    )
    rig.server.run("grant select on sales.prices to carl", "grant usage on schema sales to carl", user="ada")
    rig.server.run("create schema hers", "create table hers.things (id int)", user="ada")
    if rig.server.run("show server_version_num")[0][0] >= "150000":
        rig.server.run("grant set on parameter log_statement to ada")


def test_leaver_loses_everything_in_one_transaction_with_sessions_ended(rig: Rig) -> None:
    rig.settings["reassign_to"] = "app_owner"
    rig.apply(here(rig))
    by_hand(rig)
    with rig.server.session("ada") as hers, rig.server.session("bob") as his:
        hers.execute("select 1")
        before = rig.server.log.stat().st_size
        done = rig.apply(without_ada(rig), here(rig))
        with pytest.raises(psycopg.OperationalError):
            hers.execute("select 1")
        assert his.execute(READ).fetchone() == (0,)
    wrote = _transactions(rig, before)
    assert len([t for t in wrote if any(s.startswith("revoke") for s in t)]) == 1, "one transaction takes all of it"
    assert {
        "disable login role ada (no login, no password, sessions ended)",
        "take attribute createdb from ada",
        "take ada out of role extra",
        "take select on sales.orders from ada",
        "take insert on sales.prices from ada",
        "take update on sales.orders.id from ada",
        "take execute on function sales.f(a integer, b text) from ada",
        "take usage on type sales.mood from ada",
        "take usage on language plpgsql from ada",
        "take select on large object 4242 from ada",
        "take create on tablespace pg_default from ada",
        "take delete on future tables of app_owner in sales from ada",
        "take execute on future functions of app_owner from ada",
        "give objects that ada owns to app_owner",
    } <= set(done)
    assert not rig.server.can_log_in("ada")
    held = [r for r in rig.read().state.held_by(person("ada")) if r.gives_access]
    assert held == [], "and nothing is left"
    assert rig.server.run("select 1 from pg_auth_members where member = 'ada'::regrole") == []
    assert rig.server.run("select rolpassword from pg_authid where rolname = 'ada'") == [(None,)]
    assert rig.server.run("select tableowner from pg_tables where tablename = 'things'") == [("app_owner",)]
    assert rig.can("carl", "select * from sales.prices"), "what she gave on stays with whom she gave it"
    assert rig.apply(without_ada(rig), here(rig)) == []


def _transactions(rig: Rig, since: int) -> list[list[str]]:
    """What changed something, by transaction, as the server logged it."""
    with rig.server.log.open(encoding="utf-8", errors="replace") as log:
        log.seek(since)
        found = re.findall(r"LOG:  (?:statement|execute [^:]*): (.*)", log.read())
    result: list[list[str]] = [[]]
    for statement in found:
        if statement.upper().startswith("BEGIN"):
            result.append([])
        result[-1].append(statement.lower())
    return result


def test_what_a_leaver_holds_is_asked_once_however_much_it_is(rig: Rig) -> None:
    tables = [f"sales.t{i}" for i in range(40)]
    rig.server.run(*[f"create table {table} ()" for table in tables])
    clerk = gives("clerk", datasets={table: ["select", "insert"] for table in tables})
    before = rig.files([someone("ada", "clerk")], [clerk])
    rig.apply(before)
    rig.server.run(*[f"grant update, delete on {table} to ada" for table in tables])
    since = rig.server.log.stat().st_size
    assert len(rig.apply(rig.files([], [clerk]), before)) == 161
    writes = [t for t in _transactions(rig, since) if any(s.startswith("revoke ") for s in t)]
    assert [sum(s.startswith("select 'schema'") for s in t) for t in writes] == [1]
    with rig.server.log.open(encoding="utf-8", errors="replace") as log:
        log.seek(since)
        assert log.read().count("like 'ds!_") == 1
    assert rig.server.run("select 1 from pg_auth_members where member = 'ada'::regrole") == []


def test_dropped_after_retention_with_nothing_left_in_any_database(rig: Rig) -> None:
    rig.settings["reassign_to"] = "app_owner"
    rig.server.run("create database warehouse", "create database habits")
    rig.databases += ["warehouse", "habits"]
    rig.apply(here(rig))
    rig.server.run("grant create on database warehouse to ada", "create role other_owner")
    rig.server.run("alter default privileges for role ada grant select on tables to public", database="habits")
    rig.server.run("create schema hers", database="warehouse", user="ada")
    rig.server.run("grant all on schema public to ada", database="warehouse")
    rig.apply(without_ada(rig), here(rig))
    oid = rig.server.run("select 'ada'::regrole::oid")[0][0]
    later = datetime.now(UTC) + timedelta(days=31)
    planned, applied = rig.run(without_ada(rig), now=later)
    assert [c.words for c in planned.plan.changes] == ["drop login role ada, and give what it owns to app_owner"]
    assert failures(applied) == []
    assert rig.server.run("select 1 from pg_roles where rolname = 'ada'") == []
    assert rig.server.run(DEPENDS.format(oid)) == [(0,)]
    schemas = "select nspowner::regrole::text from pg_namespace where nspname = 'hers'"
    assert rig.server.run(schemas, database="warehouse") == [("app_owner",)]


def test_what_a_leaver_owns_is_not_dropped_where_nobody_is_named_to_get_it(rig: Rig) -> None:
    rig.apply(here(rig))
    rig.server.run("grant create on database app to ada")
    rig.server.run("create schema hers", "create table hers.things (id int)", user="ada")
    planned, applied = rig.run(without_ada(rig), here(rig))
    refused = [c for c in planned.plan.changes if isinstance(applied.outcomes[c.id], Refused)]
    assert [c.address for c in refused] == [grant("!objects", "ada", "owner")]
    assert "reassign_to" in str(applied.outcomes[refused[0].id])
    assert not rig.server.can_log_in("ada") and rig.server.run("select count(*) from hers.things") == [(0,)]
    later = datetime.now(UTC) + timedelta(days=31)
    _, applied = rig.run(without_ada(rig), now=later)
    assert len(failures(applied)) == 2 and rig.server.run("select 1 from pg_roles where rolname = 'ada'") == [(1,)]


@pytest.mark.parametrize(
    "left",
    [
        "grant all on schema public to ada",
        "alter default privileges for role ada grant select on tables to public",
        "create table t (id int); create policy hers on t to ada",
    ],
)
def test_what_is_in_databases_that_are_not_named_is_told_and_stops_the_drop(rig: Rig, left: str) -> None:
    rig.server.run("create database elsewhere")
    rig.apply(here(rig))
    rig.server.run(left, database="elsewhere")
    plan = rig.plan(without_ada(rig), here(rig))
    told = [d for d in plan.diagnostics if d.code == "managed-upstream"]
    assert len(told) == 1 and "elsewhere" in told[0].message
    rig.apply(without_ada(rig), here(rig))
    _, applied = rig.run(without_ada(rig), now=datetime.now(UTC) + timedelta(days=31))
    assert len(failures(applied)) == 1 and "elsewhere" in failures(applied)[0]


def test_leaver_who_reconnects_between_the_cut_and_the_end_is_thrown_out_again(rig: Rig) -> None:
    """A superuser is not held by the limit that keeps others out meanwhile."""
    rig.apply(here(rig))
    rig.server.run("alter role ada superuser")
    connection = rig.connection()
    writer = connection.writer()
    planned = rig.facing(without_ada(rig), here(rig))
    change = next(c for c in make_plan(planned).plan.changes if c.action is Action.DISABLE)
    writer.cut(change.address, time.monotonic() + 15)
    with rig.server.session("ada") as again:
        unit = connection.declare.unit(change.address)
        outcome = writer.write(unit, [change], expect={}, token="t", deadline=time.monotonic() + 15)[0]
        with pytest.raises(psycopg.OperationalError):
            again.execute("select 1")
    writer.close()
    assert "1 sessions ended" in str(outcome) and not rig.server.can_log_in("ada")


def test_one_who_was_never_marked_is_found_by_the_pinned_id(rig: Rig) -> None:
    rig.server.run("create role ada login", "create role staff role ada", "alter role ada createrole")
    oid = str(rig.server.run("select 'ada'::regrole::oid")[0][0])
    before = rig.files([known_as(someone("ada", "clerk"), pin=oid)], [CLERK])
    done = rig.apply(rig.files([], [CLERK]), before)
    assert "take ada out of role staff" in done and "take attribute createrole from ada" in done
    assert not rig.server.can_log_in("ada")


def test_person_who_comes_back_gets_the_same_role_and_needs_a_new_password(rig: Rig) -> None:
    rig.apply(here(rig))
    oid = rig.server.run("select 'ada'::regrole::oid")
    rig.apply(without_ada(rig), here(rig))
    assert "enable login role ada (it needs a new password)" in rig.apply(here(rig), without_ada(rig))
    assert rig.server.run("select 'ada'::regrole::oid") == oid and rig.can("ada", READ)
    row = rig.server.run("select rolconnlimit, rolvaliduntil::text from pg_roles where rolname = 'ada'")
    assert row == [(-1, "infinity")]


def test_membership_goes_for_each_grantor_and_what_the_leaver_gave_on_stays(rig: Rig) -> None:
    """From 16 on a membership is one for each grantor; before, the second grant changed nothing."""
    rig.apply(here(rig))
    rig.server.run(
        "create role other login createrole",
        "create role team",
        "create role carl login",
        "grant team to other with admin option",
        "grant team to ada with admin option",
    )
    rig.server.run("grant team to ada", user="other")
    rig.server.run("grant team to carl", user="ada")
    assert "take ada out of role team" in rig.apply(without_ada(rig), here(rig))
    rows = "select member::regrole::text, pg_has_role('carl', 'team', 'usage') from pg_auth_members "
    rows += "where roleid = 'team'::regrole"
    assert sorted(rig.server.run(rows)) == [("carl", True), ("other", True)]
