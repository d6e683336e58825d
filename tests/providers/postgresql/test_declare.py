"""The pure side: paths, what validate complains of, what a change means. No server."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.contract import ProviderError
from provisioner.model.address import Address, Kind
from provisioner.model.effect import Direction, Level
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Facts, Resource
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.providers.postgresql import PROVIDER, names
from provisioner.providers.postgresql.declare import PostgresDeclare
from provisioner.providers.postgresql.names import Thing
from tests.providers.postgresql.rig import NAME, grant, membership
from tests.worlds import block

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
THINGS = st.one_of(
    st.builds(Thing, NAMES),
    st.builds(Thing, NAMES, NAMES),
    st.builds(Thing, NAMES, NAMES, NAMES),
    st.builds(Thing, NAMES, NAMES, NAMES, NAMES),
    st.builds(lambda d, s: Thing(d, s, everything=True), NAMES, NAMES),
)


def declare(objects: dict[str, Any] | None = None, **settings: Any) -> PostgresDeclare:
    data = {"dsn": "host=db.example.com sslmode=verify-full", "databases": ["app", "warehouse"], **settings}
    file = "access/targets.yaml"
    return PostgresDeclare(
        Target(NAME, NAME, "postgresql", settings=block(data, file), objects=block(objects or {}, file))
    )


def codes(objects: dict[str, Any] | None = None, grants: dict[str, Any] | None = None, **settings: Any) -> list[str]:
    made = declare(objects, **settings)
    found = list(made.check())
    if grants is not None:
        found += made.check_grants(block(grants, "access/roles.yaml"))
    return [d.code for d in found]


@given(THINGS, NAMES)
def test_each_thing_has_one_spelling_which_means_it(thing: Thing, default: str) -> None:
    assert names.parse(thing.text(default), default) == thing
    assert not names.is_other(thing.text(default))
    assert names.database_of(thing.text(default), default) == thing.database


@given(NAMES, NAMES, NAMES)
def test_other_things_never_look_like_datasets(database: str, default: str, what: str) -> None:
    text = names.Other(database, what).text(default)
    assert names.is_other(text) and names.database_of(text, default) == database


@given(THINGS, st.sampled_from(["ab12", None]))
def test_dataset_role_is_known_by_name_and_comment_together(thing: Thing, owner: str | None) -> None:
    privilege = sorted(thing.privileges)[0]
    role = names.dataset_role(owner, thing, privilege)
    comment = names.dataset_comment(owner, thing, privilege)
    assert len(role.encode()) <= names.LONGEST
    assert names.dataset_of(role, comment) == names.Dataset(thing, privilege, owner)
    assert names.dataset_of(role + "x", comment) is None and names.dataset_of(role, None) is None


@given(THINGS, THINGS)
def test_only_the_same_thing_has_the_same_dataset_role(one: Thing, other: Thing) -> None:
    same = names.dataset_role("o", one, "select") == names.dataset_role("o", other, "select")
    assert same is (one == other)


@pytest.mark.parametrize(
    "path", ["", ".", "a.", ".a", "a.b.c.d", "*", "*.a", "a b.c", 'a".b', "a.*.b", "a/b/c", "!x", "a//b"]
)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match=r"path|quotes|follow|stands|empty"):
        names.parse(path, "app")


@pytest.mark.parametrize(
    ("objects", "grants", "settings", "expected"),
    [
        ({}, {"datasets": {"sales.orders": ["select"]}}, {}, []),
        ({}, {"datasets": {"sales.orders": ["create"]}}, {}, ["postgresql-privilege"]),
        ({}, {"datasets": {"sales": ["select"]}}, {}, ["postgresql-privilege"]),
        ({}, {"datasets": {"app/sales.orders": ["select"]}}, {}, ["postgresql-dataset"]),
        ({}, {"datasets": {"other/sales.orders": ["select"]}}, {}, ["postgresql-dataset"]),
        ({}, {"datasets": {"a.b.c.d.e": ["select"]}}, {}, ["postgresql-dataset"]),
        ({}, {"datasets": {"sales.*": ["select"]}}, {}, ["postgresql-creators"]),
        ({}, {"datasets": {"sales.*": ["select"]}}, {"creators": ["etl"]}, []),
        ({"datasets": {"sales.*": {"creators": ["etl"]}}}, {"datasets": {"sales.*": ["select"]}}, {}, []),
        ({}, {"roles": ["pg_monitor"]}, {}, []),
        ({}, {"roles": ["pg_mine"]}, {}, ["postgresql-name"]),
        ({"roles": {"pg_monitor": {}}}, None, {}, ["postgresql-name"]),
        ({"roles": {"x" * 64: {}}}, None, {}, ["postgresql-name"]),
        ({}, None, {"dsn": "host=db password=secret sslmode=verify-full"}, ["postgresql-dsn"]),
        ({}, None, {"dsn": "postgresql://me:secret@db/?sslmode=verify-full"}, ["postgresql-dsn"]),
        ({}, None, {"dsn": "postgresql://me@db.example.com/"}, ["postgresql-plain-text"]),
        ({}, None, {"dsn": "host=/run/postgresql user=me"}, []),
        ({}, None, {"dsn": "host=localhost user=me"}, []),
        ({}, None, {"reassign_to": "public"}, ["postgresql-name"]),
    ],
)
def test_what_validate_says(objects: Any, grants: Any, settings: Any, expected: list[str]) -> None:
    assert codes(objects, grants, **settings) == expected


def test_label_cannot_be_walked_round_by_naming_a_part_or_the_whole() -> None:
    made = declare({"datasets": {"hr.salaries": {"environment": "production"}, "pay.*": {"environment": "production"}}})
    given = {"hr.*": ["select"], "hr.salaries.amount": ["select"], "pay.slips": ["select"], "hr.names": ["select"]}
    found = {
        (name, path[-1]) for section, name, path in made.names(block({"datasets": given}, "f")) if section == "datasets"
    }
    assert {("hr.salaries", "hr.*"), ("hr.salaries", "hr.salaries.amount"), ("pay.*", "pay.slips")} <= found
    assert ("hr.salaries", "hr.names") not in found


def test_level_goes_by_what_it_leads_to() -> None:
    made = declare()
    empty, strong = State(), Resource(Address(NAME, Kind.GROUP, "ops"), facts=Facts(more={"powers": "superuser"}))
    cases = [
        (grant("!attribute", "ada", "superuser"), empty, Level.ADMIN),
        (grant("!attribute", "ada", "createdb"), empty, Level.ELEVATED),
        (grant("!objects", "ada", "owner"), empty, Level.ADMIN),
        (grant("sales", "ada", "create"), empty, Level.ELEVATED),
        (grant("sales.orders", "ada", "select"), empty, Level.ORDINARY),
        (membership("pg_execute_server_program", "ada"), empty, Level.ADMIN),
        (membership("pg_read_all_data", "ada"), empty, Level.ELEVATED),
        (membership("ops", "ada"), State([strong]), Level.ADMIN),
        (membership("ops", "ada"), empty, Level.ORDINARY),
    ]
    for address, around, level in cases:
        assert made.effect(None, Resource(address), around) == (Direction.WIDENS, level)


def test_grants_go_to_the_transaction_of_their_database_and_all_else_to_the_first() -> None:
    made = declare()
    units = {
        made.unit(a).key
        for a in (grant("sales.orders", "a", "select"), membership("r", "a"), grant("!attribute", "a", "x"))
    }
    assert units == {"database:app"}
    assert made.unit(grant("warehouse/sales", "a", "usage")).key == "database:warehouse"
    assert made.unit(grant("warehouse/!objects", "a", "owner")).key == "database:warehouse"


def test_what_is_given_can_be_said_again() -> None:
    made = declare(creators=["etl"])
    data = {"roles": ["staff"], "datasets": {"hr.*": ["select"], "sales": ["usage"], "warehouse/": ["connect"]}}
    who = Principal(NAME, PrincipalKind.PERSON, "ada")
    things = [r for r in made.expand(block(data, "f"), who) if r.address.principal == who]
    assert [made.unsayable(r) for r in things] == [None] * 4 and made.grants_for(things) == data
    for cannot in ("!function sales.f()", "other/sales.orders"):
        assert made.unsayable(Resource(grant(cannot, "ada", "select")))


def test_schemas_are_documented_and_strict() -> None:
    from pydantic import ValidationError

    with pytest.raises(ValidationError):
        PROVIDER.grants.model_validate({"datasets": {"a.b": ["read"]}})
    with pytest.raises(ValidationError):
        PROVIDER.settings.model_validate({"dsn": "x", "databases": []})


def test_of_a_string_that_libpq_cannot_read_only_the_name_of_an_option_is_told() -> None:
    calls = pytest.importorskip("provisioner.providers.postgresql.calls", reason="psycopg is not here")
    for dsn, told in (
        ("host=127.0.0.1 prot=5432", "libpq knows no option `prot`"),
        ("host=127.0.0.1 hunter2 user=x", "`NAME=VALUE NAME=VALUE ...`"),
        ("postgresql://[::1", "or a URL"),
    ):
        with pytest.raises(ProviderError) as caught:
            calls.Link(dsn, None, "app").open("app", read_only=True)
        assert told in str(caught.value) and "hunter2" not in str(caught.value)
