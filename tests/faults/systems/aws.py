"""The embedded AWS: one member account, entered by assuming its roles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from provisioner.sandbox.aws import AwsServer
from tests.faults.story import ROLES, Story
from tests.faults.systems.aws_wire import AwsWire

ACCOUNT = "111111111111"
_DENY = "provision-deny"


class AwsSystem:
    """`tests.faults.systems.base.System`. The state lives in this process; a case runs in a fork of it."""

    name = "aws"

    def __init__(self) -> None:
        self.wire = AwsWire()
        self.silent = self.wire.silent
        self.server = AwsServer()

    def start(self, folder: Path) -> None:
        self.server.start()

    def seed(self) -> None:
        self.server.create_account(ACCOUNT)
        iam = self.server.client("iam", ACCOUNT)
        for login, tags in (
            ("stranger", []),
            ("theirs", [{"Key": "provision", "Value": "provision/1 o=deadbeef k=theirs"}]),
        ):
            iam.create_user(UserName=login, Tags=tags)
            iam.create_access_key(UserName=login)
        for group in (*sorted({g for r in ROLES.values() for g in r["groups"]}), "handmade"):
            iam.create_group(GroupName=group)
            iam.add_user_to_group(GroupName=group, UserName="stranger")
        iam.attach_user_policy(UserName="stranger", PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")

    def ready(self, story: Story) -> None:
        iam = self.server.client("iam", ACCOUNT)
        for login in sorted(p.name for p in story.people if p.before is not None):
            iam.create_access_key(UserName=login)

    def save(self) -> None:
        self.server.stop()
        self.server._session = None

    def restore(self) -> None:
        """Each case is forked from what was saved."""

    def serve(self) -> None:
        self.server.start(keep=True)

    def stop(self) -> None:
        self.server.stop()

    @property
    def upstream(self) -> tuple[str, int]:
        where = urlparse(self.server.url)
        return (str(where.hostname), int(where.port or 0))

    def environment(self, port: int) -> dict[str, str]:
        return {**self.server.exports(), "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}

    def target(self) -> str:
        return f"""\
{self.name}:
  provider: aws-iam
  account: "{ACCOUNT}"
  assume_role:
    plan: "arn:aws:iam::{{account}}:role/provision-read"
    apply: "arn:aws:iam::{{account}}:role/provision-write\""""

    def grants(self, role: Mapping[str, tuple[str, ...]]) -> str:
        return f"{{groups: [{', '.join(role['groups'])}], policies: [{', '.join(role['policies'])}]}}"

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
