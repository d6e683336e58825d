"""The commands that people type, on GitHub and CircleCI: an organization is adopted, and somebody is offboarded."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from provisioner.sandbox.circleci import CircleCiServer
from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.github.things import DeployKey
from tests.builders import NOW
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
    site = world.repo(hub.org, "repo-1")
    assert site is not None
    site.keys[7] = DeployKey(7, "ci\n::error::", "ssh-ed25519 AAAA", False, hub.user("user-3").id, NOW)
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
    lines = [" ".join(line.split()) for line in receipt.out.splitlines()]
    assert (
        f"! deploy keys that user-3 added keep working: `ci\\n::error::` of {site.name}; put a new key where it is"
        in lines
    )
    world.rename_user(hub.user("user-3"), "else-where")
    receipt = forge.provision("receipt", "user-3")
    assert receipt.code == 0 and "deploy keys that else-where added keep working" in receipt.out
    assert forge.provision("plan", "--format", "json").changes == []


URLS = ("    api_url: {env: GITHUB_API_URL}", "    api_url: {env: CIRCLECI_API_URL}")
TOKENS = ("token: {plan: {env: GITHUB_READ}, apply: {env: GITHUB_WRITE}}", "token: {env: CIRCLE_TOKEN}")
THEIRS = ("    api_url: {env: THEIR_HUB}", "    api_url: {env: THEIR_CI}")


def test_pull_request_that_points_targets_at_its_authors_servers_calls_nothing_there(forge: Forge) -> None:
    """Nor does one that names another secret beside them, or another organization."""
    text = (forge.folder / "access" / "targets.yaml").read_text()

    def planned(*changes: tuple[str, str]) -> str:
        changed = text
        for old, new in changes:
            assert old in changed
            changed = changed.replace(old, new)
        forge.write("access/targets.yaml", changed)
        said = forge.provision("plan", "--base", "main")
        assert said.code == 0 and "canary" not in said.out + said.err, said.out + said.err
        return said.out

    with GitHubServer() as hub, CircleCiServer() as circle:
        ci = f"{circle.url}/api/v2"
        forge.environ |= {"THEIR_HUB": hub.url, "THEIR_CI": ci, "SECRET_OF_CI": "canary-77"}
        for hub_url, ci_url in (THEIRS, (f"    api_url: {hub.url}", f"    api_url: {ci}")):
            told = planned((URLS[0], hub_url), (URLS[1], ci_url), *((t, "token: {env: SECRET_OF_CI}") for t in TOKENS))
            assert told.count("note[connection-of-base]") == 2
        assert "note[connection-of-base]" in planned(("organization: acme", "organization: theirs"))
        new = f"  mine: {{provider: github, organization: acme, api_url: {hub.url}, token: {{env: SECRET_OF_CI}}}}\n"
        told = planned(("  github:\n", f"{new}  github:\n"))
        assert "note[planned-after-merge]: mine is new in this change" in told
        assert hub.calls.total() == 0 == circle.calls.total()
        assert forge.provision("plan").code == 5 and hub.calls.total() > 0  # on one's own machine the files count
