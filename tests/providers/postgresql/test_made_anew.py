"""What comes between a plan and its apply, or between two runs: tables made anew, another owner's grants, limits of
others, roles that the server itself puts somebody in. None of it may keep a removal from being made, or give more."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.cli.choosing import only_reviewed
from provisioner.contract import Done, Failed, ProviderError, Refused, Trouble
from provisioner.model.change import Action
from provisioner.model.target import AccountsPolicy
from provisioner.providers.postgresql import PostgresProvider
from provisioner.providers.postgresql.write import PostgresWriter
from tests.providers.postgresql.rig import Rig, gives, known_as
from tests.providers.postgresql.test_datasets import READ
from tests.providers.postgresql.test_runs import minting, opened, order, soon
from tests.worlds import OWNER, someone

ANEW = ("drop table sales.orders", "set role app_owner", "create table sales.orders (id int, secret text)")


def test_a_removal_that_was_reviewed_is_made_also_when_the_table_was_made_anew(rig: Rig) -> None:
    roles = [gives("clerk", datasets={"sales.orders": ["select"]}), gives("staff", roles=["staff"])]
    before = rig.files([someone("ada", "clerk", "staff"), someone("bob", "clerk")], roles)
    after = rig.files([someone("ada", "staff"), someone("bob", "clerk")], roles)
    rig.apply(before)
    reviewed = rig.plan(after, before)
    rig.server.run(*ANEW)
    turn, now = only_reviewed(reviewed), rig.plan(after, before)
    (taken,) = [c for c in now.changes if c.action is Action.REVOKE and "orders" in c.words]
    assert taken.id in {c.id for c in reviewed.changes} and turn(taken) is None
    planned, applied = rig.run(after, before)
    (taken,) = [c for c in planned.plan.changes if c.action is Action.REVOKE and "orders" in c.words]
    assert isinstance(applied.outcomes[taken.id], Done)
    assert not rig.can("ada", READ)


def test_of_two_owners_who_give_one_login_the_same_each_sees_what_its_own_is(rig: Rig, tmp_path: Path) -> None:
    rig.server.run("create role ada login", "create role etl")
    rig.accounts = AccountsPolicy.EXISTING
    ada = known_as(someone("ada", "clerk"), pin=str(rig.server.run("select 'ada'::regrole::oid")[0][0]))
    other = replace(rig, folder=tmp_path / "other", owner="ffff0000aaaa", settings={"creators": ["etl"]})
    rig.settings = {"creators": ["app_owner"]}
    both = rig.files([ada], [gives("clerk", datasets={"sales.*": ["select"]})])
    other.apply(both)
    rig.apply(both)
    assert [c.words for c in rig.plan(both).changes] == [c.words for c in other.plan(both).changes] == []


def test_a_dataset_role_is_mended_for_a_run_though_the_server_put_its_maker_in_it(rig: Rig) -> None:
    """From 16 on, a login with CREATEROLE is in every role that it makes."""
    rig.server.run("create role ada login")
    with minting(rig) as minter:
        minter.end(minter.mint(order(rig, "select sales.orders"), soon()).public_id, soon())
    (name,) = rig.server.run("select rolname::text from pg_roles where rolname like 'ds%'")[0]
    rig.server.run(f'grant "{name}" to svc with admin option')
    rig.server.run("drop table sales.orders", "create table sales.orders (id int)")
    with minting(rig) as minter:
        minted = minter.mint(order(rig, "select sales.orders", run="def456"), soon())
        with opened(rig, minted.environ) as session:
            session.execute(READ)
        minter.end(minted.public_id, soon())


def test_a_limit_that_others_set_comes_back_also_where_the_cut_came_late(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.server.run("create role ada login connection limit 5")
    staff = [gives("staff", roles=["staff"])]
    ada = known_as(someone("ada", "staff"), pin=str(rig.server.run("select 'ada'::regrole::oid")[0][0]))
    both, left = rig.files([someone("carl", "staff"), ada], staff), rig.files([someone("carl", "staff")], staff)
    rig.apply(both)
    with monkeypatch.context() as patched:
        denied = Failed(ProviderError(Trouble.DENIED, "may not", call="cut"))
        patched.setattr(PostgresWriter, "cut", lambda *_: denied)
        rig.run(left, both)
    rig.run(left, both)
    assert rig.server.run("select rolconnlimit from pg_roles where rolname = 'ada'") == [(0,)]
    rig.apply(both, left)
    assert rig.server.run("select rolconnlimit from pg_roles where rolname = 'ada'") == [(5,)]


def test_a_role_named_as_a_services_account_is_refused_in_words(rig: Rig) -> None:
    clerk = gives("clerk", datasets={"sales.orders": ["select"]})
    rig.apply(rig.files([someone("bot", "clerk")], [clerk]))
    issuer = PostgresProvider().open_issuer(rig.target(), {}, "password", OWNER)
    issuer.issue("bot", time.monotonic() + 15)
    issuer.close()
    files = rig.files([someone("bot", "clerk"), someone("ada", "odd")], [clerk, gives("odd", roles=["bot"])])
    planned, applied = rig.run(files)
    (made,) = [c for c in planned.plan.changes if c.address.kind == "group"]
    outcome = applied.outcomes[made.id]
    assert isinstance(outcome, Refused) and "that is an account" in outcome.why
