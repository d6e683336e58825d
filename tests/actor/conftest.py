"""A repository whose files were applied, a job on an emulated CI, and `provision gate` run in that job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from provisioner.records.decisions import Decided, decisions
from provisioner.records.journal import open_journal
from provisioner.sandbox.github import GitHubServer, runs
from provisioner.sandbox.github.things import Repo, Run, User
from tests.cli.conftest import Ran, Repository, committed
from tests.cli.conftest import repository as repository
from tests.rigs.specs import Checked

LEAD = "[{role: lead, environments: [production]}]"
DEPLOYER = "[{role: deployer, environments: [production]}]"
PLACES = """\
records: {owner: 5f1c0a2b, journal: %s}
environments:
  production: {protected: true, max_duration: 7d, standing: [lead]}
  staging: {}
roles:
  developer: {owners: [grace], environments: [staging], grants: {corp-ldap: {groups: [developers]}}}
  deployer: {owners: [grace], environments: [production, staging], grants: {corp-ldap: {groups: [deployers]}}}
  lead: {owners: [grace], environments: [production], includes: [deployer], grants: {corp-ldap: {groups: [leads]}}}
targets:
  corp-ldap:
    provider: ldap
    url: {env: LDAP_URL}
    bind_dn: {env: LDAP_BIND_DN}
    password: {env: LDAP_PASSWORD}
    base: {people: "ou=people,dc=example,dc=test", groups: "ou=groups,dc=example,dc=test"}
"""


@dataclass
class Job:
    """A repository whose access files are applied, and a folder of its own where the job runs: without any of them."""

    files: Repository
    journal: Path
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def declare(self, name: str, roles: str, *, accounts: str = "{}", more: str = "", kind: str = "people") -> None:
        text = f"{kind}:\n  {name}:\n    accounts: {accounts}\n    roles: {roles}\n{more}"
        if kind == "people":
            text += f"    name: {name.title()} Example\n    email: {name}@example.com\n"
        self.files.write(f"access/{kind}/{name}.yaml", text)

    def apply(self, *more: str, status: int = 0) -> None:
        """What is declared by now is committed and applied."""
        self.files.commit()
        ran = self.files.run("apply", *more)
        assert ran.status == status, ran.err

    def gate(self, *arguments: str, environment: str = "production", **variables: str) -> Ran:
        """In the job's own folder, with the job's own variables."""
        with self.files.env.context() as patched:
            patched.chdir(self.folder)
            for name, value in {"PROVISION_JOURNAL": str(self.journal), **self.environ, **variables}.items():
                patched.setenv(name, value)
            return self.files.run("gate", "--environment", environment, "--wait", "0", *arguments)

    def cut_off(self, who: str) -> None:
        """By `offboard --now`, a minute before the files say so."""
        ran = self.files.run("offboard", who, "--now")
        assert ran.status == 0, ran.err
        self.files.git("checkout", "--quiet", "--", "access")

    def refused(self, code: str, *arguments: str, **more: str) -> str:
        """The sentence of a refusal, by its code."""
        ran = self.gate(*arguments, **more)
        assert ran.status == 7, (ran.status, ran.out, ran.err)
        assert f"why: {code}: " in ran.err, ran.err
        assert ran.out == ""
        return ran.err

    def decided(self, run: str) -> list[Decided]:
        """The decisions on record about a run."""
        found = decisions(open_journal(str(self.journal), self.folder).store)
        return [d for d in found if not isinstance(d, str) and f"run {run}," in d.run]


def _job(repository: Repository, place: Path) -> Job:
    """Nobody is declared but `grace`; nothing is applied yet."""
    (repository.root / "access/people/ada.yaml").unlink()
    repository.write("access/common.yaml", PLACES % (place / "journal"))
    repository.person("grace", "[developer]")
    folder = place / "job"
    folder.mkdir()
    return Job(repository, place / "journal", folder)


@pytest.fixture
def job(repository: Repository, tmp_path: Path) -> Job:
    """A repository of the test's own."""
    return _job(repository, tmp_path)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Job]:
    """A repository that the tests of a file share: they change nothing about it."""
    place = tmp_path_factory.mktemp("applied")
    with pytest.MonkeyPatch.context() as patched:
        for made in committed(place, patched):
            yield _job(made, place)


@dataclass
class Actions:
    """`acme/site` on the embedded GitHub, whose jobs have a token of their own; `ada` and `grace` may deploy to
    production, `bob` may not."""

    server: GitHubServer
    job: Job
    site: Repo
    people: dict[str, User]

    def start(self, who: str, **more: Any) -> Run:
        """A run begins, and the job is in it."""
        run = runs.start(self.server.world, self.site, self.people[who], **more)
        self.enter(run)
        return run

    def again(self, run: Run, who: str) -> None:
        """The run ends, and somebody starts it again."""
        runs.finish(run, "failure")
        runs.again(run, self.people[who])
        self.enter(run)

    def enter(self, run: Run) -> None:
        self.job.environ |= {
            "GITHUB_RUN_ID": str(run.id),
            "GITHUB_RUN_ATTEMPT": str(run.attempt),
            "GITHUB_SHA": run.head,
            "GITHUB_ACTOR": "ada",  # whatever the job says, it is not believed
            "GITHUB_TRIGGERING_ACTOR": "ada",
            "GITHUB_ACTOR_ID": str(self.people["ada"].id),
        }

    def token(self, **permissions: str) -> str:
        """The job's token, as `permissions:` of its workflow makes it."""
        org = self.server.world.orgs[self.site.org]
        given = {"metadata": "read", "contents": "read", **permissions}
        self.server.create_app(org, f"runner-{len(self.server.keys.apps)}", given)
        installation = list(self.server.keys.installations.values())[-1]
        return self.server.keys.of_installation(installation, given, {self.site.id}).secret


def _hub(server: GitHubServer, job: Job) -> Actions:
    """Everything is declared, nothing is applied, and no run has begun."""
    server.clear()
    world = server.world
    people = {name: world.create_user(name) for name in ("boss", "ada", "bob", "mallory", "grace")}
    org = world.create_org("acme", people["boss"])
    made = Actions(server, job, world.create_repo(org, "site"), people)
    target = (
        "  github: {provider: github, mode: report, organization: acme, api_url: '%s', token: {env: FORGE_TOKEN}}\n"
        "pipelines:\n  site: {deploys: {production: {environments: [prod]}}, schedules: nightly}\n"
    )
    job.files.write("access/common.yaml", (PLACES % job.journal) + target % server.url)
    job.files.env.setenv("FORGE_TOKEN", server.fine_grained_token(people["boss"]))
    job.declare("ada", LEAD, accounts=pinned(people["ada"]))
    job.declare("bob", "[developer]", accounts=pinned(people["bob"]))
    job.declare("grace", LEAD, accounts=pinned(people["grace"]))
    job.declare("nightly", DEPLOYER, more="    owners: [grace]\n", kind="services")
    job.environ |= {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": "acme/site",
        "GITHUB_TOKEN": made.token(actions="write", pull_requests="read"),
    }
    return made


@pytest.fixture
def hub(github_session: tuple[GitHubServer, Checked], job: Job) -> Iterator[Actions]:
    """Of the test's own, and nothing is applied."""
    server, checked = github_session
    yield _hub(server, job)
    assert not checked.problems, "\n".join(checked.problems)


@pytest.fixture(scope="module")
def settled(github_session: tuple[GitHubServer, Checked], applied: Job) -> Iterator[Actions]:
    """Applied, and shared by the tests of a file."""
    server, checked = github_session
    made = _hub(server, applied)
    applied.apply()
    yield made
    assert not checked.problems, "\n".join(checked.problems)


def pinned(user: User) -> str:
    return f"{{github: {{login: {user.login}, id: {user.id}}}}}"
