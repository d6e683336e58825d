"""One member account of the embedded AWS, seen from both sides: as an administrator who makes things by hand, and
through the provider as the engine uses it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from provisioner.contract import Outcome, Reading
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Cause, Change
from provisioner.model.effect import Effect
from provisioner.model.mark import Mark
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.target import Target
from provisioner.model.way import Way
from provisioner.providers.aws_iam import PROVIDER
from provisioner.providers.aws_iam.declare import AwsDeclare
from provisioner.providers.aws_iam.read import AwsReader
from provisioner.providers.aws_iam.write import AwsWriter
from provisioner.sandbox.aws import AwsServer
from tests.rigs.tls import Authority
from tests.worlds import block

ACCOUNT = "111111111111"
OTHER = "222222222222"
NAME = "aws/payments"
OWNER = "5f1c0a9b7e3d"
OURS = "5f1c0a9b"
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
EVERYTHING_ALLOWED = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
DENY_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
ROLES = {
    "plan": "arn:aws:iam::{account}:role/provision-read",
    "apply": "arn:aws:iam::{account}:role/provision-write",
}
SSH_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7"


@cache
def _sdk() -> Any:
    """One session for all tests: reading the SDK's models takes longer than most of them."""
    from botocore.session import Session

    return Session()


@cache
def certificate() -> str:
    """Any certificate: IAM takes those that nobody trusts."""
    return Authority.new().certificate.public_bytes(Encoding.PEM).decode()


def aws_target(
    name: str = NAME, account: str = ACCOUNT, objects: Mapping[str, Any] | None = None, **settings: Any
) -> Target:
    data = {"account": account, "assume_role": ROLES, **settings}
    return Target(
        name,
        name.partition("/")[0],
        "aws-iam",
        settings=block(data, "access/targets.yaml"),
        objects=block(objects or {}, "access/targets.yaml"),
    )


def declare(**objects: Any) -> AwsDeclare:
    return PROVIDER.declare(aws_target(objects=objects))


def person(login: str) -> Principal:
    return Principal(NAME, PrincipalKind.PERSON, login)


def group(name: str) -> Principal:
    return Principal(NAME, PrincipalKind.GROUP, name)


def account(login: str) -> Address:
    return Address(NAME, Kind.ACCOUNT, login)


def membership(name: str, login: str) -> Address:
    return Address(NAME, Kind.MEMBERSHIP, name, person(login))


def grant(thing: str, who: str | Principal) -> Address:
    return Address(NAME, Kind.GRANT, thing, person(who) if isinstance(who, str) else who)


def credential(thing: str, login: str) -> Address:
    return Address(NAME, Kind.CREDENTIAL, thing, person(login))


def mark(login: str, **more: Any) -> str:
    return str(Mark(login, OURS, **more))


def change(
    action: Action,
    address: Address,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    identity: str | None = None,
    ways: Iterable[Way] = (),
) -> Change:
    who = identity or (address.principal.id if address.principal else address.object)
    return Change(action, address, before, after, Cause.DECLARED, Effect(), identity=who, ways=tuple(ways))


class Cloud:
    """`iam` and `other` are an administrator's own clients; everything else goes through the provider."""

    def __init__(self, server: AwsServer) -> None:
        self.server = server

    @cached_property
    def iam(self) -> Any:
        keys = self.server.exports(ACCOUNT)
        return _sdk().create_client(
            "iam",
            region_name="us-east-1",
            endpoint_url=self.server.url,
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=keys["AWS_SESSION_TOKEN"],
        )

    @cached_property
    def exports(self) -> dict[str, str]:
        return self.server.exports()

    def environ(self, **more: str) -> dict[str, str]:
        return {**self.exports, **more}

    def reader(self, target: Target | None = None, **environ: str) -> AwsReader:
        return PROVIDER.open_reader(target or aws_target(), self.environ(**environ))

    def writer(self, target: Target | None = None, owner: str | None = OWNER) -> AwsWriter:
        return PROVIDER.open_writer(target or aws_target(), self.environ(), owner)

    def write(self, *changes: Change, expect: Mapping[Address, Resource] | None = None) -> Sequence[Outcome]:
        """One unit, by a writer of its own."""
        writer = self.writer()
        unit = declare().unit(changes[0].address)
        return writer.write(unit, changes, expect=expect or {}, token=changes[0].id, deadline=time.monotonic() + 15)

    def one(self, made: Change, expect: Mapping[Address, Resource] | None = None) -> Outcome:
        return self.write(made, expect=expect)[0]

    def look(self, *these: Address) -> Reading:
        return self.reader().look(these)

    def user(self, login: str) -> dict[str, Any]:
        """What AWS really holds of a user."""
        return self.server.truth(ACCOUNT)["users"][login]

    def group(self, name: str) -> dict[str, Any]:
        return self.server.truth(ACCOUNT)["groups"][name]

    def make_user(self, login: str, *, marked: bool = True, groups: Iterable[str] = (), **tags: str) -> str:
        """A user as somebody made it; its id."""
        if marked:
            tags = {"provision": mark(login), **tags}
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        made = self.iam.create_user(UserName=login, Tags=listed)
        for name in groups:
            self.make_group(name)
            self.iam.add_user_to_group(GroupName=name, UserName=login)
        return str(made["User"]["UserId"])

    def make_group(self, name: str) -> None:
        if name not in self.server.truth(ACCOUNT)["groups"]:
            self.iam.create_group(GroupName=name)

    def make_role(self, name: str, *principals: str, path: str = "/", **document: Any) -> str:
        """A role of the account that trusts the whole account, or these principals; its ARN."""
        trusted = list(principals) or [f"arn:aws:iam::{ACCOUNT}:root"]
        trust = document or {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": "sts:AssumeRole"}],
        }
        made = self.iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust))
        return str(made["Role"]["Arn"])

    def trust_of(self, role: str) -> dict[str, Any]:
        found: dict[str, Any] = self.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
        return found

    def put(self, login: str, policy: str, document: Mapping[str, Any]) -> None:
        self.iam.put_user_policy(UserName=login, PolicyName=policy, PolicyDocument=json.dumps(document))

    def make_everything(self, login: str) -> dict[str, str]:
        """Every kind of thing that can hang on a user, as an old account has them; ids by label."""
        iam = self.iam
        self.make_group("Developers")
        self.make_group("handmade")
        for name in ("Developers", "handmade"):
            iam.add_user_to_group(GroupName=name, UserName=login)
        iam.attach_user_policy(UserName=login, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
        iam.attach_user_policy(UserName=login, PolicyArn="arn:aws:iam::aws:policy/job-function/Billing")
        self.put(login, "by-hand", ALLOW)
        ids = {
            "key": iam.create_access_key(UserName=login)["AccessKey"]["AccessKeyId"],
            "old-key": iam.create_access_key(UserName=login)["AccessKey"]["AccessKeyId"],
        }
        iam.update_access_key(UserName=login, AccessKeyId=ids["old-key"], Status="Inactive")
        iam.create_login_profile(UserName=login, Password="A-long-Passw0rd")
        serial = iam.create_virtual_mfa_device(VirtualMFADeviceName=login)["VirtualMFADevice"]["SerialNumber"]
        iam.enable_mfa_device(
            UserName=login, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
        )
        ids["mfa"] = serial
        uploaded = iam.upload_ssh_public_key(UserName=login, SSHPublicKeyBody=SSH_KEY + login)
        ids["ssh"] = uploaded["SSHPublicKey"]["SSHPublicKeyId"]
        made = iam.create_service_specific_credential(UserName=login, ServiceName="codecommit.amazonaws.com")
        ids["service"] = made["ServiceSpecificCredential"]["ServiceSpecificCredentialId"]
        signing = iam.upload_signing_certificate(UserName=login, CertificateBody=certificate())
        ids["certificate"] = signing["Certificate"]["CertificateId"]
        return ids
