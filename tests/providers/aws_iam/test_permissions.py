"""The documented policies are enough, and no more: tried with permissions enforced, and compared with the calls."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from provisioner.contract import Done, Order, ProviderError, Reading, Usual
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.coverage import EVERYTHING, Scope
from provisioner.model.resource import Facts, Resource
from provisioner.model.target import Target
from provisioner.model.way import Way
from provisioner.providers.aws_iam import PROVIDER
from tests.providers.aws_iam import rig
from tests.providers.aws_iam.rig import ACCOUNT, ALLOW, NAME, Cloud, account, aws_target, change, grant, membership
from tests.sandbox.aws.calls import refused, session_client

DOCUMENT = Path(__file__).parents[3] / "docs/providers/aws-iam.md"
LEAST = {
    "plan": "arn:aws:iam::{account}:role/provision-least-read",
    "apply": "arn:aws:iam::{account}:role/provision-least-write",
}


@cache
def documented() -> dict[str, dict[str, Any]]:
    """The policies of the page, by the word behind ```json."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return {name: json.loads(body) for name, body in re.findall(r"```json ([\w-]+)\n(.*?)```", text, re.DOTALL)}


def actions(policy: str) -> set[str]:
    statements = (s for s in documented()[policy]["Statement"] if s["Effect"] == "Allow")
    listed = (s["Action"] if isinstance(s["Action"], list) else [s["Action"]] for s in statements)
    return {action for some in listed for action in some}


@pytest.fixture
def target(cloud: Cloud) -> Target:
    """An account whose roles have the documented policies, with permissions enforced."""
    trust = [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{cloud.server.hub_account}:root"}}]
    trust[0]["Action"] = "sts:AssumeRole"
    for name, policy in (("provision-least-read", "read"), ("provision-least-write", "write")):
        cloud.make_role(name, Version="2012-10-17", Statement=trust)
        text = json.dumps(documented()[policy])
        cloud.iam.put_role_policy(RoleName=name, PolicyName="documented", PolicyDocument=text)
    cloud.make_role("Deploy", f"arn:aws:iam::{ACCOUNT}:root")
    cloud.make_user("ada")
    cloud.make_everything("ada")
    cloud.put("ada", "provision-deny", ALLOW)
    cloud.make_role("ByHand", f"arn:aws:iam::{ACCOUNT}:user/ada", cloud.user("ada")["id"])
    cloud.iam.put_group_policy(GroupName="handmade", PolicyName="extra", PolicyDocument=json.dumps(ALLOW))
    cloud.iam.attach_group_policy(GroupName="handmade", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    cloud.server.enforce()
    return aws_target(assume_role=LEAST)


def used(cloud: Cloud) -> set[str]:
    return {call.replace(".", ":") for (where, call), n in cloud.server.calls.items() if where == ACCOUNT and n} - {
        "sts:GetCallerIdentity"
    }


def test_the_read_policy_is_what_reading_needs(cloud: Cloud, target: Target) -> None:
    cloud.server.reset_calls()
    reader = cloud.reader(target)
    reading = reader.read(EVERYTHING | {Scope(Kind.CREDENTIAL, "ada")})
    assert reading.coverage.complete
    seen = [address for address in reading.state.resources if address.kind is not Kind.CONTROL]
    everything = [*seen, grant("role.ByHand", "ada"), grant("inline.provision-deny", "ada")]
    found = cloud.reader(target).look(everything)
    assert found.looked == set(everything)
    reader.read(frozenset(Scope(Kind.CREDENTIAL, f"user-{number}") for number in range(60)))
    assert used(cloud) == actions("read")


def test_the_write_policy_is_what_writing_needs(cloud: Cloud, target: Target) -> None:
    reader = cloud.reader(target)
    state = reader.read(EVERYTHING | {Scope(Kind.CREDENTIAL, "ada")}).state
    steps = [
        change(Action.CREATE, account("bob"), after={"enabled": True, "email": "bob@example.com"}),
        change(Action.RELEASE, account("bob")),
        change(Action.ADOPT, account("bob"), identity="bob"),
        change(Action.RENAME, account("bobby"), before={"login": "bob"}, after={"login": "bobby"}, identity="bob"),
        change(Action.CREATE, Address(NAME, Kind.GROUP, "New"), after={}),
        change(Action.CREATE, membership("New", "bobby"), after={}),
        change(Action.CREATE, grant("ReadOnlyAccess", "bobby"), after={}),
        change(Action.CREATE, grant("ReadOnlyAccess", rig.group("New")), after={}),
        change(Action.CREATE, grant("role.Deploy", "bobby"), after={"intact": True}),
        *(
            change(Action.REVOKE, resource.address, before={}, ways=resource.ways)
            for resource in state
            if resource.address.principal is not None and resource.address.principal.id in ("ada", "handmade")
        ),
        change(Action.DISABLE, account("ada"), before={"enabled": True}),
        change(Action.ENABLE, account("ada"), before={"enabled": False}),
        change(Action.REVOKE, grant("ReadOnlyAccess", rig.group("New")), before={}),
        change(Action.CREATE, grant("ReadOnlyAccess", rig.group("New")), after={}),
        change(Action.DELETE, Address(NAME, Kind.GROUP, "New"), before={}),
    ]
    cloud.server.reset_calls()
    writer = cloud.writer(target)
    for step in steps:
        (outcome,) = writer.write(
            rig.declare().unit(step.address), [step], expect={}, token=step.id, deadline=float("inf")
        )
        assert isinstance(outcome, Done), (step.address, outcome)
    calls = used(cloud)
    cloud.server.enforce(False)
    cloud.make_user("old")
    cloud.make_everything("old")
    cloud.server.enforce()
    cloud.server.reset_calls()
    for login in ("old", "bobby"):
        gone = change(Action.DELETE, account(login), before={"enabled": False})
        (outcome,) = writer.write(rig.declare().unit(gone.address), [gone], expect={}, token="", deadline=float("inf"))
        assert isinstance(outcome, Done)
    assert calls | used(cloud) == actions("write")


ISSUER = "token.actions.githubusercontent.com"
TRUSTED = {"trusts": [f"{ISSUER} aud=sts.amazonaws.com sub=repo:acme/site:environment:production"]}


def test_the_policies_for_roles_of_services_are_what_these_need(cloud: Cloud, target: Target) -> None:
    """A role's life: what is used beyond the policies that everything else needs is what is documented for it."""
    iam, role = cloud.iam, "role/Bot"
    iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"])
    for name in ("read", "write"):
        text = json.dumps(documented()[f"keyless_{name}"])
        iam.put_role_policy(RoleName=f"provision-least-{name}", PolicyName="keyless", PolicyDocument=text)
    trusts = Address(NAME, Kind.CONTROL, "trust", rig.person(role))
    held = [grant("ReadOnlyAccess", role), grant("role.Deploy", role), grant("inline.by-hand", role)]
    writer, reader = cloud.writer(target), cloud.reader(target)
    cloud.server.reset_calls()

    def write(*steps: Change) -> None:
        for step in steps:
            unit = rig.declare().unit(step.address)
            (outcome,) = writer.write(unit, [step], expect={}, token=step.id, deadline=float("inf"))
            assert isinstance(outcome, Done), (step.address, outcome)

    write(
        change(Action.CREATE, account(role), after={"enabled": True}, identity="bot"),
        change(Action.RELEASE, account(role), identity="bot"),
        change(Action.ADOPT, account(role), identity="bot"),
        change(Action.CREATE, trusts, after=TRUSTED),
        *(change(Action.CREATE, address, after={"intact": True}) for address in held[:2]),
    )
    iam.put_role_policy(RoleName="Bot", PolicyName="by-hand", PolicyDocument=json.dumps(ALLOW))
    cloud.server.calls.pop((ACCOUNT, "iam.PutRolePolicy"))
    reading = reader.read(EVERYTHING | {Scope(Kind.ACCOUNT, role)})
    assert {account(role), trusts, *held} <= set(reading.state.resources)
    found = reader.look([account(role), trusts, *held])
    assert found.looked == {account(role), trusts, *held}
    for address in (account(role), trusts, *held):
        assert found.state.get(address) == replace(reading.state.resources[address], facts=_facts(found, address))
    assert used(cloud) <= actions("read") | actions("keyless_read") | actions("write") | actions("keyless_write")
    write(
        *(change(Action.REVOKE, address, before={}) for address in (*held, trusts)),
        change(Action.DISABLE, account(role), before={"enabled": True}, identity="bot"),
        change(Action.ENABLE, account(role), before={"enabled": False}, identity="bot"),
        change(Action.DISABLE, account(role), before={"enabled": True}, identity="bot"),
        change(Action.DELETE, account(role), before={"enabled": False}),
    )
    more = used(cloud) - actions("read") - actions("write")
    assert more == actions("keyless_read") | actions("keyless_write")


def _facts(found: Reading, address: Address) -> Facts | None:
    """A point read knows less of how strong a grant is."""
    resource = found.state.get(address)
    return resource.facts if resource is not None else None


def test_the_write_role_cannot_open_itself_to_others(cloud: Cloud, target: Target) -> None:
    name = f"arn:aws:iam::{ACCOUNT}:user/ada"
    cloud.server.enforce(False)
    cloud.make_role("provision-x", name)
    cloud.server.enforce()
    step = change(Action.REVOKE, grant("role.provision-x", "ada"), before={}, ways=[Way(f"trust:{name}")])
    (outcome,) = cloud.writer(target).write(
        rig.declare().unit(step.address), [step], expect={}, token="", deadline=float("inf")
    )
    assert "explicit deny" in str(getattr(outcome, "error", ""))


def token(sub: str, path: Path) -> str:
    """A token as GitHub signs it for a job; the sandbox reads claims and checks no signature."""
    claims = {"iss": "https://token.actions.githubusercontent.com", "aud": "sts.amazonaws.com", "sub": sub}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    path.write_text(f"e30.{body}.c2ln", encoding="utf-8")
    return str(path)


@pytest.fixture
def anchored(cloud: Cloud) -> Cloud:
    """The two hops as the page has them, and ada, who may what the role `site` may too: list users."""
    hub = cloud.server.client("iam")
    hub.create_open_id_connect_provider(
        Url="https://token.actions.githubusercontent.com", ClientIDList=["sts.amazonaws.com"]
    )
    hub.create_role(RoleName="provision-mint", AssumeRolePolicyDocument=json.dumps(documented()["mint-trust"]))
    hub.put_role_policy(RoleName="provision-mint", PolicyName="p", PolicyDocument=json.dumps(documented()["mint"]))
    iam = cloud.iam
    iam.detach_role_policy(RoleName="provision-read", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    iam.put_role_policy(RoleName="provision-read", PolicyName="p", PolicyDocument=json.dumps(documented()["mint-read"]))
    cloud.make_role("site", **documented()["run-trust"])
    iam.attach_role_policy(RoleName="site", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    cloud.make_user("ada")
    iam.create_policy(PolicyName="List", PolicyDocument=json.dumps(LIST))
    iam.attach_user_policy(UserName="ada", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/List")
    cloud.server.enforce()
    cloud.server.reset_calls()
    return cloud


LIST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}]}
WANTED = Order(
    "r1",
    "ada",
    "ada",
    "site",
    (Resource(grant("List", "ada"), {"denied": ["AWSCompromisedKeyQuarantine"]}),),
    datetime.now(UTC) + timedelta(hours=12),
    {"assume": "site"},
)


def minting(cloud: Cloud, sub: str, path: Path) -> Any:
    """The minter in a job of CI that has its token and nothing else."""
    role = f"arn:aws:iam::{cloud.server.hub_account}:role/provision-mint"
    environ = {
        "AWS_ENDPOINT_URL": cloud.server.url,
        "AWS_WEB_IDENTITY_TOKEN_FILE": token(sub, path),
        "AWS_ROLE_ARN": role,
    }
    return PROVIDER.open_minter(aws_target(), environ, None)


def test_the_documented_hops_are_what_a_run_needs(anchored: Cloud, tmp_path: Path) -> None:
    minter = minting(anchored, "repo:acme/site:environment:mint-production", tmp_path / "token")
    assert minter.mint(WANTED, float("inf")).public_id.startswith("ASIA")
    assert used(anchored) == actions("mint-read")


def test_the_documented_policies_are_what_laying_ready_needs(anchored: Cloud) -> None:
    """Beside the role that reads: make a policy for runs, and take it away."""
    iam = anchored.iam
    iam.detach_role_policy(RoleName="provision-write", PolicyArn="arn:aws:iam::aws:policy/IAMFullAccess")
    text = json.dumps(documented()["run-policies"])
    iam.put_role_policy(RoleName="provision-write", PolicyName="p", PolicyDocument=text)
    for number in range(3):
        name, denied = f"Deny{number}", {"Effect": "Deny", "Action": f"s3:{'x' * 900}{number}", "Resource": "*"}
        body = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
        iam.create_policy(PolicyName=name, PolicyDocument=body)
        iam.attach_user_policy(UserName="ada", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/{name}")
    anchored.server.reset_calls()
    preparer = PROVIDER.open_preparer(aws_target(), anchored.environ(), None, writes=True)
    usual = [Usual("ada", "ada", "site", WANTED.things)]
    (piece,) = preparer.look(usual, ()).lacking
    preparer.make(piece, float("inf"))
    assert preparer.look(usual, ()).lacking == ()
    assert preparer.look([], [piece.name]).needless == (piece.name,)
    preparer.drop(piece.name, float("inf"))
    preparer.drop(piece.name, float("inf"))  # gone is fine
    assert used(anchored) == actions("mint-read") | actions("run-policies")


def test_a_job_outside_of_the_environment_mints_nothing(anchored: Cloud, tmp_path: Path) -> None:
    minter = minting(anchored, "repo:acme/site:ref:refs/heads/main", tmp_path / "token")
    with pytest.raises(ProviderError, match="AssumeRoleWithWebIdentity"):
        minter.mint(WANTED, float("inf"))


def test_whoever_holds_the_minting_credential_has_the_whole_role_in_a_persons_name(
    anchored: Cloud, tmp_path: Path
) -> None:
    """The page says so, since AWS has no condition that asks for session policies."""
    sts = anchored.server.client("sts", aws_access_key_id="", aws_secret_access_key="")
    text = Path(token("repo:acme/site:environment:mint-production", tmp_path / "token")).read_text(encoding="utf-8")
    role = f"arn:aws:iam::{anchored.server.hub_account}:role/provision-mint"
    first = sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="job", WebIdentityToken=text)
    asked: dict[str, Any] = {
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/site",
        "RoleSessionName": "ada",
        "SourceIdentity": "ada",
        "Tags": [{"Key": "person", "Value": "ada"}, {"Key": "pipeline", "Value": "site"}],
    }
    holder = session_client(anchored.server, first, "sts")
    whole = session_client(anchored.server, holder.assume_role(**asked))
    assert whole.list_roles()["Roles"]
    for wrong in ({"SourceIdentity": "bob"}, {"RoleSessionName": "bob"}, {"Tags": asked["Tags"][:1]}):
        with refused("AccessDenied", 403):
            holder.assume_role(**{**asked, **wrong})


def test_the_page_has_the_headings_that_every_provider_has() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[:5] == ["Permissions needed", "What is managed", "Ownership mark", "Rotation", "Limits"]
