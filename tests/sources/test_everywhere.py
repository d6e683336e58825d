"""Groups of a directory that nothing is ever written to drive teams on GitHub and groups on AWS, through review; who
leaves it is out there before the review. The same on slapd and on the embedded directory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from provisioner.sandbox.aws import AwsServer
from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.ldap import LdapServer
from tests.cli.conftest import CLEARED, Ran, Repository
from tests.sources.people import Department

FILES = """\
records: {owner: 5f1c0a2b}
roles:
  backend: {grants: {github: {teams: [backend]}, aws: {groups: [Developers]}}}
targets:
  corp-ldap:
    provider: ldap
    mode: report
    url: {env: LDAP_URL}
    bind_dn: {env: LDAP_BIND_DN}
    password: {env: LDAP_PASSWORD}
    base: {people: "ou=people,dc=example,dc=test", groups: "ou=groups,dc=example,dc=test"}
  github:
    provider: github
    organization: acme
    api_url: {env: GITHUB_API_URL}
    token: {plan: {env: GITHUB_READ}, apply: {env: GITHUB_WRITE}}
  aws:
    provider: aws-iam
    account: "111111111111"
sources:
  corp:
    target: corp-ldap
    attributes: {name: cn, email: mail, accounts: {github: {login: displayName, id: employeeNumber}}}
    groups: {engineering: {roles: [backend]}}
"""


@dataclass
class Everywhere:
    """The repository, the department with its directory, the organisation and the account."""

    files: Repository
    people: Department
    github: GitHubServer
    aws: AwsServer
    org: Any
    boss: Any

    def run(self, *arguments: str) -> Ran:
        return self.files.run(*arguments)

    def hire(self, login: str) -> None:
        """With a GitHub account, which the directory knows by login and id."""
        user = self.github.world.create_user(f"{login}-at-home", login.title(), f"{login}@home.example")
        self.people.hire(login, "engineering", displayName=user.login, employeeNumber=str(user.id))

    def accept(self, login: str) -> None:
        user = self.github.world.user(f"{login}-at-home")
        assert user is not None
        invitation = self.github.world.pending(self.org, user)
        assert invitation is not None
        self.github.world.accept(self.org, invitation)

    def team(self) -> set[str]:
        """Who is in the team."""
        team = self.github.world.team(self.org, "backend")
        assert team is not None
        return {self.github.world.users[number].login.removesuffix("-at-home") for number in team.members}

    def invited(self) -> set[str]:
        users = self.github.world.users
        return {users[i.user].login.removesuffix("-at-home") for i in self.org.invitations.values() if i.user}

    def developers(self) -> set[str]:
        """Who of AWS can use the group."""
        users = self.aws.truth("111111111111")["users"]
        return {name for name, user in users.items() if "Developers" in user["groups"]}


@pytest.fixture(params=["embedded", "slapd"])
def everywhere(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Everywhere]:
    for name in CLEARED:
        monkeypatch.delenv(name, raising=False)
    with ExitStack() as stack:
        embedded = stack.enter_context(LdapServer())
        aws = stack.enter_context(AwsServer())
        github = stack.enter_context(GitHubServer())
        if request.param == "slapd":
            slapd = request.getfixturevalue("slapd")
            department = Department(slapd.url, slapd.admin_dn, slapd.admin_password, slapd.suffix)
            login = {"LDAP_URL": slapd.url, "LDAP_BIND_DN": slapd.reader_dn, "LDAP_PASSWORD": slapd.service_password}
        else:
            dn, password = embedded.service_dn, embedded.service_password
            department = Department(embedded.url, dn, password, embedded.suffix)
            login = {"LDAP_URL": embedded.url, "LDAP_BIND_DN": dn, "LDAP_PASSWORD": password}
        stack.callback(department.close)
        aws.create_account("111111111111")
        boss = github.world.create_user("boss")
        org = github.world.create_org("acme", boss)
        tokens = {"GITHUB_READ": github.fine_grained_token(boss), "GITHUB_WRITE": github.token(boss)}
        settings = {**login, **aws.exports("111111111111"), "GITHUB_API_URL": github.url, **tokens}
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        root = tmp_path / "repository"
        root.mkdir()
        monkeypatch.chdir(root)
        files = Repository(root, embedded, monkeypatch)
        files.git("init", "--quiet", "--initial-branch=main")
        files.write("access/all.yaml", FILES)
        files.commit()
        yield Everywhere(files, department, github, aws, org, boss)


def test_a_directory_drives_teams_and_aws_through_review_and_a_leaver_is_out_before_it(everywhere: Everywhere) -> None:
    for name in ("ada", "grace", "mia", "tom"):
        everywhere.hire(name)
    ran = everywhere.run("pull", "corp")
    assert ran.status == 0, ran.out + ran.err
    assert "4 people join:" in ran.out
    assert "sources: [corp]" in (everywhere.files.root / "access/people/ada.yaml").read_text()
    assert everywhere.developers() == set() and everywhere.invited() == set()  # nothing before it is merged
    everywhere.files.commit()
    ran = everywhere.run("apply")
    assert ran.status == 0, ran.out + ran.err
    assert everywhere.developers() == {"ada", "grace", "mia", "tom"} == everywhere.invited()
    for name in ("ada", "grace", "mia"):
        everywhere.accept(name)
    assert everywhere.team() == {"ada", "grace", "mia"}

    everywhere.people.lock("grace")  # switched off
    everywhere.people.dismiss("tom")  # gone, and never took up the invitation
    everywhere.people.unit("berlin")
    everywhere.people.rename("mia", "mia-l", unit="ou=berlin,")  # another login, another place: the same person
    ran = everywhere.run("expire")
    assert ran.status == 0, ran.out + ran.err
    assert "grace is disabled in corp (id" in ran.err and "tom is gone from corp (id" in ran.err
    assert everywhere.developers() == {"ada", "mia"} == everywhere.team()
    assert everywhere.invited() == set()
    assert everywhere.files.git("status", "--porcelain") == ""  # the files have not changed

    ran = everywhere.run("pull", "corp", "--branch", "follow")
    assert ran.status == 0, ran.out + ran.err
    assert "2 people leave:" in ran.out and "1 person changes:" in ran.out
    changed = everywhere.files.git("diff", "--name-status", "main", "follow").splitlines()
    assert changed == ["D\taccess/people/grace.yaml", "M\taccess/people/mia.yaml", "D\taccess/people/tom.yaml"]
    everywhere.files.git("merge", "--quiet", "--no-ff", "-m", "Merge", "follow")
    ran = everywhere.run("apply")
    assert ran.status == 0, ran.out + ran.err
    assert "cut-by-source" not in ran.err
    assert everywhere.run("plan", "--detailed-exitcode").status == 0
    assert everywhere.run("pull", "corp").out.startswith("The access files follow corp already")
    assert everywhere.developers() == {"ada", "mia"} == everywhere.team()


def test_a_third_gone_at_once_means_that_nobody_leaves(everywhere: Everywhere) -> None:
    names = [f"p{n:02}" for n in range(15)]
    for name in names:
        everywhere.people.hire(name, "engineering")
    assert everywhere.run("pull", "corp").status == 0
    everywhere.files.commit()
    for name in names[:5]:
        everywhere.people.dismiss(name)
    ran = everywhere.run("expire", "--target", "corp-ldap")
    assert ran.status == 3
    assert "5 of 15 (33.33 %) people of corp are gone or disabled there: nobody leaves by it: p00, p01" in ran.err
    assert "acknowledgements: [{people: [p00, p01, p02, p03, p04], removals: true" in ran.err
    assert not (everywhere.files.root / ".provision/holds").exists()
