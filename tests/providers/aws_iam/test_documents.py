"""Policy documents: how strong, whose, and whom they trust."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.providers.aws_iam import documents, names
from tests.providers.aws_iam.rig import ACCOUNT, OTHER

VERSION = "2012-10-17"


def allow(actions: str | list[str], resource: str | list[str] = "*", **more: Any) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource, **more}]}


@pytest.mark.parametrize(
    ("document", "strength"),
    [
        (allow("*"), "admin"),
        (allow("iam:*"), "admin"),
        (allow("iam:Put*"), "admin"),
        (allow("IAM:attachuserpolicy"), "admin"),
        (allow("iam:AttachUserPolicy", "arn:aws:iam::111111111111:user/*"), "admin"),
        (allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}"), "ordinary"),
        (allow("iam:AttachUserPolicy", "arn:aws:iam::111111111111:user/ada"), "elevated"),
        (allow("s3:*"), "elevated"),
        (allow("s3:*", "arn:aws:s3:::one"), "ordinary"),
        (allow("iam:PassRole"), "elevated"),
        (allow(["s3:GetObject", "sts:AssumeRole"]), "ordinary"),
        ({"Statement": {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}}, "admin"),
        ({"Statement": {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*"], "Resource": "*"}}, "elevated"),
        ({"Statement": {"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::x"}}, "admin"),
        ({"Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}, "denies"),
        ({"Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "*"}, *allow("*")["Statement"]]}, "admin"),
        ({"Version": VERSION}, "denies"),
    ],
)
def test_how_much_a_policy_gives(document: dict[str, Any], strength: str) -> None:
    assert documents.strength(document) == strength


@pytest.mark.parametrize(
    ("name", "strength"),
    [
        ("AdministratorAccess", "admin"),
        ("IAMFullAccess", "admin"),
        ("OpsAdmin", "admin"),
        ("AmazonS3FullAccess", "elevated"),
        ("PowerUserAccess", "elevated"),
        ("ReadOnlyAccess", "ordinary"),
        ("AWSDenyAll", "denies"),
    ],
)
def test_what_a_name_tells_where_the_document_is_not_at_hand(name: str, strength: str) -> None:
    assert documents.strength_of_name(name) == strength


def test_only_a_whole_unconditional_deny_is_our_deny() -> None:
    ours = json.loads(documents.deny_all())
    assert documents.is_deny_all(ours)
    assert documents.is_deny_all({"Statement": {"Effect": "Deny", "Action": ["*"], "Resource": ["*"]}})
    for change in (
        {"Effect": "Allow"},
        {"Action": "s3:*"},
        {"Resource": "arn:aws:s3:::x"},
        {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}},
    ):
        assert not documents.is_deny_all({"Statement": [{**ours["Statement"][0], **change}]})


@pytest.mark.parametrize("owner", ["5f1c0a9b", None])
def test_what_we_write_for_a_role_is_known_again(owner: str | None) -> None:
    written = json.loads(documents.assume(f"arn:aws:iam::{ACCOUNT}:role/ci/Deploy", owner))
    assert documents.read_assume(written, ACCOUNT, "Deploy")[:3] == (True, True, owner)
    assert documents.read_assume(written, OTHER, "Deploy")[0] is False
    assert documents.read_assume(written, ACCOUNT, "Admin")[0] is False


@pytest.mark.parametrize(
    "change",
    [
        {"Resource": "*"},
        {"Resource": f"arn:aws:iam::{ACCOUNT}:role/*"},
        {"Resource": f"arn:aws:iam::{ACCOUNT}:role/*/Deploy"},
        {"Resource": [f"arn:aws:iam::{ACCOUNT}:role/Deploy", f"arn:aws:iam::{ACCOUNT}:role/Admin"]},
        {"Action": ["sts:AssumeRole", "iam:*"]},
        {"Effect": "Deny"},
        {"Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    ],
)
def test_what_was_changed_in_it_is_seen(change: dict[str, Any]) -> None:
    written = json.loads(documents.assume(f"arn:aws:iam::{ACCOUNT}:role/Deploy", "5f1c0a9b"))
    written["Statement"][0].update(change)
    assert documents.read_assume(written, ACCOUNT, "Deploy")[:3] == (False, True, "5f1c0a9b")


def test_a_policy_by_hand_under_our_name_carries_no_mark() -> None:
    by_hand = allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/Deploy")
    assert documents.read_assume(by_hand, ACCOUNT, "Deploy")[:3] == (True, False, None)


def test_taking_somebody_out_of_a_trust_policy_leaves_the_one_given_alone() -> None:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": ["a", "b"]}, "Action": "sts:AssumeRole"}]}
    before = json.dumps(trust)
    changed = documents.without(trust, {"a"}.__contains__)
    assert changed is not None
    assert changed["Statement"][0]["Principal"] == {"AWS": ["b"]}
    assert json.dumps(trust) == before
    assert documents.without(trust, {"c"}.__contains__) is None


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"Service": "ec2.amazonaws.com"}])
def test_a_trust_policy_that_names_no_user_is_left_alone(principal: Any) -> None:
    trust = {"Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}}
    assert not [name for name in documents.trusted(trust) if names.names_user(name)]
    assert documents.without(trust, names.names_user) is None


@pytest.mark.parametrize(
    ("arn", "own", "expected"),
    [
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", (), "ReadOnlyAccess"),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", ("ReadOnlyAccess",), "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        ("arn:aws:iam::aws:policy/job-function/Billing", (), "arn:aws:iam::aws:policy/job-function/Billing"),
        (f"arn:aws:iam::{ACCOUNT}:policy/team/Reports", ("Reports",), "Reports"),
        (f"arn:aws:iam::{ACCOUNT}:policy/inline.x", (), f"arn:aws:iam::{ACCOUNT}:policy/inline.x"),
        ("arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess", (), "ReadOnlyAccess"),
    ],
)
def test_what_an_address_calls_a_managed_policy(arn: str, own: tuple[str, ...], expected: str) -> None:
    assert names.policy_object(arn, own) == expected


@pytest.mark.parametrize("owner", ["5f1c0a9b", None])
def test_a_groups_path_tells_whose_it_is(owner: str | None) -> None:
    assert names.group_owner(names.group_path(owner)) == (True, owner)


@pytest.mark.parametrize(
    "path", ["/", "/team/", "/provision/5f1c0a9b/x/", "/provisioned/", "/provision/TOO-LONG-FOR-US/"]
)
def test_other_paths_are_not_ours(path: str) -> None:
    assert names.group_owner(path) == (False, None)


@pytest.mark.parametrize("name", ["Developers", "UPPER_case", "a" * 128, "+x", "ä"])
def test_every_groups_name_gives_a_key_that_a_mark_can_hold(name: str) -> None:
    from provisioner.model.mark import Mark

    written = Mark(names.slug(name), "5f1c0a9b")
    assert Mark.parse(str(written)) == written
