"""Contexts as places for credentials: only after their restrictions were read back."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from provisioner.contract import ProviderError, Trouble
from provisioner.model.coverage import EVERYTHING
from provisioner.model.slot import Names
from provisioner.providers.circleci import CircleCi
from provisioner.providers.circleci.store import Contexts
from tests.providers.circleci.rig import Circle
from tests.providers.keys import issued, note

WHOLE, AT = Names(whole="AWS_KEY"), "contexts/release"


def store(circle: Circle) -> Contexts:
    return CircleCi().open_store(circle.target(), circle.environ)


def soon() -> float:
    return time.monotonic() + 10


def test_a_context_that_is_open_to_everyone_takes_no_secret(circle: Circle) -> None:
    context = circle.server.state.create_context(circle.org, "release")
    with pytest.raises(ProviderError) as told:
        store(circle).put(AT, WHOLE, issued(1), note(1), None, soon())
    assert told.value.trouble is Trouble.CONFLICT and "open to everyone" in told.value.message
    assert not context.variables


def test_a_context_without_groups_and_limits_is_open_to_everyone_and_takes_no_secret(circle: Circle) -> None:
    circle.move_elsewhere()
    context = circle.server.state.create_context(circle.org, "release")
    with pytest.raises(ProviderError) as told:
        store(circle).put(AT, WHOLE, issued(1), note(1), None, soon())
    assert "open to everyone" in told.value.message and not context.variables
    circle.server.state.restrict(context, "project", circle.site.id)
    store(circle).put(AT, WHOLE, issued(1), note(1), None, soon())
    assert context.variables["AWS_KEY"].value == issued(1).whole.reveal()


def test_a_context_that_is_open_to_others_than_declared_takes_no_secret(circle: Circle) -> None:
    state = circle.server.state
    context = state.create_context(circle.org, "release")
    context.restrictions.clear()
    state.restrict(context, "group", circle.leads.id)
    circle.contexts = {"release": {"open_to": {"groups": ["delivery-managers"]}}}
    with pytest.raises(ProviderError):
        store(circle).put(AT, WHOLE, issued(1), note(1), None, soon())
    assert not context.variables
    circle.contexts = {"release": {"open_to": {"groups": ["leads"]}}}
    store(circle).put(AT, WHOLE, issued(1), note(1), None, soon())
    assert context.variables["AWS_KEY"].value == issued(1).whole.reveal()


def test_the_companion_says_which_and_there_is_only_one(circle: Circle) -> None:
    state = circle.server.state
    context = state.create_context(circle.org, "release")
    context.restrictions.clear()
    state.restrict(context, "group", circle.leads.id)
    opened = store(circle)
    assert opened.look(AT, WHOLE) is None
    opened.put(AT, WHOLE, issued(1), note(1), None, soon())
    first = opened.look(AT, WHOLE)
    assert first is not None and first.public_id == issued(1).public_id
    opened.put(AT, WHOLE, issued(2), note(2), first, soon())
    second = opened.look(AT, WHOLE)
    assert second is not None and second.public_id == issued(2).public_id and second.versions != first.versions
    assert sorted(context.variables) == ["AWS_KEY", f"AWS_KEY__CREDENTIAL__{issued(2).public_id}"]
    opened.close()


def test_an_id_with_a_hyphen_is_told_by_a_name_that_a_variable_can_have(circle: Circle) -> None:
    """As the passwords of PostgreSQL have. Its companion is none of the variables that are to be declared."""
    state = circle.server.state
    context = state.create_context(circle.org, "release")
    context.restrictions.clear()
    state.restrict(context, "group", circle.leads.id)
    opened, known = store(circle), replace(note(1), public_id="a-593b4acbb4de3d5a")
    opened.put(AT, WHOLE, issued(1), known, None, soon())
    seen = opened.look(AT, WHOLE)
    assert seen is not None and seen.public_id == known.public_id
    assert sorted(context.variables) == ["AWS_KEY", "AWS_KEY__CREDENTIAL__a_593b4acbb4de3d5a"]
    with pytest.raises(ProviderError):
        opened.put(AT, WHOLE, issued(2), replace(known, public_id="a_b"), seen, soon())
    assert opened.look(AT, WHOLE) == seen, "told before anything is written"
    state.set_variable(context.variables, "BY_HAND", "x")
    circle.contexts = {"release": {"open_to": {"groups": ["leads"]}, "variables": ["AWS_KEY"]}}
    told = [d.message for d in circle.reader().read(EVERYTHING).warnings if d.code == "circleci-variables"]
    assert told == ["context `release` holds other variables than are declared: not declared BY_HAND"]


def test_no_context_is_made(circle: Circle) -> None:
    with pytest.raises(ProviderError) as told:
        store(circle).look(AT, WHOLE)
    assert told.value.trouble is Trouble.GONE and not circle.server.state.contexts
