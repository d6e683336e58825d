"""Assuming roles over accounts, and policies that are really evaluated."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.sandbox.aws.calls import (
    ADMINISTRATOR,
    HUB,
    MEMBER,
    OTHER,
    READ_ONLY,
    allow,
    deny,
    details,
    document,
    key_client,
    refused,
    session_client,
    trust,
)  # fmt: skip

READER = f"arn:aws:iam::{MEMBER}:role/provision-read"
WRITER = f"arn:aws:iam::{MEMBER}:role/provision-write"


def assume(sts: Any, arn: str = READER, **more: Any) -> dict[str, Any]:
    answer = sts.assume_role(RoleArn=arn, RoleSessionName="plan", **more)
    assert isinstance(answer, dict)
    return answer


# Assuming roles


def test_a_session_acts_in_its_roles_account_with_that_accounts_state(server: AwsServer, sts: Any) -> None:
    for account in (MEMBER, OTHER):
        server.create_account(account)
        answer = assume(sts, f"arn:aws:iam::{account}:role/provision-write")
        session_client(server, answer).create_user(UserName=f"only-in-{account}")
        assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{account}:assumed-role/provision-write/plan"
        who = session_client(server, answer, "sts").get_caller_identity()
        assert (who["Account"], who["Arn"]) == (account, answer["AssumedRoleUser"]["Arn"])
    assert {a: set(server.truth(a)["users"]) for a in (HUB, MEMBER, OTHER)} == {
        HUB: set(),
        MEMBER: {f"only-in-{MEMBER}"},
        OTHER: {f"only-in-{OTHER}"},
    }


def test_thirty_accounts_each_give_their_own_session(server: AwsServer, sts: Any) -> None:
    accounts = [f"{number:012d}" for number in range(300, 330)]
    for account in accounts:
        server.create_account(account)
    found = [
        session_client(server, assume(sts, f"arn:aws:iam::{a}:role/provision-read"), "sts").get_caller_identity()
        for a in accounts
    ]
    assert [who["Account"] for who in found] == accounts


@pytest.mark.parametrize(
    "arn", [f"arn:aws:iam::{MEMBER}:role/none", f"arn:aws:iam::{OTHER}:role/provision-read", "arn:aws:iam::role/short"]
)
def test_a_missing_role_is_access_denied(server: AwsServer, sts: Any, arn: str) -> None:
    server.create_account(MEMBER)
    with refused("AccessDenied", 403):
        assume(sts, arn)
    assert OTHER not in {account for account, _ in server.calls}


@pytest.mark.parametrize(
    ("principal", "allowed"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": HUB}, True),
        ({"AWS": [f"arn:aws:iam::{OTHER}:root", f"arn:aws:iam::{HUB}:root"]}, True),
        ({"AWS": f"arn:aws:iam::{HUB}:role/sandbox-operator"}, True),
        ({"AWS": f"arn:aws:sts::{HUB}:assumed-role/sandbox-operator/sandbox"}, True),
        ({"AWS": f"arn:aws:iam::{OTHER}:root"}, False),
        ({"AWS": f"arn:aws:iam::{HUB}:user/ada"}, False),
        ({"Service": "ec2.amazonaws.com"}, False),
    ],
)
def test_the_trust_of_a_role_names_who_may_assume_it(
    server: AwsServer, sts: Any, principal: Any, allowed: bool
) -> None:
    server.create_account(MEMBER, roles=())
    server.client("iam", MEMBER).create_role(RoleName="r", AssumeRolePolicyDocument=trust(principal))
    if allowed:
        assert assume(sts, f"arn:aws:iam::{MEMBER}:role/r")["Credentials"]["SessionToken"]
    else:
        with refused("AccessDenied", 403):
            assume(sts, f"arn:aws:iam::{MEMBER}:role/r")


def test_a_users_key_may_assume_a_role_that_names_the_user(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada")
    iam.create_user(UserName="bob")
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{HUB}:user/ada"}))
    arn = f"arn:aws:iam::{HUB}:role/deploy"
    assert assume(key_client(server, "ada", "sts"), arn)["AssumedRoleUser"]["Arn"].endswith("assumed-role/deploy/plan")
    with refused("AccessDenied", 403):
        assume(key_client(server, "bob", "sts"), arn)


def test_a_trust_may_ask_for_an_external_id(server: AwsServer, iam: Any, sts: Any) -> None:
    condition = {"StringEquals": {"sts:ExternalId": "secret-of-ours"}}
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": HUB}, Condition=condition))
    arn = f"arn:aws:iam::{HUB}:role/r"
    for wrong in ({}, {"ExternalId": "other"}):
        with refused("AccessDenied", 403):
            assume(sts, arn, **wrong)
    assert assume(sts, arn, ExternalId="secret-of-ours")


def test_a_trust_may_end_at_a_time(iam: Any, sts: Any) -> None:
    for name, end in (("over", "2020-01-01T00:00:00Z"), ("open", "2999-01-01T00:00:00Z")):
        condition = {"DateLessThan": {"aws:CurrentTime": end}}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": HUB}, Condition=condition))
    assert assume(sts, f"arn:aws:iam::{HUB}:role/open")
    with refused("AccessDenied", 403):
        assume(sts, f"arn:aws:iam::{HUB}:role/over")


def test_a_condition_that_the_sandbox_does_not_know_is_said_and_not_guessed(iam: Any, sts: Any) -> None:
    condition = {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": HUB}, Condition=condition))
    with refused("NotImplemented", 501) as error:
        assume(sts, f"arn:aws:iam::{HUB}:role/r")
    assert "IpAddress" in error.message


def test_a_duration_beyond_the_roles_maximum_is_refused(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada")
    iam.create_role(RoleName="short", AssumeRolePolicyDocument=trust({"AWS": HUB}))
    iam.create_role(RoleName="long", AssumeRolePolicyDocument=trust({"AWS": HUB}), MaxSessionDuration=7200)
    ada = key_client(server, "ada", "sts")
    with refused("ValidationError", 400) as error:
        assume(ada, f"arn:aws:iam::{HUB}:role/short", DurationSeconds=7200)
    assert "MaxSessionDuration" in error.message
    assert assume(ada, f"arn:aws:iam::{HUB}:role/long", DurationSeconds=7200)


def test_a_chained_session_lasts_an_hour_at_most(server: AwsServer, sts: Any) -> None:
    server.create_account(MEMBER)
    assert assume(sts, DurationSeconds=3600)
    with refused("ValidationError", 400) as error:
        assume(sts, DurationSeconds=3601)
    assert "chaining" in error.message


def test_an_expired_session_is_refused_and_the_operators_goes_on(server: AwsServer, sts: Any) -> None:
    server.create_account(MEMBER)
    client = session_client(server, assume(sts))
    client.list_users()
    server.expire_sessions()
    with refused("ExpiredToken", 403):
        client.list_users()
    assert sts.get_caller_identity()["Account"] == HUB


def test_a_session_ends_with_its_role(server: AwsServer, iam: Any, sts: Any) -> None:
    for _ in range(2):
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"AWS": HUB}))
        client = session_client(server, assume(sts, f"arn:aws:iam::{HUB}:role/r"), "sts")
        assert client.get_caller_identity()["Account"] == HUB
        iam.delete_role(RoleName="r")
        with refused("InvalidClientTokenId", 403):
            client.get_caller_identity()


def test_session_names_have_the_characters_of_aws(server: AwsServer, sts: Any) -> None:
    server.create_account(MEMBER)
    with refused("ValidationError", 400):
        sts.assume_role(RoleArn=READER, RoleSessionName="two words")


def web_token(**claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


@pytest.mark.parametrize("enforcing", [False, True])
def test_a_ci_job_assumes_a_role_with_its_token_and_no_keys(server: AwsServer, iam: Any, enforcing: bool) -> None:
    server.enforce(enforcing)
    issuer = "ci.example.com"
    provider = iam.create_open_id_connect_provider(Url=f"https://{issuer}", ClientIDList=["sts.amazonaws.com"])
    condition = {"StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": "repo:acme/site"}}
    iam.create_role(
        RoleName="ci",
        AssumeRolePolicyDocument=trust(
            {"Federated": provider["OpenIDConnectProviderArn"]}, "sts:AssumeRoleWithWebIdentity", Condition=condition
        ),
    )
    name = {"RoleArn": f"arn:aws:iam::{HUB}:role/ci", "RoleSessionName": "job"}
    sts = server.client("sts", aws_access_key_id="", aws_secret_access_key="")
    good = web_token(iss=f"https://{issuer}", aud="sts.amazonaws.com", sub="repo:acme/site")
    answer = sts.assume_role_with_web_identity(**name, WebIdentityToken=good)
    who = session_client(server, answer, "sts").get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{HUB}:assumed-role/ci/job"
    assert server.calls[HUB, "sts.AssumeRoleWithWebIdentity"] == 1
    for claims in ({"sub": "repo:acme/other"}, {"iss": "https://evil.example.com"}):
        token = web_token(**{"iss": f"https://{issuer}", "aud": "sts.amazonaws.com", "sub": "repo:acme/site", **claims})
        with refused("AccessDenied", 403):
            sts.assume_role_with_web_identity(**name, WebIdentityToken=token)
    with refused("InvalidIdentityToken", 400):
        sts.assume_role_with_web_identity(**name, WebIdentityToken="not-a-token")
    federated = {"Federated": provider["OpenIDConnectProviderArn"]}
    any_audience = trust(federated, "sts:AssumeRoleWithWebIdentity")
    iam.update_assume_role_policy(RoleName="ci", PolicyDocument=any_audience)
    sts.assume_role_with_web_identity(**name, WebIdentityToken=good)
    other = web_token(iss=f"https://{issuer}", aud="https://github.com/acme", sub="repo:acme/site")
    with refused("InvalidIdentityToken", 400):
        sts.assume_role_with_web_identity(**name, WebIdentityToken=other)
    with refused("AccessDenied", 403):
        sts.assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::{OTHER}:role/none", RoleSessionName="job", WebIdentityToken=good
        )


@pytest.mark.parametrize("call", ["get_session_token", "get_federation_token"])
def test_sessions_that_would_not_work_are_not_given(server: AwsServer, sts: Any, call: str) -> None:
    with refused("NotImplemented", 501):
        getattr(sts, call)(**({"Name": "ada"} if "federation" in call else {}))


# Enforcement


@pytest.fixture
def ada(server: AwsServer, iam: Any) -> Any:
    """A client of the user ada, who has no policy yet; policies are enforced."""
    iam.create_user(UserName="ada")
    client = key_client(server, "ada")
    server.enforce(True)
    return client


def give(iam: Any, *statements: dict[str, Any], user: str = "ada") -> None:
    iam.put_user_policy(UserName=user, PolicyName="own", PolicyDocument=document(*statements))


def test_without_enforcement_everybody_may_everything(server: AwsServer, ada: Any) -> None:
    with refused("AccessDenied", 403):
        ada.list_users()
    server.enforce(False)
    assert ada.list_users()["Users"]


def test_who_am_i_can_not_be_denied(server: AwsServer, iam: Any, ada: Any) -> None:
    give(iam, deny("*"))
    assert key_client(server, "ada", "sts").get_caller_identity()["Account"] == HUB


def test_the_refusal_names_caller_action_and_resource(ada: Any) -> None:
    with refused("AccessDenied", 403) as error:
        ada.delete_user(UserName="ada")
    arn = f"arn:aws:iam::{HUB}:user/ada"
    assert f"User: {arn} is not authorized to perform: iam:DeleteUser on resource: {arn}" in error.message


def test_an_allow_holds_for_its_actions_and_resources_alone(iam: Any, ada: Any) -> None:
    iam.create_user(UserName="in", Path="/people/")
    iam.create_user(UserName="out")
    give(iam, allow(["iam:Get*", "IAM:taguser"], f"arn:aws:iam::{HUB}:user/people/*"))
    ada.get_user(UserName="in")
    ada.tag_user(UserName="in", Tags=[{"Key": "a", "Value": "b"}])
    with refused("AccessDenied", 403):
        ada.get_user(UserName="out")
    with refused("AccessDenied", 403):
        ada.delete_user(UserName="in")


def test_a_deny_beats_every_allow(iam: Any, ada: Any) -> None:
    iam.attach_user_policy(UserName="ada", PolicyArn=ADMINISTRATOR)
    ada.list_users()
    give(iam, deny("iam:List*"))
    with refused("AccessDenied", 403) as error:
        ada.list_users()
    assert "explicit deny" in error.message


def test_policies_of_groups_count(iam: Any, ada: Any) -> None:
    iam.create_group(GroupName="readers")
    iam.attach_group_policy(GroupName="readers", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    iam.add_user_to_group(GroupName="readers", UserName="ada")
    ada.list_users()
    with refused("AccessDenied", 403):
        ada.create_user(UserName="bob")


def test_a_boundary_takes_away_and_gives_nothing(iam: Any, ada: Any) -> None:
    iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary=READ_ONLY)
    with refused("AccessDenied", 403):
        ada.list_users()
    iam.attach_user_policy(UserName="ada", PolicyArn=ADMINISTRATOR)
    ada.list_users()
    with refused("AccessDenied", 403):
        ada.create_user(UserName="bob")


def test_conditions_on_tags_of_the_target_are_evaluated(iam: Any, ada: Any) -> None:
    iam.create_user(UserName="ours", Tags=[{"Key": "managed-by", "Value": "provision"}])
    iam.create_user(UserName="theirs")
    condition = {"StringEquals": {"aws:ResourceTag/managed-by": "provision"}}
    give(iam, allow("iam:DeleteUser", Condition=condition))
    with refused("AccessDenied", 403):
        ada.delete_user(UserName="theirs")
    ada.delete_user(UserName="ours")


def test_conditions_on_tags_of_the_request_are_evaluated(iam: Any, ada: Any) -> None:
    give(iam, allow(["iam:CreateUser", "iam:TagUser"], Condition={"StringEquals": {"aws:RequestTag/managed-by": "p"}}))
    with refused("AccessDenied", 403):
        ada.create_user(UserName="bob")
    ada.create_user(UserName="bob", Tags=[{"Key": "managed-by", "Value": "p"}])


def test_conditions_on_the_policy_that_is_attached_are_evaluated(iam: Any, ada: Any) -> None:
    give(iam, allow("iam:AttachUserPolicy", Condition={"ArnNotEquals": {"iam:PolicyARN": ADMINISTRATOR}}))
    with refused("AccessDenied", 403):
        ada.attach_user_policy(UserName="ada", PolicyArn=ADMINISTRATOR)
    ada.attach_user_policy(UserName="ada", PolicyArn=READ_ONLY)


def test_policy_variables_stand_for_the_caller(iam: Any, ada: Any) -> None:
    iam.create_user(UserName="bob")
    give(iam, allow("iam:ListAccessKeys", "arn:aws:iam::*:user/${aws:username}"))
    ada.list_access_keys(UserName="ada")
    with refused("AccessDenied", 403):
        ada.list_access_keys(UserName="bob")


def test_not_action_and_not_resource_turn_a_statement_round(iam: Any, ada: Any) -> None:
    give(iam, {"Effect": "Allow", "NotAction": "iam:Delete*", "NotResource": f"arn:aws:iam::{HUB}:user/root-ops"})
    ada.list_users()
    with refused("AccessDenied", 403):
        ada.delete_user(UserName="ada")
    with refused("AccessDenied", 403):
        ada.get_user(UserName="root-ops")


def test_a_deny_by_token_time_cuts_old_sessions_and_not_new_ones(server: AwsServer, sts: Any) -> None:
    server.create_account(MEMBER)
    member = server.client("iam", MEMBER)
    server.enforce(True)
    client = session_client(server, assume(sts))
    client.list_users()
    for when, works in (("2999-01-01T00:00:00Z", False), ("2020-01-01T00:00:00Z", True)):
        cut = deny("*", Condition={"DateLessThan": {"aws:TokenIssueTime": when}})
        member.put_role_policy(RoleName="provision-read", PolicyName="cut", PolicyDocument=document(cut))
        if works:
            client.list_users()
        else:
            with refused("AccessDenied", 403):
                client.list_users()


def test_a_session_policy_only_takes_away(server: AwsServer, sts: Any) -> None:
    server.create_account(MEMBER)
    server.enforce(True)
    narrowed = session_client(server, assume(sts, WRITER, Policy=document(allow("iam:ListUsers"))))
    narrowed.list_users()
    with refused("AccessDenied", 403):
        narrowed.create_user(UserName="ada")
    not_widened = session_client(server, assume(sts, READER, PolicyArns=[{"arn": ADMINISTRATOR}]))
    with refused("AccessDenied", 403):
        not_widened.create_user(UserName="ada")


def test_the_members_reader_can_read_everything_and_write_nothing(server: AwsServer, sts: Any) -> None:
    server.create_account(MEMBER)
    server.enforce(True)
    reader = session_client(server, assume(sts))
    assert details(reader)["UserDetailList"] == []
    assert reader.generate_credential_report()["State"] == "STARTED"
    with refused("AccessDenied", 403):
        reader.create_user(UserName="ada")
    session_client(server, assume(sts, WRITER)).create_user(UserName="ada")


def test_assuming_a_role_needs_permission_when_enforced(server: AwsServer, iam: Any, ada: Any) -> None:
    server.create_account(MEMBER)
    client = key_client(server, "ada", "sts")
    with refused("AccessDenied", 403):
        assume(client)
    give(iam, allow("sts:AssumeRole", READER))
    assert assume(client)
    with refused("AccessDenied", 403):
        assume(client, WRITER)


def test_create_account_takes_roles_by_name_or_with_policies(server: AwsServer, sts: Any) -> None:
    server.create_account(MEMBER, roles=["one", "two"])
    server.create_account(MEMBER, roles={"three": ["ReadOnlyAccess", ADMINISTRATOR]})
    roles = {role["RoleName"]: role for role in details(server.client("iam", MEMBER))["RoleDetailList"]}
    attached = {name: [p["PolicyName"] for p in role["AttachedManagedPolicies"]] for name, role in roles.items()}
    assert {name: attached[name] for name in ("one", "two", "three")} == {
        "one": ["AdministratorAccess"],
        "two": ["AdministratorAccess"],
        "three": ["ReadOnlyAccess", "AdministratorAccess"],
    }
