"""Writing to an account: each change does what it says and no more, may be made twice, and tells failures apart."""

from __future__ import annotations

import json
import time

import pytest

from provisioner.contract import AlreadySo, Done, Failed, Outcome, Refused, Trouble, Unknown
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action
from provisioner.model.instant import parse_instant
from provisioner.model.mark import Mark
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Facts, Resource
from provisioner.model.way import Way
from provisioner.providers.aws_iam import PROVIDER
from tests.providers.aws_iam.rig import (
    ACCOUNT,
    ALLOW,
    DENY_ALL,
    EVERYTHING_ALLOWED,
    NAME,
    OTHER,
    Cloud,
    account,
    aws_target,
    change,
    credential,
    declare,
    grant,
    group,
    mark,
    membership,
)

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ADA = {"enabled": True, "email": "ada@example.com"}


def a_group(name: str) -> Address:
    return Address(NAME, Kind.GROUP, name)


def kinds(outcomes: object) -> list[str]:
    assert isinstance(outcomes, list)
    return [type(o).__name__ for o in outcomes]


def trouble(outcome: Outcome) -> Trouble:
    assert isinstance(outcome, Failed)
    return outcome.error.trouble


# Accounts


def test_a_user_is_made_with_its_mark_in_the_same_call(cloud: Cloud) -> None:
    made = change(Action.CREATE, account("ada"), after=ADA)
    assert isinstance(cloud.one(made), Done)
    assert cloud.user("ada")["tags"] == {"provision": mark("ada"), "email": "ada@example.com"}
    assert cloud.server.calls[ACCOUNT, "iam.TagUser"] == 0
    assert isinstance(cloud.one(made), AlreadySo)


def test_somebody_elses_user_is_not_taken_for_the_one_to_be_made(cloud: Cloud) -> None:
    cloud.make_user("ada", marked=False)
    outcome = cloud.one(change(Action.CREATE, account("ada"), after=ADA))
    assert trouble(outcome) is Trouble.CONFLICT
    assert cloud.user("ada")["tags"] == {}


def test_adopting_marks_and_releasing_takes_the_mark_off(cloud: Cloud) -> None:
    cloud.make_user("ada", marked=False, team="x")
    cloud.one(change(Action.ADOPT, account("ada"), identity="ada-byron"))
    assert cloud.user("ada")["tags"] == {"team": "x", "provision": mark("ada-byron")}
    cloud.one(change(Action.RELEASE, account("ada")))
    assert cloud.user("ada")["tags"] == {"team": "x"}


@pytest.mark.parametrize("action", [Action.ADOPT, Action.DISABLE, Action.ENABLE, Action.DELETE, Action.UPDATE])
def test_a_user_with_another_owners_mark_is_refused(cloud: Cloud, action: Action) -> None:
    cloud.make_user("ada", marked=False, provision="provision/1 o=deadbeef k=ada")
    before = cloud.user("ada")
    assert isinstance(cloud.one(change(action, account("ada"), before=ADA, after={"email": "x@y"})), Refused)
    assert cloud.user("ada") == before


def test_other_text_under_our_tag_is_not_overwritten(cloud: Cloud) -> None:
    cloud.make_user("ada", marked=False, provision="terraform")
    assert isinstance(cloud.one(change(Action.ADOPT, account("ada"))), Refused)
    assert cloud.user("ada")["tags"] == {"provision": "terraform"}


@pytest.mark.parametrize("action", [Action.DISABLE, Action.DELETE])
def test_another_user_under_the_same_name_is_refused(cloud: Cloud, action: Action) -> None:
    cloud.make_user("ada")
    was = Resource(account("ada"), {"enabled": True}, facts=Facts(native_id="AIDAGONE"))
    outcome = cloud.one(change(action, account("ada"), before={"enabled": True}), {account("ada"): was})
    assert isinstance(outcome, Refused)
    assert "another one now" in outcome.why
    assert cloud.user("ada")["inline"] == {}


def test_renaming_keeps_the_user_and_rewrites_the_mark(cloud: Cloud) -> None:
    native = cloud.make_user("ada-lovelace", groups=["Developers"])
    renamed = change(
        Action.RENAME, account("ada"), before={"login": "ada-lovelace"}, after={"login": "ada"}, identity="ada"
    )
    assert isinstance(cloud.one(renamed), Done)
    ada = cloud.user("ada")
    assert (ada["id"], ada["groups"], ada["tags"]["provision"]) == (native, ["Developers"], mark("ada"))
    assert isinstance(cloud.one(renamed), Done)
    assert "ada-lovelace" not in cloud.server.truth(ACCOUNT)["users"]


def test_disabling_denies_everything_and_takes_keys_and_password(cloud: Cloud) -> None:
    cloud.make_user("ada")
    ids = cloud.make_everything("ada")
    off = change(Action.DISABLE, account("ada"), before={"enabled": True}, after={"enabled": False})
    assert isinstance(cloud.one(off), Done)
    ada = cloud.user("ada")
    assert json.loads(ada["inline"]["provision-deny"]) == DENY_ALL
    assert ada["keys"] == {ids["key"]: "Inactive", ids["old-key"]: "Inactive"}
    assert ada["password"] is False
    found = Mark.parse(ada["tags"]["provision"])
    assert found is not None
    assert found.disabled_since is not None
    assert abs(found.disabled_since.timestamp() - time.time()) < 60


def test_disabling_again_keeps_the_day_it_was_first_done(cloud: Cloud) -> None:
    since = parse_instant("2026-11-01T00:00:00Z")
    cloud.make_user("ada", marked=False, provision=mark("ada", disabled_since=since))
    cloud.one(change(Action.DISABLE, account("ada"), before={"enabled": True}, after={"enabled": False}))
    assert cloud.user("ada")["tags"]["provision"] == mark("ada", disabled_since=since)


def test_enabling_takes_the_deny_and_the_day_away(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.one(change(Action.DISABLE, account("ada"), before={"enabled": True}, after={"enabled": False}))
    on = change(Action.ENABLE, account("ada"), before={"enabled": False}, after={"enabled": True})
    for _ in range(2):
        assert isinstance(cloud.one(on), Done)
        assert cloud.user("ada")["inline"] == {}
        assert cloud.user("ada")["tags"]["provision"] == mark("ada")


def test_cutting_denies_everything_at_once(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.make_everything("ada")
    cloud.server.reset_calls()
    assert isinstance(cloud.writer().cut(account("ada"), time.monotonic() + 15), Done)
    assert json.loads(cloud.user("ada")["inline"]["provision-deny"]) == DENY_ALL
    assert cloud.server.calls[ACCOUNT, "iam.PutUserPolicy"] == 1
    assert isinstance(cloud.writer().cut(account("nobody"), time.monotonic() + 15), AlreadySo)


def test_the_deny_works_on_keys_that_are_still_active(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.put("ada", "all", EVERYTHING_ALLOWED)
    key = cloud.iam.create_access_key(UserName="ada")["AccessKey"]
    hers = cloud.server.client(
        "iam", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    cloud.server.enforce()
    hers.list_users()
    cloud.writer().cut(account("ada"), time.monotonic() + 15)
    with pytest.raises(hers.exceptions.ClientError, match="explicit deny"):
        hers.list_users()


def test_where_no_room_is_left_for_the_deny_aws_own_stands_in(cloud: Cloud) -> None:
    cloud.make_user("ada")
    long = {**ALLOW, "Statement": [{**ALLOW["Statement"][0], "Resource": "arn:aws:s3:::" + "x" * 1900}]}  # type: ignore[dict-item]
    cloud.put("ada", "long", long)
    assert isinstance(cloud.writer().cut(account("ada"), time.monotonic() + 15), Done)
    assert cloud.user("ada")["attached"] == ["arn:aws:iam::aws:policy/AWSDenyAll"]
    cloud.one(change(Action.REVOKE, grant("inline.long", "ada"), before={}))
    cloud.one(change(Action.DISABLE, account("ada"), before={"enabled": True}, after={"enabled": False}))
    assert cloud.user("ada")["attached"] == []
    assert list(cloud.user("ada")["inline"]) == ["provision-deny"]


def test_a_user_is_deleted_with_all_that_hangs_on_it(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.make_everything("ada")
    cloud.make_user("eve", marked=False, groups=["Developers"])
    gone = change(Action.DELETE, account("ada"), before={"enabled": False})
    assert isinstance(cloud.one(gone), Done)
    truth = cloud.server.truth(ACCOUNT)
    assert list(truth["users"]) == ["eve"]
    assert truth["groups"]["Developers"]["members"] == ["eve"]
    assert cloud.iam.list_virtual_mfa_devices()["VirtualMFADevices"] == []
    assert isinstance(cloud.one(gone), AlreadySo)


def test_what_appears_while_deleting_is_looked_for_again(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.make_everything("ada")
    cloud.server.fail("DeleteUser", "DeleteConflict", 409, 1)
    assert isinstance(cloud.one(change(Action.DELETE, account("ada"), before={"enabled": False})), Done)
    assert cloud.server.calls[ACCOUNT, "iam.ListAccessKeys"] == 2


def test_a_conflict_that_stays_is_told(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.server.fail("DeleteUser", "DeleteConflict", 409, None)
    outcome = cloud.one(change(Action.DELETE, account("ada"), before={"enabled": False}))
    assert trouble(outcome) is Trouble.CONFLICT
    assert "ada" in cloud.server.truth(ACCOUNT)["users"]


# Groups and memberships


def test_a_group_is_made_under_our_path(cloud: Cloud) -> None:
    made = change(Action.CREATE, a_group("Developers"), after={})
    assert isinstance(cloud.one(made), Done)
    assert cloud.iam.get_group(GroupName="Developers")["Group"]["Path"] == "/provision/5f1c0a9b/"
    found = cloud.look(a_group("Developers")).state.resources[a_group("Developers")]
    assert found.mark == Mark("developers", "5f1c0a9b")
    assert isinstance(cloud.one(made), AlreadySo)


def test_an_existing_group_keeps_its_path(cloud: Cloud) -> None:
    cloud.make_group("Developers")
    assert isinstance(cloud.one(change(Action.ADOPT, a_group("Developers"))), Refused)
    assert cloud.iam.get_group(GroupName="Developers")["Group"]["Path"] == "/"


def test_a_group_is_deleted_with_members_and_policies(cloud: Cloud) -> None:
    cloud.make_user("ada", groups=["Developers"])
    cloud.iam.attach_group_policy(GroupName="Developers", PolicyArn=READ_ONLY)
    cloud.iam.put_group_policy(GroupName="Developers", PolicyName="extra", PolicyDocument=json.dumps(ALLOW))
    gone = change(Action.DELETE, a_group("Developers"), before={})
    assert isinstance(cloud.one(gone), Done)
    assert cloud.server.truth(ACCOUNT)["groups"] == {}
    assert isinstance(cloud.one(gone), AlreadySo)


def test_membership_comes_and_goes_and_leaves_the_others(cloud: Cloud) -> None:
    cloud.make_user("eve", marked=False, groups=["Developers"])
    cloud.make_user("ada")
    added = change(Action.CREATE, membership("Developers", "ada"), after={})
    assert kinds([cloud.one(added), cloud.one(added)]) == ["Done", "Done"]
    removed = change(Action.REVOKE, membership("Developers", "ada"), before={})
    assert kinds([cloud.one(removed), cloud.one(removed)]) == ["Done", "AlreadySo"]
    assert cloud.group("Developers")["members"] == ["eve"]


# Policies


def test_a_bare_name_is_the_accounts_own_policy_before_aws(cloud: Cloud) -> None:
    cloud.make_user("ada")
    own = cloud.iam.create_policy(PolicyName="Reports", PolicyDocument=json.dumps(ALLOW))["Policy"]["Arn"]
    for name in ("Reports", "ReadOnlyAccess"):
        assert isinstance(cloud.one(change(Action.CREATE, grant(name, "ada"), after={})), Done)
    assert cloud.user("ada")["attached"] == [own, READ_ONLY]


def test_an_arn_is_never_taken_for_another_policy_of_that_name(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.iam.create_policy(PolicyName="ReadOnlyAccess", PolicyDocument=json.dumps(EVERYTHING_ALLOWED))
    outcome = cloud.one(change(Action.CREATE, grant("ReadOnlyAccess", "ada"), after={"arn": READ_ONLY}))
    assert isinstance(outcome, Refused)
    assert cloud.user("ada")["attached"] == []


def test_policies_of_groups_come_and_go(cloud: Cloud) -> None:
    cloud.make_group("Developers")
    address = grant("ReadOnlyAccess", group("Developers"))
    cloud.one(change(Action.CREATE, address, after={}))
    assert cloud.group("Developers")["attached"] == [READ_ONLY]
    removed = change(Action.REVOKE, address, before={"arn": READ_ONLY}, ways=[Way(READ_ONLY)])
    assert kinds([cloud.one(removed), cloud.one(removed)]) == ["Done", "AlreadySo"]
    assert cloud.group("Developers")["attached"] == []


def test_a_policy_of_the_wrong_arn_is_replaced_right_one_first(cloud: Cloud) -> None:
    cloud.make_user("ada")
    own = cloud.iam.create_policy(PolicyName="Reports", PolicyDocument=json.dumps(ALLOW))["Policy"]["Arn"]
    cloud.iam.attach_user_policy(UserName="ada", PolicyArn=READ_ONLY)
    swapped = change(Action.UPDATE, grant("Reports", "ada"), before={"arn": READ_ONLY}, after={"arn": own})
    assert isinstance(cloud.one(swapped), Done)
    assert cloud.user("ada")["attached"] == [own]


def test_inline_policies_are_only_taken_away(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.put("ada", "by-hand", ALLOW)
    cloud.make_group("Developers")
    cloud.iam.put_group_policy(GroupName="Developers", PolicyName="extra", PolicyDocument=json.dumps(ALLOW))
    assert isinstance(cloud.one(change(Action.REVOKE, grant("inline.by-hand", "ada"), before={})), Done)
    assert isinstance(cloud.one(change(Action.REVOKE, grant("inline.extra", group("Developers")), before={})), Done)
    assert (cloud.user("ada")["inline"], cloud.group("Developers")["inline"]) == ({}, {})
    assert isinstance(cloud.one(change(Action.CREATE, grant("inline.by-hand", "ada"), after={})), Refused)


def test_our_deny_is_not_taken_for_the_policy_that_borrowed_its_name(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.put("ada", "provision-deny", EVERYTHING_ALLOWED)
    cloud.writer().cut(account("ada"), time.monotonic() + 15)
    assert isinstance(cloud.one(change(Action.REVOKE, grant("inline.provision-deny", "ada"), before={})), AlreadySo)
    assert json.loads(cloud.user("ada")["inline"]["provision-deny"]) == DENY_ALL


# Roles


def test_leave_to_assume_a_role_is_an_inline_policy_on_the_user(cloud: Cloud) -> None:
    cloud.make_user("ada")
    arn = cloud.make_role("Deploy", path="/ci/")
    trust = cloud.trust_of("Deploy")
    given = change(Action.CREATE, grant("role.Deploy", "ada"), after={"intact": True})
    assert isinstance(cloud.one(given), Done)
    statement = {"Sid": "provision5f1c0a9b", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": arn}
    assert json.loads(cloud.user("ada")["inline"]["provision-assume-Deploy"])["Statement"] == [statement]
    found = cloud.look(grant("role.Deploy", "ada")).state.resources[grant("role.Deploy", "ada")]
    assert found.attributes == {"intact": True, "ends": None}
    taken = change(Action.REVOKE, grant("role.Deploy", "ada"), before={"intact": True}, ways=found.ways)
    assert kinds([cloud.one(taken), cloud.one(taken)]) == ["Done", "AlreadySo"]
    assert cloud.user("ada")["inline"] == {}
    assert cloud.trust_of("Deploy") == trust


def test_a_tampered_policy_is_written_anew(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.make_role("Deploy")
    cloud.put("ada", "provision-assume-Deploy", EVERYTHING_ALLOWED)
    address = grant("role.Deploy", "ada")
    assert cloud.look(address).state.resources[address].attributes == {"intact": False, "ends": None}
    cloud.one(change(Action.UPDATE, address, before={"intact": False}, after={"intact": True}))
    assert cloud.look(address).state.resources[address].attributes == {"intact": True, "ends": None}


def test_a_role_that_is_not_there_cannot_be_given(cloud: Cloud) -> None:
    cloud.make_user("ada")
    outcome = cloud.one(change(Action.CREATE, grant("role.None", "ada"), after={"intact": True}))
    assert trouble(outcome) is Trouble.GONE
    assert cloud.user("ada")["inline"] == {}


def test_leavers_go_out_of_a_trust_policy_and_everything_else_stays_in_it(cloud: Cloud) -> None:
    ada, bob = cloud.make_user("ada"), cloud.make_user("bob")
    arn = f"arn:aws:iam::{ACCOUNT}:user/"
    strange = {"Sid": "Keep", "Effect": "Deny", "Principal": {"AWS": arn + "ada"}, "Action": "sts:TagSession"}
    federated = {
        "Sid": "Mixed",
        "Effect": "Allow",
        "Principal": {"AWS": arn + "ada", "Service": "ec2.amazonaws.com"},
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": {"StringEquals": {"sts:ExternalId": "42"}},
    }
    alone = {"Effect": "Allow", "Principal": {"AWS": [ada]}, "Action": "sts:AssumeRole"}
    shared = {"Effect": "Allow", "Principal": {"AWS": [arn + "ada", arn + "eve", bob]}, "Action": "sts:AssumeRole"}
    cloud.make_user("eve", marked=False)
    cloud.make_role("Deploy", Version="2012-10-17", Id="team", Statement=[strange, federated, alone, shared])
    addresses = [grant("role.Deploy", "ada"), grant("role.Deploy", "bob")]
    found = cloud.look(*addresses).state
    taken = [change(Action.REVOKE, a, before={"intact": True}, ways=found.resources[a].ways) for a in addresses]
    cloud.server.reset_calls()
    assert kinds(cloud.write(*taken)) == ["Done", "Done"]
    assert cloud.server.calls[ACCOUNT, "iam.UpdateAssumeRolePolicy"] == 1
    assert cloud.trust_of("Deploy") == {
        "Version": "2012-10-17",
        "Id": "team",
        "Statement": [
            strange,
            {**federated, "Principal": {"Service": "ec2.amazonaws.com"}},
            {**shared, "Principal": {"AWS": [arn + "eve"]}},
        ],
    }
    assert len(cloud.look(*addresses).state) == 0
    assert kinds(cloud.write(*taken)) == ["AlreadySo", "AlreadySo"]


def test_a_role_that_trusted_nobody_else_trusts_nobody(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.make_role("Deploy", f"arn:aws:iam::{ACCOUNT}:user/ada")
    ways = [Way(f"trust:arn:aws:iam::{ACCOUNT}:user/ada")]
    assert isinstance(cloud.one(change(Action.REVOKE, grant("role.Deploy", "ada"), before={}, ways=ways)), Done)
    (statement,) = cloud.trust_of("Deploy")["Statement"]
    assert statement["Effect"] == "Deny"


def test_one_failed_trust_policy_fails_those_who_stood_in_it_alone(cloud: Cloud) -> None:
    cloud.make_user("ada")
    cloud.make_user("bob")
    cloud.make_role("Deploy", f"arn:aws:iam::{ACCOUNT}:user/ada")
    cloud.one(change(Action.CREATE, grant("role.Deploy", "bob"), after={"intact": True}))
    addresses = [grant("role.Deploy", "ada"), grant("role.Deploy", "bob")]
    found = cloud.look(*addresses).state
    cloud.server.fail("UpdateAssumeRolePolicy", "UnmodifiableEntity", 400, None)
    outcomes = cloud.write(*(change(Action.REVOKE, a, before={}, ways=found.resources[a].ways) for a in addresses))
    assert kinds(outcomes) == ["Failed", "Done"]
    assert trouble(outcomes[0]) is Trouble.INVALID


def test_nobody_of_this_account_is_refused(cloud: Cloud) -> None:
    cloud.make_role("Deploy", f"arn:aws:iam::{OTHER}:user/eve")
    stranger = Principal(NAME, PrincipalKind.UNKNOWN, f"arn:aws:iam::{OTHER}:user/eve")
    before = cloud.trust_of("Deploy")
    assert isinstance(cloud.one(change(Action.REVOKE, grant("role.Deploy", stranger), before={})), Refused)
    assert cloud.trust_of("Deploy") == before


# Credentials


def test_each_kind_of_credential_is_ended_and_twice_is_fine(cloud: Cloud) -> None:
    cloud.make_user("ada")
    ids = cloud.make_everything("ada")
    cloud.make_user("eve", marked=False)
    cloud.make_everything("eve")
    others = cloud.user("eve")
    labels = {
        "access-key": "key", "mfa": "mfa", "ssh-key": "ssh", "service": "service", "certificate": "certificate"
    }  # fmt: skip
    things = ["password", *(f"{label}.{ids[name]}" for label, name in labels.items())]
    for thing in things:
        address = credential(thing, "ada")
        ways = cloud.look(address).state.resources[address].ways
        ended = change(Action.REVOKE, address, before={}, ways=ways)
        assert isinstance(cloud.one(ended), Done)
        assert isinstance(cloud.one(ended), Done | AlreadySo)
    ada = cloud.user("ada")
    assert (ada["password"], ada["mfa"]) == (False, [])
    assert set(ada["keys"].values()) | set(ada["ssh"].values()) == {"Inactive"}
    assert set(ada["services"].values()) | set(ada["certs"].values()) == {"Inactive"}
    assert cloud.user("eve") == others
    left = cloud.look(*(credential(thing, "ada") for thing in things)).state
    assert not any(resource.gives_access for resource in left)


# Failures


def test_a_lost_answer_is_unknown_and_trying_again_is_safe(cloud: Cloud) -> None:
    cloud.server.fail("CreateUser", None, 500, 1, lost=True)
    made = change(Action.CREATE, account("ada"), after=ADA)
    assert isinstance(cloud.one(made), Unknown)
    assert "ada" in cloud.server.truth(ACCOUNT)["users"]
    assert isinstance(cloud.one(made), AlreadySo)


def test_a_server_error_on_a_write_is_unknown(cloud: Cloud) -> None:
    cloud.server.fail("CreateUser", "ServiceFailure", 500, 1)
    assert isinstance(cloud.one(change(Action.CREATE, account("ada"), after=ADA)), Unknown)


def test_a_write_is_sent_once(cloud: Cloud) -> None:
    cloud.server.throttle("CreateUser", None)
    assert trouble(cloud.one(change(Action.CREATE, account("ada"), after=ADA))) is Trouble.BUSY
    assert cloud.server.calls[ACCOUNT, "iam.CreateUser"] == 1


@pytest.mark.parametrize(
    ("code", "status", "means"),
    [
        ("AccessDenied", 403, Trouble.DENIED),
        ("LimitExceeded", 409, Trouble.INVALID),
        ("ConcurrentModification", 409, Trouble.BUSY),
        ("EntityTemporarilyUnmodifiable", 409, Trouble.BUSY),
        ("Throttling", 400, Trouble.BUSY),
        ("NoSuchEntity", 404, Trouble.GONE),
        ("MalformedPolicyDocument", 400, Trouble.INVALID),
        ("ExpiredToken", 403, Trouble.CREDENTIAL),
        ("SomethingNew", 400, Trouble.INVALID),
    ],
)
def test_codes_are_told_in_our_words(cloud: Cloud, code: str, status: int, means: Trouble) -> None:
    cloud.make_user("ada", groups=["Developers"])
    cloud.server.fail("AddUserToGroup", code, status, None)
    outcome = cloud.one(change(Action.CREATE, membership("Developers", "ada"), after={}))
    assert trouble(outcome) is means
    assert isinstance(outcome, Failed)
    assert outcome.error.call == "iam:AddUserToGroup"
    assert (outcome.error.code, bool(outcome.error.request_id)) == (code, True)


def test_a_user_made_a_moment_ago_may_not_be_known_everywhere_yet(cloud: Cloud) -> None:
    cloud.make_group("Developers")
    writer = cloud.writer()
    deadline = time.monotonic() + 15
    made, added = (
        change(Action.CREATE, account("ada"), after=ADA),
        change(Action.CREATE, membership("Developers", "ada"), after={}),
    )
    cloud.server.fail("AddUserToGroup", "NoSuchEntity", 404, 1)
    for step in (made, added):
        (outcome,) = writer.write(declare().unit(step.address), [step], expect={}, token=step.id, deadline=deadline)
    assert trouble(outcome) is Trouble.BUSY


def test_past_the_deadline_nothing_is_sent(cloud: Cloud) -> None:
    writer = cloud.writer()
    made = change(Action.CREATE, account("ada"), after=ADA)
    (outcome,) = writer.write(declare().unit(made.address), [made], expect={}, token="", deadline=time.monotonic() - 1)
    assert trouble(outcome) is Trouble.BUSY
    assert cloud.server.calls[ACCOUNT, "iam.CreateUser"] == 0


def test_a_call_that_was_sent_ends_by_its_deadline(cloud: Cloud) -> None:
    writer = cloud.writer()
    first = change(Action.CREATE, account("grace"), after=ADA)
    writer.write(declare().unit(first.address), [first], expect={}, token="", deadline=time.monotonic() + 15)
    made = change(Action.CREATE, account("ada"), after=ADA)
    cloud.server.delay = 6.0
    begun = time.monotonic()
    (outcome,) = writer.write(declare().unit(made.address), [made], expect={}, token="", deadline=begun + 1)
    assert time.monotonic() - begun < 4
    assert isinstance(outcome, Unknown)
    cloud.server.delay = 0.0


def test_a_writer_in_the_wrong_account_writes_nothing(cloud: Cloud) -> None:
    cloud.server.create_account(OTHER)
    wrong = aws_target(account=OTHER, assume_role={"apply": f"arn:aws:iam::{ACCOUNT}:role/provision-write"})
    writer = PROVIDER.open_writer(wrong, cloud.environ(), None)
    made = change(Action.CREATE, account("ada"), after=ADA)
    (outcome,) = writer.write(declare().unit(made.address), [made], expect={}, token="", deadline=time.monotonic() + 15)
    assert trouble(outcome) is Trouble.CREDENTIAL
    assert cloud.server.truth(ACCOUNT)["users"] == {}
