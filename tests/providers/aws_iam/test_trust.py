"""Whom a role trusts, read out of trust policies as people write them, and whether a change of it gives or takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from provisioner.model.effect import Direction
from provisioner.providers.aws_iam import trust
from tests.providers.aws_iam.rig import ACCOUNT, OTHER

ISSUER = trust.GITHUB
PRODUCTION = trust.github({"repository": "acme/site", "environment": "production"})
STAGING = trust.github({"repository": "acme/site", "environment": "staging"})


def statement(**changed: Any) -> dict[str, Any]:
    return {**trust.document([PRODUCTION], ACCOUNT, "aws")["Statement"][0], **changed}


def condition(subject: Any = "repo:acme/site:environment:production", **more: Any) -> dict[str, Any]:
    return {"StringEquals": {f"{ISSUER}:aud": "sts.amazonaws.com", f"{ISSUER}:sub": subject, **more}}


def read(*statements: Any) -> list[str]:
    return trust.entries_of({"Version": "2012-10-17", "Statement": list(statements)}, ACCOUNT)


def test_what_we_write_is_what_we_read() -> None:
    for entries in ([], [PRODUCTION], [PRODUCTION, STAGING]):
        written = json.loads(json.dumps(trust.document(entries, ACCOUNT, "aws")))
        assert trust.entries_of(written, ACCOUNT) == sorted(entries)
    colon = trust.github({"repository": "acme/site", "environment": "Pre Prod: eu"})
    assert trust.entries_of(trust.document([colon], ACCOUNT, "aws-cn"), ACCOUNT) == [colon]
    assert list(trust.told([colon])) == ["GitHub Actions of acme/site, environment Pre Prod: eu"]


@pytest.mark.parametrize(
    "alike",
    [
        {"Sid": "anything"},
        {"Action": ["sts:AssumeRoleWithWebIdentity"]},
        {"Condition": condition(["repo:acme/site:environment:production"])},
        {"Condition": {"StringEquals": {key.upper(): v for key, v in condition()["StringEquals"].items()}}},
    ],
)
def test_what_aws_writes_another_way_is_no_difference(alike: dict[str, Any]) -> None:
    assert read(statement(**alike)) == [PRODUCTION]


@pytest.mark.parametrize(
    "other",
    [
        {"Condition": {}},
        {"Condition": {"StringLike": condition()["StringEquals"]}},
        {"Condition": {**condition(), "Bool": {"aws:SecureTransport": "true"}}},
        {"Condition": condition(**{f"{ISSUER}:actor": "ada"})},
        {"Condition": {"StringEquals": {f"{ISSUER}:sub": "repo:acme/site:environment:production"}}},
        {"Condition": {"StringEqualsIfExists": condition()["StringEquals"]}},
        {"Condition": {"ForAnyValue:StringEquals": condition()["StringEquals"]}},
        {"Principal": {"Federated": f"arn:aws:iam::{OTHER}:oidc-provider/{ISSUER}"}},
        {"Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}", "AWS": "*"}},
        {"Principal": "*"},
        {"Action": "sts:*"},
        {"Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"]},
        {"NotAction": "sts:AssumeRole"},
    ],
)
def test_what_says_anything_else_is_never_taken_for_ours(other: dict[str, Any]) -> None:
    (entry,) = read(statement(**other))
    assert entry.startswith("other {")
    assert trust.direction([entry], [PRODUCTION]) is Direction.BOTH


def test_a_policy_that_only_denies_lets_nobody_in() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "*"}
    assert read(deny) == []
    assert len(read(deny, statement())) == 2


def test_more_widens_less_narrows_and_a_denial_is_both() -> None:
    deny = 'other {"Effect":"Deny"}'
    assert trust.direction([PRODUCTION], [PRODUCTION, STAGING]) is Direction.WIDENS
    assert trust.direction([PRODUCTION, STAGING], [PRODUCTION]) is Direction.NARROWS
    assert trust.direction([PRODUCTION], [STAGING]) is Direction.BOTH
    assert trust.direction([PRODUCTION], [PRODUCTION]) is Direction.NEUTRAL
    assert trust.direction([PRODUCTION, deny], [PRODUCTION]) is Direction.BOTH
    assert trust.direction([PRODUCTION], [PRODUCTION, deny]) is Direction.BOTH
