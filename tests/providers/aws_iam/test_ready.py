"""Policies that lie ready for runs, on the embedded AWS: which are ours, which are needed, and what is left alone."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from provisioner.contract import Piece, Prepared, Prepares, ProviderError, Trouble, Usual
from provisioner.model.resource import Resource
from provisioner.providers.aws_iam import PROVIDER
from provisioner.providers.aws_iam.calls import ReadCalls
from provisioner.providers.aws_iam.connect import Clients
from provisioner.providers.aws_iam.held import Held
from provisioner.providers.aws_iam.ready import Policies, is_ready
from tests.providers.aws_iam.rig import ACCOUNT, EVERYTHING_ALLOWED, ROLES, Cloud, aws_target, grant

EVERYTHING = json.dumps(EVERYTHING_ALLOWED)
OWN = f"arn:aws:iam::{ACCOUNT}:policy/"
PATH = f"{OWN}provision/run/"


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
    (piece,) = policies.look([usual()], ()).lacking
    policies.make(piece, now())
    return piece


def test_people_who_need_the_same_have_one(ada: Cloud) -> None:
    assert isinstance(PROVIDER, Prepares)
    ada.make_user("bob")
    deny_much(ada, "bob")
    ada.make_user("cy")
    ada.server.reset_calls()
    found = opened(ada).look([usual("ada"), usual("bob"), usual("cy"), usual("nobody")], ())
    (piece,) = found.lacking
    assert piece.runs == ("ada in site", "bob in site")
    assert len(json.loads(piece.content)["Statement"]) == 3
    assert ada.server.calls[ACCOUNT, "iam.GetAccountAuthorizationDetails"] == 1  # however many people


def test_those_of_other_files_are_not_ours(ada: Cloud) -> None:
    theirs = made(ada, "theirs")
    piece = made(ada)
    assert theirs.content == piece.content and theirs.name != piece.name
    assert opened(ada).look([], [piece.name]) == Prepared(needless=(piece.name,))
    assert opened(ada).look([usual()], [piece.name]) == opened(ada, "theirs").look([usual()], [theirs.name])
    assert opened(ada).look([usual()], [piece.name]) == Prepared()


def test_those_that_the_journal_does_not_know_are_left(ada: Cloud) -> None:
    """Where files have no `records.owner`, those of others look like ours."""
    piece = made(ada, "")
    found = opened(ada, "").look([], ())
    assert found.needless == () and "the journal does not say that it was made" in found.strange[0]
    assert opened(ada, "").look([usual()], ()) == Prepared()  # good enough for a run: it has the text
    assert opened(ada, "").look([], [piece.name]).needless == (piece.name,)


def test_one_made_before_the_owner_was_set_is_told(ada: Cloud) -> None:
    piece = made(ada, "")
    found = opened(ada).look([], [piece.name])
    assert found.needless == () and "was made when `records.owner` was another" in found.strange[0]
    assert opened(ada).look([], ()) == Prepared()  # of other files, as far as anybody knows


def test_one_that_is_gone_is_needless_and_fine_to_take_away(ada: Cloud) -> None:
    piece = made(ada)
    ada.iam.delete_policy(PolicyArn=f"{PATH}ours/{piece.name}")
    assert opened(ada).look([], [piece.name]) == Prepared(needless=(piece.name,))
    opened(ada).drop(piece.name, now())


@pytest.mark.parametrize(("needed", "there"), [(False, 0), (0, False), (1, True)])
def test_a_number_for_a_word_is_another_text(cloud: Cloud, needed: object, there: object) -> None:
    """To Python `0 == False`; to AWS it is another condition."""

    def denies(value: object) -> dict[str, object]:
        condition = {"Bool": {"aws:SecureTransport": value}}
        statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
        return {"Version": "2012-10-17", "Statement": [statement]}

    held = Held(ReadCalls(Clients(cloud.iam, None, None, None)), "aws", texts={"arn": denies(there)}, ready={"arn": {}})
    assert is_ready(held, "arn", json.dumps(denies(there)))
    assert not is_ready(held, "arn", json.dumps(denies(needed)))


def test_nothing_is_laid_ready_for_a_service_whose_account_is_a_role(ada: Cloud) -> None:
    things = usual().things
    denied = {"denied": [f"{OWN}No{number}" for number in range(3)]}
    service = Usual("nightly", "role/Nightly", "site", (Resource(things[0].address, denied),))
    assert opened(ada).look([replace(service, login="nightly")], ()).lacking
    assert opened(ada).look([service], ()).lacking == ()


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
    found = opened(ada).look([], [name])
    assert found.needless == () and [words.startswith(arn) for words in found.strange] == [True]
    with pytest.raises(ProviderError) as told:
        opened(ada).drop(name, now())
    assert told.value.trouble is Trouble.CONFLICT
    assert ada.iam.get_policy(PolicyArn=arn)


def test_one_that_is_there_with_another_text_is_not_ready(ada: Cloud) -> None:
    (piece,) = opened(ada).look([usual()], ()).lacking
    ada.iam.create_policy(PolicyName=piece.name, Path="/provision/run/ours/", PolicyDocument=EVERYTHING)
    opened(ada).make(piece, now())  # there is one of that name
    found = opened(ada).look([usual()], ())
    assert found.strange and found.needless == ()


def test_an_answer_that_got_lost_may_be_asked_for_again(ada: Cloud) -> None:
    policies = opened(ada)
    (piece,) = policies.look([usual()], ()).lacking
    ada.server.fail("iam.CreatePolicy", None, lost=True)
    with pytest.raises(ProviderError) as told:
        policies.make(piece, now())
    assert told.value.trouble is Trouble.UNKNOWN
    policies.make(piece, now())
    assert policies.look([usual()], ()).lacking == ()


def test_one_opened_to_look_cannot_write(ada: Cloud) -> None:
    policies = opened(ada, writes=False)
    (piece,) = policies.look([usual()], ()).lacking
    with pytest.raises(ProviderError, match="look only"):
        policies.make(piece, now())


def test_nothing_is_written_into_another_account(ada: Cloud) -> None:
    """Without a role for writing that is done with the first credentials, and those are of the hub."""
    target = aws_target(assume_role={"plan": ROLES["plan"]})
    policies = PROVIDER.open_preparer(target, ada.environ(), "ours", writes=True)
    (piece,) = policies.look([usual()], ()).lacking
    with pytest.raises(ProviderError, match="these credentials are in account") as told:
        policies.make(piece, now())
    assert told.value.trouble is Trouble.CREDENTIAL
    with pytest.raises(ProviderError, match="these credentials are in account"):
        policies.drop(piece.name, now())


def test_nothing_is_laid_ready_for_somebody_who_gets_no_run(ada: Cloud) -> None:
    ada.iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert opened(ada).look([usual()], ()).lacking == ()
