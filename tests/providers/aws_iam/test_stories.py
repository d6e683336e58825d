"""Whole runs on the embedded AWS: the engine plans, the executor writes, and the server's own truth is what counts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.apply import Applied, apply_plan
from provisioner.contract import Connection
from provisioner.diagnostics import Location
from provisioner.engine import Known, Planned, Situation, make_plan
from provisioner.model.access import DeclaredAccess
from provisioner.model.identity import Identity
from provisioner.model.past import PastDeclared
from provisioner.model.role import GrantBlock, Role
from provisioner.providers.aws_iam import PROVIDER
from provisioner.records.folder import FolderStore
from provisioner.records.journal import Journal
from provisioner.records.run import RunInfo
from tests.providers.aws_iam.rig import ACCOUNT, ALLOW, DENY_ALL, NAME, Cloud, aws_target, mark
from tests.worlds import block, files, said, someone

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


def role(name: str, where: Mapping[str, str] | None = None, **grants: list[str]) -> Role:
    place = Location(f"access/roles/{name}.yaml", 4, 7)
    return Role(name, grants=(GrantBlock("aws", block(grants, place.file), where or {}, place),), location=place)


DEVELOPER = role("developer", groups=["Developers"], policies=["ReadOnlyAccess"], assume=["Deploy"])


class Story:
    """Runs one after another, each with files of its own; the journal and the past go along."""

    def __init__(self, cloud: Cloud, path: Path) -> None:
        self.cloud = cloud
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.journal = Journal(FolderStore(path / "journal"))
        self.past: list[DeclaredAccess] = []

    def plan(self, declared: DeclaredAccess, known: Known | None = None) -> Planned:
        names = frozenset(declared.targets)
        environ = self.cloud.environ()
        connections = {
            name: Connection(target, PROVIDER, PROVIDER.declare(target), environ, declared.records.owner)
            for name, target in declared.targets.items()
        }
        self.connections = connections
        past = tuple(PastDeclared(f"rev{number}", one, names) for number, one in enumerate(self.past, 1))
        return make_plan(
            Situation(declared, connections, self.now, past, dict.fromkeys(names, known) if known is not None else {})
        )

    def apply(self, declared: DeclaredAccess) -> Applied:
        plan = self.plan(declared).plan
        applied = apply_plan(
            plan,
            self.connections,
            self.journal,
            run=RunInfo(f"run{len(self.past)}", "ada"),
            clock=lambda: self.now,
            whole=True,
        )
        self.past.insert(0, declared)
        return applied

    def settled(self, declared: DeclaredAccess) -> None:
        """Applies, and nothing is left to do."""
        applied = self.apply(declared)
        told = {c.words: str(applied.results[c.id].outcome) for c in applied.changes}
        assert applied.converged == frozenset(declared.targets), told
        self.past = [declared]
        assert said(self.plan(declared).plan) == []


@pytest.fixture
def story(cloud: Cloud, tmp_path: Path) -> Story:
    return Story(cloud, tmp_path)


def tree(people: Iterable[Identity], *roles: Role, **objects: Any) -> DeclaredAccess:
    return files(people, roles or [DEVELOPER], [aws_target(objects=objects)])


def foreign(truth: Mapping[str, Any], *ours: str) -> str:
    """Everything that is not ours, as bytes that can be compared."""
    users = {name: user for name, user in truth["users"].items() if name not in ours}
    groups = {
        name: {**group, "members": [m for m in group["members"] if m not in ours]}
        for name, group in truth["groups"].items()
        if name != "Developers"
    }
    return json.dumps([users, groups], sort_keys=True)


def test_what_the_files_declare_is_made_and_then_there_is_nothing_to_do(story: Story) -> None:
    cloud = story.cloud
    cloud.make_role("Deploy")
    story.settled(tree([someone("ada", "developer"), someone("bob", "developer")], groups={"Developers": {}}))
    ada = cloud.user("ada")
    assert (ada["groups"], ada["attached"]) == (["Developers"], [READ_ONLY])
    assert list(ada["inline"]) == ["provision-assume-Deploy"]
    assert ada["tags"] == {"provision": mark("ada"), "email": "ada@example.com"}


def test_foreign_things_are_listed_and_stay_byte_for_byte(story: Story) -> None:
    cloud = story.cloud
    cloud.make_role("Deploy")
    for login in ("eve", "mallory"):
        cloud.make_user(login, marked=False, email=f"{login}@elsewhere.example")
        cloud.make_everything(login)
    cloud.make_user("other", marked=False, provision="provision/1 o=deadbeef k=other")
    before = foreign(cloud.server.truth(ACCOUNT))
    declared = tree([someone("ada", "developer")])
    plan = story.plan(declared).plan
    assert all(change.identity in ("ada", None) for change in plan.changes)
    assert {s.address.object for s in plan.strays if s.address.kind == "account"} == {"eve", "mallory", "other"}
    story.settled(declared)
    story.settled(tree([]))
    assert foreign(cloud.server.truth(ACCOUNT), "ada") == before
    assert cloud.group("Developers")["members"] == ["eve", "mallory"]


def test_a_leaver_keeps_nothing_but_our_deny(story: Story) -> None:
    cloud = story.cloud
    native = cloud.make_user("eve", marked=False)
    cloud.make_role("Deploy")
    cloud.make_role("ByHand", f"arn:aws:iam::{ACCOUNT}:user/eve", native)
    present, gone = [someone("ada", "developer"), someone("bob", "developer")], [someone("bob", "developer")]
    story.settled(tree(present))
    ids = cloud.make_everything("ada")
    cloud.make_everything("eve")
    trust = cloud.trust_of("ByHand")
    trust["Statement"][0]["Principal"]["AWS"].append(f"arn:aws:iam::{ACCOUNT}:user/ada")
    cloud.iam.update_assume_role_policy(RoleName="ByHand", PolicyDocument=json.dumps(trust))
    untouched = foreign(cloud.server.truth(ACCOUNT), "ada")
    story.settled(tree(gone))
    ada = cloud.user("ada")
    assert {name: json.loads(text) for name, text in ada["inline"].items()} == {"provision-deny": DENY_ALL}
    assert ada["keys"] == {ids["key"]: "Inactive", ids["old-key"]: "Inactive"}
    assert (ada["groups"], ada["attached"], ada["password"], ada["mfa"]) == ([], [], False, [])
    assert set(ada["ssh"].values()) | set(ada["services"].values()) | set(ada["certs"].values()) == {"Inactive"}
    assert ada["tags"]["provision"].startswith(mark("ada") + " d=20")
    assert foreign(cloud.server.truth(ACCOUNT), "ada") == untouched
    assert sorted(cloud.trust_of("ByHand")["Statement"][0]["Principal"]["AWS"]) == sorted(
        [f"arn:aws:iam::{ACCOUNT}:user/eve", native]
    )
    assert cloud.user("bob")["groups"] == ["Developers"]

    story.now += timedelta(days=31)
    story.settled(tree(gone))
    assert "ada" not in cloud.server.truth(ACCOUNT)["users"]
    assert cloud.iam.list_virtual_mfa_devices()["VirtualMFADevices"][0]["SerialNumber"].endswith("/eve")
    assert foreign(cloud.server.truth(ACCOUNT), "ada") == untouched


def test_the_deny_comes_before_anything_else_of_a_leaver(story: Story) -> None:
    cloud = story.cloud
    cloud.make_role("Deploy")
    story.settled(tree([someone("ada", "developer")]))
    cloud.make_everything("ada")
    cloud.server.fail("UpdateAccessKey", "AccessDenied", 403, None)
    cloud.server.fail("RemoveUserFromGroup", "AccessDenied", 403, None)
    applied = story.apply(tree([]))
    assert applied.converged == frozenset()
    assert json.loads(cloud.user("ada")["inline"]["provision-deny"]) == DENY_ALL
    cloud.server.heal()
    story.settled(tree([]))
    assert cloud.user("ada")["groups"] == []


def test_a_person_who_returns_is_let_in_again(story: Story) -> None:
    story.cloud.make_role("Deploy")
    here = tree([someone("ada", "developer")])
    story.settled(here)
    native = story.cloud.user("ada")["id"]
    story.settled(tree([]))
    story.settled(here)
    ada = story.cloud.user("ada")
    assert (ada["id"], ada["groups"]) == (native, ["Developers"])
    assert "provision-deny" not in ada["inline"]
    assert ada["tags"]["provision"] == mark("ada")


def test_a_suspended_person_is_locked_and_keeps_their_memberships(story: Story) -> None:
    story.cloud.make_role("Deploy")
    story.settled(tree([someone("ada", "developer")]))
    story.cloud.iam.create_access_key(UserName="ada")
    story.settled(tree([someone("ada", "developer", suspended="leave")]))
    ada = story.cloud.user("ada")
    assert ada["groups"] == ["Developers"]
    assert set(ada["keys"].values()) == {"Inactive"}
    assert "provision-deny" in ada["inline"]


def test_a_group_with_declared_policies_has_those_and_no_others(story: Story) -> None:
    cloud = story.cloud
    cloud.make_group("Developers")
    cloud.make_group("Auditors")
    for name in ("Developers", "Auditors"):
        cloud.iam.attach_group_policy(GroupName=name, PolicyArn=ADMIN)
        cloud.iam.put_group_policy(GroupName=name, PolicyName="extra", PolicyDocument=json.dumps(ALLOW))
    declared = tree([], groups={"Developers": {"policies": ["ReadOnlyAccess"]}, "Auditors": {}})
    plan = story.plan(declared).plan
    assert [
        (c.action.value, c.address.object, c.effect.direction.value, c.effect.level.value) for c in plan.changes
    ] == [
        ("revoke", "AdministratorAccess", "narrows", "admin"),
        ("revoke", "inline.extra", "narrows", "ordinary"),
        ("create", "ReadOnlyAccess", "widens", "ordinary"),
    ]
    assert {c.evidence.value for c in plan.changes if c.evidence} == {"container"}
    story.settled(declared)
    assert cloud.group("Developers")["policies"] == [READ_ONLY]
    assert cloud.group("Auditors")["policies"] == [ADMIN, "extra"]
    story.settled(tree([], groups={"Developers": {"policies": []}}))
    assert cloud.group("Developers")["policies"] == []


def test_a_line_taken_out_takes_the_grant_and_nothing_made_by_hand(story: Story) -> None:
    cloud = story.cloud
    cloud.make_role("Deploy")
    people = [someone("ada", "developer")]
    story.settled(tree(people))
    cloud.iam.attach_user_policy(UserName="ada", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    story.settled(tree(people, role("developer", groups=["Developers"])))
    ada = cloud.user("ada")
    assert (ada["groups"], ada["inline"]) == (["Developers"], {})
    assert ada["attached"] == ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]


def test_an_account_is_adopted_by_its_email_and_no_other(story: Story) -> None:
    cloud = story.cloud
    cloud.make_role("Deploy")
    cloud.make_user("ada", marked=False, email="ada@example.com")
    cloud.make_user("bob", marked=False, email="bob@elsewhere.example")
    declared = tree([someone("ada", "developer"), someone("bob", "developer")])
    plan = story.plan(declared).plan
    assert [d.code for d in plan.diagnostics if d.is_error] == ["account-taken"]
    story.apply(declared)
    assert cloud.user("ada")["tags"]["provision"] == mark("ada")
    assert cloud.user("bob")["tags"] == {"email": "bob@elsewhere.example"}
    assert cloud.user("bob")["groups"] == []


def test_a_new_login_renames_the_user(story: Story) -> None:
    story.cloud.make_role("Deploy")
    story.settled(tree([someone("ada-lovelace", "developer")]))
    native = story.cloud.user("ada-lovelace")["id"]
    story.settled(tree([someone("ada", "developer", was=("ada-lovelace",))]))
    assert story.cloud.user("ada")["id"] == native
    assert "ada-lovelace" not in story.cloud.server.truth(ACCOUNT)["users"]


def test_a_tampered_role_policy_is_repaired(story: Story) -> None:
    story.cloud.make_role("Deploy")
    declared = tree([someone("ada", "developer")])
    story.settled(declared)
    story.cloud.put("ada", "provision-assume-Deploy", ALLOW)
    assert said(story.plan(declared).plan) == [f"update {NAME}:grant/role.Deploy/ada"]
    story.settled(declared)


def test_a_quiet_plan_is_the_pages_and_two_calls(story: Story) -> None:
    cloud = story.cloud
    cloud.make_role("Deploy")
    declared = tree([someone(f"user-{number}", "developer") for number in range(5)])
    story.settled(declared)
    backend = cloud.server.backend(ACCOUNT)
    for number in range(1500):
        backend.create_user("us-east-1", f"stray-{number}", "/", [])
    cloud.server.changed(ACCOUNT)
    cloud.server.reset_calls()
    assert said(story.plan(declared).plan) == []
    assert cloud.server.calls == Counter({
        (cloud.server.hub_account, "sts.AssumeRole"): 1,
        (ACCOUNT, "sts.GetCallerIdentity"): 1,
        (ACCOUNT, "iam.GetAccountAuthorizationDetails"): 2,
    })  # fmt: skip


def test_a_read_that_breaks_off_removes_nothing_and_creates_no_account(story: Story) -> None:
    cloud = story.cloud
    cloud.make_role("Deploy")
    story.settled(tree([someone("ada", "developer"), someone("bob", "developer")]))
    cloud.server.page_limit = 2
    cloud.server.fail("GetAccountAuthorizationDetails", "AccessDenied", 403, None, after=1)
    planned = story.plan(tree([someone("bob", "developer"), someone("carl", "developer")]))
    assert said(planned.plan) == []
    assert not planned.plan.targets[NAME].complete


def test_thirty_accounts_each_with_its_own_role(story: Story) -> None:
    cloud = story.cloud
    targets = []
    for number in range(30):
        account = f"{number:012d}".replace("0", "3", 1)
        cloud.server.create_account(account)
        kind = "production" if number % 2 else "staging"
        target = aws_target(
            f"aws/account-{number}", account, {"groups": {"Developers": {"policies": ["ReadOnlyAccess"]}}}
        )
        targets.append(replace(target, labels={"kind": kind}))
    ops = role("ops", {"kind": "production"}, groups=["Developers"])
    declared = files([someone("ada", "ops")], [ops], targets)
    cloud.server.reset_calls()
    plan = story.plan(declared).plan
    assert all(view.complete for view in plan.targets.values())
    assert {c.address.target for c in plan.changes if c.identity == "ada"} == {
        f"aws/account-{n}" for n in range(1, 30, 2)
    }
    assert cloud.server.calls[cloud.server.hub_account, "sts.AssumeRole"] == 30
    assert sum(cloud.server.calls.values()) == 30 * 3
    sessions = {session.role_arn for session in cloud.server.sessions.values()}
    assert {f"arn:aws:iam::{t.settings.data['account']}:role/provision-read" for t in targets} <= sessions
    assert not any("provision-write" in arn for arn in sessions)
    some = targets[:3]
    story.settled(files([someone("ada", "ops")], [ops], some))
    for target in some:
        truth = cloud.server.truth(target.settings.data["account"])
        assert truth["groups"]["Developers"]["policies"] == [READ_ONLY]
        assert list(truth["users"]) == (["ada"] if target.labels["kind"] == "production" else [])


def test_one_broken_account_does_not_hide_the_others(story: Story) -> None:
    cloud = story.cloud
    cloud.server.create_account("333333333333")
    broken = aws_target("aws/broken", "444444444444")
    works = aws_target("aws/works", "333333333333")
    plan = story.plan(files([someone("ada", "ops")], [role("ops", groups=["Developers"])], [broken, works])).plan
    assert plan.targets["aws/broken"].failed
    assert {c.address.target for c in plan.changes} == {"aws/works"}
