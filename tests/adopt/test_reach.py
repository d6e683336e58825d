"""New roles give things on the target that was adopted, in the environment that the thing is in, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provisioner.diagnostics import ProvisionError
from provisioner.engine import make_plan
from provisioner.load import Loaded, load_files
from provisioner.model.change import Action
from provisioner.providers.memory.calls import WORLDS, Held, MemoryGroup
from tests.adopt.steps import PROVIDERS, adopted, new_changes, planned, situation_of
from tests.worlds import OWNER, a_world, account, group

TOP = f"records: {{owner: {OWNER}}}\n"


@pytest.fixture(autouse=True)
def no_worlds() -> Iterator[None]:
    WORLDS.clear()
    yield
    WORLDS.clear()


def loaded(text: str) -> Loaded:
    found = load_files({"all.yaml": (TOP + text).encode()}, PROVIDERS)
    assert found.ok, found.diagnostics
    return found


def actions(files: Loaded) -> set[str]:
    """Of a plan of all targets."""
    return {c.action.value for c in make_plan(situation_of(files)).plan.changes}


INSTANCES = "targets:\n  mem:\n    provider: memory\n    instances:\n"


def two_instances(one: str, two: str) -> Loaded:
    for name in ("a", "b"):
        a_world(name, accounts={"ann": account("ann")}, groups={"dev": group("ann")})
    WORLDS["b"].groups["dev"].members.clear()
    return loaded(INSTANCES + f"      a: {{world: a{one}}}\n      b: {{world: b{two}}}\n")


def test_an_instance_that_nothing_tells_from_its_siblings_is_an_error() -> None:
    with pytest.raises(ProvisionError) as told:
        adopted(two_instances("", ", labels: {product: x}"), "mem/a")
    (problem,) = told.value.diagnostics
    assert problem.code == "adopt-instance" and "labels: {instance: a}" in problem.fix


def test_labels_keep_the_roles_of_one_instance_to_it() -> None:
    labels = "labels: {product: pay, stage: test}"
    found = two_instances(f", {labels}", ", labels: {product: pay, stage: prod}")
    adoption, files, before = adopted(found, "mem/a")
    assert files.ok and new_changes(before, planned(files, "mem/a")) == []
    assert adoption.roles[0].grants == {"where": {"stage": "test"}, "groups": ["dev"]}
    assert actions(files) == {"adopt"}  # nothing is created in the other


def test_an_environment_of_its_own_will_do() -> None:
    for name in ("a", "b"):
        a_world(name, accounts={"ann": account("ann")}, groups={"dev": group("ann")})
    WORLDS["b"].groups["dev"].members.clear()
    text = "environments: {one: {}, two: {}}\n" + INSTANCES
    text += "      a: {world: a, environment: one}\n      b: {world: b, environment: two}\n"
    adoption, files, _ = adopted(loaded(text), "mem/a")
    assert adoption.roles[0].environment == "one" and "where" not in adoption.roles[0].grants
    assert actions(files) == {"adopt"}


def labelled(environment: str) -> Loaded:
    a_world(accounts={"ann": account("ann")}, groups={"dev": group("ann"), "prod": group("ann")})
    text = f"environments: {{production: {environment}}}\n"
    text += "targets: {mem: {provider: memory, world: mem, groups: {prod: {environment: production}}}}\n"
    return loaded(text)


def test_what_is_labelled_is_held_in_its_environment_with_a_reason_where_one_is_asked_for() -> None:
    adoption, files, before = adopted(labelled("{protected: true, needs_reason: true}"), "mem")
    assert files.ok and new_changes(before, planned(files, "mem")) == []
    (ann,) = adoption.people
    assert {(h.role, h.environment, h.reason) for h in ann.roles} == {
        ("dev", None, None),
        ("prod", "production", "held before these files did"),
    }


def test_what_may_be_held_for_a_time_only_is_listed_and_not_written() -> None:
    adoption, files, before = adopted(labelled("{protected: true, max_duration: 7d}"), "mem")
    assert files.ok and new_changes(before, planned(files, "mem")) == []
    assert [h.role for h in adoption.people[0].roles] == ["dev"]
    assert [(str(k.address), k.why) for k in adoption.kept] == [
        ("mem:membership/prod/ann", "`production` allows at most 7d at a time, and it has no end")
    ]


def test_a_role_that_gives_something_on_another_target_is_not_used_again() -> None:
    a_world(accounts={"ann": account("ann")}, groups={"dev": group("ann")})
    a_world("two")
    text = "targets: {mem: {provider: memory, world: mem}, two: {provider: memory, world: two}}\n"
    text += "roles: {dev: {grants: {mem: {groups: [dev]}, two: {groups: [dev]}}}}\n"
    adoption, files, _ = adopted(loaded(text), "mem")
    assert [r.id for r in adoption.roles] == ["mem-dev"]
    plan = make_plan(situation_of(files)).plan
    assert [str(c.address) for c in plan.changes if c.action is not Action.ADOPT] == ["two:group/dev"]  # as before


def test_what_ends_by_itself_or_comes_from_elsewhere_is_kept() -> None:
    ways = {
        "ann": [Held(via="inner")],
        "bob": [Held(locked_by="hr")],
        "cem": [Held(phase="lapsed")],
        "dee": [Held(), Held("other", via="inner")],
    }
    a_world(accounts={who: account(who) for who in ways}, groups={"dev": MemoryGroup(ways)})
    adoption, files, before = adopted(loaded("targets: {mem: {provider: memory, world: mem}}\n"), "mem")
    assert {p.id for p in adoption.people if p.roles} == {"dee"}
    assert {k.why for k in adoption.kept} == {
        "it comes through something else, and goes with that",
        "it comes from hr, and cannot be changed here",
    }
    assert new_changes(before, planned(files, "mem")) == []
