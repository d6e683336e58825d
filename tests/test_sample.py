"""The sample company is what the documentation says it is, and shows the language in use."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.load import load_access
from provisioner.model.access import DeclaredAccess
from provisioner.model.identity import IdentityKind
from provisioner.model.instant import parse_instant
from provisioner.providers import catalog
from provisioner.sandbox.company import ACCOUNTS, SUFFIX
from provisioner.sandbox.forge import Forge
from provisioner.sandbox.schemes import SAMPLE

TOP = Path(__file__).parent.parent
GOOD_UNTIL = parse_instant("2029-12-31T00:00:00Z")
"""Ends in the sample lie behind this, so that it reads and plans the same for years."""


@pytest.fixture(scope="module")
def sample() -> DeclaredAccess:
    loaded = load_access(TOP / "access", root=TOP, providers=catalog.all_providers())
    assert loaded.diagnostics == ()
    return loaded.declared


def of_kind(sample: DeclaredAccess, kind: IdentityKind) -> list[str]:
    return sorted(i.id for i in sample.identities.values() if i.kind is kind)


def test_it_is_a_company_of_twelve_with_three_services_seven_roles_and_three_environments(
    sample: DeclaredAccess,
) -> None:
    assert len(of_kind(sample, IdentityKind.PERSON)) == 12
    assert len(of_kind(sample, IdentityKind.SERVICE)) == 3
    assert len(sample.roles) == 7
    assert set(sample.environments) == {"development", "staging", "production"}


def test_one_person_a_file(sample: DeclaredAccess) -> None:
    for who in of_kind(sample, IdentityKind.PERSON):
        assert sample.identities[who].location.file == f"access/people/{who}.yaml"


def test_every_role_is_held_and_every_service_is_owned(sample: DeclaredAccess) -> None:
    held = {a.role for i in sample.identities.values() for a in i.roles}
    included = {name for role in sample.roles.values() for name in role.includes}
    assert held | included == set(sample.roles)
    assert all(sample.identities[s].owners for s in of_kind(sample, IdentityKind.SERVICE))


def test_it_shows_what_the_language_can_say(sample: DeclaredAccess) -> None:
    people = list(sample.identities.values())
    assert any(i.until for i in people)
    assert any(a.until and a.reason for i in people for a in i.roles)
    assert any(i.was for i in people) and any(i.accounts for i in people)
    assert any(grant.where for role in sample.roles.values() for grant in role.grants)
    production = sample.environments["production"]
    assert production.protected and production.needs_reason and production.max_duration and production.standing
    assert any(t.object_environments for t in sample.targets.values())
    assert sample.records.owner is not None


def test_its_ends_are_far_away(sample: DeclaredAccess) -> None:
    ends = [i.until for i in sample.identities.values()] + [
        a.until for i in sample.identities.values() for a in i.roles
    ]
    assert all(end > GOOD_UNTIL for end in ends if end is not None)


def test_the_sandbox_has_the_systems_that_it_names(sample: DeclaredAccess) -> None:
    aws = {t.name.partition("/")[2]: t.settings.data["account"] for t in sample.family("aws")}
    assert aws == ACCOUNTS
    base = sample.targets["corp-ldap"].settings.data["base"]
    assert base == {"people": f"ou=people,{SUFFIX}", "groups": f"ou=groups,{SUFFIX}"}


def test_the_forge_knows_the_people_by_the_ids_that_the_files_pin(sample: DeclaredAccess) -> None:
    forge = Forge()
    pinned = {
        i.id: (name.login, name.id)
        for i in sample.identities.values()
        if (name := i.accounts.get("github")) is not None
    }
    assert len(pinned) == 9
    assert pinned == {key: (forge.people[key].login, str(forge.people[key].id)) for key in pinned}


def test_github_and_circleci_are_those_of_the_sandbox(sample: DeclaredAccess) -> None:
    assert sample.targets["github"].settings.data["organization"] == SAMPLE.organization
    assert sample.targets["ci"].settings.data["organization"] == f"gh/{SAMPLE.organization}"
    contexts = sample.targets["ci"].objects.data["contexts"]
    copied = {group for context in contexts.values() for group in context["open_to"]["groups"]}
    assert copied <= set(SAMPLE.teams)  # CircleCI knows them before the first apply
