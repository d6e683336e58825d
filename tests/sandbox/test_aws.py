"""The embedded AWS, driven by boto3 over the wire: each test is named after a rule of AWS, most of them not in moto."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from provisioner.sandbox.aws import AwsServer
from tests.sandbox.certificate import self_signed

HUB = "000000000000"
MEMBER = "111111111111"
OTHER = "222222222222"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
PASSWORD = "Correct-horse-1"
SSH_KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ ada@example.com"


@pytest.fixture(scope="module")
def running() -> Iterator[AwsServer]:
    with AwsServer() as server:
        yield server


@pytest.fixture
def server(running: AwsServer) -> AwsServer:
    """A running server whose accounts are empty and whose switches are as at the start."""
    try:
        _ = running.url
    except RuntimeError:  # the test before stopped it
        running.start()
    running.clear()
    return running


@pytest.fixture
def iam(server: AwsServer) -> Any:
    return server.client("iam")


@pytest.fixture
def sts(server: AwsServer) -> Any:
    return server.client("sts")


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


def trust(principal: Any, action: str = "sts:AssumeRole", **more: Any) -> str:
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


# Life and accounts


def test_start_gives_keys_that_act_in_the_hub_account(server: AwsServer) -> None:
    exports = server.exports()
    client = boto3.client(
        "sts",
        endpoint_url=exports["AWS_ENDPOINT_URL"],
        region_name=exports["AWS_DEFAULT_REGION"],
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=exports["AWS_SESSION_TOKEN"],
    )
    who = client.get_caller_identity()
    assert (who["Account"], who["Arn"]) == (HUB, f"arn:aws:sts::{HUB}:assumed-role/sandbox-operator/sandbox")


def test_exports_are_all_that_another_process_needs(server: AwsServer) -> None:
    code = "import boto3; print(boto3.client('sts').get_caller_identity()['Account'])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=server.exports(MEMBER), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == MEMBER


def test_start_empties_what_an_earlier_run_left(server: AwsServer) -> None:
    server.client("iam").create_user(UserName="ada")
    server.stop()
    assert set(server.truth()["users"]) == {"ada"}
    server.start()
    assert server.truth()["users"] == {}
    assert server.client("iam").list_users()["Users"] == []


def test_a_stopped_server_refuses_connections(server: AwsServer) -> None:
    client = server.client("iam")
    client.list_users()
    server.stop()
    with pytest.raises(EndpointConnectionError):
        client.list_users()


def test_starting_twice_is_an_error_and_stopping_twice_is_not(server: AwsServer) -> None:
    with pytest.raises(RuntimeError, match="already running"):
        server.start()
    server.stop()
    server.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = server.url


@pytest.mark.parametrize("account", ["", "123", "12345678901x"])
def test_an_account_id_has_twelve_digits(server: AwsServer, account: str) -> None:
    with pytest.raises(ValueError, match="12 digits"):
        server.create_account(account)
    with pytest.raises(ValueError, match="12 digits"):
        AwsServer(hub_account=account)


def test_importing_the_sandbox_does_not_import_moto_or_boto3() -> None:
    code = (
        "import sys, provisioner.sandbox.aws; print(sorted({'moto', 'boto3', 'botocore', 'flask'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_other_services_are_plain_moto(server: AwsServer) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="journal")
    s3.put_object(Bucket="journal", Key="head", Body=b"1")
    assert s3.get_object(Bucket="journal", Key="head")["Body"].read() == b"1"


# Keys


def test_an_unknown_key_is_refused_and_not_given_a_default_account(server: AwsServer) -> None:
    client = server.client("sts", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x")
    with refused("InvalidClientTokenId", 403):
        client.get_caller_identity()


def test_a_wrong_secret_does_not_match_the_signature(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada")
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    client = server.client("sts", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key="wrong")
    with refused("SignatureDoesNotMatch", 403):
        client.get_caller_identity()


def test_a_session_key_without_its_token_is_refused(server: AwsServer) -> None:
    exports = server.exports()
    client = server.client(
        "sts",
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )
    with refused("InvalidClientTokenId", 403):
        client.get_caller_identity()


def test_a_users_key_says_who_the_user_is(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada", Path="/people/")
    who = key_client(server, "ada", "sts").get_caller_identity()
    assert who["Arn"] == f"arn:aws:iam::{HUB}:user/people/ada"


def test_an_inactive_key_is_refused_until_it_is_active_again(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada")
    client = key_client(server, "ada", "sts")
    (key,) = server.truth()["users"]["ada"]["keys"]
    iam.update_access_key(UserName="ada", AccessKeyId=key, Status="Inactive")
    with refused("InvalidClientTokenId", 403):
        client.get_caller_identity()
    iam.update_access_key(UserName="ada", AccessKeyId=key, Status="Active")
    assert client.get_caller_identity()["Account"] == HUB
    iam.delete_access_key(UserName="ada", AccessKeyId=key)
    with refused("InvalidClientTokenId", 403):
        client.get_caller_identity()


def test_a_third_access_key_is_over_the_limit(iam: Any) -> None:
    iam.create_user(UserName="ada")
    for _ in range(2):
        iam.create_access_key(UserName="ada")
    with refused("LimitExceeded", 409):
        iam.create_access_key(UserName="ada")


def test_key_calls_without_a_name_act_on_the_calling_user(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada")
    client = key_client(server, "ada")
    assert [key["UserName"] for key in client.list_access_keys()["AccessKeyMetadata"]] == ["ada"]
    assert client.get_user()["User"]["UserName"] == "ada"


@pytest.mark.parametrize("call", ["create_access_key", "list_access_keys", "get_user", "list_mfa_devices"])
def test_key_calls_without_a_name_are_refused_for_sessions(iam: Any, call: str) -> None:
    with refused("ValidationError", 400):
        getattr(iam, call)()


# Names and tags


@pytest.mark.parametrize("name", ["a b", "ada/x", "ädä", "a*"])
def test_invalid_characters_in_names_are_refused(iam: Any, name: str) -> None:
    with refused("ValidationError", 400):
        iam.create_user(UserName=name)
    with refused("ValidationError", 400):
        iam.create_group(GroupName=name)


def test_user_names_have_64_characters_and_group_names_128(iam: Any) -> None:
    iam.create_user(UserName="a" * 64)
    iam.create_group(GroupName="g" * 128)
    with refused("ValidationError"):
        iam.create_user(UserName="b" * 65)
    with refused("ValidationError"):
        iam.create_group(GroupName="h" * 129)


def test_names_are_unique_without_regard_to_case(iam: Any) -> None:
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="developers")
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trust("*"))
    iam.create_policy(PolicyName="reading", PolicyDocument=document(allow("s3:*")))
    with refused("EntityAlreadyExists", 409):
        iam.create_user(UserName="ALICE")
    with refused("EntityAlreadyExists", 409):
        iam.create_group(GroupName="Developers")
    with refused("EntityAlreadyExists", 409):
        iam.create_role(RoleName="Deploy", AssumeRolePolicyDocument=trust("*"))
    with refused("EntityAlreadyExists", 409):
        iam.create_policy(PolicyName="Reading", Path="/x/", PolicyDocument=document(allow("s3:*")))


def test_a_path_begins_and_ends_with_a_slash(iam: Any) -> None:
    with refused("ValidationError"):
        iam.create_user(UserName="ada", Path="people")
    with refused("ValidationError"):
        iam.create_group(GroupName="developers", Path="/people")


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        (("aws:name", "x"), "InvalidInput"),
        (("AWS:name", "x"), "InvalidInput"),
        (("a#b", "x"), "ValidationError"),
        (("a", "x*y"), "ValidationError"),
        (("k" * 129, "x"), "ValidationError"),
        (("k", "x" * 257), "ValidationError"),
    ],
)
def test_tags_that_aws_refuses_are_refused(iam: Any, tag: tuple[str, str], code: str) -> None:
    tags = [{"Key": tag[0], "Value": tag[1]}]
    with refused(code, 400):
        iam.create_user(UserName="ada", Tags=tags)
    iam.create_user(UserName="ada")
    with refused(code, 400):
        iam.tag_user(UserName="ada", Tags=tags)


def test_tags_may_have_letters_of_any_language_and_the_longest_lengths(iam: Any) -> None:
    tags = [
        {"Key": "k" * 128, "Value": "v" * 256},
        {"Key": "Straße é/=+-@", "Value": "日本 ١٢"},
        {"Key": "no", "Value": ""},
    ]
    iam.create_user(UserName="ada", Tags=tags)
    key = "Key"
    found = iam.get_user(UserName="ada")["User"]["Tags"]
    assert sorted(found, key=lambda t: str(t[key])) == sorted(tags, key=lambda t: str(t[key]))


def test_a_user_has_at_most_fifty_tags(iam: Any) -> None:
    tags = [{"Key": f"k{i}", "Value": ""} for i in range(50)]
    iam.create_user(UserName="ada", Tags=tags)
    iam.tag_user(UserName="ada", Tags=[{"Key": "k0", "Value": "changed"}])
    with refused("LimitExceeded", 409):
        iam.tag_user(UserName="ada", Tags=[{"Key": "one-more", "Value": ""}])
    with refused("ValidationError"):
        iam.create_user(UserName="bob", Tags=[*tags, {"Key": "one-more", "Value": ""}])


def test_tag_keys_are_case_insensitive_and_keep_the_case_last_written(iam: Any) -> None:
    iam.create_user(UserName="ada", Tags=[{"Key": "Team", "Value": "a"}])
    iam.tag_user(UserName="ada", Tags=[{"Key": "TEAM", "Value": "b"}])
    assert iam.list_user_tags(UserName="ada")["Tags"] == [{"Key": "TEAM", "Value": "b"}]
    with refused("InvalidInput"):
        iam.tag_user(UserName="ada", Tags=[{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}])
    iam.untag_user(UserName="ada", TagKeys=["team", "never-there"])
    assert iam.list_user_tags(UserName="ada")["Tags"] == []


def test_a_rename_keeps_id_tags_keys_groups_and_policies(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada", Tags=[{"Key": "managed-by", "Value": "provision"}])
    iam.create_group(GroupName="developers")
    iam.add_user_to_group(GroupName="developers", UserName="ada")
    iam.attach_user_policy(UserName="ada", PolicyArn=READ_ONLY)
    client = key_client(server, "ada", "sts")
    before = server.truth()["users"]["ada"]
    iam.update_user(UserName="ada", NewUserName="ada-byron", NewPath="/people/")
    assert server.truth()["users"] == {"ada-byron": {**before, "path": "/people/"}}
    assert iam.list_access_keys(UserName="ada-byron")["AccessKeyMetadata"][0]["UserName"] == "ada-byron"
    assert client.get_caller_identity()["Arn"].endswith("user/people/ada-byron")


def test_a_rename_to_a_taken_name_is_refused_and_changes_nothing(server: AwsServer, iam: Any) -> None:
    iam.create_user(UserName="ada")
    iam.create_user(UserName="bob")
    before = server.truth()
    with refused("EntityAlreadyExists", 409):
        iam.update_user(UserName="ada", NewUserName="BOB")
    assert server.truth() == before


def test_a_group_may_change_path_and_name(server: AwsServer, iam: Any) -> None:
    iam.create_group(GroupName="developers")
    iam.attach_group_policy(GroupName="developers", PolicyArn=READ_ONLY)
    iam.update_group(GroupName="developers", NewPath="/managed/")
    assert iam.get_group(GroupName="developers")["Group"]["Arn"].endswith(":group/managed/developers")
    iam.update_group(GroupName="developers", NewGroupName="engineers")
    assert server.truth()["groups"]["engineers"]["attached"] == [READ_ONLY]


# What blocks a delete


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


# Memberships and policies


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
