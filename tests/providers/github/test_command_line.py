"""The commands that people type, on GitHub and CircleCI: an organization is adopted, and somebody is offboarded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.sandbox.circleci import CircleCiServer
from tests.cases.company import Company
from tests.providers.github.rig import Hub
from tests.providers.github.test_read import big

TARGETS = """\
records: {{owner: 5f1c0a9b7e3d4c21, journal: {journal}}}
targets:
  github:
    provider: github
    organization: acme
    api_url: {{env: GITHUB_API_URL}}
    token: {{plan: {{env: GITHUB_READ}}, apply: {{env: GITHUB_WRITE}}}}
  ci:
    provider: circleci
    organization: gh/acme
    api_url: {{env: CIRCLECI_API_URL}}
    token: {{env: CIRCLE_TOKEN}}
    forge: github
"""


class Forge(Company):
    """Commands run in `folder`, about an organization and its CircleCI; the journal lies beside it."""

    def __init__(self, folder: Path, hub: Hub, circle: CircleCiServer) -> None:
        self.folder, self.hub, self.circle = folder, hub, circle
        person = circle.state.create_person("boss")
        self.org = circle.state.create_org("acme", person)
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "PYTHONPATH": str(Path(__file__).parents[3]),
            **hub.environ,
            **circle.exports(),
            "CIRCLE_TOKEN": circle.token(person),
        }
        folder.mkdir()
        self.git("init", "-q", "-b", "main")
        self.write("access/targets.yaml", TARGETS.format(journal=folder.parent / "journal"))
        self.commit("two targets")


@pytest.fixture
def forge(hub: Hub, tmp_path: Path) -> Iterator[Forge]:
    with CircleCiServer() as circle:
        yield Forge(tmp_path / "repository", hub, circle)


def test_organization_is_adopted_and_planned_empty_and_a_person_with_an_invitation_is_offboarded(
    forge: Forge,
) -> None:
    hub = forge.hub
    big(hub, 40, 12, 8)
    team = hub.server.world.team(hub.org, "team-3")
    assert team is not None
    team.members[next(iter(team.members))] = "maintainer"
    world = hub.server.world
    world.create_user("newcomer")
    world.invite(hub.org, hub.boss, user=hub.user("newcomer"), teams={team.id: "member"})
    forge.circle.state.create_context(forge.org, "release")
    before = hub.truth()

    for target in ("github", "ci"):
        said = forge.provision("adopt", target)
        assert said.code == 0, said.out + said.err
    plan = forge.provision("plan", "--format", "json")
    assert plan.code == 0, plan.out + plan.err
    assert plan.changes == []
    forge.commit("what they say")
    said = forge.provision("apply")
    assert said.code == 0 and hub.truth() == before, said.out + said.err

    for who in ("newcomer", "user-3"):
        said = forge.provision("offboard", who)
        assert said.code == 0, said.out + said.err
    forge.commit("two people leave")
    said = forge.provision("apply")
    assert said.code == 0, said.out + said.err
    after = hub.truth()
    assert after["invitations"] == {} and "user-3" not in after["members"]
    assert all("user-3" not in t["members"] for t in after["teams"].values())
    assert all("user-3" not in r["collaborators"] for r in after["repos"].values())
    assert set(before["members"]) - set(after["members"]) == {"user-3"}
    receipt = forge.provision("receipt", "user-3")
    assert receipt.code == 0 and "nothing" in receipt.out.lower(), receipt.out + receipt.err
    assert forge.provision("plan", "--format", "json").changes == []
