"""Names, paths, tags and renames."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.sandbox.aws.calls import READ_ONLY, allow, document, key_client, refused, trust


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
