"""What a session is given when its role is assumed: source identity, tags, session policies; and what it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.sandbox.aws.calls import ADMINISTRATOR, HUB, READ_ONLY, allow, deny, document, refused, session_client, trust

STAMPED = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
ROLE = f"arn:aws:iam::{HUB}:role/job"
TAGS = [{"Key": "person", "Value": "ada"}]


def make(iam: Any, action: Any = STAMPED, name: str = "job", **more: Any) -> None:
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust({"AWS": HUB}, action, **more))
    iam.attach_role_policy(RoleName=name, PolicyArn=ADMINISTRATOR)


def assume(sts: Any, role: str = ROLE, **more: Any) -> dict[str, Any]:
    answer = sts.assume_role(RoleArn=role, RoleSessionName="ada", **more)
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize(
    ("missing", "asked"),
    [
        ("sts:AssumeRole", {}),
        ("sts:SetSourceIdentity", {"SourceIdentity": "ada"}),
        ("sts:TagSession", {"Tags": TAGS}),
    ],
)
def test_the_trust_of_the_role_has_to_allow_each_thing_that_is_asked(
    iam: Any, sts: Any, missing: str, asked: dict[str, Any]
) -> None:
    make(iam, [action for action in STAMPED if action != missing])
    with refused("AccessDenied", 403) as error:
        assume(sts, **asked)
    assert missing in error.message
    if asked:
        assert assume(sts)


def test_the_callers_own_policies_have_to_allow_them_too(server: AwsServer, iam: Any, sts: Any) -> None:
    make(iam)
    make(iam, name="mint")
    iam.detach_role_policy(RoleName="mint", PolicyArn=ADMINISTRATOR)
    iam.put_role_policy(RoleName="mint", PolicyName="p", PolicyDocument=document(allow("sts:AssumeRole", ROLE)))
    mint = session_client(server, assume(sts, f"arn:aws:iam::{HUB}:role/mint"), "sts")
    server.enforce()
    assert assume(mint)
    for asked, action in (({"SourceIdentity": "ada"}, "sts:SetSourceIdentity"), ({"Tags": TAGS}, "sts:TagSession")):
        with refused("AccessDenied", 403) as error:
            assume(mint, **asked)
        assert action in error.message


def test_a_trust_may_pin_the_source_identity_to_a_tag_of_the_request(iam: Any, sts: Any) -> None:
    make(iam, Condition={"StringEquals": {"sts:SourceIdentity": "${aws:RequestTag/person}"}})
    assert assume(sts, SourceIdentity="ada", Tags=TAGS)["SourceIdentity"] == "ada"
    with refused("AccessDenied", 403):
        assume(sts, SourceIdentity="bob", Tags=TAGS)


def test_the_source_identity_is_kept_down_the_chain_and_cannot_be_another(
    server: AwsServer, iam: Any, sts: Any
) -> None:
    make(iam)
    make(iam, name="next")
    make(iam, "sts:AssumeRole", name="bare")
    first = session_client(server, assume(sts, SourceIdentity="ada"), "sts")
    assert assume(first, f"arn:aws:iam::{HUB}:role/next")["SourceIdentity"] == "ada"
    with refused("AccessDenied", 403):
        assume(first, f"arn:aws:iam::{HUB}:role/next", SourceIdentity="bob")
    with refused("AccessDenied", 403) as error:
        assume(first, f"arn:aws:iam::{HUB}:role/bare")
    assert "sts:SetSourceIdentity" in error.message


def test_tags_of_a_session_are_its_principal_tags_and_transitive_ones_go_on(
    server: AwsServer, iam: Any, sts: Any
) -> None:
    make(iam)
    make(iam, name="next")
    only = deny("iam:*", Condition={"StringNotEquals": {"aws:PrincipalTag/person": "ada"}})
    for name in ("job", "next"):
        iam.put_role_policy(RoleName=name, PolicyName="only-ada", PolicyDocument=document(only))
    server.enforce()
    tags = [*TAGS, {"Key": "run", "Value": "r1"}]
    answer = assume(sts, Tags=tags, TransitiveTagKeys=["person"])
    session_client(server, answer).list_users()
    chained = session_client(server, answer, "sts")
    session_client(server, assume(chained, f"arn:aws:iam::{HUB}:role/next")).list_users()
    with refused("AccessDenied", 403):
        session_client(server, assume(sts)).list_users()
    with refused("InvalidParameterValue", 400):
        assume(chained, f"arn:aws:iam::{HUB}:role/next", Tags=TAGS)


def test_all_session_policies_are_one_layer_between_role_and_call(server: AwsServer, iam: Any, sts: Any) -> None:
    make(iam)
    iam.create_user(UserName="ada")
    server.enforce()
    narrowed = assume(sts, PolicyArns=[{"arn": READ_ONLY}], Policy=document(deny("iam:GetUser")))
    client = session_client(server, narrowed)
    client.list_users()
    with refused("AccessDenied", 403):
        client.get_user(UserName="ada")
    with refused("AccessDenied", 403):
        client.create_user(UserName="bob")


def test_a_session_takes_ten_managed_policies_that_are_there(iam: Any, sts: Any) -> None:
    make(iam)
    made = [
        iam.create_policy(PolicyName=f"p{number}", PolicyDocument=document(allow("iam:Get*")))["Policy"]["Arn"]
        for number in range(11)
    ]
    assert assume(sts, PolicyArns=[{"arn": arn} for arn in made[:10]])
    with refused("ValidationError", 400):
        assume(sts, PolicyArns=[{"arn": arn} for arn in made])
    with refused("NoSuchEntity"):
        assume(sts, PolicyArns=[{"arn": f"arn:aws:iam::{HUB}:policy/none"}])
    with refused("NoSuchEntity"):
        assume(sts, PolicyArns=[{"arn": made[0].replace(HUB, "999999999999")}])


def test_session_policies_have_2048_characters_together_and_are_policies(iam: Any, sts: Any) -> None:
    make(iam)
    most = 2048 - len(READ_ONLY) - len(document(deny("")))
    arn = [{"arn": READ_ONLY}]
    assert assume(sts, PolicyArns=arn, Policy=document(deny("iam:" + "x" * (most - 4))))
    with refused("ValidationError", 400):
        assume(sts, PolicyArns=arn, Policy=document(deny("iam:" + "x" * (most - 3))))
    with refused("MalformedPolicyDocument", 400):
        assume(sts, Policy='{"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps"}]}')


def test_a_session_lasts_half_a_day_at_most(iam: Any, sts: Any) -> None:
    make(iam)
    with refused("ValidationError", 400) as error:
        assume(sts, DurationSeconds=43201)
    assert "43200" in error.message
