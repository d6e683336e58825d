"""A service without keys, on the embedded AWS: its role is made, taken on by the one job that is meant, and ended.

Jobs call AWS themselves, with a token of their CI's; what they then may do is the server's to say.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from provisioner.contract import AlreadySo, Done, Failed, Refused
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action
from provisioner.model.effect import Direction
from provisioner.model.identity import AccountName, Identity, role_accounts
from provisioner.providers.aws_iam import documents, trust
from tests.providers.aws_iam.rig import ACCOUNT, ALLOW, NAME, Cloud, _sdk, account, aws_target, change, grant, person
from tests.providers.aws_iam.test_stories import ADMIN, READ_ONLY, Story, role
from tests.rigs.ci_job import ISSUER, take_on
from tests.worlds import block, codes, files, said, someone

PROVIDER_ARN = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
DEPLOYER = role("deployer", policies=["ReadOnlyAccess"])
SITE = {"repository": "acme/site", "environment": "production"}
TRUST = f"{NAME}:control/trust/service:role%2FDeploy"


def bot(
    claims: dict[str, str] | None = None, *, name: str = "deploy-bot", called: str = "Deploy", pin: str | None = None,
    roles: tuple[str, ...] = ("deployer",), **more: Any,
) -> Identity:  # fmt: skip
    """A service whose role trusts one job."""
    said_so = {NAME: {"role": called, "trust": {"github": claims or SITE}}}
    service = replace(someone(name, *roles, service=True, **more), keyless=block(said_so, "access/services.yaml"))
    if pin is not None:
        service = replace(service, accounts={NAME: AccountName(None, pin)})
    return replace(service, accounts=role_accounts(service))


def tree(*services: Identity, **more: Any) -> DeclaredAccess:
    return files(services, more.get("roles", [DEPLOYER]), [aws_target(objects=more.get("objects", {}))])


@pytest.fixture
def story(cloud: Cloud, tmp_path: Path) -> Story:
    """The account takes tokens of GitHub Actions, and policies are enforced."""
    cloud.iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"])
    cloud.server.enforce(True)
    return Story(cloud, tmp_path)


def ask(cloud: Cloud, repository: str, environment: str | None, **claims: str) -> dict[str, str]:
    """What AWS answers to a job that shows the token of its CI: unsigned, as no job has a key."""
    return take_on(cloud.server.url, f"arn:aws:iam::{ACCOUNT}:role/Deploy", repository, environment, **claims)


def job(cloud: Cloud) -> Any:
    """An IAM client of the job of SITE, which took the role on."""
    given = ask(cloud, SITE["repository"], SITE["environment"])
    return _sdk().create_client(
        "iam",
        region_name="us-east-1",
        endpoint_url=cloud.server.url,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def is_let_in(cloud: Cloud, repository: str = "acme/site", environment: str | None = "production", **more: str) -> bool:
    answer = ask(cloud, repository, environment, **more)
    assert answer.get("Code", "AccessDenied") == "AccessDenied"
    return "SessionToken" in answer


def test_one_job_takes_the_role_on_without_any_key_and_no_other_does(story: Story) -> None:
    cloud = story.cloud
    plan = story.plan(tree(bot())).plan
    assert [c.words for c in plan.changes] == [
        "create role Deploy, which nobody can take on yet",
        "role Deploy trusts GitHub Actions of acme/site, environment production",
        "attach policy ReadOnlyAccess to role Deploy",
    ]
    assert {c.effect.direction for c in plan.changes} == {Direction.WIDENS}
    story.settled(tree(bot()))
    made = cloud.iam.get_role(RoleName="Deploy")["Role"]
    assert made["Tags"] == [{"Key": "provision", "Value": "provision/1 o=5f1c0a9b k=deploy-bot"}]
    assert cloud.trust_of("Deploy") == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": PROVIDER_ARN},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {
                        f"{ISSUER}:aud": "sts.amazonaws.com",
                        f"{ISSUER}:sub": "repo:acme/site:environment:production",
                    }
                },
            }
        ],
    }
    assert job(cloud).list_users()["Users"] == []
    with pytest.raises(ClientError, match="AccessDenied"):
        job(cloud).create_user(UserName="more-than-it-may")
    for other in (("acme/other",), ("acme/site", "staging"), ("acme/site", None), ("acme/site-2",), ("evil/site",)):
        assert not is_let_in(cloud, *other)
    assert not is_let_in(cloud, aud="https://github.com/acme")
    assert cloud.server.truth(ACCOUNT)["users"] == {}


def test_a_trust_that_was_widened_or_narrowed_by_hand_is_put_right(story: Story) -> None:
    cloud, declared = story.cloud, tree(bot())
    story.settled(declared)
    ours = cloud.trust_of("Deploy")
    more = json.loads(json.dumps(ours["Statement"][0]).replace("acme/site", "evil/site"))
    hub = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    narrower = json.loads(json.dumps(ours["Statement"][0]).replace("production", "staging"))
    for statements, effect in (
        ([narrower], Direction.BOTH),
        ([{**ours["Statement"][0], "Condition": {"StringLike": {f"{ISSUER}:sub": "repo:acme/*"}}}], Direction.BOTH),
        ([*ours["Statement"], more, hub], Direction.NARROWS),
    ):
        changed = json.dumps({"Version": "2012-10-17", "Statement": statements})
        cloud.iam.update_assume_role_policy(RoleName="Deploy", PolicyDocument=changed)
        plan = story.plan(declared).plan
        assert [(f"{c.action.value} {c.address}", c.effect.direction) for c in plan.changes] == [
            (f"update {TRUST}", effect)
        ]
    story.settled(declared)
    assert cloud.trust_of("Deploy") == ours
    deny = json.dumps({"Version": "2012-10-17", "Statement": [{**hub, "Effect": "Deny"}]})
    cloud.iam.update_assume_role_policy(RoleName="Deploy", PolicyDocument=deny)
    plan = story.plan(declared).plan
    assert [(f"{c.action.value} {c.address}", c.effect.direction) for c in plan.changes] == [
        (f"create {TRUST}", Direction.WIDENS)
    ]


def test_another_environment_or_the_ids_of_the_repository_are_one_change_of_whom_the_role_trusts(story: Story) -> None:
    cloud = story.cloud
    story.settled(tree(bot()))
    staging = tree(bot({"repository": "acme@11/site@22", "environment": "staging"}))
    assert [c.words for c in story.plan(staging).plan.changes] == [
        "role Deploy trusts GitHub Actions of acme@11/site@22, environment staging alone, no more GitHub Actions of "
        "acme/site, environment production"
    ]
    story.settled(staging)
    assert is_let_in(cloud, "acme@11/site@22", "staging")
    assert not is_let_in(cloud, "acme@11/site@23", "staging")  # the name again, by somebody else
    assert not is_let_in(cloud)


def test_a_service_that_leaves_is_denied_at_once_then_trusted_by_nobody_then_empty_then_gone(story: Story) -> None:
    cloud = story.cloud
    story.settled(tree(bot()))
    cloud.iam.put_role_policy(RoleName="Deploy", PolicyName="by-hand", PolicyDocument=json.dumps(ALLOW))
    running = job(cloud)
    assert running.list_users()["Users"] == []
    cloud.server.fail("UpdateAssumeRolePolicy", "AccessDenied", 403, None)
    story.apply(tree())
    with pytest.raises(ClientError, match="AccessDenied"):
        running.list_users()  # the session that ran, too
    cloud.server.heal()
    story.settled(tree())
    assert not is_let_in(cloud)
    assert cloud.iam.list_role_policies(RoleName="Deploy")["PolicyNames"] == ["provision-deny"]
    assert cloud.iam.list_attached_role_policies(RoleName="Deploy")["AttachedPolicies"] == []
    waiting = story.plan(tree()).plan.waiting
    assert [(str(w.address), w.action.value) for w in waiting] == [(f"{NAME}:account/role%2FDeploy", "delete")]
    story.now += timedelta(days=31)
    story.settled(tree())
    with pytest.raises(ClientError, match="NoSuchEntity"):
        cloud.iam.get_role(RoleName="Deploy")


def test_a_leaver_is_known_by_the_mark_alone_and_who_returns_has_the_role_again(story: Story) -> None:
    story.settled(tree(bot()))
    native = story.cloud.iam.get_role(RoleName="Deploy")["Role"]["RoleId"]
    story.past = []
    plan = story.plan(tree()).plan
    assert [(c.action.value, c.address.object, c.evidence.value) for c in plan.changes if c.evidence] == [
        ("revoke", "ReadOnlyAccess", "subject"),
        ("revoke", "trust", "subject"),
        ("disable", "role/Deploy", "mark"),
    ]
    story.settled(tree())
    story.settled(tree(bot()))
    assert story.cloud.iam.get_role(RoleName="Deploy")["Role"]["RoleId"] == native
    assert job(story.cloud).list_users()["Users"] == []


def test_a_role_that_lost_its_mark_before_its_service_left_is_ended_where_its_id_is_pinned_and_else_told(
    story: Story,
) -> None:
    cloud = story.cloud
    story.settled(tree(bot()))
    native = cloud.iam.get_role(RoleName="Deploy")["Role"]["RoleId"]
    cloud.iam.untag_role(RoleName="Deploy", TagKeys=["provision"])
    gone = replace(tree(), tree="t2")
    plan = story.plan(gone).plan
    assert (said(plan), codes(plan)) == ([], ["look-alike"])
    assert f"{NAME}:account/role%2FDeploy" in {str(s.address) for s in plan.strays}
    applied = story.apply(gone)
    assert applied.converged == frozenset()  # or no later plan would know that there was such a role
    assert applied.targets[NAME].why_not.startswith(f"nothing took away {NAME}:account/role%2FDeploy")
    story.past = [tree(bot(pin=native))]
    story.settled(gone)
    assert not is_let_in(cloud)
    assert cloud.iam.list_role_policies(RoleName="Deploy")["PolicyNames"] == ["provision-deny"]


def test_a_suspended_service_is_denied_everything_and_keeps_the_rest(story: Story) -> None:
    story.settled(tree(bot()))
    running = job(story.cloud)
    story.settled(tree(bot(suspended="incident")))
    with pytest.raises(ClientError, match="AccessDenied"):
        running.list_users()
    assert is_let_in(story.cloud)
    assert [c.words for c in story.plan(tree(bot())).plan.changes] == ["unlock role Deploy: take the deny policy away"]


def test_what_its_roles_give_no_more_is_taken_off_the_role(story: Story) -> None:
    story.cloud.make_role("Elsewhere")
    both = role("deployer", policies=["ReadOnlyAccess", "AdministratorAccess"], assume=["Elsewhere"])
    story.settled(tree(bot(), roles=[both]))
    iam = story.cloud.iam
    attached = {p["PolicyArn"] for p in iam.list_attached_role_policies(RoleName="Deploy")["AttachedPolicies"]}
    assert attached == {READ_ONLY, ADMIN}
    assert iam.list_role_policies(RoleName="Deploy")["PolicyNames"] == ["provision-assume-Elsewhere"]
    plan = story.plan(tree(bot())).plan
    assert {(c.address.object, c.effect.direction.value, c.effect.level.value) for c in plan.changes} == {
        ("AdministratorAccess", "narrows", "admin"), ("role.Elsewhere", "narrows", "ordinary")}  # fmt: skip
    story.settled(tree(bot()))
    assert iam.list_role_policies(RoleName="Deploy")["PolicyNames"] == []


def test_a_role_that_is_there_is_taken_only_where_its_id_is_pinned(story: Story) -> None:
    cloud = story.cloud
    cloud.make_role("Deploy")
    cloud.make_role("Somebody-elses")
    theirs = cloud.trust_of("Somebody-elses")
    plan = story.plan(tree(bot())).plan
    assert (said(plan), [d.code for d in plan.diagnostics if d.is_error]) == ([], ["account-taken"])
    native = cloud.iam.get_role(RoleName="Deploy")["Role"]["RoleId"]
    adopted = tree(bot(pin=native))
    plan = story.plan(adopted).plan
    assert [(c.action.value, c.effect.direction.value) for c in plan.changes] == [
        ("update", "both"), ("adopt", "neutral"), ("create", "widens"),
    ]  # fmt: skip
    story.settled(adopted)
    assert is_let_in(cloud)
    assert cloud.trust_of("Somebody-elses") == theirs


def test_roles_that_nobody_declares_are_no_accounts(story: Story) -> None:
    story.cloud.make_role("Deploy")
    story.cloud.make_role("Elsewhere")
    found = story.plan(tree(someone("ada", "deployer")))
    assert {r.address.object for r in found.sides[NAME].live.of_kind(Kind.ACCOUNT)} == set()
    assert found.plan.strays == ()


def test_a_user_does_not_become_a_role_nor_one_role_another(story: Story) -> None:
    with_key = someone("deploy-bot", "deployer", service=True)
    story.cloud.make_user("deploy-bot", email="deploy-bot@example.com")
    plan = story.plan(tree(bot())).plan
    assert (said(plan), [d.code for d in plan.diagnostics if d.is_error]) == ([], ["another-account"])
    assert "deploy-bot" in story.cloud.server.truth(ACCOUNT)["users"]
    story.settled(tree(with_key, bot(name="deploy-bot-keyless")))  # both, while the pipelines change over
    story.settled(tree(bot(name="deploy-bot-keyless")))
    assert "provision-deny" in story.cloud.user("deploy-bot")["inline"]
    assert is_let_in(story.cloud)
    plan = story.plan(tree(bot(name="deploy-bot-keyless", called="Other"))).plan
    assert [d.code for d in plan.diagnostics if d.is_error] == ["another-account"]


def test_without_an_oidc_provider_nothing_is_trusted_and_the_plan_says_so(cloud: Cloud, tmp_path: Path) -> None:
    story = Story(cloud, tmp_path)
    assert codes(story.plan(tree(bot())).plan).count("aws-oidc-provider") == 1
    applied = story.apply(tree(bot()))
    told = {str(c.address): str(applied.results[c.id].outcome) for c in applied.changes}
    assert "aws iam create-open-id-connect-provider --url https://" + ISSUER in told[TRUST]
    assert trust.entries_of(cloud.trust_of("Deploy"), ACCOUNT) == []
    cloud.iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["elsewhere"])
    assert "is for elsewhere" in next(
        d.message for d in story.plan(tree(bot())).plan.diagnostics if d.code == "aws-oidc-provider"
    )
    cloud.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=PROVIDER_ARN)
    cloud.iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"])
    assert "aws-oidc-provider" not in codes(story.plan(tree(bot())).plan)
    story.settled(tree(bot()))


def test_our_own_role_is_not_taken_from_us(story: Story) -> None:
    """The pipeline that applies is itself a service of the files; taking it out does not saw the branch off."""
    iam = story.cloud.iam
    native = iam.get_role(RoleName="provision-write")["Role"]["RoleId"]
    own = replace(bot(name="provision", called="provision-write", pin=native), roles=())
    iam.tag_role(RoleName="provision-write", Tags=[{"Key": "provision", "Value": "provision/1 o=5f1c0a9b k=provision"}])
    story.past = [tree(own)]
    plan = story.plan(tree()).plan
    assert said(plan) == []
    assert "own-access" in codes(plan)


def test_a_quiet_plan_with_a_role_is_one_call_more(story: Story) -> None:
    story.settled(tree(bot()))
    story.cloud.server.reset_calls()
    assert said(story.plan(tree(bot())).plan) == []
    asked = {call: n for (_, call), n in story.cloud.server.calls.items() if call.startswith("iam.")}
    assert asked == {"iam.GetAccountAuthorizationDetails": 1, "iam.GetOpenIDConnectProvider": 1}


def test_an_end_of_the_service_ends_the_role(story: Story) -> None:
    ending = bot(until=story.now + timedelta(hours=1))
    story.settled(tree(ending))
    story.now += timedelta(hours=2)
    changes = story.plan(tree(ending)).plan.changes
    assert {(c.action.value, c.cause.value) for c in changes} == {("revoke", "time"), ("disable", "time")}


def test_grants_that_are_over_end_the_role_though_the_service_stays(story: Story) -> None:
    story.settled(tree(bot()))
    nothing = tree(replace(bot(), roles=()))
    story.past = [tree(bot())]
    assert [f"{c.action.value} {c.address.object}" for c in story.plan(nothing).plan.changes] == [
        "revoke ReadOnlyAccess", "revoke trust", "disable role/Deploy",
    ]  # fmt: skip
    story.settled(nothing)
    assert not is_let_in(story.cloud)


def test_each_write_may_be_made_twice_and_another_owners_role_is_refused(cloud: Cloud) -> None:
    cloud.iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"])
    login, entry = "role/Deploy", trust.github(SITE)
    trusted = Address(NAME, Kind.CONTROL, "trust", person(login))
    held = grant("ReadOnlyAccess", login)
    for action, address, after in (
        (Action.CREATE, account(login), {"enabled": True}),
        (Action.CREATE, trusted, {"trusts": [entry]}),
        (Action.CREATE, held, {}),
        (Action.DISABLE, account(login), {"enabled": False}),
        (Action.ENABLE, account(login), {"enabled": True}),
        (Action.REVOKE, held, None),
        (Action.REVOKE, trusted, None),
        (Action.DELETE, account(login), None),
    ):
        made = change(action, address, before={}, after=after, identity="deploy-bot")
        for outcome in (cloud.one(made), cloud.one(made)):
            assert isinstance(outcome, Done | AlreadySo), (made.words, outcome)
    assert isinstance(cloud.writer().cut(account(login), float("inf")), AlreadySo)
    cloud.make_role("Deploy")
    new = change(Action.CREATE, account(login), after={"enabled": True}, identity="deploy-bot")
    assert isinstance(cloud.one(new), Failed)  # somebody else's, made meanwhile
    cloud.iam.tag_role(RoleName="Deploy", Tags=[{"Key": "provision", "Value": "provision/1 o=deadbeef k=deploy-bot"}])
    for action in (Action.DISABLE, Action.DELETE, Action.ADOPT):
        assert isinstance(cloud.one(change(action, account(login), before={}, identity="deploy-bot")), Refused)
    assert cloud.iam.list_role_policies(RoleName="Deploy")["PolicyNames"] == []


def test_what_hangs_on_a_role_that_is_another_owners_by_now_is_left_alone(cloud: Cloud) -> None:
    """Between plan and write somebody deleted the role, and another repository made its own of that name."""
    cloud.iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"])
    login = "role/Deploy"
    for name in ("Deploy", "Elsewhere"):
        cloud.make_role(name)
    trusted = Address(NAME, Kind.CONTROL, "trust", person(login))
    attached, assumed = grant("ReadOnlyAccess", login), grant("role.Elsewhere", login)
    iam = cloud.iam
    iam.attach_role_policy(RoleName="Deploy", PolicyArn=READ_ONLY)
    assume = documents.assume(f"arn:aws:iam::{ACCOUNT}:role/Elsewhere", "deadbeef")
    for name, document in (("theirs", json.dumps(ALLOW)), ("provision-assume-Elsewhere", assume)):
        iam.put_role_policy(RoleName="Deploy", PolicyName=name, PolicyDocument=document)

    def holds() -> tuple[Any, ...]:
        return (
            cloud.trust_of("Deploy"),
            iam.list_attached_role_policies(RoleName="Deploy")["AttachedPolicies"],
            [iam.get_role_policy(RoleName="Deploy", PolicyName=name)["PolicyDocument"] for name in policies()],
        )

    def policies() -> list[str]:
        found: list[str] = iam.list_role_policies(RoleName="Deploy")["PolicyNames"]
        return sorted(found)

    before = holds()
    for theirs in ("provision/1 o=deadbeef k=deploy-bot", "terraform"):
        cloud.iam.tag_role(RoleName="Deploy", Tags=[{"Key": "provision", "Value": theirs}])
        for action, address, after in (
            (Action.CREATE, trusted, {"trusts": [trust.github(SITE)]}),
            (Action.REVOKE, trusted, None),
            (Action.CREATE, grant("AdministratorAccess", login), {}),
            (Action.REVOKE, attached, None),
            (Action.REVOKE, grant("inline.theirs", login), None),
            (Action.CREATE, assumed, {}),
            (Action.REVOKE, assumed, None),
        ):
            outcome = cloud.one(change(action, address, before={}, after=after, identity="deploy-bot"))
            assert isinstance(outcome, Refused) and "another owner" in outcome.why, (action, address, outcome)
        assert holds() == before
    ours = documents.assume(f"arn:aws:iam::{ACCOUNT}:role/Elsewhere", "5f1c0a9b")
    iam.put_role_policy(RoleName="Deploy", PolicyName="provision-assume-Elsewhere", PolicyDocument=ours)
    assert isinstance(cloud.one(change(Action.REVOKE, assumed, before={}, identity="deploy-bot")), Done)
    assert policies() == ["theirs"]
