"""The pure side: blocks into resources, problems told at their place, what a change does to access, and its words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from provisioner.model.address import Address, Kind
from provisioner.model.change import Action
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.resource import Facts, Resource
from provisioner.model.state import State
from provisioner.model.unit import UnitMode
from provisioner.providers.aws_iam import PROVIDER
from provisioner.providers.aws_iam.effects import STRENGTH
from tests.providers.aws_iam.rig import (
    ACCOUNT,
    NAME,
    OTHER,
    account,
    aws_target,
    change,
    credential,
    declare,
    grant,
    group,
    membership,
    person,
)
from tests.worlds import block

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
NOBODY = State()


def a_group(name: str) -> Address:
    return Address(NAME, Kind.GROUP, name)


def live(address: Address, strength: str | None = None, **attributes: Any) -> Resource:
    return Resource(address, attributes, facts=Facts(more={STRENGTH: strength}) if strength else None)


def found_in(grants: dict[str, Any]) -> list[tuple[str, str]]:
    return [(d.code, d.message) for d in declare().check_grants(block(grants, "access/roles.yaml"))]


# Resources


def test_a_grants_block_becomes_memberships_policies_and_roles() -> None:
    grants = {"groups": ["Developers"], "policies": ["Reports", READ_ONLY], "assume": ["Deploy"]}
    found = {str(r.address): dict(r.attributes) for r in declare().expand(block(grants, "x"), person("ada"))}
    assert found == {
        f"{NAME}:group/Developers": {},
        f"{NAME}:membership/Developers/ada": {},
        f"{NAME}:grant/Reports/ada": {},
        f"{NAME}:grant/ReadOnlyAccess/ada": {"arn": READ_ONLY},
        f"{NAME}:grant/role.Deploy/ada": {"intact": True, "ends": None},
    }


def test_declared_groups_and_their_policies_are_resources_with_their_lines() -> None:
    declared = list(declare(groups={"Developers": {"policies": ["ReadOnlyAccess"]}, "Auditors": {}}).declared())
    assert [(str(r.address), r.sources[0].column) for r in declared] == [
        (f"{NAME}:group/Developers", 3),
        (f"{NAME}:grant/ReadOnlyAccess/group:Developers", 5),
        (f"{NAME}:group/Auditors", 3),
    ]


def test_only_groups_whose_policies_are_written_out_are_complete() -> None:
    made = declare(groups={"Developers": {"policies": ["x"]}, "None": {"policies": []}, "Open": {}})
    assert list(made.complete()) == [(Kind.GRANT, group("Developers")), (Kind.GRANT, group("None"))]


def test_the_email_is_a_tag_where_a_tag_can_hold_it_and_the_account_is_ours() -> None:
    ada = Identity(IdentityKind.PERSON, "ada", email="ada@example.com")
    assert declare().account(ada, "ada").attributes == {"enabled": True, "email": "ada@example.com"}
    odd = Identity(IdentityKind.PERSON, "odd", email="o'dd!@example.com")
    assert declare().account(odd, "odd").attributes == {"enabled": True}


def test_what_must_be_there_first() -> None:
    made = declare()
    assert set(made.needs(live(membership("Developers", "ada")))) == {a_group("Developers"), account("ada")}
    assert set(made.needs(live(grant("x", "ada")))) == {account("ada")}
    assert set(made.needs(live(grant("x", group("Developers"))))) == {a_group("Developers")}


def test_who_may_assume_a_role_is_one_document() -> None:
    made = declare()
    ada, bob = made.unit(grant("role.Deploy", "ada")), made.unit(grant("role.Deploy", "bob"))
    assert ada == bob
    assert ada.mode is UnitMode.DOCUMENT
    assert made.unit(membership("a", "ada")) != made.unit(membership("a", "bob"))


# Checks


def test_names_that_iam_cannot_hold_are_told_at_their_place() -> None:
    told = found_in({"groups": ["Devs!", "ok"], "assume": ["x" * 65], "policies": ["", "arn:aws:iam::x"]})
    assert [code for code, _ in told] == ["aws-name"] * 4
    (first,) = declare().check_grants(block({"groups": ["ok", "Devs!"]}, "access/roles.yaml"))
    assert str(first.location) == "access/roles.yaml:1:3"


def test_names_with_a_placeholder_wait_until_it_is_filled() -> None:
    assert (
        found_in({"groups": ["{environment}-readers"], "policies": ["{environment}"], "assume": ["{environment}"]})
        == []
    )
    problem = declare().unsupported(live(membership("pro duction-readers", "ada")))
    assert problem is not None
    assert problem.code == "aws-name"


def test_a_policy_of_another_account_is_told() -> None:
    assert found_in({"policies": [f"arn:aws:iam::{OTHER}:policy/Reports"]})[0][0] == "aws-policy-elsewhere"
    assert found_in({"policies": [f"arn:aws:iam::{ACCOUNT}:policy/Reports", READ_ONLY]}) == []


def test_a_bare_name_that_reads_as_something_else_is_told() -> None:
    assert found_in({"policies": ["inline.x"]})[0][0] == "aws-name"


def test_a_role_in_another_account_than_the_targets_is_told() -> None:
    wrong = PROVIDER.declare(aws_target(assume_role={"plan": f"arn:aws:iam::{OTHER}:role/read"}))
    assert [d.code for d in wrong.check()] == ["aws-role-elsewhere"]
    assert list(declare(groups={"Developers": {"policies": ["ReadOnlyAccess"]}}).check()) == []


def test_declared_groups_are_checked_too() -> None:
    made = declare(groups={"Devs!": {"policies": ["what?"]}})
    assert [d.message for d in made.check()] == [
        "`Devs!` cannot name an IAM group",
        "`what?` cannot name an IAM policy",
    ]


@pytest.mark.parametrize(("login", "fine"), [("ada", True), ("a.b+c=d,e@f-g_h", True), ("ä", False), ("a" * 65, False)])
def test_logins(login: str, fine: bool) -> None:
    assert (declare().check_login(login) is None) is fine


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"account": 111111111111},
        {"account": "1"},
        {"account": ACCOUNT, "assume_role": {"plan": "provision-read"}},
        {"account": ACCOUNT, "assume_role": {"read": "arn:aws:iam::111111111111:role/x"}},
        {"account": ACCOUNT, "region": "Frankfurt"},
        {"account": ACCOUNT, "password": "x"},
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PROVIDER.settings.model_validate(settings)


def test_a_role_is_filled_with_the_instances_account() -> None:
    roles = {"plan": "arn:aws:iam::{account}:role/read"}
    settings = PROVIDER.settings.model_validate({"account": ACCOUNT, "region": "eu-central-1", "assume_role": roles})
    assert settings.role_for("plan") == f"arn:aws:iam::{ACCOUNT}:role/read"
    assert settings.role_for("apply") is None


def test_a_group_may_be_declared_with_nothing_about_it() -> None:
    objects = PROVIDER.objects.model_validate({"groups": {"Developers": {}, "None": {"policies": []}}})
    assert objects.groups["Developers"].policies is None
    assert objects.groups["None"].policies == []


# Effect


def test_what_gives_widens_and_what_takes_narrows() -> None:
    made, one = declare(), live(grant("ReadOnlyAccess", "ada"))
    assert made.effect(None, one, NOBODY) == Effect(Direction.WIDENS, Level.ORDINARY)
    assert made.effect(one, None, NOBODY) == Effect(Direction.NARROWS, Level.ORDINARY)


def test_taking_a_deny_away_widens() -> None:
    made = declare()
    for deny in (live(grant("inline.stop", "ada"), "denies"), live(grant("AWSDenyAll", "ada"))):
        assert made.effect(deny, None, NOBODY).direction is Direction.WIDENS
        assert made.effect(None, deny, NOBODY).direction is Direction.NARROWS


def test_a_policy_is_as_strong_as_its_document_and_not_as_its_name() -> None:
    made = declare()
    assert made.effect(None, live(grant("Reports", "ada"), "admin"), NOBODY).level is Level.ADMIN
    around = State([live(grant("Reports", "ada"), "admin")])
    assert made.effect(None, live(grant("Reports", "ada")), around).level is Level.ADMIN
    assert made.effect(None, live(grant("role.Deploy", "ada"), "elevated"), NOBODY).level is Level.ELEVATED


def test_a_membership_is_as_strong_as_its_group() -> None:
    joined = live(membership("Ops", "ada"))
    around = State([live(grant("inline.x", group("Ops")), "admin")])
    assert declare().effect(None, joined, around).level is Level.ADMIN
    assert declare().effect(None, joined, NOBODY).level is Level.ORDINARY
    declared = declare(groups={"Ops": {"policies": ["arn:aws:iam::aws:policy/AdministratorAccess"]}})
    assert declared.effect(None, joined, NOBODY).level is Level.ADMIN


def test_a_policy_that_nobody_holds_yet_is_known_by_its_document() -> None:
    strong = {"policy.Reports": "admin", "role.Deploy": "elevated", "policy.OpsAdmin": "elevated"}
    around = State([live(Address(NAME, Kind.CONTROL, thing), strength) for thing, strength in strong.items()])
    made = declare(groups={"Ops": {"policies": ["Reports"]}})
    assert made.effect(None, live(grant("Reports", "ada")), around).level is Level.ADMIN
    assert made.effect(None, live(grant("role.Deploy", "ada")), around).level is Level.ELEVATED
    assert made.effect(None, live(grant("OpsAdmin", "ada")), around).level is Level.ELEVATED
    assert made.effect(None, live(membership("Ops", "ada")), around).level is Level.ADMIN


def test_an_account_is_as_strong_as_what_it_holds() -> None:
    around = State([live(membership("Ops", "ada")), live(grant("AdministratorAccess", group("Ops")))])
    on, off = live(account("ada"), enabled=True), live(account("ada"), enabled=False)
    assert declare().effect(on, off, around) == Effect(Direction.NARROWS, Level.ADMIN)
    assert declare().effect(off, on, around) == Effect(Direction.WIDENS, Level.ADMIN)
    assert declare().effect(on, live(account("ada"), enabled=True, email="x"), around).direction is Direction.NEUTRAL
    assert declare().effect(live(credential("password", "ada")), None, around).level is Level.ADMIN


def test_a_changed_grant_counts_as_both() -> None:
    before, after = live(grant("role.Deploy", "ada"), intact=False), live(grant("role.Deploy", "ada"), intact=True)
    assert declare().effect(before, after, NOBODY).direction is Direction.BOTH


def test_an_empty_group_gives_nothing() -> None:
    assert declare().effect(None, live(a_group("Ops")), NOBODY).direction is Direction.NEUTRAL


# Words


@pytest.mark.parametrize(
    ("action", "address", "words"),
    [
        (Action.CREATE, account("ada"), "create IAM user ada"),
        (Action.DISABLE, account("ada"), "lock IAM user ada: deny everything, keys inactive, no password"),
        (Action.ENABLE, account("ada"), "unlock IAM user ada: take the deny policy away"),
        (Action.DELETE, account("ada"), "delete IAM user ada and all that hangs on it"),
        (Action.ADOPT, account("ada"), "mark IAM user ada as ours"),
        (Action.RELEASE, account("ada"), "take our mark off IAM user ada"),
        (Action.CREATE, a_group("Ops"), "create group Ops"),
        (Action.DELETE, a_group("Ops"), "delete group Ops, its members out and its policies off"),
        (Action.CREATE, membership("Ops", "ada"), "add ada to group Ops"),
        (Action.REVOKE, membership("Ops", "ada"), "remove ada from group Ops"),
        (Action.CREATE, grant("Reports", "ada"), "attach policy Reports to ada"),
        (Action.REVOKE, grant("Reports", group("Ops")), "detach policy Reports from group Ops"),
        (Action.REVOKE, grant("inline.x", "ada"), "delete inline policy x of ada"),
        (Action.CREATE, grant("role.Deploy", "ada"), "let ada assume role Deploy"),
        (Action.REVOKE, grant("role.Deploy", "ada"), "stop ada from assuming role Deploy"),
        (Action.UPDATE, grant("role.Deploy", "ada"), "write ada's policy for assuming role Deploy anew"),
        (Action.REVOKE, credential("access-key.AKIA1", "ada"), "deactivate access key AKIA1 of ada"),
        (Action.REVOKE, credential("password", "ada"), "remove the console password of ada"),
        (Action.REVOKE, credential("mfa.arn:x", "ada"), "remove MFA device arn:x of ada"),
    ],
)
def test_words(action: Action, address: Address, words: str) -> None:
    assert declare().words(change(action, address)) == words


def test_words_of_what_differs() -> None:
    renamed = change(Action.RENAME, account("ada"), before={"login": "al"}, after={"login": "ada"})
    assert declare().words(renamed) == "rename IAM user al to ada"
    mailed = change(Action.UPDATE, account("ada"), before={"email": "a@x"}, after={"email": "b@x"})
    assert declare().words(mailed) == "update IAM user ada: email a@x -> b@x"
