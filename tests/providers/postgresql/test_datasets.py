"""What roles give on datasets, as the server itself sees it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.contract import Failed, Trouble
from provisioner.model.change import Action
from provisioner.model.effect import Direction
from provisioner.model.mark import owner8
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.target import AccountsPolicy
from provisioner.providers.postgresql import names
from tests.providers.postgresql.rig import NAME, Rig, gives, grant, known_as, person
from tests.runs import failures
from tests.worlds import OWNER, said, someone

READ = "select count(*) from sales.orders"


def test_the_server_lets_in_whom_the_files_name_and_nobody_else(rig: Rig) -> None:
    clerk = gives("clerk", datasets={"sales.orders": ["select"], "sales.prices": ["select", "insert"]})
    looker = gives("looker", datasets={"sales.orders": ["select"]})
    declared = rig.files([someone("ada", "clerk"), someone("bob", "looker")], [clerk, looker])
    done = rig.apply(declared)
    assert "give ada select on sales.orders" in done
    assert rig.can("ada", READ) and rig.can("bob", READ)
    assert rig.can("ada", "insert into sales.prices values (1)") and not rig.can("bob", "select * from sales.prices")
    assert not rig.can("ada", "insert into sales.orders values (1)")
    assert rig.apply(declared) == []


def test_what_two_people_share_is_what_their_dataset_roles_have_in_common(rig: Rig) -> None:
    one = gives("one", datasets={"sales.orders": ["select", "update"]})
    other = gives("other", datasets={"sales.orders": ["select"], "sales.prices": ["select"]})
    rig.apply(rig.files([someone("ada", "one"), someone("bob", "other")], [one, other]))
    held = "select r.rolname from pg_auth_members m join pg_roles r on r.oid = m.roleid where m.member = '{}'::regrole"
    ada, bob = ({row[0] for row in rig.server.run(held.format(who))} for who in ("ada", "bob"))
    thing = names.parse("sales.orders", "app")
    assert ada & bob == {names.dataset_role(owner8(OWNER), thing, "select")} and len(ada) == len(bob) == 2


def test_removed_line_takes_it_away_and_leaves_what_others_have(rig: Rig) -> None:
    clerk = gives("clerk", datasets={"sales.orders": ["select"]})
    before = rig.files([someone("ada", "clerk"), someone("bob", "clerk")], [clerk])
    rig.apply(before)
    after = rig.files([someone("ada"), someone("bob", "clerk")], [clerk])
    assert "take select on sales.orders from ada" in rig.apply(after, before)
    assert not rig.can("bob", "select * from sales.prices") and rig.can("bob", READ)
    assert rig.server.run(
        "select pg_has_role('ada', r.oid, 'member') from pg_roles r where rolname like 'ds!_%' escape '!'"
    ) == [(False,)]


def test_whole_schema_covers_tables_to_come_of_its_creators(rig: Rig) -> None:
    rig.settings["creators"] = ["app_owner"]
    declared = rig.files([someone("ada", "all")], [gives("all", datasets={"sales.*": ["select"]})])
    assert "give ada select on sales.*, and on tables to come that app_owner makes" in rig.apply(declared)
    rig.server.run("set role app_owner", "create table sales.later (id int)")
    assert rig.can("ada", "select * from sales.later") and rig.apply(declared) == []

    rig.server.run("create table sales.theirs (id int)")  # the superuser's, whom nobody named
    assert not rig.can("ada", "select * from sales.theirs")
    plan = rig.plan(declared)
    assert [c.words for c in plan.changes] == ["let ada's select on sales.* cover theirs"]
    told = [d for d in plan.diagnostics if d.code == "postgresql-creators"]
    assert len(told) == 1 and "postgres will make" in told[0].message
    rig.apply(declared)
    assert rig.can("ada", "select * from sales.theirs") and rig.apply(declared) == []


def test_creator_who_is_no_longer_named_makes_tables_that_nobody_is_given(rig: Rig) -> None:
    rig.settings["creators"] = ["app_owner", "svc"]
    declared = rig.files([someone("ada", "all")], [gives("all", datasets={"sales.*": ["select"]})])
    rig.apply(declared)
    rig.settings["creators"] = ["svc"]
    assert rig.apply(declared) == ["let ada's select on sales.* cover tables to come that svc makes"]
    rig.server.run("set role app_owner", "create table sales.later (id int)")
    assert not rig.can("ada", "select * from sales.later")


def dataset_role(path: str) -> str:
    return names.dataset_role(owner8(OWNER), names.parse(path, "app"), "select")


def test_dataset_role_that_somebody_emptied_is_shown_so_and_mended(rig: Rig) -> None:
    datasets = {"sales.orders": ["select"], "sales.*": ["select"]}
    declared = rig.files([someone("ada", "clerk")], [gives("clerk", datasets=datasets)])
    rig.apply(declared)
    rig.server.run(f'revoke all on sales.orders from "{dataset_role("sales.orders")}"')
    rig.server.run(f'revoke usage on schema sales from "{dataset_role("sales.*")}"')
    live = rig.read().state.resources[grant("sales.orders", "ada", "select")]
    assert (live.attributes, live.gives_access) == ({"intact": False}, True)
    plan = rig.plan(declared)
    assert [c.words for c in plan.changes] == [
        "mend ada's select on sales.*, whose dataset role has lost it",
        "mend ada's select on sales.orders, whose dataset role has lost it",
    ] and all(c.effect.direction is Direction.WIDENS for c in plan.changes)
    rig.apply(declared)
    assert rig.can("ada", READ) and rig.apply(declared) == []


@pytest.mark.parametrize("lost", ["connect on database app", "select on sales.orders"])
def test_who_was_in_an_emptied_dataset_role_goes_out_of_it_and_does_not_get_it_back_with_the_next_one(
    rig: Rig, lost: str
) -> None:
    """Everybody may connect, so without CONNECT of its own the role still gives all that it gave."""
    clerk, staff = gives("clerk", datasets={"sales.orders": ["select"]}), gives("staff", roles=["staff"])
    before = rig.files([someone("ada", "clerk", "staff"), someone("bob", "clerk")], [clerk, staff])
    rig.apply(before)
    rig.server.run(f'revoke {lost} from "{dataset_role("sales.orders")}"')
    after = rig.files([someone("ada", "staff")], [clerk, staff])
    words = rig.apply(after, before)
    assert {"take select on sales.orders from ada", "take select on sales.orders from bob"} <= set(words)
    again = rig.files([someone("ada", "staff"), someone("carl", "clerk")], [clerk, staff])
    rig.apply(again)
    assert rig.can("carl", READ) and not rig.can("ada", READ)
    members = "select member::regrole::text from pg_auth_members where roleid::regrole::text like 'ds%'"
    assert rig.server.run(members) == [("carl",)]


def test_what_a_dataset_role_holds_beyond_its_name_is_a_stray(rig: Rig) -> None:
    declared = rig.files([someone("ada", "clerk")], [gives("clerk", datasets={"sales.orders": ["select"]})])
    rig.apply(declared)
    role = dataset_role("sales.orders")
    rig.server.run(f'grant delete on sales.orders to "{role}"')
    plan = rig.plan(declared)
    stray = grant("sales.orders", Principal(NAME, PrincipalKind.GROUP, role), "delete")
    assert stray in {s.address for s in plan.strays} and plan.changes == ()


def test_direct_grants_satisfy_the_files_and_go_by_their_grantor(rig: Rig) -> None:
    rig.server.run(
        "create role ada login",
        "create role mid login",
        "grant usage on schema sales to ada, mid",
        "grant select on sales.orders to mid with grant option",
        "set role mid",
        "grant select on sales.orders to ada",
    )
    oid = str(rig.server.run("select 'ada'::regrole::oid")[0][0])
    ada = known_as(someone("ada", "clerk"), pin=oid)
    clerk = gives("clerk", datasets={"sales.orders": ["select"], "sales": ["usage"]})
    before = rig.files([ada], [clerk])
    assert rig.apply(before) == ["mark login role ada as ada's"]
    assert rig.read().state.resources[grant("sales.orders", "ada", "select")].ways[0].native_id == "privilege by mid"
    after = rig.files([known_as(someone("ada", "rest"), pin=oid)], [gives("rest", datasets={"sales": ["usage"]})])
    assert "take select on sales.orders from ada" in rig.apply(after, before)
    assert not rig.can("ada", READ) and rig.can("mid", READ)


def test_what_the_files_of_another_owner_give_is_theirs_to_take(rig: Rig, tmp_path: Path) -> None:
    """Accounts that somebody else makes, and two repositories that give them something."""
    rig.server.run("create role ada login")
    ada = {"pin": str(rig.server.run("select 'ada'::regrole::oid")[0][0])}
    rig.accounts = AccountsPolicy.EXISTING
    other = replace(rig, folder=tmp_path / "other", owner="ffff0000aaaa")
    roles = [gives("clerk", datasets={"sales.orders": ["select"]}), gives("staff", roles=["staff"])]
    both, less = (
        rig.files([known_as(someone("ada", *held), **ada)], roles) for held in (("clerk", "staff"), ("staff",))
    )
    give, take = "give ada select on sales.orders", "take select on sales.orders from ada"
    assert give in rig.apply(both)
    assert other.apply(both) == [] and other.apply(less, both) == [] and rig.can("ada", READ)
    assert rig.apply(less, both) == [take] and not rig.can("ada", READ)
    assert other.apply(both) == [give]
    assert rig.apply(less, both) == [] and rig.can("ada", READ)
    assert other.apply(less, both) == [take] and not rig.can("ada", READ)


def test_held_through_another_role_still_is_called_held(rig: Rig) -> None:
    rig.server.run("create role analysts", "grant usage on schema sales to analysts",
                   "grant select on sales.orders to analysts")  # fmt: skip
    clerk, member = gives("clerk", datasets={"sales.orders": ["select"]}), gives("member", roles=["analysts"])
    before = rig.files([someone("ada", "clerk", "member")], [clerk, member])
    rig.apply(before)
    after = rig.files([someone("ada", "member")], [clerk, member])
    planned, applied = rig.run(after, before)
    assert [c.words for c in planned.plan.changes] == ["take select on sales.orders from ada"]
    outcome = next(iter(applied.outcomes.values()))
    assert "through analysts" in str(outcome) and rig.can("ada", READ)


@pytest.mark.parametrize("wider", ["sales.*", "sales.orders"])
def test_held_through_what_it_is_a_part_of_still_is_called_held(rig: Rig, wider: str) -> None:
    clerk, member = gives("clerk", datasets={"sales.orders.id": ["select"]}), gives("member", roles=["analysts"])
    rig.objects = {"roles": {"analysts": {"datasets": {wider: ["select"]}}}}
    before = rig.files([someone("ada", "clerk", "member")], [clerk, member])
    rig.apply(before)
    planned, applied = rig.run(rig.files([someone("ada", "member")], [clerk, member]), before)
    assert [c.words for c in planned.plan.changes] == ["take select on sales.orders.id from ada"]
    outcome = next(iter(applied.outcomes.values()))
    assert "through analysts" in str(outcome) and rig.can("ada", READ)


def test_missing_table_fails_by_name_and_holds_up_nothing_else(rig: Rig) -> None:
    clerk = gives("clerk", datasets={"sales.ordrs": ["select"], "sales.orders": ["select"]})
    planned, applied = rig.run(rig.files([someone("ada", "clerk")], [clerk]))
    assert len(failures(applied)) == 1
    change = next(c for c in planned.plan.changes if c.address.object == "sales.ordrs")
    outcome = applied.outcomes[change.id]
    assert isinstance(outcome, Failed) and outcome.error.trouble is Trouble.GONE and outcome.error.code == "42P01"
    assert rig.can("ada", READ)
    assert rig.server.run("select 1 from pg_roles where rolname like 'ds!_%ordrs' escape '!'") == []


def test_role_whose_datasets_are_declared_holds_exactly_those_and_keeps_what_it_owns(rig: Rig) -> None:
    rig.server.run("create role analysts", "grant update on sales.prices to analysts",
                   "create table sales.own (id int)", "alter table sales.own owner to analysts")  # fmt: skip
    rig.objects["roles"] = {"analysts": {"datasets": {"sales.orders": ["select"]}}}
    declared = rig.files([someone("ada", "member")], [gives("member", roles=["analysts"])])
    done = rig.apply(declared)
    assert "take update on sales.prices from role analysts" in done
    assert "give role analysts select on sales.orders" in done
    assert rig.can("ada", READ) and rig.can("ada", "select * from sales.own")
    assert rig.apply(declared) == []


def test_every_level_can_be_given(rig: Rig) -> None:
    rig.server.run("create sequence sales.numbers", "revoke all on database app from public")
    datasets = {"sales.orders.id": ["select"], "sales.numbers": ["usage"], "sales": ["create"], "app/": ["temporary"]}
    declared = rig.files([someone("ada", "clerk")], [gives("clerk", datasets=datasets)])
    rig.apply(declared)
    assert rig.can("ada", "select id from sales.orders") and not rig.can("ada", "select secret from sales.orders")
    assert rig.can("ada", "select nextval('sales.numbers')") and rig.can("ada", "create table sales.mine (id int)")
    assert rig.can("ada", "create temp table t (id int)")
    assert rig.apply(declared) == []


def test_second_database_has_its_own_transaction_and_roles_of_its_own(rig: Rig) -> None:
    rig.server.run("create database warehouse")
    rig.server.run("create schema sales", "create table sales.orders (id int)", database="warehouse")
    rig.databases.append("warehouse")
    declared = rig.files([someone("ada", "clerk")], [gives("clerk", datasets={"warehouse/sales.orders": ["select"]})])
    assert "give ada select on warehouse/sales.orders" in rig.apply(declared)
    assert rig.can("ada", READ, "warehouse") and not rig.can("ada", READ)
    assert rig.apply(declared) == []


def test_hostile_names_are_only_names(rig: Rig) -> None:
    schema, table, role = 'a"b', "t.x; drop table sales.orders --", "o'hara {} %s"
    quoted = [f'"{n.replace(chr(34), chr(34) * 2)}"' for n in (schema, table, role)]
    rig.server.run(f"create schema {quoted[0]}", f"create table {quoted[0]}.{quoted[1]} (id int)")
    path = names.Thing("app", schema, table).text("app")
    clerk = gives("clerk", roles=[role], datasets={path: ["select"]})
    declared = rig.files([someone("ada", "clerk")], [clerk])
    rig.apply(declared)
    assert rig.can("ada", f"table {quoted[0]}.{quoted[1]}") and rig.can("svc", READ)
    assert rig.apply(declared) == []
    gone = rig.files([], [clerk])
    rig.apply(gone, declared)
    assert [r for r in rig.read().state.held_by(person("ada")) if r.gives_access] == []


def test_person_in_the_files_twice_over_two_roles_keeps_what_one_still_gives(rig: Rig) -> None:
    one, two = (gives(n, datasets={"sales.orders": ["select"]}) for n in ("one", "two"))
    before = rig.files([someone("ada", "one", "two")], [one, two])
    rig.apply(before)
    assert rig.apply(rig.files([someone("ada", "two")], [one, two]), before) == [] and rig.can("ada", READ)


def test_everything_that_is_planned_has_words(rig: Rig) -> None:
    declared = rig.files([someone("ada", "clerk")], [gives("clerk", ["pg_monitor"], {"sales.orders": ["select"]})])
    plan = rig.plan(declared)
    assert said(plan) and {c.action for c in plan.changes} == {Action.CREATE}
    assert [c.words for c in plan.changes] == [
        "create login role ada, without a password",
        "give ada select on sales.orders",
        "put ada into role pg_monitor",
    ]
