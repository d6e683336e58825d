"""Memberships, attached and inline policies, boundaries."""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.aws import AwsServer
from tests.sandbox.aws.calls import ADMINISTRATOR, HUB, READ_ONLY, allow, details, document, refused


def test_adding_twice_is_no_error_and_removing_a_non_member_is(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="developers")
    for _ in range(2):
        iam.add_user_to_group(GroupName="developers", UserName="ada")
    assert server.truth()["groups"]["developers"]["members"] == ["ada"]
    iam.remove_user_from_group(GroupName="developers", UserName="ada")
    with refused("NoSuchEntity", 404):
        iam.remove_user_from_group(GroupName="developers", UserName="ada")
    with refused("NoSuchEntity", 404):
        iam.add_user_to_group(GroupName="developers", UserName="nobody")


def test_an_eleventh_group_is_over_the_limit(iam: Any) -> None:
    iam.create_user(UserName="ada")
    for number in range(11):
        iam.create_group(GroupName=f"g{number}")
    for number in range(10):
        iam.add_user_to_group(GroupName=f"g{number}", UserName="ada")
    iam.add_user_to_group(GroupName="g0", UserName="ada")
    with refused("LimitExceeded", 409):
        iam.add_user_to_group(GroupName="g10", UserName="ada")


def test_attaching_twice_is_no_error_and_detaching_what_is_not_there_is(iam: Any) -> None:
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="developers")
    for _ in range(2):
        iam.attach_user_policy(UserName="ada", PolicyArn=READ_ONLY)
        iam.attach_group_policy(GroupName="developers", PolicyArn=READ_ONLY)
    assert iam.get_policy(PolicyArn=READ_ONLY)["Policy"]["AttachmentCount"] == 2
    iam.detach_user_policy(UserName="ada", PolicyArn=READ_ONLY)
    iam.detach_group_policy(GroupName="developers", PolicyArn=READ_ONLY)
    with refused("NoSuchEntity", 404):
        iam.detach_user_policy(UserName="ada", PolicyArn=READ_ONLY)
    with refused("NoSuchEntity", 404):
        iam.detach_group_policy(GroupName="developers", PolicyArn=READ_ONLY)


def test_an_eleventh_managed_policy_is_over_the_limit(iam: Any) -> None:
    iam.create_user(UserName="ada")
    arns = [
        iam.create_policy(PolicyName=f"p{i}", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
        for i in range(11)
    ]
    for arn in arns[:10]:
        iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    with refused("LimitExceeded", 409):
        iam.attach_user_policy(UserName="ada", PolicyArn=arns[10])


def test_inline_policies_of_a_user_have_2048_characters_together(iam: Any) -> None:
    iam.create_user(UserName="ada")
    long = document(allow("s3:*", [f"arn:aws:s3:::{'b' * 50}{i}" for i in range(25)]))
    iam.put_user_policy(UserName="ada", PolicyName="p", PolicyDocument=long)
    iam.put_user_policy(UserName="ada", PolicyName="p", PolicyDocument=" " * 2000 + long)
    with refused("LimitExceeded", 409):
        iam.put_user_policy(UserName="ada", PolicyName="q", PolicyDocument=long)


def test_a_malformed_policy_or_trust_is_refused(iam: Any) -> None:
    iam.create_user(UserName="ada")
    with refused("MalformedPolicyDocument", 400):
        iam.put_user_policy(UserName="ada", PolicyName="p", PolicyDocument="{}")
    with refused("MalformedPolicyDocument", 400):
        iam.create_role(RoleName="deploy", AssumeRolePolicyDocument="{}")


def test_aws_own_policies_can_be_attached_and_read_but_not_deleted(iam: Any) -> None:
    iam.create_user(UserName="ada")
    for arn in (READ_ONLY, ADMINISTRATOR, "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"):
        iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    version = iam.get_policy(PolicyArn=ADMINISTRATOR)["Policy"]["DefaultVersionId"]
    text = iam.get_policy_version(PolicyArn=ADMINISTRATOR, VersionId=version)["PolicyVersion"]["Document"]
    assert text["Statement"][0]["Action"] == "*"
    with refused("NoSuchEntity", 404):
        iam.attach_user_policy(UserName="ada", PolicyArn="arn:aws:iam::aws:policy/NoSuchAccess")
    with refused("AccessDenied", 403):
        iam.delete_policy(PolicyArn=ADMINISTRATOR)


def test_entities_for_a_policy_are_users_groups_and_roles(iam: Any) -> None:
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="developers")
    iam.attach_user_policy(UserName="ada", PolicyArn=READ_ONLY)
    iam.attach_group_policy(GroupName="developers", PolicyArn=READ_ONLY)
    found = iam.list_entities_for_policy(PolicyArn=READ_ONLY)
    assert [u["UserName"] for u in found["PolicyUsers"]] == ["ada"]
    assert [g["GroupName"] for g in found["PolicyGroups"]] == ["developers"]
    with refused("NoSuchEntity", 404):
        iam.list_entities_for_policy(PolicyArn=f"arn:aws:iam::{HUB}:policy/none")


def test_a_permissions_boundary_is_set_shown_and_removed(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada", PermissionsBoundary=READ_ONLY)
    shown = {"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": READ_ONLY}
    assert iam.get_user(UserName="ada")["User"]["PermissionsBoundary"] == shown
    assert details(iam)["UserDetailList"][0]["PermissionsBoundary"] == shown
    assert "PermissionsBoundary" not in iam.list_users()["Users"][0]
    iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary=ADMINISTRATOR)
    assert server.truth()["users"]["ada"]["boundary"] == ADMINISTRATOR
    iam.delete_user_permissions_boundary(UserName="ada")
    assert "PermissionsBoundary" not in iam.get_user(UserName="ada")["User"]
    with refused("NoSuchEntity", 404):
        iam.delete_user_permissions_boundary(UserName="ada")
    with refused("NoSuchEntity", 404):
        iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary=f"arn:aws:iam::{HUB}:policy/none")
