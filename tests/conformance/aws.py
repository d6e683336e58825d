"""The embedded AWS as a system under test: one member account, reached by its two roles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from provisioner.providers.aws_iam import PROVIDER
from provisioner.sandbox.aws import AwsServer
from tests.conformance.harness import Plain
from tests.rigs.ci_job import ISSUER, take_on

ACCOUNT = "111111111111"


class AwsHarness(Plain):
    name = "aws-iam"
    provider = PROVIDER
    lacks: Mapping[str, str] = {}

    def __init__(self, server: AwsServer) -> None:
        self._server = server
        server.clear()
        server.create_account(ACCOUNT)

    def settings(self) -> Mapping[str, Any]:
        return {
            "account": ACCOUNT,
            "region": "us-east-1",
            "assume_role": {
                "plan": "arn:aws:iam::{account}:role/provision-read",
                "apply": "arn:aws:iam::{account}:role/provision-write",
            },
        }

    def environ(self) -> Mapping[str, str]:
        return self._server.exports()

    # Roles in place of keys

    keyless_grants: Mapping[str, Any] = {"policies": ["ReadOnlyAccess"]}

    def take_tokens(self) -> None:
        iam = self._iam()
        iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"])
        anyone = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
        iam.create_role(
            RoleName="foreign", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [anyone]})
        )

    def takes_on(self, login: str, repository: str, environment: str | None) -> bool:
        arn = f"arn:aws:iam::{ACCOUNT}:{login}"
        return "SessionToken" in take_on(self._server.url, arn, repository, environment)

    def _roles(self) -> Mapping[str, Any]:
        with self._server.lock:
            return {
                role.name: {
                    "trust": role.assume_role_policy_document,
                    "tags": dict(role.tags),
                    "attached": sorted(role.managed_policies),
                    "inline": dict(role.policies),
                }
                for role in self._server.backend(ACCOUNT).roles.values()
            }

    def _iam(self) -> Any:
        import boto3

        exports = self._server.exports(ACCOUNT)
        return boto3.client(
            "iam",
            endpoint_url=exports["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=exports["AWS_SESSION_TOKEN"],
        )

    def seed_foreign(self) -> None:
        iam = self._iam()
        iam.create_group(GroupName="foreign-group")
        for i in (1, 2):
            iam.create_user(UserName=f"foreign-{i}", Tags=[{"Key": "team", "Value": "theirs"}])
            iam.add_user_to_group(GroupName="foreign-group", UserName=f"foreign-{i}")
        iam.create_access_key(UserName="foreign-1")

    def add_by_hand(self, group: str, login: str) -> None:
        iam = self._iam()
        if f"group {group}" not in self.truth():
            iam.create_group(GroupName=group)
        iam.add_user_to_group(GroupName=group, UserName=login)

    def truth(self) -> Mapping[str, Any]:
        found = self._server.truth(ACCOUNT)
        return {
            **{f"account {n}": u for n, u in found["users"].items()},
            **{f"group {n}": g for n, g in found["groups"].items()},
            **{f"account role/{n}": r for n, r in self._roles().items()},
        }

    def members(self, group: str) -> set[str]:
        return {n for n, u in self._server.truth(ACCOUNT)["users"].items() if group in u["groups"]}

    def can_get_in(self, login: str) -> bool:
        """No deny, or anything to get in with: sessions of a role that were begun before are."""
        if login.startswith("role/"):
            return "provision-deny" not in self._roles()[login.removeprefix("role/")]["inline"]
        user = self._server.truth(ACCOUNT)["users"].get(login)
        if user is None:
            return False
        usable = user["password"] or any(status == "Active" for status in user["keys"].values())
        return bool(usable) or "provision-deny" not in user["inline"]
