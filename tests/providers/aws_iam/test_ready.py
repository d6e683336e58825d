"""Policies that lie ready for runs, on the embedded AWS: which are ours, which are needed, and what is left alone."""

from __future__ import annotations

import json
import time

import pytest

from provisioner.contract import Piece, Prepares, ProviderError, Trouble, Usual
from provisioner.model.resource import Resource
from provisioner.providers.aws_iam import PROVIDER
from provisioner.providers.aws_iam.ready import Policies
from tests.providers.aws_iam.rig import ACCOUNT, EVERYTHING_ALLOWED, Cloud, aws_target, grant

EVERYTHING = json.dumps(EVERYTHING_ALLOWED)
PATH = f"arn:aws:iam::{ACCOUNT}:policy/provision/run/"


def usual(who: str = "ada", *policies: str) -> Usual:
    return Usual(who, who, "site", tuple(Resource(grant(name, who), {}) for name in policies or ("ReadOnlyAccess",)))


def opened(cloud: Cloud, owner: str = "ours", *, writes: bool = True) -> Policies:
    return PROVIDER.open_preparer(aws_target(), cloud.environ(), owner, writes=writes)


def deny_much(cloud: Cloud, who: str) -> None:
    """More than goes into a session."""
    for number in range(3):
        arn = f"arn:aws:iam::{ACCOUNT}:policy/No{number}"
        if not any(one["Arn"] == arn for one in cloud.iam.list_policies(Scope="Local")["Policies"]):
            denied = {"Effect": "Deny", "Action": f"s3:{'x' * 700}{number}", "Resource": "*"}
            text = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
            cloud.iam.create_policy(PolicyName=f"No{number}", PolicyDocument=text)
        cloud.iam.attach_user_policy(UserName=who, PolicyArn=arn)


@pytest.fixture
def ada(cloud: Cloud) -> Cloud:
    cloud.make_user("ada")
    deny_much(cloud, "ada")
    cloud.server.reset_calls()
    return cloud


def now() -> float:
    return time.monotonic() + 30


def made(cloud: Cloud, owner: str = "ours") -> Piece:
    policies = opened(cloud, owner)
    (piece,) = policies.look([usual()]).lacking
    policies.make(piece, now())
    return piece


def test_people_who_need_the_same_have_one(ada: Cloud) -> None:
    assert isinstance(PROVIDER, Prepares)
    ada.make_user("bob")
    deny_much(ada, "bob")
    ada.make_user("cy")
    ada.server.reset_calls()
    found = opened(ada).look([usual("ada"), usual("bob"), usual("cy"), usual("nobody")])
    (piece,) = found.lacking
    assert piece.runs == ("ada in site", "bob in site")
    assert len(json.loads(piece.content)["Statement"]) == 3
    assert ada.server.calls[ACCOUNT, "iam.GetAccountAuthorizationDetails"] == 1  # however many people


def test_those_of_other_files_are_not_ours(ada: Cloud) -> None:
    theirs = made(ada, "theirs")
    piece = made(ada)
    assert theirs.content == piece.content and theirs.name != piece.name
    assert opened(ada).look([]).needless == (piece.name,)
    assert opened(ada).look([usual()]) == opened(ada, "theirs").look([usual()])
    assert opened(ada).look([usual()]).lacking == ()


@pytest.mark.parametrize("how", ["attached", "boundary", "version", "text"])
def test_what_somebody_has_made_something_of_is_left_alone(ada: Cloud, how: str) -> None:
    name = made(ada).name
    arn = f"{PATH}ours/{name}"
    match how:
        case "attached":
            ada.iam.attach_user_policy(UserName="ada", PolicyArn=arn)
        case "boundary":
            ada.iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary=arn)
        case _:
            default = how == "text"
            ada.iam.create_policy_version(PolicyArn=arn, PolicyDocument=EVERYTHING, SetAsDefault=default)
    found = opened(ada).look([])
    assert found.needless == () and [words.startswith(arn) for words in found.strange] == [True]
    with pytest.raises(ProviderError) as told:
        opened(ada).drop(name, now())
    assert told.value.trouble is Trouble.CONFLICT
    assert ada.iam.get_policy(PolicyArn=arn)


def test_one_that_is_there_with_another_text_is_not_ready(ada: Cloud) -> None:
    (piece,) = opened(ada).look([usual()]).lacking
    ada.iam.create_policy(PolicyName=piece.name, Path="/provision/run/ours/", PolicyDocument=EVERYTHING)
    opened(ada).make(piece, now())  # there is one of that name
    found = opened(ada).look([usual()])
    assert found.strange and found.needless == ()


def test_an_answer_that_got_lost_may_be_asked_for_again(ada: Cloud) -> None:
    policies = opened(ada)
    (piece,) = policies.look([usual()]).lacking
    ada.server.fail("iam.CreatePolicy", None, lost=True)
    with pytest.raises(ProviderError) as told:
        policies.make(piece, now())
    assert told.value.trouble is Trouble.UNKNOWN
    policies.make(piece, now())
    assert policies.look([usual()]).lacking == ()


def test_one_opened_to_look_cannot_write(ada: Cloud) -> None:
    policies = opened(ada, writes=False)
    (piece,) = policies.look([usual()]).lacking
    with pytest.raises(ProviderError, match="look only"):
        policies.make(piece, now())


def test_nothing_is_laid_ready_for_somebody_who_gets_no_run(ada: Cloud) -> None:
    ada.iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert opened(ada).look([usual()]).lacking == ()
