"""The sample company's GitHub and CircleCI: what stands there before the first plan, and how teams become groups."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from provisioner.sandbox.forge import Forge
from tests.rigs.specs import Checked


@pytest.fixture
def forge() -> Iterator[Forge]:
    made = Forge().start()
    github, circleci = Checked("github").watch(made.github), Checked("circleci").watch(made.circleci)
    yield made
    made.stop()
    assert not github.problems + circleci.problems


def test_what_is_exported_reaches_both(forge: Forge) -> None:
    exports = forge.exports()
    headers = {"Authorization": f"Bearer {exports['ACCESS_GITHUB_READ_TOKEN']}"}
    members = requests.get(f"{exports['ACCESS_GITHUB_URL']}/orgs/acme/members", headers=headers, timeout=60).json()
    assert [one["login"] for one in members] == ["acme-provision", "mia-acme", "erik-sand", "sana-q"]
    refused = requests.delete(f"{exports['ACCESS_GITHUB_URL']}/orgs/acme/members/mia-acme", headers=headers, timeout=60)
    assert refused.status_code == 403
    headers = {"Circle-Token": exports["ACCESS_CIRCLECI_TOKEN"]}
    collaborations = requests.get(
        f"{exports['ACCESS_CIRCLECI_URL']}/me/collaborations", headers=headers, timeout=10
    ).json()
    assert [one["slug"] for one in collaborations] == ["gh/acme"]


def test_ids_are_the_same_every_time(forge: Forge) -> None:
    again = Forge()
    assert {key: user.id for key, user in again.people.items()} == {key: u.id for key, u in forge.people.items()}
    assert (again.ci.id, list(again.ci.groups)) == (forge.ci.id, list(forge.ci.groups))


def test_teams_of_github_become_groups_of_circleci_when_it_gets_round_to_it(forge: Forge) -> None:
    world, ada = forge.github.world, forge.people["ada"]
    team = world.create_team(forge.org, "Delivery managers")
    world.set_member(forge.org, ada)
    team.members[ada.id] = "member"
    assert "Delivery managers" not in forge.circleci.truth(forge.ci)["groups"]
    forge.copy_teams()
    assert forge.circleci.truth(forge.ci)["groups"]["Delivery managers"] == ["ada-acme"]
    assert forge.left("ada") == ["a member of acme", "in the team delivery-managers"]
    world.remove_member(forge.org, ada)
    forge.copy_teams()
    assert forge.circleci.truth(forge.ci)["groups"]["Delivery managers"] == [] and forge.left("ada") == []


def test_somebody_who_is_only_invited_still_has_a_way_in(forge: Forge) -> None:
    assert forge.left("ivan") == ["invited to acme"]
    before = forge.foreign()
    forge.github.world.accept(forge.org, next(i for i in forge.org.invitations.values() if i.user is not None))
    assert forge.foreign() == before
