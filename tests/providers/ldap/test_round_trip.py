"""Names and attributes come back from the directory exactly as the files have them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from provisioner.contract import Done
from provisioner.model.address import Kind
from provisioner.model.change import Action
from provisioner.model.resource import Resource
from provisioner.providers.ldap import LdapProvider, dn, names
from tests.providers.ldap.rig import Rig, account, change, group, membership

NASTY = [
    'a,b+c"d\\e<f>g;h=i',
    "#lead",
    "# ",
    " lead and trail ",
    "  two  spaces  ",
    "*)(uid=*",
    "a\\2cb",
    "\\",
    "(",
    "uid=ada,ou=people",
    "ümläut ß",
    "Ａ full width",
    "émoji 🦊‍🔥",
    "דוד",
    "a\u0301 decomposed",
    "x" * 240,
    "🦊" * 60,
    "," * 80,
    "null",
    "%2f/../#?",
]
NAMES = st.text(
    alphabet=st.one_of(st.sampled_from(' ,+"\\<>;=#*()%/ßüé🦊'), st.characters(exclude_categories=["Cc", "Cs", "Cn"])),
    min_size=1,
    max_size=24,
)


def make_all(rig: Rig, name: str) -> None:
    """An account and a group of this name, the one in the other, made by our writer."""
    email = "a@example.test"
    steps = (
        change(Action.CREATE, account(name), after={"enabled": True, "name": name, "email": email}, who="ada"),
        change(Action.CREATE, group(name), after={"description": name}, who="g"),
        change(Action.CREATE, membership(name, name), after={}, who="ada"),
    )
    for step in steps:
        outcome = rig.do(step)[0]
        assert isinstance(outcome, Done), outcome


def take_all(rig: Rig, name: str) -> None:
    for step in (
        change(Action.REVOKE, membership(name, name), before={}, who="ada"),
        change(Action.DELETE, group(name), who="g"),
        change(Action.DELETE, account(name), who="ada"),
    ):
        outcome = rig.do(step)[0]
        assert isinstance(outcome, Done), outcome


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_survives_creation_reading_and_removal(rig: Rig, name: str) -> None:
    before = rig.dump()
    make_all(rig, name)

    state = rig.read().state

    person = state.get(account(name))
    made = state.get(group(name))
    assert person is not None
    assert made is not None
    assert person.attributes["name"] == name
    assert made.attributes == {"description": name}
    assert state.get(membership(name, name)) is not None
    assert rig.values(str(person.facts and person.facts.more["dn"]), "uid") == [name]
    looked = rig.look(account(name), group(name), membership(name, name), membership(name, name + "x"))
    assert len(looked.state) == 3
    assert len(looked.looked) == 4

    take_all(rig, name)
    assert rig.dump() == before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES)
def test_any_name_that_is_let_through_survives(rig: Rig, name: str) -> None:
    assume(names.why_not(name, "a group") is None)
    make_all(rig, name)

    state = rig.read().state

    assert [r.attributes["name"] for r in state.of_kind(Kind.ACCOUNT) if r.address == account(name)] == [name]
    assert state.get(group(name)) is not None
    assert [m.address for m in state.of_kind(Kind.MEMBERSHIP)] == [membership(name, name)]
    take_all(rig, name)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=NAMES, other=NAMES)
def test_a_search_for_one_name_never_finds_another(rig: Rig, one: str, other: str) -> None:
    assume(names.why_not(one, "a login") is None and names.why_not(other, "a login") is None)
    where = dn.child("uid", one, rig.people)
    rig.add(where, "account", uid=one)
    try:
        reading = rig.look(account(other))
        there = rig.entry(dn.child("uid", other, rig.people)) is not None
        assert (reading.state.get(account(other)) is not None) == there
        # Where we take two names for one, so does the server, and the other way round.
        assert (dn.key(where) == dn.key(dn.child("uid", other, rig.people))) == there
    finally:
        rig.delete(where)


@pytest.mark.parametrize("name", ["", "   ", "a\0b", "a\nb", "x" * 241, "," * 81, "\ud800"])
def test_what_no_directory_holds_is_refused_before_any_call(name: str) -> None:
    declare = LdapProvider().declare(Rig("", "", "", "", "", "").target())

    assert declare.check_login(name) is not None
    assert names.why_not(name, "a group") is not None


def test_an_attribute_that_differs_is_written_and_then_equal(rig: Rig) -> None:
    rig.add_person("ada")
    for name in ("Ada, Countess of Lovelace", ' "Ada" ', "Адa 🦊", "#1 (the first) *"):
        update = change(Action.UPDATE, account("ada"), before={}, after={"name": name}, who="ada")
        assert isinstance(rig.do(update)[0], Done)
        found: Resource | None = rig.read().state.get(account("ada"))
        assert found is not None
        assert found.attributes["name"] == name
