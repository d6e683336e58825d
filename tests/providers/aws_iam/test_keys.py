"""Access keys that should not be, told by a plan where the target asks for it, on the embedded AWS."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.ask.drift import drift
from provisioner.engine import Known, Planned
from provisioner.model.access import DeclaredAccess
from provisioner.model.identity import Identity
from provisioner.model.rotation import Begun, Rotation
from tests.providers.aws_iam.rig import ACCOUNT, Cloud, aws_target, mark
from tests.providers.aws_iam.test_stories import Story, role
from tests.worlds import block, files, said, someone

READER = role("reader", policies=["ReadOnlyAccess"])
NONE = {"people": {"access_keys": "none"}}
NINETY = {"access_keys": {"max_age": "90d"}}
SLOT = {"aws/payments": {"access-key": {"deliver_to": [{"to": "vault"}]}}}


@pytest.fixture
def story(cloud: Cloud, tmp_path: Path) -> Story:
    """ada and bob are people, bot a service with a declared key and stray-bot one without; eve is nobody's."""
    for login in ("ada", "bob", "bot", "stray-bot"):
        cloud.make_user(login, provision=mark(login), email=f"{login}@example.com")
        cloud.iam.attach_user_policy(UserName=login, PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    cloud.make_user("eve", marked=False)
    for login in ("ada", "ada", "bot", "stray-bot", "eve"):
        cloud.iam.create_access_key(UserName=login)
    off = cloud.iam.create_access_key(UserName="bob")["AccessKey"]["AccessKeyId"]
    cloud.iam.update_access_key(UserName="bob", AccessKeyId=off, Status="Inactive")
    return Story(cloud, tmp_path)


def people() -> list[Identity]:
    bots = [someone(name, "reader", service=True) for name in ("bot", "stray-bot")]
    bots[0] = replace(bots[0], credentials=block(SLOT, "access/services.yaml"))
    return [someone("ada", "reader"), someone("bob", "reader"), *bots]


def tree(**settings: Any) -> DeclaredAccess:
    return files(people(), [READER], [aws_target(**settings)])


def told(planned: Planned) -> list[tuple[str, str]]:
    """Code and message of each finding, without the time of the report."""
    found = [d for d in planned.plan.diagnostics if d.code.startswith("key")]
    assert all(d.severity.value == "warning" and d.why and d.fix for d in found)
    return [(d.code, " ".join(w for w in d.message.split() if not w.startswith("20"))) for d in found]


def calls(story: Story) -> Counter[str]:
    return Counter({call: n for (_, call), n in story.cloud.server.calls.items() if call.startswith("iam.")})


def test_keys_of_people_and_of_services_that_declare_none_are_told_by_two_calls_more(story: Story) -> None:
    story.cloud.server.report_polls = 0  # AWS has one of less than four hours ago
    story.cloud.server.reset_calls()
    planned = story.plan(tree(**NONE))
    assert said(planned.plan) == []
    assert told(planned) == [
        (
            "key-of-person",
            "ada has 2 access keys that work (by AWS's report of and aws/payments says `people: {access_keys: none}`",
        ),
        (
            "key-undeclared",
            "stray-bot has an access key that works (by AWS's report of and the files declare none",
        ),
    ]
    assert calls(story) == {
        "iam.GetAccountAuthorizationDetails": 1, "iam.GenerateCredentialReport": 1, "iam.GetCredentialReport": 1,
    }  # fmt: skip
    (target,) = drift(planned.sides, planned.parts, {}, story.now).targets
    assert len(target.notes) == 2


def test_a_key_beside_the_declared_one_is_told_and_those_that_were_made_here_are_not(story: Story) -> None:
    """By their times, as the report has no ids: a credential is looked for under the name that its service had, too."""
    story.cloud.server.report_polls = 0
    asks = tree(**NONE)

    def beside(known: Rotation, name: str = "bot") -> list[str]:
        rotations = {f"aws/payments:credential/access-key/service:{name}": known}
        planned = story.plan(asks, Known(rotations=rotations))
        return [message for _, message in told(planned) if "nothing shows" in message]

    told_of = ["bot has an access key that works (by AWS's report of and nothing shows that what was made is ours"]
    assert beside(Rotation()) == told_of
    ours = Rotation(made={"AKIA1": story.now + timedelta(minutes=1)})
    assert beside(ours) == []
    assert beside(ours, "robot") == told_of
    bots = [replace(i, was=("robot",)) if i.id == "bot" else i for i in people()]
    asks = files(bots, [READER], [aws_target(people={"access_keys": "none"})])
    assert beside(ours, "robot") == []
    story.cloud.iam.create_access_key(UserName="bot")
    story.cloud.server.changed(ACCOUNT)
    assert beside(ours) == [told_of[0].replace("an access key that works", "2 access keys that work")]
    assert beside(replace(ours, made={**ours.made, "AKIA2": story.now})) == []
    assert beside(replace(ours, ended=story.now)) == [], "the report may be from before that one was deleted"
    assert beside(replace(ours, issuing=Begun("", (), story.now))) == [], "it may be the one of a run that died"


def test_nothing_is_asked_and_nothing_told_where_the_target_does_not_say_so(story: Story) -> None:
    story.cloud.server.reset_calls()
    assert told(story.plan(tree())) == []
    assert calls(story) == {"iam.GetAccountAuthorizationDetails": 1}


def test_old_keys_are_told_whoever_has_them(story: Story) -> None:
    assert {code for code, _ in told(story.plan(tree(**NINETY)))} == {"key-undeclared"}
    story.now += timedelta(days=91)
    assert [(code, message.split(" has ")[0]) for code, message in told(story.plan(tree(**NINETY)))] == [
        ("key-over-age", "IAM user eve, whom nobody declares,"),
        ("key-over-age", "ada"),
        ("key-over-age", "bot"),
        ("key-over-age", "stray-bot"),
        ("key-undeclared", "stray-bot"),
    ]


def test_a_report_that_takes_a_while_is_waited_for_and_one_that_is_refused_is_said_to_be(story: Story) -> None:
    story.cloud.server.report_polls = 2
    assert {code for code, _ in told(story.plan(tree(**NONE)))} == {"key-of-person", "key-undeclared"}
    story.cloud.server.fail("GetCredentialReport", "AccessDenied", 403, None)
    planned = story.plan(tree(**NONE))
    assert [code for code, _ in told(planned)] == ["keys-unread"]
    (target,) = drift(planned.sides, planned.parts, {}, story.now).targets
    assert len(target.notes) == 1
    assert story.cloud.server.truth(ACCOUNT)["users"]["ada"]["keys"]


def test_hundreds_of_findings_are_counted_and_not_listed(story: Story) -> None:
    backend = story.cloud.server.backend(ACCOUNT)
    for number in range(60):
        backend.create_user("us-east-1", f"stray-{number:02d}", "/", [])
        backend.create_access_key(f"stray-{number:02d}")
    story.cloud.server.changed(ACCOUNT)
    story.now += timedelta(days=91)
    found = [message for code, message in told(story.plan(tree(**NINETY))) if code == "key-over-age"]
    assert len(found) == 51
    assert "14 more accounts of aws/payments likewise" in found
