"""What blocks a delete: AWS answers DeleteConflict, 409, and nothing changes."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.sandbox.aws.calls import PASSWORD, READ_ONLY, SSH_KEY, allow, document, refused, trust
from tests.sandbox.aws.certificate import self_signed


def _key(iam: Any) -> None:
    iam.create_access_key(UserName="ada")


def _mfa(iam: Any) -> None:
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="ada")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName="ada", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )


def _group(iam: Any) -> None:
    iam.create_group(GroupName="developers")
    iam.add_user_to_group(GroupName="developers", UserName="ada")


LEFT_ON_A_USER = {
    "login profile": lambda iam: iam.create_login_profile(UserName="ada", Password=PASSWORD),
    "access key": _key,
    "MFA device": _mfa,
    "signing certificate": lambda iam: iam.upload_signing_certificate(UserName="ada", CertificateBody=self_signed()),
    "SSH key": lambda iam: iam.upload_ssh_public_key(UserName="ada", SSHPublicKeyBody=SSH_KEY),
    "service-specific credential": lambda iam: iam.create_service_specific_credential(
        UserName="ada", ServiceName="codecommit.amazonaws.com"
    ),
    "inline policy": lambda iam: iam.put_user_policy(
        UserName="ada", PolicyName="p", PolicyDocument=document(allow("s3:*"))
    ),
    "attached policy": lambda iam: iam.attach_user_policy(UserName="ada", PolicyArn=READ_ONLY),
    "group": _group,
}


@pytest.mark.parametrize("left", LEFT_ON_A_USER)
def test_a_user_with_something_left_cannot_be_deleted(server: AwsServer, iam: Any, left: str) -> None:
    iam.create_user(UserName="ada")
    LEFT_ON_A_USER[left](iam)
    before = server.truth()
    with refused("DeleteConflict", 409):
        iam.delete_user(UserName="ada")
    assert server.truth() == before


def test_a_user_is_deleted_in_the_documented_order(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada", Tags=[{"Key": "a", "Value": "b"}])
    for leave in LEFT_ON_A_USER.values():
        leave(iam)
    held = server.truth()["users"]["ada"]
    iam.delete_login_profile(UserName="ada")
    iam.delete_access_key(UserName="ada", AccessKeyId=next(iter(held["keys"])))
    iam.delete_signing_certificate(UserName="ada", CertificateId=next(iter(held["certs"])))
    iam.delete_ssh_public_key(UserName="ada", SSHPublicKeyId=next(iter(held["ssh"])))
    iam.delete_service_specific_credential(UserName="ada", ServiceSpecificCredentialId=next(iter(held["services"])))
    iam.deactivate_mfa_device(UserName="ada", SerialNumber=held["mfa"][0])
    iam.delete_virtual_mfa_device(SerialNumber=held["mfa"][0])
    iam.delete_user_policy(UserName="ada", PolicyName="p")
    iam.detach_user_policy(UserName="ada", PolicyArn=READ_ONLY)
    iam.remove_user_from_group(GroupName="developers", UserName="ada")
    iam.delete_user(UserName="ada")
    assert server.truth()["users"] == {}
    with refused("NoSuchEntity", 404):
        iam.delete_user(UserName="ada")


def test_a_new_user_of_an_old_name_has_another_id_and_no_tags(server: AwsServer, iam: Any) -> None:
    first = iam.create_user(UserName="ada", Tags=[{"Key": "a", "Value": "b"}])["User"]["UserId"]
    iam.delete_user(UserName="ada")
    iam.create_user(UserName="ada")
    now = server.truth()["users"]["ada"]
    assert now["id"] != first
    assert now["tags"] == {}


@pytest.mark.parametrize("left", ["member", "inline", "attached"])
def test_a_group_with_something_left_cannot_be_deleted(iam: Any, left: str) -> None:
    iam.create_group(GroupName="developers")
    if left == "member":
        iam.create_user(UserName="ada")
        iam.add_user_to_group(GroupName="developers", UserName="ada")
    elif left == "inline":
        iam.put_group_policy(GroupName="developers", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    else:
        iam.attach_group_policy(GroupName="developers", PolicyArn=READ_ONLY)
    with refused("DeleteConflict", 409):
        iam.delete_group(GroupName="developers")


@pytest.mark.parametrize("left", ["inline", "attached", "profile"])
def test_a_role_with_something_left_cannot_be_deleted(iam: Any, left: str) -> None:
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trust("*"))
    if left == "inline":
        iam.put_role_policy(RoleName="deploy", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    elif left == "attached":
        iam.attach_role_policy(RoleName="deploy", PolicyArn=READ_ONLY)
    else:
        iam.create_instance_profile(InstanceProfileName="machine")
        iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="deploy")
    with refused("DeleteConflict", 409):
        iam.delete_role(RoleName="deploy")


@pytest.mark.parametrize("left", ["attached", "boundary", "version"])
def test_a_policy_in_use_cannot_be_deleted(iam: Any, left: str) -> None:
    arn = iam.create_policy(PolicyName="reading", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    iam.create_user(UserName="ada")
    if left == "attached":
        iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    elif left == "boundary":
        iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary=arn)
    else:
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("s3:Get*")), SetAsDefault=True)
    with refused("DeleteConflict", 409):
        iam.delete_policy(PolicyArn=arn)


def test_a_virtual_mfa_device_in_use_cannot_be_deleted(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada")
    _mfa(iam)
    serial = server.truth()["users"]["ada"]["mfa"][0]
    with refused("DeleteConflict", 409):
        iam.delete_virtual_mfa_device(SerialNumber=serial)
