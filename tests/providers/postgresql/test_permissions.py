"""What the page of the provider says that the engine's own role needs, tried: no superuser on either side."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from provisioner.contract import Failed, Order, ProviderError, Trouble
from provisioner.model.address import Kind
from provisioner.model.coverage import EVERYTHING, Verdict
from provisioner.model.resource import Resource
from provisioner.providers.postgresql import PostgresProvider
from provisioner.providers.postgresql.convert import EVERYONE
from tests.providers.postgresql.rig import Rig, gives, grant, known_as
from tests.runs import failures
from tests.worlds import OWNER, someone

READ = "select count(*) from sales.orders"
CLERK = gives("clerk", roles=["staff"], datasets={"sales.orders": ["select"], "sales.*": ["insert"]})


def without_superuser(rig: Rig) -> None:
    """As docs/providers/postgresql.md says."""
    rig.settings |= {"creators": ["app_owner"], "reassign_to": "app_owner"}
    rig.server.run(
        "alter database app owner to app_owner",
        "create role prov login createrole",
        "grant app_owner, pg_signal_backend to prov",
        "create role onlooker login",
    )
    rig.user = "prov"


def test_a_role_without_superuser_does_it_all(rig: Rig) -> None:
    without_superuser(rig)
    here, gone = rig.files([someone("ada", "clerk")], [CLERK]), rig.files([], [CLERK])
    rig.apply(here)
    assert rig.can("ada", READ) and rig.apply(here) == []
    rig.server.run("grant create on database app to ada")
    rig.server.run("create schema hers", user="ada")
    with rig.server.session("ada"):
        rig.apply(gone, here)
    assert not rig.server.can_log_in("ada") and rig.apply(gone, here) == []
    assert rig.server.run("select nspowner::regrole::text from pg_namespace where nspname = 'hers'") == [("app_owner",)]
    assert rig.server.run("select 1 from pg_auth_members where member = 'prov'::regrole and roleid = 'ada'::regrole "
                          "and (to_jsonb(pg_auth_members) ->> 'inherit_option')::bool") == []  # fmt: skip


def test_the_same_role_makes_and_ends_the_login_of_a_run(rig: Rig) -> None:
    without_superuser(rig)
    rig.server.run("create role ada login", "grant ada to prov with admin option")
    minter = PostgresProvider(rig.limits).open_minter(rig.target(), {}, OWNER)
    things = (Resource(grant("sales.orders", "ada", "select")), Resource(grant("sales.*", "ada", "insert")))
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    made = minter.mint(Order("r1", "ada", "ada", "site", things, ends), time.monotonic() + 15)
    assert rig.can(made.public_id, READ) and not rig.can(made.public_id, "delete from sales.orders")
    with rig.server.session(made.public_id) as session:
        session.execute("select lo_create(0)")  # anybody may
        minter.end(made.public_id, time.monotonic() + 15)
    assert rig.server.run("select lomowner::regrole::text from pg_largeobject_metadata") == [("app_owner",)]
    assert minter.left() == ()
    minter.close()


def test_a_role_that_can_only_look_makes_the_same_plan(rig: Rig) -> None:
    without_superuser(rig)
    here = rig.files([someone("ada", "clerk"), someone("bob", "clerk")], [CLERK])
    rig.apply(here)
    rig.server.run('grant delete on sales.orders to "ada"', "create role other role ada", "alter role ada createdb")
    after = rig.files([someone("bob", "clerk")], [CLERK])
    plans = {}
    for user in ("svc", "prov", "onlooker"):
        rig.user = user
        plans[user] = rig.plan(after, here)
    assert plans["onlooker"].complete and plans["onlooker"].changes
    assert len({p.approves for p in plans.values()}) == 1
    assert len({tuple(c.id for c in p.changes) for p in plans.values()}) == 1


def test_the_server_refuses_to_write_for_a_reader(rig: Rig) -> None:
    reader = rig.reader()
    with reader._calls.snapshot("app") as session, pytest.raises(ProviderError) as refused:
        session.run("create role eve login", "create role")
    assert refused.value.code == "25006"
    reader.close()
    assert rig.server.run("select 1 from pg_roles where rolname = 'eve'") == []


def test_a_database_that_cannot_be_entered_is_told_and_nothing_of_it_is_taken_for_gone(rig: Rig) -> None:
    without_superuser(rig)
    rig.server.run("create database warehouse")
    rig.server.run("create schema sales", "create table sales.orders (id int)", database="warehouse")
    rig.databases.append("warehouse")
    inside = {"warehouse/sales.orders": ["select"], "warehouse/sales.*": ["insert"], "sales.orders": ["select"]}
    far = gives("far", datasets=inside)
    here = rig.files([someone("ada", "far")], [far])
    rig.user = "svc"
    rig.apply(here)
    rig.server.run("revoke connect on database warehouse from public")
    rig.user = "onlooker"
    reading = rig.read()
    assert reading.coverage.of(Kind.GRANT).verdict is Verdict.PARTIAL
    assert "permission denied" in reading.coverage.of(Kind.GRANT).proof
    assert reading.coverage.of(Kind.GRANT, "sales.orders").verdict is Verdict.COMPLETE
    assert rig.plan(here).changes == (), "what was not read does not differ"
    plan = rig.plan(rig.files([someone("ada", "rest")], [gives("rest", roles=["staff"])]), here)
    taken = [c.words for c in plan.changes if c.narrows]
    assert taken == ["take select on sales.orders from ada"] and not plan.complete
    told = next(d.message for d in plan.diagnostics if d.code == "incomplete-read")
    assert told == "db could not be read completely: 2 changes are held back; what was not read is left as it is"


def test_what_everybody_may_do_is_told_and_what_that_is_by_default_is_one_note(rig: Rig) -> None:
    def warned() -> list[tuple[str, str]]:
        return sorted((d.code, d.message) for d in rig.read().warnings)

    def strays() -> set[tuple[str, str | None]]:
        plan = rig.plan(rig.files([], []))
        return {(s.address.object, s.address.slot) for s in plan.strays if s.address.principal == EVERYONE}

    rig.server.run("grant execute on all functions in schema sales to public", "create type sales.t as enum ('a')")
    note = "on db every role may connect to app and make temporary tables there"
    assert warned() == [("postgresql-connect", note)] and strays() == set()
    rig.server.run(
        "grant create on database app to public",
        "grant select on sales.orders to public",
        "grant update (id) on sales.orders to public",
        "grant usage on schema sales to public",
        "alter default privileges for role app_owner in schema sales grant select on tables to public",
        "alter default privileges for role app_owner grant usage on schemas to public",
        "grant create on tablespace pg_default to public",
        "revoke connect, temporary on database app from public",
    )
    everybody = "on db everybody who can connect to app may create on app/; "
    everybody += "select on future tables of app_owner in sales; select on sales.orders; update on sales.orders.id; "
    everybody += "usage on future schemas of app_owner and 1 more"
    given, told = strays(), warned()
    rig.server.run("revoke create on tablespace pg_default from public")  # which outlives every database
    assert told == [
        ("postgresql-public", "on db everybody may create on tablespace pg_default"),
        ("postgresql-public", everybody),
    ]
    assert given == {
        ("app/", "create"),
        ("sales.orders", "select"),
        ("sales.orders.id", "update"),
        ("sales", "usage"),
        ("!future tables of app_owner in sales", "select"),
        ("!future schemas of app_owner", "usage"),
        ("!tablespace pg_default", "create"),
    }


def test_rights_that_the_engine_lacks_are_a_failure_by_name(rig: Rig) -> None:
    without_superuser(rig)
    rig.server.run("create schema other", "create table other.t (id int)")
    declared = rig.files([someone("ada", "odd")], [gives("odd", datasets={"other.t": ["select"], "sales": ["usage"]})])
    planned, applied = rig.run(declared)
    change = next(c for c in planned.plan.changes if c.address.object == "other.t")
    outcome = applied.outcomes[change.id]
    assert isinstance(outcome, Failed) and outcome.error.trouble is Trouble.DENIED
    assert len(failures(applied)) == 1


def test_a_warning_on_revoke_is_a_failure(rig: Rig) -> None:
    """The server says WARNING and success where nothing was revoked: here a grant of another grantor's."""
    without_superuser(rig)
    rig.server.run(
        "create role mid login", "create role ada login", "grant usage on schema sales to mid",
        "grant select on sales.orders to mid with grant option", "create role gone",
    )  # fmt: skip
    rig.server.run("grant select on sales.orders to ada", user="mid")
    rig.user = "svc"
    writer = rig.writer()
    with pytest.raises(ProviderError) as told, writer._calls.transaction("app", time.monotonic() + 15) as session:
        session.run("revoke gone from ada", "revoke")
    assert told.value.trouble is Trouble.CONFLICT and "warned" in told.value.message
    writer.close()
    rig.user = "prov"
    oid = str(rig.server.run("select 'ada'::regrole::oid")[0][0])
    before = rig.files(
        [known_as(someone("ada", "one"), pin=oid)], [gives("one", datasets={"sales.orders": ["select"]})]
    )
    after = rig.files([known_as(someone("ada", "rest"), pin=oid)], [gives("rest", roles=["staff"])])
    _, applied = rig.run(after, before)
    assert len([f for f in failures(applied) if "take" in f or "revoke" in f]) == 1, "prov is not in role mid"
    assert rig.server.run("select has_table_privilege('ada', 'sales.orders', 'select')") == [(True,)]


def test_what_is_read_does_not_grow_with_what_there_is(rig: Rig) -> None:
    empty = rig.read().calls
    rig.server.run(*[f"create role r{i} login" for i in range(30)], *[f"grant r{i} to r{i + 1}" for i in range(29)])
    rig.server.run(*[f"create table sales.t{i} (id int)" for i in range(10)])
    rig.server.run(*[f"grant select on sales.t{i % 10} to r{i}" for i in range(30)])
    reader = rig.reader()
    assert reader.read(EVERYTHING).calls == empty == 8
    reader.close()
