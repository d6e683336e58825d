"""The embedded AWS: one member account, entered by assuming its roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from provisioner.sandbox.aws import AwsServer
from provisioner.sandbox.aws.iam import need_policy
from provisioner.sandbox.aws.server import REGION
from tests.faults.story import OWNER, ROLES, Story
from tests.faults.systems.aws_wire import AwsWire
from tests.faults.systems.base import from_people_and_groups

ACCOUNT = "111111111111"
_DENY = "provision-deny"


class AwsSystem:
    """`tests.faults.systems.base.System`. The state lives in this process; a case runs in a fork of it."""

    name = "aws"

    def __init__(self) -> None:
        self.wire = AwsWire()
        self.silent = self.wire.silent
        self.server = AwsServer()
        self._page: int | None = None

    def start(self, folder: Path) -> None:
        self.server.start()

    def seed(self, story: Story) -> None:
        """Straight into the backend: a call over the wire costs as much as everything else here together."""
        self.server.create_account(ACCOUNT)
        backend = self.server.backend(ACCOUNT)
        for group in (*story.names("groups"), "handmade"):
            backend.create_group(group)
        users: dict[str, tuple[str, ...]] = {"stranger": (), "theirs": ()}
        users |= {p.name: p.before for p in story.people if p.before is not None}
        for login, roles in users.items():
            mark = "provision/1 o=deadbeef k=theirs" if login == "theirs" else f"provision/1 o={OWNER[:8]} k={login}"
            tags = [{"Key": "provision", "Value": mark}, {"Key": "email", "Value": f"{login}@example.com"}]
            backend.create_user(REGION, login, "/", tags if login != "stranger" else [])
            backend.create_access_key(login)
            for role in roles:
                for group in ROLES[role]["groups"]:
                    backend.add_user_to_group(group, login)
                for policy in ROLES[role]["policies"]:
                    need_policy(backend, f"arn:aws:iam::aws:policy/{policy}").attach_to(backend.users[login])
        for group in (*story.names("groups"), "handmade"):
            backend.add_user_to_group(group, "stranger")
        need_policy(backend, "arn:aws:iam::aws:policy/SecurityAudit").attach_to(backend.users["stranger"])
        self.server.changed(ACCOUNT)

    def save(self) -> None:
        self.server.stop()
        self.server._session = None

    def plant(self, secret: Iterator[str], logins: frozenset[str]) -> list[str]:
        """Passwords are ours to choose; keys, passwords of services and session tokens are made by AWS."""
        exports = self.server.exports()
        planted = [exports["AWS_SECRET_ACCESS_KEY"], exports["AWS_SESSION_TOKEN"]]
        iam = self.server.client("iam", ACCOUNT)
        users = self.server.backend(ACCOUNT).users
        for login in (*sorted(logins), "stranger", "theirs"):
            if login not in users:
                continue
            planted.append(next(secret))
            iam.create_login_profile(UserName=login, Password=planted[-1].encode("ascii", "ignore").decode() + "Aa1")
            planted += [key.secret_access_key for key in users[login].access_keys]
            made = iam.create_service_specific_credential(UserName=login, ServiceName="codecommit.amazonaws.com")
            planted.append(made["ServiceSpecificCredential"]["ServicePassword"])
        return planted

    def small_pages(self) -> None:
        self._page = 25

    def restore(self) -> None:
        """Each case is forked from what was saved."""

    def serve(self) -> None:
        self.server.start(keep=True)
        self.server.page_limit = self._page  # a start without `keep` forgets such switches

    def stop(self) -> None:
        self.server.stop()

    @property
    def upstream(self) -> tuple[str, int]:
        where = urlparse(self.server.url)
        return (str(where.hostname), int(where.port or 0))

    def environment(self, port: int) -> dict[str, str]:
        return {**self.server.exports(), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}

    def target(self, *, after: bool) -> str:
        return f"""\
{self.name}:
  provider: aws-iam
  account: "{ACCOUNT}"
  assume_role:
    plan: "arn:aws:iam::{{account}}:role/provision-read"
    apply: "arn:aws:iam::{{account}}:role/provision-write\""""

    def grants(self, role: Mapping[str, tuple[str, ...]]) -> str:
        return f"{{groups: [{', '.join(role['groups'])}], policies: [{', '.join(role['policies'])}]}}"

    def account(self, login: str) -> str:
        return ""

    def standing(self, *, after: bool) -> frozenset[str]:
        return frozenset()

    def wanted(self, login: str, roles: Iterable[Mapping[str, tuple[str, ...]]]) -> frozenset[str]:
        roles = list(roles)
        groups = {g for role in roles for g in role["groups"]}
        policies = {p for role in roles for p in role["policies"]}
        return frozenset(
            {
                f"account/{login}",
                *(f"membership/{g}/{login}" for g in groups),
                *(f"grant/{p}/{login}" for p in policies),
            }
        )

    def held(self, logins: frozenset[str]) -> frozenset[str]:
        """Keys count only for those who should have no account any more: who stays keeps their own."""
        found = set()
        for login, user in self.server.truth(ACCOUNT)["users"].items():
            if login not in logins:
                continue
            if _DENY in user["inline"]:
                found |= {f"key/{login}" for status in user["keys"].values() if status == "Active"}
            else:
                found.add(f"account/{login}")
            found |= {f"membership/{g}/{login}" for g in user["groups"]}
            found |= {f"grant/{arn.rpartition('/')[2]}/{login}" for arn in user["attached"]}
            found |= {f"grant/inline.{name}/{login}" for name in user["inline"] if name != _DENY}
        return frozenset(found)

    def foreign(self, logins: frozenset[str]) -> Mapping[str, Any]:
        truth = self.server.truth(ACCOUNT)
        users = {f"user {n}": u for n, u in truth["users"].items() if n not in logins}
        groups = {
            f"group {n}": {**g, "members": [m for m in g["members"] if m not in logins]}
            for n, g in truth["groups"].items()
        }
        return {**users, **groups}

    def accounts(self, logins: frozenset[str]) -> Mapping[str, int]:
        """By login or by mark, each user once."""
        found: Counter[str] = Counter()
        for name, user in self.server.truth(ACCOUNT)["users"].items():
            key = user["tags"].get("provision", "").partition(" k=")[2].split(" ")[0]
            found.update({name.lower(), key} & logins)
        return found

    def moments(self, story: Story) -> list[str]:
        return []

    def rests_on(self, action: str, thing: str, damaged: frozenset[str]) -> bool:
        return from_people_and_groups(action, thing, damaged)

    def broken(self, wrong: str) -> list[dict[str, str]]:
        return [
            {"AWS_SECRET_ACCESS_KEY": wrong.encode("ascii", "ignore").decode()},
            {"AWS_SESSION_TOKEN": wrong.encode("ascii", "ignore").decode()},
            {"AWS_ENDPOINT_URL": f"http://user:{wrong}@127.0.0.1:1"},
            {"AWS_ACCESS_KEY_ID": wrong, "AWS_MAX_ATTEMPTS": "nonsense"},
        ]
