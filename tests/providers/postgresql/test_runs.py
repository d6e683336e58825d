"""What two parties share in a cluster, and a login that has that and nothing else, until it is ended."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from provisioner.contract import Order, ProviderError
from provisioner.credentials import Secret
from provisioner.model.resource import Resource
from provisioner.providers.postgresql import PostgresProvider
from provisioner.providers.postgresql.mint import PostgresMinter
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
    declare = Rig(_Nowhere(), Path()).connection().declare  # type: ignore[arg-type]
    for thing, why in (("create sales", "reassign_to"), ("in pg_write_server_files", "superuser")):
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


def opened(rig: Rig, environ: Mapping[str, Secret | str]) -> psycopg.Connection[tuple[object, ...]]:
    told = {k: v.reveal() if isinstance(v, Secret) else v for k, v in environ.items()}
    return psycopg.connect(host="127.0.0.1", port=rig.server.port, user=told["PGUSER"], password=told["PGPASSWORD"],
                           dbname=told["PGDATABASE"], autocommit=True)  # fmt: skip


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
        ada.server.run("drop policy few on sales.orders", "alter role ada nologin")
        with pytest.raises(ProviderError, match="the login ada is disabled"):
            minter.mint(order(ada, "select sales.orders"), soon())
        assert ada.server.run("select count(*) from pg_roles where rolname like 'run%'") == [(0,)]


def test_whoever_is_cut_off_loses_the_login_of_their_run(ada: Rig) -> None:
    with minting(ada) as minter:
        minted = minter.mint(order(ada, "select sales.orders"), soon())
        with opened(ada, minted.environ) as session:
            writer = ada.writer()
            writer.cut(account("ada"), soon())
            writer.close()
            with pytest.raises(psycopg.OperationalError):
                session.execute("select 1")
        assert minter.left() == ()
