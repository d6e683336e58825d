"""What two parties share in a cluster, and a login that has that and nothing else, until it is ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from provisioner.actor.minting import Means, sweep
from provisioner.contract import Order, ProviderError
from provisioner.credentials import Secret
from provisioner.model.resource import Resource
from provisioner.providers.postgresql import PostgresProvider
from provisioner.providers.postgresql.calls import Session, WriteCalls
from provisioner.providers.postgresql.mint import PostgresMinter
from provisioner.records.journal import open_journal
from tests.providers.postgresql.rig import Rig, account, grant, membership
from tests.worlds import OWNER


class _Nowhere:
    folder, port = "/nowhere", 1


def has(*things: str) -> list[Resource]:
    """`select sales.orders`, or `in analysts`."""
    found = []
    for text in things:
        word, thing = text.split(" ")
        found.append(Resource(membership(thing, "ada") if word == "in" else grant(thing, "ada", word)))
    return found


def said(things: Sequence[Resource]) -> list[str]:
    return [f"{r.address.slot or 'in'} {r.address.object}" for r in things]


@pytest.mark.parametrize(
    ("person", "scope", "both"),
    [
        (["select sales.orders"], ["select sales.*"], ["select sales.orders"]),
        (["select sales.*"], ["select sales.*", "select sales.orders"], ["select sales.*"]),
        (["select sales.orders"], ["select sales.orders.id", "insert sales.orders"], ["select sales.orders.id"]),
        (["delete sales.*"], ["select sales.orders.id"], []),
        (["select sales.orders"], ["select hr.*", "usage sales", "select other/sales.orders"], []),
        (["in analysts"], ["select sales.orders"], ["select sales.orders"]),
        (["in analysts"], ["in analysts"], ["select sales.*"]),
        (["in staff"], ["in staff", "in clerks"], ["in staff"]),
        (["in staff"], ["select sales.orders"], []),
    ],
)
def test_the_narrower_of_two_is_what_they_share(person: list[str], scope: list[str], both: list[str]) -> None:
    rig = Rig(_Nowhere(), Path())  # type: ignore[arg-type]
    objects = {"roles": {"analysts": {"datasets": {"sales.*": ["select"]}}, "staff": {}}}
    declare = replace(rig, objects=objects, databases=["app", "other"]).connection().declare
    for one, other in ((person, scope), (scope, person)):
        found = declare.shared(has(*one), has(*other))  # type: ignore[attr-defined]
        assert (said(found.things), found.cannot) == (both, ())


def test_what_would_outlive_a_run_cannot_be_narrowed() -> None:
    rig = Rig(_Nowhere(), Path(), settings={"reassign_to": "app_owner"})  # type: ignore[arg-type]
    declare = rig.connection().declare
    for thing, why in (
        ("create sales", "makes things"),
        ("trigger sales.orders", "makes things"),
        ("in pg_write_server_files", "superuser"),
    ):
        found = declare.shared(has(thing), has(thing))  # type: ignore[attr-defined]
        assert len(found.cannot) == 1 and why in found.cannot[0]


@contextmanager
def minting(rig: Rig) -> Iterator[PostgresMinter]:
    provider = PostgresProvider(rig.limits)
    minter = provider.open_minter(rig.target(), {}, OWNER)
    try:
        yield minter
    finally:
        minter.close()


def order(rig: Rig, *things: str, run: str = "abc123", minutes: float = 15) -> Order:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=minutes)
    return Order(run, "ada", "ada", "site", tuple(has(*things)), ends)


def soon() -> float:
    return time.monotonic() + 15


def opened(
    rig: Rig, environ: Mapping[str, Secret | str], database: str | None = None
) -> psycopg.Connection[tuple[object, ...]]:
    told = {k: v.reveal() if isinstance(v, Secret) else v for k, v in environ.items()}
    return psycopg.connect(host="127.0.0.1", port=rig.server.port, user=told["PGUSER"], password=told["PGPASSWORD"],
                           dbname=database or told["PGDATABASE"], autocommit=True)  # fmt: skip


@pytest.fixture
def ada(rig: Rig) -> Rig:
    rig.server.run("create role ada login")
    return rig


def test_a_login_has_what_is_shared_and_nothing_else_and_is_gone_with_its_sessions(ada: Rig) -> None:
    with minting(ada) as minter:
        minted = minter.mint(order(ada, "select sales.orders"), soon())
        assert minted.public_id == "run_abc123" and minted.taken_back
        with opened(ada, minted.environ) as session:
            session.execute("select * from sales.orders")
            for other in ("select * from sales.prices", "insert into sales.orders values (1)", "create table t ()"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(other)
            session.execute("create temporary table mine (id int)")
            secret = str(minted.environ["PGPASSWORD"])
            assert secret == "****"
            assert [(x.public_id, x.run, x.ends) for x in minter.left()] == [("run_abc123", "abc123", minted.ends)]
            minter.end(minted.public_id, soon())
            with pytest.raises(psycopg.OperationalError):
                session.execute("select 1")
        assert minter.left() == ()
        minter.end(minted.public_id, soon())
        assert ada.server.run("select count(*) from pg_roles where rolname like 'run%'") == [(0,)]
        log = ada.server.log.read_text()
        assert "SCRAM-SHA-256$" in log and minted.environ["PGPASSWORD"].reveal() not in log  # type: ignore[union-attr]


def test_it_cannot_log_in_after_its_end_and_is_no_news_until_then(ada: Rig) -> None:
    quiet = ada.read()
    with minting(ada) as minter:
        minted = minter.mint(order(ada, "select sales.orders"), soon())
        again = minter.mint(replace(order(ada, "select sales.orders"), ends=minted.ends), soon())
        opened(ada, again.environ).close()
        now = ada.read()
        assert set(now.state.resources) == set(quiet.state.resources)
        assert not [w for w in now.warnings if w.code == "run-left-over"]
        minter.end(minted.public_id, soon())
        over = minter.mint(order(ada, "select sales.orders", minutes=-1), soon())
        with pytest.raises(psycopg.OperationalError):
            opened(ada, over.environ)
        told = [w.message for w in ada.read().warnings if w.code == "run-left-over"]
        assert told == ["on db the login run_abc123 of a run for ada is over and still there"]
        minter.end(over.public_id, soon())


def test_only_a_runs_login_is_ended_and_only_one_is_hidden(ada: Rig) -> None:
    with minting(ada) as minter:
        for name, comment in (
            ("ada", ""),
            ("run_mine", "provision/1 run other k=ada p=x l=ada ends 2030-01-01T00:00:00Z"),
        ):
            if comment:
                ada.server.run(f"create role {name} login", f"comment on role {name} is '{comment}'")
            with pytest.raises(ProviderError, match="is not a login that a run was given"):
                minter.end(name, soon())
        minted = minter.mint(order(ada, "select sales.orders"), soon())
        ada.server.run("alter role run_abc123 createdb")
        assert {account("run_mine"), account("run_abc123")} <= set(ada.read().state.resources)
        minter.end(minted.public_id, soon())


def test_nothing_is_made_where_it_would_be_more_than_was_shared(ada: Rig) -> None:
    with minting(ada) as minter:
        minter.mint(order(ada, "select sales.orders"), soon())
        minter.end("run_abc123", soon())
        role = ada.server.run("select rolname from pg_roles where rolname like 'ds%'")[0][0]
        ada.server.run(f"grant select on sales.prices to {role}")
        with pytest.raises(ProviderError, match="holds more than its name says") as told:
            minter.mint(order(ada, "select sales.orders"), soon())
        assert told.value.code == "cannot-narrow"
        ada.server.run(f"revoke select on sales.prices from {role}",  # noqa: S608
                       "create role trainees",
                       "alter table sales.orders enable row level security",
                       "create policy few on sales.orders as restrictive to trainees using (id < 5)")  # fmt: skip
        with pytest.raises(ProviderError, match=r"row security of sales\.orders restricts trainees"):
            minter.mint(order(ada, "select sales.orders"), soon())
        ada.server.run("drop policy few on sales.orders")
        for how in ("nologin", "login connection limit 0", "connection limit -1 valid until '2026-01-01'"):
            ada.server.run(f"alter role ada {how}")
            with pytest.raises(ProviderError, match="the login ada is disabled"):
                minter.mint(order(ada, "select sales.orders"), soon())
        assert ada.server.run("select count(*) from pg_roles where rolname like 'run%'") == [(0,)]


DATASET = "select rolname from pg_roles where rolname like 'ds%'"


def test_a_run_mends_nothing_that_others_hold(ada: Rig) -> None:
    with minting(ada) as minter:
        minter.mint(order(ada, "select sales.orders"), soon())
        minter.end("run_abc123", soon())
        role = ada.server.run(DATASET)[0][0]
        for member, reads in (("ada", False), ("run_gone", True)):
            ada.server.run(f"revoke select on sales.orders from {role}")  # noqa: S608
            if member == "ada":
                ada.server.run(f"grant {role} to ada")
            minted = minter.mint(order(ada, "select sales.orders"), soon())
            with opened(ada, minted.environ) as session:
                could = session.execute("select has_table_privilege('sales.orders', 'select')").fetchone()
            assert could == (reads,)
            assert not ada.can("ada", "select * from sales.orders")
            minter.end("run_abc123", soon())
            ada.server.run(f"revoke {role} from ada")


def test_a_run_cannot_make_what_belongs_to_a_dataset(ada: Rig) -> None:
    """Until 15 whoever is in a role may act as it; then there must be no place to make things in."""
    ada.server.run("create role onlooker login")
    with minting(ada) as minter:
        made = minter.mint(order(ada, "select sales.orders"), soon())
        role = ada.server.run(DATASET)[0][0]
        ada.server.run("grant create on schema public to public")
        before = ada.server.run("select current_setting('server_version_num')::int")[0][0] < 160000
        with opened(ada, made.environ) as session:
            if before:
                session.execute(f"set role {role}")
                session.execute(PEEK.format("sales.orders"))
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    session.execute(f"set role {role}")
        minter.end("run_abc123", soon())
        if before:
            with pytest.raises(ProviderError, match=r"everybody may create in schema public of app") as told:
                minter.mint(order(ada, "select sales.orders"), soon())
            assert told.value.code == "cannot-narrow"
            ada.server.run("revoke create on schema public from public")
            with pytest.raises(ProviderError, match=rf"{role} owns something in app") as told:
                minter.mint(order(ada, "select sales.orders"), soon())
            assert told.value.code == "cannot-narrow"
            ada.server.run("drop function public.peek()")
        ada.server.run(f"grant usage on schema public to {role}", database="postgres")
        with pytest.raises(ProviderError, match=rf"{role} holds something in postgres"):
            minter.mint(order(ada, "select sales.orders"), soon())
        ada.server.run(f"drop owned by {role}", database="postgres")
        assert minter.left() == ()


def test_whoever_is_cut_off_loses_the_login_of_their_run(ada: Rig) -> None:
    with minting(ada) as minter:
        ada.server.run('create role "bob, b" login')
        for who in ("ada", "bob, b"):  # who set it going, and who ran it again
            minted = minter.mint(replace(order(ada, "select sales.orders"), others=("bob, b",)), soon())
            with opened(ada, minted.environ) as session:
                writer = ada.writer()
                writer.cut(account(who), soon())
                writer.close()
                with pytest.raises(psycopg.OperationalError):
                    session.execute("select 1")
            assert minter.left() == ()
            ada.server.run("alter role ada connection limit -1")


PEEK = "create function public.peek() returns bigint language sql security definer as 'select count(*) from {}'"
WHAT_IT_MADE = (
    "select to_regproc('public.peek')::text, to_regclass('public.seen')::text, to_regclass('public.mine')::text"
)
KEPT = "select oid::int, lomowner::regrole::text from pg_largeobject_metadata order by 1"


def test_what_a_run_made_goes_with_it_and_nobody_inherits_its_code(ada: Rig) -> None:
    ada.settings["reassign_to"] = "app_owner"
    with minting(ada) as minter:
        minted = minter.mint(order(ada, "select sales.orders"), soon())
        ada.server.run("grant create on schema public to public")
        with opened(ada, minted.environ) as session:
            for statement in (
                PEEK.format("sales.prices"),
                "create view public.seen as select * from sales.orders",
                "create table public.mine (id int)",
                "select lo_create(4711)",
            ):
                session.execute(statement)
        with opened(ada, minted.environ, "postgres") as session:  # which `databases` does not name
            session.execute("select lo_create(4712)")
            session.execute("alter default privileges grant select on tables to public")
        minter.end(minted.public_id, soon())
        assert minter.left() == ()
    assert ada.server.run(WHAT_IT_MADE) == [(None, None, None)]
    assert ada.server.run(KEPT) == [(4711, "app_owner")]
    assert ada.server.run(KEPT, database="postgres") == [(4712, "app_owner")]
    ada.server.run("select lo_unlink(4712)", database="postgres")


@dataclass
class Overtaken:
    """Calls with somebody who is there first, right before the transaction of that number."""

    calls: WriteCalls
    at: int
    first: Callable[[], None]
    count: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.calls, name)

    def transaction(self, database: str, deadline: float) -> AbstractContextManager[Session]:
        self.count += 1
        if self.count == self.at:
            self.first()
        return self.calls.transaction(database, deadline)


def test_several_may_end_the_same_run(ada: Rig) -> None:
    """Whoever comes second at any moment finds it gone, which is fine."""
    for moment in range(1, 9):
        with minting(ada) as minter, minting(ada) as other:
            minter.mint(order(ada, "select sales.orders"), soon())
            calls = Overtaken(minter._calls, moment, partial(other.end, "run_abc123", soon()))
            PostgresMinter(calls, minter._rules).end("run_abc123", soon())  # type: ignore[arg-type]
            assert minter.left() == ()
    assert calls.count < moment, "every moment was tried"


def test_what_others_built_on_a_runs_code_keeps_its_login_without_a_way_in_or_rights(ada: Rig) -> None:
    ada.server.run("create role onlooker login")
    with minting(ada) as minter:
        minted = minter.mint(order(ada, "select sales.orders"), soon())
        ada.server.run("grant create on schema public to public")
        with opened(ada, minted.environ) as session:
            session.execute(PEEK.format("sales.orders"))
        assert ada.can("onlooker", "select public.peek()")
        ada.server.run("create view public.theirs as select public.peek()")
        with pytest.raises(ProviderError, match=r"nobody can log in as run_abc123, but .*view public.theirs"):
            minter.end(minted.public_id, soon())
        assert not ada.can("onlooker", "select public.peek()")
        with pytest.raises(psycopg.OperationalError):
            opened(ada, minted.environ)
        ada.server.run("drop view public.theirs")
        minter.end(minted.public_id, soon())
        assert minter.left() == ()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("create role boss createrole; grant boss to analysts", "boss has createrole"),
        ("grant pg_execute_server_program to staff; grant staff to analysts", "superuser"),
        ("grant staff to analysts with admin option", "let others into staff"),
        ("grant staff to analysts; create table sales.own (); alter table sales.own owner to staff", "staff owns"),
        ("grant staff to analysts; grant create on schema sales to staff", "staff has create on schema sales"),
        ("grant select on sales.orders to analysts with grant option", "give away select on relation sales.orders"),
    ],
)
def test_a_role_is_too_wide_by_what_it_is_in(ada: Rig, more: str, why: str) -> None:
    ada.server.run("create role staff", "create role analysts", *more.split("; "))
    with minting(ada) as minter:
        with pytest.raises(ProviderError, match=why) as told:
            minter.mint(order(ada, "in analysts"), soon())
        assert told.value.code == "cannot-narrow"
        assert minter.left() == ()


def test_where_the_server_is_goes_on_to_the_command_wherever_it_was_said(
    ada: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", str(ada.server.folder))
    monkeypatch.setenv("PGPORT", str(ada.server.port))
    monkeypatch.setenv("PGSSLMODE", "disable")
    ada.settings["dsn"] = "user=svc"
    with minting(ada) as minter:
        told = minter.mint(order(ada, "select sales.orders"), soon()).environ
        assert [told[name] for name in ("PGHOST", "PGPORT", "PGSSLMODE", "PGUSER", "PGDATABASE")] == [
            str(ada.server.folder), str(ada.server.port), "disable", "run_abc123", "app"
        ]  # fmt: skip
        minter.end("run_abc123", soon())


def test_a_clock_that_is_wrong_neither_ends_what_runs_nor_makes_what_lasts_longer(ada: Rig, tmp_path: Path) -> None:
    ahead = datetime.now(UTC) + timedelta(hours=1)
    store = open_journal(str(tmp_path / "journal"), tmp_path).store
    means = Means({}, {}, OWNER, store, lambda: ahead, lambda _: None)
    with minting(ada) as minter:
        minted = minter.mint(order(ada, "select sales.orders"), soon())
        assert sweep(ada.target(), minter, means)
        opened(ada, minted.environ).close()
        minter.end(minted.public_id, soon())
        wrong = PostgresMinter(minter._calls, minter._rules, clock=lambda: ahead)
        with pytest.raises(ProviderError, match=r"clock .* differ by 60 minutes"):
            wrong.mint(order(ada, "select sales.orders"), soon())
        assert minter.left() == ()
