"""The pure side: what files may say, what it becomes, and what is said no to before any call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from provisioner.load import load_files
from provisioner.model.address import Address, Kind
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.target import Target
from provisioner.providers.catalog import all_providers
from provisioner.providers.github import PROVIDER, names
from provisioner.providers.github.declare import GithubDeclare
from tests.worlds import block

TOP = Path(__file__).parents[3]
ADA = Principal("github", PrincipalKind.PERSON, "ada")


def declare(objects: dict[str, Any] | None = None) -> GithubDeclare:
    settings = block({"organization": "acme"}, "access/targets.yaml")
    target = Target(
        "github", "github", "github", settings=settings, objects=block(objects or {}, "access/targets.yaml")
    )
    return PROVIDER.declare(target)


def checked(objects: dict[str, Any]) -> list[str]:
    return [d.code for d in declare(objects).check()]


def load(text: str) -> list[str]:
    found = load_files({"access/a.yaml": text.encode()}, all_providers())
    return [d.code for d in found.diagnostics if d.is_error]


@pytest.mark.parametrize("page", ["github", "circleci"])
def test_example_of_the_page_is_valid(page: str) -> None:
    text = (TOP / f"docs/providers/{page}.md").read_text(encoding="utf-8")
    example = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0]
    assert [c for c in load(example) if not c.startswith("unknown-")] == []


@pytest.mark.parametrize(
    ("objects", "code"),
    [
        ({"teams": {"Backend": {}}}, "github-name"),
        ({"teams": {"backend": {"name": "Back End"}}}, "github-team-slug"),
        ({"teams": {"a": {"was": ["b"]}, "b": {}}}, "github-team-was"),
        ({"teams": {"a": {"was": ["c"]}, "b": {"was": ["c"]}}}, "github-team-was"),
        ({"teams": {"a": {"parent": "b"}, "b": {"parent": "a"}}}, "github-team-circle"),
        ({"teams": {"a": {"parent": "b", "privacy": "secret"}, "b": {}}}, "github-team-nested-secret"),
        ({"teams": {"a": {"repositories": {"acme/site": "push"}}}}, "github-name"),
        ({"repositories": {"a b": {}}}, "github-name"),
    ],
)
def test_what_cannot_be_is_told(objects: dict[str, Any], code: str) -> None:
    assert code in checked(objects)


BASE = "{provider: github, organization: acme, token: {env: A}, "


@pytest.mark.parametrize(
    "text",
    [
        "{provider: github, organization: acme}",
        "{provider: github, organization: acme, token: {env: A}, app: {id: x, private_key: {env: B}}}",
        "{provider: github, organization: acme, token: secret}",
        BASE + "api_url: 'ftp://x'}",
        BASE + "repositories: {s: {branches: {main: {push: {teams: []}}}}}}",
        BASE + "repositories: {s: {environments: {p: {branches: []}}}}}",
        BASE + "repositories: {s: {environments: {p: {reviewers: {}}}}}}",
        BASE + "rulesets: {r: {bypass: {teams: {}}}}}",
    ],
)
def test_settings_and_controls_that_could_mean_two_things_are_errors(text: str) -> None:
    assert load(f"targets:\n  github: {text}\n")


def test_teams_imply_membership_of_the_organization() -> None:
    found = list(declare().expand(block({"teams": {"Backend": "maintainer"}}, "r.yaml"), ADA))
    assert [(str(r.address), dict(r.attributes)) for r in found] == [
        ("github:grant/~organization/ada", {"role": "member"}),
        ("github:group/backend", {}),
        ("github:membership/backend/ada", {"role": "maintainer"}),
    ]
    alone = list(declare().expand(block({"repositories": {"Site": ["pull", "admin", "push"]}}, "r.yaml"), ADA))
    assert [(str(r.address), dict(r.attributes)) for r in alone] == [("github:grant/site/ada", {"permission": "admin"})]


def test_login_without_an_id_is_said_no_to() -> None:
    account = Resource(Address("github", Kind.ACCOUNT, "ada"), {"enabled": True})
    told = declare().unsupported(account)
    assert told is not None and told.code == "github-no-id"
    assert declare().unsupported(Resource(account.address, {"enabled": True, "id": "1"})) is None


@pytest.mark.parametrize(
    ("login", "fits"),
    [
        *[(good, True) for good in ("ada", "ada-b", "a" * 39, "ada_acme")],
        *[(bad, False) for bad in ("", "a" * 40, "-ada", "ada-", "a--b", "ada byron", "аda")],
    ],
)
def test_logins(login: str, fits: bool) -> None:
    assert (names.why_not_login(login) is None) is fits


def test_ladder_of_permissions() -> None:
    assert names.stronger("push", "maintain") == "maintain" == names.stronger("maintain", "pull")
    assert names.stronger("triage", "auditor") == "auditor" and names.stronger("auditor", "admin") == "admin"
    assert [names.permission(w) for w in ("WRITE", "read", "Maintain", "push")] == ["push", "pull", "maintain", "push"]


def test_everything_of_a_person_is_one_unit_and_a_control_one_document() -> None:
    unit = declare().unit
    mine = [
        Address("github", Kind.ACCOUNT, "Ada"),
        Address("github", Kind.GRANT, names.ORGANIZATION, ADA),
        Address("github", Kind.MEMBERSHIP, "backend", ADA),
        Address("github", Kind.GRANT, "site", ADA),
    ]
    assert len({unit(a) for a in mine}) == 1 and unit(mine[0]).mode == "sequence"
    assert unit(Address("github", Kind.CONTROL, "site", None, "branch.main")).mode == "document"


def test_a_control_needs_the_teams_that_it_names_and_their_access() -> None:
    objects = {"repositories": {"site": {"environments": {"production": {"reviewers": {"teams": ["leads"]}}}}}}
    (control,) = declare(objects).declared()
    assert [str(a) for a in declare(objects).needs(control)] == ["github:group/leads", "github:grant/site/group:leads"]


def test_label_is_not_got_round_by_another_spelling() -> None:
    found = declare({"teams": {"release": {}}, "repositories": {"Site": {}}})
    named = found.names(block({"teams": ["Release"], "repositories": {"SITE": ["push"]}}, "r.yaml"))
    assert [(section, name) for section, name, _ in named] == [("teams", "release"), ("repositories", "Site")]
