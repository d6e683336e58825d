"""Who a context is open to, as one value, and which way a change of it goes."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.load import load_files
from provisioner.model.effect import Direction
from provisioner.model.target import Target
from provisioner.providers.catalog import all_providers
from provisioner.providers.circleci import PROVIDER, convert, openness
from provisioner.providers.circleci.convert import Restriction
from tests.worlds import block

ORG = "00000000-0000-4000-8000-000000000001"
GROUPS, BOTH = {"groups": ["leads"]}, {"groups": ["leads"], "projects": ["site"]}


@pytest.mark.parametrize(
    ("before", "after", "goes"),
    [
        ("everyone", GROUPS, Direction.NARROWS),
        (GROUPS, "everyone", Direction.WIDENS),
        ("everyone", "admins", Direction.NARROWS),
        ("admins", GROUPS, Direction.WIDENS),
        (GROUPS, BOTH, Direction.NARROWS),
        (BOTH, GROUPS, Direction.WIDENS),
        (GROUPS, {"groups": ["leads", "all"]}, Direction.WIDENS),
        (GROUPS, {"groups": ["others"]}, Direction.BOTH),
        ({"projects": ["site"]}, {"groups": ["leads"]}, Direction.BOTH),
        ({"expressions": ["a"]}, "everyone", Direction.WIDENS),
        ("admins", "admins", Direction.NEUTRAL),
        ({"groups": ["leads", openness.ALL]}, "everyone", Direction.NEUTRAL),
        ({"groups": ["leads", openness.ALL]}, GROUPS, Direction.NARROWS),
    ],
)
def test_which_way_a_change_goes(before: Any, after: Any, goes: Direction) -> None:
    assert openness.direction(before, after) is goes


def restriction(kind: str, value: str, name: str = "") -> Restriction:
    return Restriction.of({"id": f"r-{value}", "restriction_type": kind, "restriction_value": value, "name": name})


@pytest.mark.parametrize(
    ("restrictions", "value"),
    [
        ([], "admins"),
        ([("group", ORG, "All members")], "everyone"),
        ([("group", "g1", "Leads")], {"groups": ["leads"]}),
        ([("group", "g1", "leads"), ("group", ORG, "All members")], {"groups": ["leads", openness.ALL]}),
        ([("group", ORG, "All members"), ("project", "p1", "gh/acme/Site")], {"projects": ["site"]}),
        ([("project", "p1", "site")], {"groups": [], "projects": ["site"]}),
        ([("group", "g1", "leads"), ("expression", "a  ==   b", "")], {"groups": ["leads"], "expressions": ["a == b"]}),
    ],
)
def test_restrictions_are_read_as_who_they_let_in(restrictions: list[tuple[str, str, str]], value: Any) -> None:
    assert convert.open_to([restriction(*r) for r in restrictions], convert.Place(ORG)) == value


@pytest.mark.parametrize(
    ("restrictions", "value"),
    [
        ([], "everyone"),
        ([("project", "p1", "whatever it is called")], {"projects": ["site"]}),
        ([("expression", "a", "")], {"expressions": ["a"]}),
        ([("group", ORG, "All members"), ("project", "p2", "Docs")], {"projects": ["docs"]}),
        ([("group", "g1", "leads")], {"groups": ["leads"]}),
    ],
)
def test_without_groups_the_absence_of_one_shuts_nobody_out(
    restrictions: list[tuple[str, str, str]], value: Any
) -> None:
    place = convert.Place(ORG, has_groups=False, projects={"p1": "site"})
    assert convert.open_to([restriction(*r) for r in restrictions], place) == value


def test_declared_value_is_the_same_however_it_is_written() -> None:
    one = openness.declared({"groups": ["Leads", "ops"], "projects": ["gh/acme/Site"], "expressions": ["a  == b"]})
    assert one == openness.declared({"expressions": ["a == b"], "projects": ["site"], "groups": ["ops", "leads"]})


@pytest.mark.parametrize("value", ["[]", "{}", "{groups: []}", "nobody", "{groups: [a], projects: []}"])
def test_empty_or_unclear_value_is_an_error(value: str) -> None:
    begin = "targets:\n  ci: {provider: circleci, organization: gh/acme, token: {env: T}, contexts: {c: {open_to: "
    target = f"{begin}{value}}}}}}}\n"
    found = load_files({"access/a.yaml": target.encode()}, all_providers())
    assert [d for d in found.diagnostics if d.is_error]


def found(
    contexts: dict[str, Any], *, slug: str = "gh/acme", labels: dict[tuple[str, str], str] | None = None
) -> list[str]:
    settings = block({"organization": slug}, "access/targets.yaml")
    objects = block({"contexts": contexts}, "access/targets.yaml")
    target = Target("ci", "ci", "circleci", settings=settings, objects=objects, object_environments=labels or {})
    return [d.code for d in PROVIDER.declare(target).check()]


def test_groups_outside_of_a_github_organization_and_near_names_are_told() -> None:
    assert found({"c": {"open_to": GROUPS}}, slug="circleci/abc") == ["circleci-no-groups"]
    assert found({"c": {"open_to": "admins"}}, slug="bb/acme") == ["circleci-no-groups"]
    assert found({"c": {"open_to": {"projects": ["site"]}}}, slug="circleci/abc") == ["circleci-project-id"]
    assert found({"c": {"open_to": {"projects": ["site"]}}}, slug="bb/acme") == []
    assert found({"c": {"open_to": "admins"}, "C": {"open_to": "admins"}}) == ["circleci-near-names"]


def test_a_role_grants_nothing_on_circleci() -> None:
    text = (
        "targets:\n  ci: {provider: circleci, organization: gh/acme, token: {env: T}}\n"
        "roles:\n  dev: {grants: {ci: {contexts: [release-prod]}}}\n"
    )
    told = load_files({"access/a.yaml": text.encode()}, all_providers()).diagnostics
    assert "unknown-key" in [d.code for d in told]
