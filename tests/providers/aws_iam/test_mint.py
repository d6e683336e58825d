"""Sessions of a run on the embedded AWS, with policies enforced: what person and pipeline both may, and no more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from provisioner.contract import CannotNarrow, Minted, Minter, Mints, Order, ProviderError, Trouble
from provisioner.credentials import Secret
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.providers.aws_iam import PROVIDER
from provisioner.providers.aws_iam.mint import Sessions
from provisioner.sandbox.aws import AwsServer
from provisioner.sandbox.aws.evaluate import decide
from tests.providers.aws_iam.rig import ACCOUNT, ALLOW, DENY_ALL, Cloud, aws_target
from tests.worlds import block

ADA = Principal("access", PrincipalKind.PERSON, "ada")
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
TARGET = aws_target(objects={"groups": {"Developers": {"policies": ["ListUsers", "MakeUsers"]}}})
DECLARED = PROVIDER.declare(TARGET)
HOUR = timedelta(hours=1)


def statement(effect: str, *actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": list(actions), "Resource": "*", **more}


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def running() -> Iterator[AwsServer]:
    with AwsServer() as server:
        yield server


@pytest.fixture
def cloud(running: AwsServer) -> Cloud:
    """Ada is a developer; the role `job` of the pipeline `site` may do everything; policies are enforced."""
    running.clear()
    running.create_account(ACCOUNT)
    made = Cloud(running)
    policies = {
        "ListUsers": document(statement("Allow", "iam:ListUsers")),
        "MakeUsers": document(statement("Allow", "iam:CreateUser")),
        "ListRoles": document(statement("Allow", "iam:ListRoles")),
    }
    for name, text in policies.items():
        policy(made, name, text)
    made.make_user("ada", groups=["Developers"])
    for name in ("ListUsers", "MakeUsers"):
        made.iam.attach_group_policy(GroupName="Developers", PolicyArn=own(name))
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{running.hub_account}:root"},
        "Action": ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"],
        "Condition": {
            "StringEquals": {"sts:SourceIdentity": "${aws:RequestTag/person}", "aws:RequestTag/pipeline": "site"}
        },
    }
    made.make_role("job", Version="2012-10-17", Statement=[trust])
    made.iam.attach_role_policy(RoleName="job", PolicyArn=ADMIN)
    running.enforce()
    running.reset_calls()
    return made


def own(name: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy/{name}"


def policy(cloud: Cloud, name: str, text: str, *, user: str | None = None) -> None:
    cloud.iam.create_policy(PolicyName=name, PolicyDocument=text)
    if user is not None:
        cloud.iam.attach_user_policy(UserName=user, PolicyArn=own(name))


def things(person: dict[str, list[str]], scope: dict[str, list[str]]) -> tuple[Resource, ...]:
    found = DECLARED.shared(
        list(DECLARED.expand(block(person, "access/a.yaml"), ADA)),
        list(DECLARED.expand(block(scope, "access/b.yaml"), ADA)),
    )
    assert found.cannot == ()
    return found.things


def order(person: dict[str, list[str]] | None = None, scope: dict[str, list[str]] | None = None, **more: Any) -> Order:
    given: dict[str, Any] = {
        "things": things(person or {"groups": ["Developers"]}, scope or {"policies": ["ListUsers", "ListRoles"]}),
        "ends": datetime.now(UTC) + timedelta(minutes=5),
        "settings": {"assume": "job"},
        **more,
    }
    return Order("r1", "ada", "ada", "site", **given)


def minter(cloud: Cloud) -> Sessions:
    made: Sessions = PROVIDER.open_minter(TARGET, cloud.environ(), "owner")
    return made


def mint(cloud: Cloud, wanted: Order) -> Minted:
    return minter(cloud).mint(wanted, time.monotonic() + 60)


def client(cloud: Cloud, minted: Minted, service: str = "iam") -> Any:
    """As CMD would have it, from nothing but the variables."""
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    values = {key.lower(): minted.environ[key] for key in keys}
    shown = {key: value.reveal() if isinstance(value, Secret) else value for key, value in values.items()}
    return cloud.server.client(service, **shown)


def refused(call: Any, **parameters: Any) -> bool:
    try:
        call(**parameters)
    except ClientError as error:
        return bool(error.response["Error"]["Code"] == "AccessDenied")
    return False


def why_not(cloud: Cloud, wanted: Order, before: int = 0) -> Sequence[str]:
    """Refused, and no session of the pipeline's role was even asked for."""
    cloud.server.reset_calls()
    with pytest.raises(CannotNarrow) as told:
        mint(cloud, wanted)
    assert told.value.code == "cannot-narrow"
    assert cloud.server.calls[cloud.server.hub_account, "sts.AssumeRole"] <= 1  # into the role that reads
    assert len(sessions(cloud)) == before
    return told.value.reasons


def sessions(cloud: Cloud) -> list[Any]:
    return [one for one in cloud.server.sessions.values() if one.role_arn.endswith("role/job")]


def test_the_provider_mints(cloud: Cloud) -> None:
    assert isinstance(PROVIDER, Mints)
    made: Minter = minter(cloud)
    assert made.left() == ()
    made.end("ASIAGONE", time.monotonic() + 5)
    made.close()


def test_a_run_may_what_both_may_and_nothing_that_one_of_them_may_alone(cloud: Cloud) -> None:
    iam = client(cloud, mint(cloud, order()))
    iam.list_users()
    assert refused(iam.create_user, UserName="bob")  # only ada
    assert refused(iam.list_roles)  # only the pipeline
    assert refused(iam.list_groups)  # only the role itself
    assert [call for (_, call), n in cloud.server.calls.items() if n and call.startswith("iam.Get")] == [
        "iam.GetAccountAuthorizationDetails"
    ]


def test_two_people_get_two_answers_from_one_pipeline(cloud: Cloud) -> None:
    cloud.make_user("bob")
    cloud.iam.attach_user_policy(UserName="bob", PolicyArn=own("ListRoles"))
    scope = {"policies": ["ListUsers", "ListRoles"]}
    bobs = Order(
        "r2", "bob", "bob", "site", things({"policies": ["ListRoles"]}, scope), order().ends, {"assume": "job"}
    )
    for wanted, may, may_not in ((order(scope=scope), "list_users", "list_roles"), (bobs, "list_roles", "list_users")):
        iam = client(cloud, mint(cloud, wanted))
        getattr(iam, may)()
        assert refused(getattr(iam, may_not))


def test_what_either_is_denied_anywhere_is_denied_to_the_session(cloud: Cloud) -> None:
    """By a policy of the person's own, inline on the user, inline on the group, and of the scope alone."""
    policy(cloud, "Wide", document(statement("Allow", "iam:*")), user="ada")
    denied = {name: document(statement("Deny", f"iam:{name}"), statement("Allow", "s3:*")) for name in
              ("ListUsers", "ListRoles", "ListGroups", "ListPolicies")}  # fmt: skip
    policy(cloud, "No1", denied["ListUsers"], user="ada")
    cloud.iam.put_user_policy(UserName="ada", PolicyName="No2", PolicyDocument=denied["ListRoles"])
    cloud.iam.put_group_policy(GroupName="Developers", PolicyName="No3", PolicyDocument=denied["ListGroups"])
    policy(cloud, "No4", denied["ListPolicies"])
    iam = client(cloud, mint(cloud, order({"policies": ["Wide"]}, {"policies": ["Wide", "No4"]})))
    iam.list_account_aliases()
    assert all(refused(call) for call in (iam.list_users, iam.list_roles, iam.list_groups, iam.list_policies))


def test_a_run_that_two_set_going_is_no_wider_than_either(cloud: Cloud) -> None:
    cloud.make_user("bob", groups=["Developers"])
    for name in ("ListUsers", "MakeUsers"):
        cloud.iam.attach_user_policy(UserName="ada", PolicyArn=own(name))
    cloud.iam.put_user_policy(
        UserName="bob", PolicyName="No", PolicyDocument=document(statement("Deny", "iam:CreateUser"))
    )
    both = {"policies": ["ListUsers", "MakeUsers"]}
    iam = client(cloud, mint(cloud, order(scope=both, others=("bob",))))
    iam.list_users()
    assert refused(iam.create_user, UserName="new")
    cloud.iam.remove_user_from_group(GroupName="Developers", UserName="bob")
    assert any(
        "not on user bob now" in reason for reason in why_not(cloud, order(scope=both, others=("bob",)), before=1)
    )


def test_a_policy_of_awss_own_that_nobody_has_is_read_for_what_it_denies(cloud: Cloud) -> None:
    client(cloud, mint(cloud, order(scope={"policies": ["MakeUsers"]}))).create_user(UserName="bob")
    denying = ["AWSCompromisedKeyQuarantine", "NotThereAtAll"]
    iam = client(cloud, mint(cloud, order(scope={"policies": ["MakeUsers", *denying]})))
    assert refused(iam.create_user, UserName="eve")
    assert cloud.server.calls[ACCOUNT, "iam.GetPolicyVersion"] == 1


def test_a_session_does_not_go_on_into_other_roles(cloud: Cloud) -> None:
    policy(cloud, "Hop", document(statement("Allow", "sts:*", "iam:ListUsers")), user="ada")
    cloud.make_role("other", f"arn:aws:iam::{ACCOUNT}:root")
    sts = client(cloud, mint(cloud, order({"policies": ["Hop"]}, {"policies": ["Hop"]})), "sts")
    arn = f"arn:aws:iam::{ACCOUNT}:role/other"
    assert refused(sts.assume_role, RoleArn=arn, RoleSessionName="ada")


def test_the_session_is_the_persons_by_name_and_ends_with_the_order(cloud: Cloud) -> None:
    wanted = order()
    minted = mint(cloud, wanted)
    (session,) = sessions(cloud)
    assert (session.sandbox_source_identity, session.arn.rpartition("/")[2]) == ("ada", "ada")
    assert session.sandbox_tags == {"person": "ada", "run": "r1", "pipeline": "site"}
    assert (minted.ends, minted.taken_back) == (wanted.ends.replace(microsecond=0), False)
    assert (session.expiration - session.sandbox_issued).total_seconds() == 900  # STS gives no less
    # And so the session itself denies everything once the order's time is over.
    for seconds, verdict in ((-1, True), (0, False), (1, False)):
        at = {"aws:currenttime": [(minted.ends + timedelta(seconds=seconds)).isoformat()]}
        assert decide(session.sandbox_session_policies, "iam:ListUsers", "*", at) is verdict


def test_what_cmd_gets_is_the_session_and_no_way_to_another_credential(cloud: Cloud) -> None:
    ours = cloud.environ(AWS_ROLE_ARN="x", AWS_WEB_IDENTITY_TOKEN_FILE="/nowhere")
    environ = PROVIDER.open_minter(TARGET, ours, None).mint(order(), time.monotonic() + 60).environ
    assert {name for name, value in environ.items() if isinstance(value, Secret)} == {
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    }
    assert str(environ["AWS_ACCESS_KEY_ID"]).startswith("ASIA")
    assert (environ["AWS_REGION"], environ["AWS_EC2_METADATA_DISABLED"]) == ("us-east-1", "true")
    assert environ["AWS_ENDPOINT_URL"] == cloud.server.url
    assert not environ.keys() & {"AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"}


def test_a_long_order_gets_an_hour(cloud: Cloud) -> None:
    minted = mint(cloud, order(ends=datetime.now(UTC) + 5 * HOUR))
    (session,) = sessions(cloud)
    assert minted.ends == session.expiration.astimezone(UTC)
    assert session.expiration - session.sandbox_issued == HOUR


def test_a_short_id_is_a_session_too(cloud: Cloud) -> None:
    cloud.make_user("a", groups=["Developers"])
    given = order()
    mint(cloud, Order("r1", "a", "a", "site", given.things, given.ends, given.settings))
    assert sessions(cloud)[0].sandbox_source_identity == "a="


MFA = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"settings": {}}, "names no role"),
        ({"settings": {"assume": "arn:aws:iam::222222222222:role/job"}}, "not a role of account"),
        ({"things": ()}, "no policy that both have"),
        ({"ends": datetime(2026, 1, 1, tzinfo=UTC)}, "time of run r1 is over"),
        ({"person": {"assume": ["Deploy"]}, "scope": {"assume": ["Deploy"]}}, "session of Deploy would go on"),
        ({"person": {"policies": ["ListRoles"]}}, "not on user ada now"),
        ({"others": ("eve",)}, "no user eve"),
    ],
)
def test_an_order_that_cannot_be_narrowed_gets_nothing(cloud: Cloud, given: dict[str, Any], why: str) -> None:
    assert any(why in reason for reason in why_not(cloud, order(**given)))


def test_somebody_whose_live_rights_no_session_can_have_gets_nothing(cloud: Cloud) -> None:
    """All that is in the way, in one run each: nobody, a boundary with a cut-off user, and documents."""
    given = order()
    nobody = Order("r1", "eve", "eve", "site", given.things, given.ends, given.settings)
    assert why_not(cloud, nobody) == ("there is no user eve in the account",)

    cloud.iam.put_user_permissions_boundary(UserName="ada", PermissionsBoundary=ADMIN)
    cloud.put("ada", "provision-deny", DENY_ALL)
    assert "permissions boundary" in why_not(cloud, given)[0]
    cloud.iam.delete_user_permissions_boundary(UserName="ada")
    assert why_not(cloud, given) == ("inline policy provision-deny of user ada denies everything",)
    cloud.iam.delete_user_policy(UserName="ada", PolicyName="provision-deny")

    policy(cloud, "Mfa", document(statement("Deny", "iam:*", Condition=MFA)), user="ada")
    (mfa,) = why_not(cloud, given)
    assert "aws:MultiFactorAuthPresent" in mfa


def test_a_shared_policy_that_asks_who_calls_is_not_passed_on(cloud: Cloud) -> None:
    text = document(statement("Allow", "iam:*", Condition={"StringNotEquals": {"aws:username": "ada"}}))
    policy(cloud, "Others", text, user="ada")
    (told,) = why_not(cloud, order({"policies": ["Others"]}, {"policies": ["Others"]}))
    assert "aws:username" in told


def test_denials_that_do_not_fit_into_a_session_are_not_left_out(cloud: Cloud) -> None:
    resources = [f"arn:aws:iam::{ACCOUNT}:user/{'x' * 50}{number}" for number in range(30)]
    policy(cloud, "Much", document({**statement("Deny", "iam:GetUser"), "Resource": resources}), user="ada")
    (told,) = why_not(cloud, order())
    assert "1 of the 1 policies that it takes do not lie ready" in told


def test_twelve_policies_that_both_have_are_all_given(cloud: Cloud) -> None:
    actions = ["ListUsers", "ListRoles", "ListGroups", "ListPolicies", "ListAccountAliases", "ListServerCertificates",
               "ListInstanceProfiles", "ListSAMLProviders", "ListOpenIDConnectProviders", "ListVirtualMFADevices",
               "GetAccountSummary", "GetAccountPasswordPolicy"]  # fmt: skip
    both = [f"May{action}" for action in actions]
    cloud.make_group("More")
    for name, action in zip(both, actions, strict=True):
        policy(cloud, name, document(statement("Allow", f"iam:{action}")))
        holder = {"GroupName": "More" if name in both[:10] else "Developers", "PolicyArn": own(name)}
        cloud.iam.attach_group_policy(**holder)
    cloud.iam.add_user_to_group(GroupName="More", UserName="ada")
    mint(cloud, order({"policies": both}, {"policies": both}))
    policies = sessions(cloud)[0].sandbox_session_policies
    assert all(decide(policies, f"iam:{action}", "*", {}) for action in actions)
    assert not decide(policies, "iam:CreateUser", "*", {})


def test_what_aws_cannot_pack_is_cannot_narrow(cloud: Cloud) -> None:
    cloud.server.fail("AssumeRole", "PackedPolicyTooLarge", 400, None, message="Packed size 104%", after=1)
    with pytest.raises(CannotNarrow, match="Packed size 104%"):
        mint(cloud, order())


def test_a_role_that_does_not_let_us_stamp_the_session_is_told_with_the_way_to_mend_it(cloud: Cloud) -> None:
    trust = document(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{cloud.server.hub_account}:root"},
            "Action": "sts:AssumeRole",
        }
    )
    cloud.iam.update_assume_role_policy(RoleName="job", PolicyDocument=trust)
    with pytest.raises(ProviderError, match="sts:TagSession") as told:
        mint(cloud, order())
    assert (told.value.trouble, isinstance(told.value, CannotNarrow)) == (Trouble.DENIED, False)


def test_an_answer_that_got_lost_may_be_asked_for_again(cloud: Cloud) -> None:
    cloud.server.fail("AssumeRole", None, times=1, after=1, lost=True)
    wanted = order()
    with pytest.raises(ProviderError) as told:
        mint(cloud, wanted)
    assert told.value.trouble in (Trouble.UNREACHABLE, Trouble.BUSY)
    client(cloud, mint(cloud, wanted)).list_users()


def test_a_policy_taken_away_by_hand_is_given_to_no_run(cloud: Cloud) -> None:
    cloud.iam.remove_user_from_group(GroupName="Developers", UserName="ada")
    (told,) = why_not(cloud, order())
    assert f"{own('ListUsers')} is not on user ada now" in told
    cloud.put("ada", "inline", ALLOW)
    assert why_not(cloud, order())
