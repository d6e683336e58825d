"""One person, one file, four systems: a directory, a cloud account, a forge and its pipelines. One plan, one apply."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from provisioner.sandbox.aws import AwsServer
from provisioner.sandbox.circleci import CircleCiServer
from provisioner.sandbox.github import GitHubServer
from tests.cases.company import Company
from tests.rigs.slapd import Slapd

MORE = """\
  github:
    provider: github
    organization: acme
    api_url: {env: GITHUB_API_URL}
    token: {plan: {env: GITHUB_READ}, apply: {env: GITHUB_WRITE}}
    teams: {delivery-managers: {repositories: {site: maintain}}}
  ci:
    provider: circleci
    organization: gh/acme
    api_url: {env: CIRCLECI_API_URL}
    token: {env: CIRCLE_TOKEN}
    forge: github
    contexts: {release-prod: {open_to: {groups: [delivery-managers]}}}
"""
ROLES = """\
roles:
  developer:
    owners: [grace]
    grants:
      corp-ldap: {groups: [developers]}
      aws: {groups: [Developers]}
      github: {teams: [backend]}
  lead:
    owners: [grace]
    includes: [developer]
    grants:
      corp-ldap: {groups: [leads]}
      github: {teams: {backend: maintainer, delivery-managers: member}, repositories: {site: [admin]}}
"""


@dataclass
class Four(Company):
    """The company with a forge and its pipelines."""

    hub: GitHubServer | None = None
    circle: CircleCiServer | None = None

    def __post_init__(self) -> None:
        assert self.hub is not None and self.circle is not None
        world, state = self.hub.world, self.circle.state
        boss = world.create_user("boss")
        self.org = world.create_org("acme", boss)
        world.create_repo(self.org, "site")
        self.users = {who: world.create_user(who) for who in ("grace", "ada", "bob")}
        admin = state.create_person("boss")
        self.ci = state.create_org("acme", admin)
        self.people = [state.create_person(who) for who in self.users]
        self.ci.members.update({p.id: "contributor" for p in self.people})
        super().__post_init__()
        self.environ |= {
            **self.hub.exports(),
            **self.circle.exports(),
            "GITHUB_READ": self.hub.fine_grained_token(boss),
            "GITHUB_WRITE": self.hub.token(boss),
            "CIRCLE_TOKEN": self.circle.token(admin),
        }
        self.write("access/targets.yaml", self.targets() + MORE)
        self.write("access/roles.yaml", ROLES)

    def person(self, who: str, role: str) -> None:
        text = (
            f"people:\n  {who}:\n    name: {who.title()} Example\n    email: {who}@example.com\n"
            f'    accounts: {{github: {{id: "{self.users[who].id}"}}}}\n    roles: [{role}]\n'
        )
        self.write(f"access/people/{who}.yaml", text)

    def accept(self) -> None:
        """Everybody but bob says yes; and CircleCI copies the teams."""
        assert self.hub is not None
        for invitation in list(self.org.invitations.values()):
            if invitation.user != self.users["bob"].id:
                self.hub.world.accept(self.org, invitation)

    def copied(self) -> None:
        assert self.hub is not None and self.circle is not None
        teams = self.hub.truth(self.org)["teams"]
        self.circle.state.copy_teams(self.ci, {slug: team["members"] for slug, team in teams.items()})
        self.circle.manners.github_groups = True

    def may_release(self) -> set[str]:
        assert self.circle is not None
        state = self.circle.state
        (context,) = state.contexts_of(self.ci)
        project = state.create_project(self.ci, "site")
        return {p.login for p in self.people if state.may_use(context, p, project)}


@pytest.fixture
def four(tmp_path: Path, slapd: Slapd) -> Iterator[Four]:
    with AwsServer() as aws, GitHubServer() as hub, CircleCiServer() as circle:
        aws.create_account("111111111111")
        circle.clear()
        yield Four(tmp_path / "repository", slapd, aws, hub=hub, circle=circle)


def test_one_file_opens_and_shuts_all_four(four: Four) -> None:
    four.person("bob", "lead")
    four.commit("three people")
    first = four.provision("apply")
    assert first.code == 8, first.out + first.err  # CircleCI has not copied the team yet, and says so
    assert "no group delivery-managers" in first.out + first.err
    four.accept()
    four.copied()
    second = four.provision("apply")
    assert second.code == 0, second.out + second.err
    assert four.may_release() == {"grace"}
    assert four.provision("plan", "--format", "json").changes == []

    four.write("access/people/eve.yaml", "people:\n  eve: {name: Eve, email: eve@example.com, roles: []}\n")
    four.write("access/roles.yaml", ROLES.replace("owners: [grace]", "owners: [ada]"))
    four.commit("ada owns the roles")
    for who in ("grace", "bob"):
        four.remove(f"access/people/{who}.yaml")
    four.commit("grace leaves, and bob before he accepted")
    assert four.may_release() == {"grace"}
    shown = four.provision("plan").out
    assert "until ci has copied delivery-managers from github, grace may still use context `release-prod`" in shown
    plan = four.provision("plan", "--format", "json")
    targets = {c["address"].partition(":")[0] for c in plan.json["changes"] if c["identity"] == "grace"}
    assert targets == {"corp-ldap", "aws/main", "github"}
    done = four.provision("apply")
    assert done.code == 0, done.out + done.err
    assert four.hub is not None
    truth = four.hub.truth(four.org)
    assert set(truth["members"]) == {"boss", "ada"} and truth["invitations"] == {}
    assert truth["repos"]["site"]["collaborators"] == {}
    assert four.members("developers") == {"ada"} and four.members("leads") == set()
    assert four.may_release() == {"grace"}  # CircleCI works on its copy of the team until it copies again
    receipts = {who: four.provision("receipt", who) for who in ("grace", "bob")}
    for who, receipt in receipts.items():
        assert receipt.code == 0, receipt.out + receipt.err
        assert f"{who} has nothing left on 4 targets." in receipt.out
    kept = " ".join(receipts["grace"].out.split())
    assert "until it has copied delivery-managers they may still use context `release-prod`" in kept
    assert "still use" not in receipts["bob"].out  # who never accepted was never copied
    four.copied()
    assert four.may_release() == set()
    assert four.provision("plan", "--format", "json").changes == []
