"""What the tests of the embedded AWS have in common: names, policy documents, clients, whole readings."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from botocore.exceptions import ClientError

from provisioner.sandbox.aws import AwsServer

HUB = "000000000000"
MEMBER = "111111111111"
OTHER = "222222222222"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
PASSWORD = "Correct-horse-1"
SSH_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ ada@example.com"


def refused(code: str, status: int | None = None) -> Any:
    """Expect an error answer with this code (and status)."""

    class Expect:
        def __enter__(self) -> Expect:
            return self

        def __exit__(self, kind: Any, error: Any, at: Any) -> bool:
            assert isinstance(error, ClientError), f"expected {code}, got {error!r}"
            found = error.response
            assert found["Error"]["Code"] == code, found["Error"]
            assert status in (None, found["ResponseMetadata"]["HTTPStatusCode"])
            self.message = found["Error"]["Message"]
            return True

    return Expect()


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def trust(principal: Any, action: Any = "sts:AssumeRole", **more: Any) -> str:
    return document({"Effect": "Allow", "Principal": principal, "Action": action, **more})


def key_client(server: AwsServer, user: str, service: str = "iam") -> Any:
    """A client that signs with a new access key of the user."""
    key = server.client("iam").create_access_key(UserName=user)["AccessKey"]
    return server.client(service, aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def session_client(server: AwsServer, answer: dict[str, Any], service: str = "iam") -> Any:
    """A client that signs with the credentials of an AssumeRole answer."""
    keys = answer["Credentials"]
    return server.client(
        service,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def details(iam: Any, **parameters: Any) -> dict[str, list[Any]]:
    """GetAccountAuthorizationDetails, all pages together."""
    out: dict[str, list[Any]] = {"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [], "Policies": []}
    for page in iam.get_paginator("get_account_authorization_details").paginate(**parameters):
        for name, rows in out.items():
            rows.extend(page[name])
    return out


def report(iam: Any) -> dict[str, dict[str, str]]:
    """The credential report as rows by user, generated and waited for."""
    while iam.generate_credential_report()["State"] != "COMPLETE":
        pass
    text = iam.get_credential_report()["Content"].decode()
    return {row["user"]: row for row in csv.DictReader(io.StringIO(text))}
