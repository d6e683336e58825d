"""Listings in pages, and the bulk read of an account."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest

from provisioner.sandbox.aws import AwsServer
from tests.sandbox.aws.calls import ADMINISTRATOR, HUB, READ_ONLY, allow, details, document, refused, trust


def make_users(iam: Any, count: int) -> list[str]:
    names = [f"u{number:04d}" for number in range(count)]
    for name in names:
        iam.create_user(UserName=name)
    return names


def pages(iam: Any, call: str, key: str, size: int, **parameters: Any) -> list[list[Any]]:
    """The rows of each page, asked for by hand with Marker, and that IsTruncated goes with Marker."""
    found, more = [], dict(parameters)
    while True:
        page = getattr(iam, call)(MaxItems=size, **more)
        found.append(page[key])
        assert page["IsTruncated"] == ("Marker" in page)
        if not page["IsTruncated"]:
            return found
        more["Marker"] = page["Marker"]


def test_users_come_in_pages_and_each_once(iam: Any) -> None:
    names = make_users(iam, 7)
    found = pages(iam, "list_users", "Users", 3)
    assert [len(page) for page in found] == [3, 3, 1]
    assert [user["UserName"] for page in found for user in page] == names


def test_a_full_last_page_is_not_truncated(iam: Any) -> None:
    make_users(iam, 6)
    assert [len(page) for page in pages(iam, "list_users", "Users", 3)] == [3, 3]


def test_a_page_has_100_items_unless_asked_otherwise(server: AwsServer, iam: Any) -> None:
    backend = server.backend()
    for number in range(101):
        backend.create_user("us-east-1", f"u{number:04d}")
    server.changed(HUB)
    first = iam.list_users()
    assert (len(first["Users"]), first["IsTruncated"]) == (100, True)
    assert len(iam.get_account_authorization_details(Filter=["User"])["UserDetailList"]) == 100
    assert len(iam.list_users(MaxItems=1000)["Users"]) == 101


def test_max_items_is_at_most_1000(iam: Any) -> None:
    with refused("ValidationError", 400):
        iam.list_users(MaxItems=1001)


@pytest.mark.parametrize("marker", ["nonsense", "0", "AAAA", "bnVsbA=="])
def test_an_unknown_marker_is_an_error(iam: Any, marker: str) -> None:
    make_users(iam, 3)
    with refused("ValidationError", 400):
        iam.list_users(Marker=marker)
    with refused("ValidationError", 400):
        iam.get_account_authorization_details(Marker=marker)


def test_a_marker_of_another_listing_is_an_error(iam: Any) -> None:
    make_users(iam, 3)
    marker = iam.list_users(MaxItems=1)["Marker"]
    with refused("ValidationError", 400):
        iam.list_groups(Marker=marker)


def test_writes_between_two_pages_neither_hide_nor_repeat_anybody(iam: Any) -> None:
    names = make_users(iam, 6)
    for call, rows in (("list_users", "Users"), ("get_account_authorization_details", "UserDetailList")):
        first = getattr(iam, call)(MaxItems=3)
        iam.delete_user(UserName=names[0])
        iam.create_user(UserName="a-new-one")
        rest = getattr(iam, call)(MaxItems=100, Marker=first["Marker"])
        seen = [user["UserName"] for user in (*first[rows], *rest[rows])]
        assert seen == names
        iam.delete_user(UserName="a-new-one")
        iam.create_user(UserName=names[0])


def test_every_listing_that_the_provider_may_use_has_pages(iam: Any) -> None:
    iam.create_user(UserName="ada")
    for number in range(3):
        name = f"n{number}"
        iam.create_group(GroupName=name)
        iam.add_user_to_group(GroupName=name, UserName="ada")
        iam.create_user(UserName=name)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust("*"))
        iam.create_virtual_mfa_device(VirtualMFADeviceName=name)
        arn = iam.create_policy(PolicyName=name, PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
        iam.attach_user_policy(UserName="ada", PolicyArn=arn)
        iam.attach_group_policy(GroupName="n0", PolicyArn=arn)
        iam.attach_role_policy(RoleName="n0", PolicyArn=arn)
        for kind, holder in (("user", "ada"), ("group", "n0"), ("role", "n0")):
            put = getattr(iam, f"put_{kind}_policy")
            put(**{f"{kind.title()}Name": holder}, PolicyName=name, PolicyDocument=document(allow("s3:*")))
        iam.tag_user(UserName="ada", Tags=[{"Key": name, "Value": ""}])
        iam.add_user_to_group(GroupName="n0", UserName=name)
        iam.attach_user_policy(UserName=name, PolicyArn=f"arn:aws:iam::{HUB}:policy/n0")
    expected: list[tuple[str, str, dict[str, str], int]] = [
        ("list_users", "Users", {}, 4),
        ("list_groups", "Groups", {}, 3),
        ("list_roles", "Roles", {}, 4),  # with the operator's
        ("get_group", "Users", {"GroupName": "n0"}, 4),
        ("list_groups_for_user", "Groups", {"UserName": "ada"}, 3),
        ("list_attached_user_policies", "AttachedPolicies", {"UserName": "ada"}, 3),
        ("list_attached_group_policies", "AttachedPolicies", {"GroupName": "n0"}, 3),
        ("list_attached_role_policies", "AttachedPolicies", {"RoleName": "n0"}, 3),
        ("list_user_policies", "PolicyNames", {"UserName": "ada"}, 3),
        ("list_group_policies", "PolicyNames", {"GroupName": "n0"}, 3),
        ("list_role_policies", "PolicyNames", {"RoleName": "n0"}, 3),
        ("list_user_tags", "Tags", {"UserName": "ada"}, 3),
        ("list_virtual_mfa_devices", "VirtualMFADevices", {}, 3),
        ("list_policies", "Policies", {"Scope": "Local"}, 3),
        ("list_entities_for_policy", "PolicyUsers", {"PolicyArn": f"arn:aws:iam::{HUB}:policy/n0"}, 4),
    ]
    for call, key, parameters, count in expected:
        found = pages(iam, call, key, 1, **parameters)
        rows = [json.dumps(row, default=str) for page in found for row in page]
        assert len(set(rows)) == len(rows) == count, call
        assert max(len(page) for page in found) == 1, call


def test_access_keys_come_in_pages(iam: Any) -> None:
    iam.create_user(UserName="ada")
    made = {iam.create_access_key(UserName="ada")["AccessKey"]["AccessKeyId"] for _ in range(2)}
    found = pages(iam, "list_access_keys", "AccessKeyMetadata", 1, UserName="ada")
    assert {key["AccessKeyId"] for page in found for key in page} == made
    assert len(found) == 2


def test_pages_may_be_shorter_than_asked_for(server: AwsServer, iam: Any) -> None:
    names = make_users(iam, 5)
    server.page_limit = 2
    first = iam.get_account_authorization_details(MaxItems=1000)
    assert (len(first["UserDetailList"]), first["IsTruncated"]) == (2, True)
    assert [user["UserName"] for user in details(iam)["UserDetailList"]] == names


def test_listings_leave_out_tags_as_aws_does(iam: Any) -> None:
    iam.create_user(UserName="ada", Tags=[{"Key": "managed-by", "Value": "provision"}])
    iam.create_group(GroupName="developers")
    iam.add_user_to_group(GroupName="developers", UserName="ada")
    assert "Tags" not in iam.list_users()["Users"][0]
    assert "Tags" not in iam.get_group(GroupName="developers")["Users"][0]
    assert iam.get_user(UserName="ada")["User"]["Tags"] == [{"Key": "managed-by", "Value": "provision"}]


def test_aws_own_policies_and_local_ones_are_listed_by_scope(iam: Any) -> None:
    iam.create_policy(PolicyName="reading", PolicyDocument=document(allow("s3:*")))
    by_scope = {
        scope: [
            p["Arn"]
            for page in iam.get_paginator("list_policies").paginate(Scope=scope, PaginationConfig={"PageSize": 1000})
            for p in page["Policies"]
        ]
        for scope in ("AWS", "Local")
    }
    assert by_scope["Local"] == [f"arn:aws:iam::{HUB}:policy/reading"]
    assert len(by_scope["AWS"]) > 1000
    assert READ_ONLY in by_scope["AWS"]


# GetAccountAuthorizationDetails


def test_the_details_of_a_user_are_whole(iam: Any) -> None:
    text = document(allow("s3:GetObject", "arn:aws:s3:::b/ü%20*"))
    user = iam.create_user(UserName="ada", Path="/people/")["User"]
    iam.tag_user(UserName="ada", Tags=[{"Key": "managed-by", "Value": "provision @ ü"}])
    for name in ("ops", "developers"):
        iam.create_group(GroupName=name)
        iam.add_user_to_group(GroupName=name, UserName="ada")
    iam.put_user_policy(UserName="ada", PolicyName="own", PolicyDocument=text)
    iam.attach_user_policy(UserName="ada", PolicyArn=READ_ONLY)
    (found,) = details(iam)["UserDetailList"]
    assert found.pop("CreateDate").tzinfo is not None
    assert found == {
        "Path": "/people/",
        "UserName": "ada",
        "UserId": user["UserId"],
        "Arn": f"arn:aws:iam::{HUB}:user/people/ada",
        "GroupList": ["developers", "ops"],
        "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": json.loads(text)}],
        "AttachedManagedPolicies": [{"PolicyName": "ReadOnlyAccess", "PolicyArn": READ_ONLY}],
        "Tags": [{"Key": "managed-by", "Value": "provision @ ü"}],
    }


def test_the_details_of_a_group_have_policies_and_no_members(iam: Any) -> None:
    iam.create_group(GroupName="developers", Path="/managed/")
    iam.put_group_policy(GroupName="developers", PolicyName="own", PolicyDocument=document(allow("s3:*")))
    iam.attach_group_policy(GroupName="developers", PolicyArn=READ_ONLY)
    (found,) = details(iam)["GroupDetailList"]
    assert found["Arn"] == f"arn:aws:iam::{HUB}:group/managed/developers"
    assert found["GroupPolicyList"] == [{"PolicyName": "own", "PolicyDocument": json.loads(document(allow("s3:*")))}]
    assert found["AttachedManagedPolicies"] == [{"PolicyName": "ReadOnlyAccess", "PolicyArn": READ_ONLY}]
    assert not {"Users", "Tags"} & set(found)


def test_the_details_of_a_role_have_its_trust(iam: Any) -> None:
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trust({"AWS": HUB}), Tags=[{"Key": "a", "Value": "b"}])
    iam.create_instance_profile(InstanceProfileName="machine")
    iam.add_role_to_instance_profile(InstanceProfileName="machine", RoleName="deploy")
    found = next(role for role in details(iam)["RoleDetailList"] if role["RoleName"] == "deploy")
    assert found["AssumeRolePolicyDocument"] == json.loads(trust({"AWS": HUB}))
    assert found["Tags"] == [{"Key": "a", "Value": "b"}]
    assert [profile["InstanceProfileName"] for profile in found["InstanceProfileList"]] == ["machine"]


def test_the_filter_chooses_kinds_and_no_filter_means_all(iam: Any) -> None:
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="developers")
    own = iam.create_policy(PolicyName="reading", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    iam.attach_user_policy(UserName="ada", PolicyArn=READ_ONLY)
    names = {"UserDetailList": "UserName", "GroupDetailList": "GroupName", "Policies": "Arn"}

    def found(*kinds: str) -> list[str]:
        answer = details(iam, **({"Filter": list(kinds)} if kinds else {}))
        return [row[key] for part, key in names.items() for row in answer[part] if row[key] != ADMINISTRATOR]

    assert found("User") == ["ada"]
    assert found("Group") == ["developers"]
    assert found("LocalManagedPolicy") == [own]
    assert found("AWSManagedPolicy") == [READ_ONLY]  # only those in use, the operator's aside
    assert sorted(found()) == sorted(["ada", "developers", own, READ_ONLY])
    iam.detach_user_policy(UserName="ada", PolicyArn=READ_ONLY)
    assert found("AWSManagedPolicy") == []


def test_the_details_of_a_policy_have_its_versions_and_use(iam: Any) -> None:
    arn = iam.create_policy(PolicyName="reading", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("s3:Get*")), SetAsDefault=True)
    iam.create_user(UserName="ada", PermissionsBoundary=arn)
    iam.attach_user_policy(UserName="ada", PolicyArn=arn)
    (found,) = details(iam, Filter=["LocalManagedPolicy"])["Policies"]
    assert (found["DefaultVersionId"], found["AttachmentCount"], found["PermissionsBoundaryUsageCount"]) == ("v2", 1, 1)
    documents = {v["VersionId"]: v["Document"]["Statement"][0]["Action"] for v in found["PolicyVersionList"]}
    assert documents == {"v1": "s3:*", "v2": "s3:Get*"}


def test_one_paging_goes_over_users_groups_roles_and_policies(iam: Any) -> None:
    make_users(iam, 3)
    for number in range(2):
        iam.create_group(GroupName=f"g{number}")
        iam.create_policy(PolicyName=f"p{number}", PolicyDocument=document(allow("s3:*")))
    kinds: list[list[int]] = []
    marker: dict[str, str] = {}
    while True:
        page = iam.get_account_authorization_details(
            Filter=["User", "Group", "Role", "LocalManagedPolicy"], MaxItems=2, **marker
        )
        parts = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
        kinds.append([len(page[part]) for part in parts])
        if not page["IsTruncated"]:
            break
        marker = {"Marker": page["Marker"]}
    assert kinds == [[2, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 0, 2]]


@pytest.mark.parametrize(
    "write",
    [
        lambda iam: iam.create_user(UserName="bob"),
        lambda iam: iam.tag_user(UserName="ada", Tags=[{"Key": "new", "Value": ""}]),
        lambda iam: iam.add_user_to_group(GroupName="developers", UserName="ada"),
        lambda iam: iam.attach_user_policy(UserName="ada", PolicyArn=READ_ONLY),
        lambda iam: iam.put_group_policy(
            GroupName="developers", PolicyName="p", PolicyDocument=document(allow("s3:*"))
        ),
        lambda iam: iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary=READ_ONLY),
        lambda iam: iam.update_user(UserName="ada", NewUserName="ada2"),
        lambda iam: iam.delete_user(UserName="ada"),
    ],
)
def test_a_write_shows_in_the_next_reading(iam: Any, write: Any) -> None:
    iam.create_user(UserName="ada")
    iam.create_group(GroupName="developers")
    before = details(iam)
    assert details(iam) == before
    write(iam)
    assert details(iam) != before


def test_readings_may_lag_behind_writes(server: AwsServer, iam: Any) -> None:
    make_users(iam, 1)
    before = details(iam)
    server.lag = 3600
    make_users_two = iam.create_user(UserName="later")["User"]["UserName"]
    assert details(iam) == before
    assert iam.get_user(UserName=make_users_two)["User"]["UserName"] == "later"
    server.lag = 0
    assert [user["UserName"] for user in details(iam)["UserDetailList"]] == ["later", "u0000"]


def test_policy_documents_are_url_encoded_on_the_wire(server: AwsServer, iam: Any) -> None:
    seen: list[bytes] = []
    iam.meta.events.register(
        "after-call.iam.GetUserPolicy", lambda http_response, **_: seen.append(http_response.content)
    )
    iam.create_user(UserName="ada")
    iam.put_user_policy(UserName="ada", PolicyName="p", PolicyDocument=document(allow("s3:*")))
    iam.get_user_policy(UserName="ada", PolicyName="p")
    raw = seen[0].decode().partition("<PolicyDocument>")[2].partition("</PolicyDocument>")[0]
    assert "{" not in raw
    assert json.loads(unquote(raw)) == json.loads(document(allow("s3:*")))
