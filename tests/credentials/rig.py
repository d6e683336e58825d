"""A repository that declares a bot with an access key, the embedded AWS, and the command line run in it.

What is delivered is looked at as its consumer would: read from the place, and signed in with.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.main import main
from provisioner.sandbox.aws import AwsServer
from provisioner.sandbox.circleci import CircleCiServer
from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.github.things import Environment
from tests import canaries
from tests.cli.conftest import CLEARED
from tests.rigs.openbao import Bao, openbao

ACCOUNT = "111111111111"
BOT = "deploy-bot"
CREDENTIALS = """\
    credentials:
      aws:
        access-key: {{rotate_after: 30d, overlap: 1s, deliver_to: [{deliveries}]}}
"""
FILES = """\
records: {{owner: 5f1c0a2b}}
people:
  grace: {{name: Grace Example, email: grace@example.com}}
services:
  deploy-bot:
    owners: [grace]
    roles: [deployer]
{credentials}roles:
  deployer: {{owners: [grace], grants: {{aws: {{groups: [Deployers]}}}}}}
targets:
  aws: {{provider: aws-iam, account: "{account}"}}
{more}
stores:
  local: {{provider: file, folder: {{env: LOCAL_STORE}}}}
{stores}
"""


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str


@dataclass
class Repository:
    """A repository of access files, and the command line run in it."""

    root: Path

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *arguments], cwd=self.root, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")

    def run(self, *arguments: str) -> Ran:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main(list(arguments))
        ran = Ran(int(status), out.getvalue(), err.getvalue())
        self.nothing_leaked(ran)
        return ran

    def nothing_leaked(self, *ran: Ran) -> None:
        """No secret, in what was said or left behind."""
        raise NotImplementedError


@dataclass
class Company(Repository):
    """`secrets` are all that AWS has made so far: none may be found in what the product says or leaves behind."""

    aws: AwsServer
    env: pytest.MonkeyPatch = field(repr=False)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    def declare(self, *deliveries: str, more: str = "", stores: str = "") -> None:
        self._declare(CREDENTIALS.format(deliveries=", ".join(deliveries)), more, stores)

    def declare_no_credential(self) -> None:
        """The bot, and nothing that it signs in with."""
        self._declare("", "", "")

    def _declare(self, credentials: str, more: str, stores: str) -> None:
        text = FILES.format(credentials=credentials, account=ACCOUNT, more=more, stores=stores)
        path = self.root / "access" / "all.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        self.commit()

    def nothing_leaked(self, *ran: Ran) -> None:
        """No secret of any key that ever was, in what was said or left in the repository."""
        self.live()
        secrets = list(self.secrets.values())
        for one in ran:
            assert not canaries.in_texts({"stdout": one.out, "stderr": one.err}, secrets)
        files = [p for p in self.root.rglob("*") if p.is_file() and ".git/" not in str(p)]
        assert not canaries.in_files(files, secrets)

    def live(self) -> dict[str, bool]:
        """The bot's keys, as AWS has them: whether each is active."""
        from provisioner.sandbox.aws.strict import backend_of

        with self.aws.lock:
            user = backend_of(ACCOUNT).users.get(BOT)
            keys = list(user.access_keys) if user is not None else []
            self.secrets.update({k.access_key_id: k.secret_access_key for k in keys})
            return {k.access_key_id: k.status == "Active" for k in keys}

    def works(self, key: str, secret: str) -> bool:
        """As a consumer signs in."""
        from botocore.exceptions import ClientError

        sts = self.aws.client("sts", aws_access_key_id=key, aws_secret_access_key=secret)
        try:
            return bool(sts.get_caller_identity()["Arn"].endswith(f"/{BOT}"))
        except ClientError:
            return False

    def in_secrets_manager(self, name: str) -> Mapping[str, Any] | None:
        client = self.aws.client("secretsmanager", ACCOUNT)
        try:
            found = client.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")
        except client.exceptions.ResourceNotFoundException:
            return None
        data: Mapping[str, Any] = json.loads(found["SecretString"])
        return data

    def in_file(self, name: str) -> Mapping[str, Any] | None:
        path = self.local / name
        if not path.exists():
            return None
        data: Mapping[str, Any] = json.loads(path.read_bytes())
        return data

    @property
    def local(self) -> Path:
        return self.root.parent / "local-store"


def pair(found: Mapping[str, Any] | None) -> tuple[str, str]:
    """The two parts under their usual names."""
    assert found is not None
    return str(found["AWS_ACCESS_KEY_ID"]), str(found["AWS_SECRET_ACCESS_KEY"])


@contextlib.contextmanager
def company(folder: Path, env: pytest.MonkeyPatch, make: Callable[[], AwsServer] = AwsServer) -> Iterator[Company]:
    """A repository in `folder`, which becomes the working folder; nothing is declared yet."""
    for name in CLEARED:
        env.delenv(name, raising=False)
    with make() as aws:
        aws.create_account(ACCOUNT)
        aws.client("iam", ACCOUNT).create_group(GroupName="Deployers")
        for name, value in aws.exports(ACCOUNT).items():
            env.setenv(name, value)
        root = folder / "repository"
        root.mkdir()
        env.setenv("LOCAL_STORE", str(folder / "local-store"))
        env.chdir(root)
        made = Company(root, aws, env)
        made.git("init", "--quiet", "--initial-branch=main")
        yield made


CI = """\
  github:
    provider: github
    organization: acme
    api_url: {env: GITHUB_API}
    token: {env: GITHUB_STORE_TOKEN}
  ci:
    provider: circleci
    organization: gh/acme
    api_url: {env: CIRCLECI_API_URL}
    token: {env: CIRCLE_STORE_TOKEN}
    contexts: {release: {open_to: {groups: [leads]}}}
"""
VAULT = "  vault: {provider: openbao, url: {env: BAO_ADDR}, path: secret/ci}"
FOUR = (
    "{to: ci/contexts/release, as: AWS_KEY}",
    "{to: github/repositories/site/environments/production, as: AWS_KEY}",
    "{to: vault/bot}",
    "{to: aws/secrets/bot}",
)
"""The two that can be read back come last in the file: rotation puts them first itself."""


@dataclass
class Everywhere:
    """The company with its CI systems and an OpenBao, where the bot's key goes to four places."""

    acme: Company
    github: GitHubServer
    circle: CircleCiServer
    bao: Bao
    site: Any
    release: Any
    circle_org: Any
    places = ("circleci", "github", "manager", "vault")
    target = "aws"

    @property
    def root(self) -> Path:
        return self.acme.root

    def run(self, *arguments: str) -> Ran:
        return self.acme.run(*arguments)

    def nothing_leaked(self, *ran: Ran) -> None:
        self.acme.nothing_leaked(*ran)

    def live(self) -> dict[str, bool]:
        return self.acme.live()

    def delivered(self) -> dict[str, tuple[str, str] | None]:
        """What the consumer of each place has now."""
        vault = self.bao.data("ci/bot")
        with self.github.lock:
            sealed = self.site.environments["production"].vault
            hub = sealed.opened("AWS_KEY") if "AWS_KEY" in sealed.secrets else None
        with self.circle.lock:
            variable = self.release.variables.get("AWS_KEY")
            circle = variable.value if variable is not None else None
        manager = self.acme.in_secrets_manager("bot")
        return {
            "vault": None if vault is None else pair(vault),
            "manager": None if manager is None else pair(manager),
            "github": None if hub is None else whole(hub),
            "circleci": None if circle is None else whole(circle),
        }

    def working(self) -> list[str]:
        """The places whose consumer can sign in."""
        return sorted(n for n, found in self.delivered().items() if found is not None and self.acme.works(*found))

    def keys(self) -> set[str]:
        """The keys that the four places have."""
        return {found[0] for found in self.delivered().values() if found is not None}


def whole(text: str) -> tuple[str, str]:
    """The two parts of one value."""
    found = json.loads(text)
    return str(found["AccessKeyId"]), str(found["SecretAccessKey"])


@contextlib.contextmanager
def everywhere(
    acme: Company,
    folder: Path,
    make_github: Callable[[], GitHubServer] = GitHubServer,
    make_circle: Callable[[], CircleCiServer] = CircleCiServer,
) -> Iterator[Everywhere]:
    """Servers, with an environment and a context that are there; the files are declared, and nothing is applied."""
    with make_github() as github, make_circle() as circle, openbao(folder / "server") as bao:
        world = github.world
        boss = world.create_user("boss")
        org = world.create_org("acme", boss)
        site = world.create_repo(org, "site")
        now = world.now()
        site.environments["production"] = Environment(world.new_id("environment"), site.id, "production", now, now)
        state = circle.state
        circle.manners.github_groups = True
        person = state.create_person("boss")
        circle_org = state.create_org("acme", person)
        leads = state.create_group(circle_org, "leads")
        release = state.create_context(circle_org, "release")
        for one in list(release.restrictions):
            del release.restrictions[one]
        state.restrict(release, "group", leads.id)
        env = acme.env
        env.setenv("GITHUB_API", github.url)
        env.setenv("GITHUB_STORE_TOKEN", github.token(boss))
        env.setenv("CIRCLECI_API_URL", circle.exports()["CIRCLECI_API_URL"])
        env.setenv("CIRCLE_STORE_TOKEN", circle.token(person))
        env.setenv("BAO_ADDR", bao.url)
        env.setenv("BAO_TOKEN", bao.token)
        acme.declare(*FOUR, more=CI, stores=VAULT)
        yield Everywhere(acme, github, circle, bao, site, release, circle_org)
