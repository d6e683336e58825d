"""The end of a grant in a policy of ours: AWS ends it with nothing of ours running, and never before the files do."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.contract import ProviderError
from provisioner.model.access import DeclaredAccess
from provisioner.model.assignment import Assignment
from provisioner.model.change import Ender
from provisioner.model.instant import Instant, format_instant
from provisioner.providers.aws_iam import PROVIDER, documents
from provisioner.resolve.begin import begin
from tests.providers.aws_iam.rig import ACCOUNT, ALLOW, Cloud, aws_target
from tests.providers.aws_iam.test_stories import Story, role
from tests.worlds import files, held, said, someone

GRANT = "aws/payments:grant/role.Deploy/ada"
DEPLOYER = role("deployer", assume=["Deploy"], policies=["ReadOnlyAccess"])


@pytest.fixture
def story(cloud: Cloud, tmp_path: Path) -> Story:
    cloud.make_role("Deploy")
    return Story(cloud, tmp_path)


def tree(*untils: Instant | None) -> DeclaredAccess:
    lines = [held("deployer", until=until, line=5 + number) for number, until in enumerate(untils)]
    return files([someone("ada", *lines)], [DEPLOYER], [aws_target()])


def condition(cloud: Cloud) -> Any:
    return json.loads(cloud.user("ada")["inline"]["provision-assume-Deploy"])["Statement"][0].get("Condition")


def before(end: Instant) -> dict[str, Any]:
    return {"DateLessThan": {"aws:CurrentTime": format_instant(end)}}


def test_each_line_says_who_ends_it_and_the_end_is_moved_with_the_files(story: Story) -> None:
    cloud, end = story.cloud, story.now + timedelta(hours=4)
    plan = story.plan(tree(end)).plan
    assert {str(c.address): c.ends_by for c in plan.changes if c.address.principal} == {
        GRANT: Ender.TARGET,
        "aws/payments:grant/ReadOnlyAccess/ada": Ender.EXPIRE,
    }
    story.settled(tree(end))
    assert condition(cloud) == before(end)
    for until, effect in ((end + timedelta(hours=1), "widens"), (end, "narrows"), (None, "widens")):
        plan = story.plan(tree(until)).plan
        assert [(f"{c.action.value} {c.address}", c.effect.direction.value) for c in plan.changes] == [
            (f"update {GRANT}", effect)
        ]
        if effect == "widens":
            story.settled(tree(until))
            assert condition(cloud) == (None if until is None else before(until))


def test_the_longer_of_two_grants_is_not_cut(story: Story) -> None:
    end = story.now + timedelta(hours=1)
    story.settled(tree(end, end + timedelta(hours=3)))
    assert condition(story.cloud) == before(end + timedelta(hours=3))


def test_what_begins_before_the_end_carries_it_on_and_what_begins_after_it_does_not(story: Story) -> None:
    """Nobody is cut off in the middle of what the files give, also where nothing of ours runs meanwhile."""
    cloud, hour = story.cloud, timedelta(hours=1)
    first, last = story.now + hour, story.now + 8 * hour

    def then(starts: Instant, until: Instant | None, line: int) -> Assignment:
        return held("deployer", until=until, line=line)._replace(starts=starts)

    now = held("deployer", until=first, line=5)
    story.settled(files([someone("ada", now)], [DEPLOYER], [aws_target()]))
    for lines, end in (
        ((then(first + hour, last, 6),), first),
        ((then(first + hour, last, 6), then(first - hour / 2, first + hour, 7)), last),
        ((then(first, first + hour, 6),), first + hour),
        ((then(first - hour / 2, None, 6),), None),
    ):
        declared = files([someone("ada", now, *lines)], [DEPLOYER], [aws_target()])
        assert {c.ends for c in story.plan(declared).plan.changes} <= {end}
        story.apply(declared)
        assert condition(cloud) == (before(end) if end is not None else None)
        assert said(story.plan(declared).plan) == []


def test_an_end_that_nobody_could_review_is_not_written(story: Story) -> None:
    """`from: merge`: the plan that was reviewed and the one that is applied are the same, whenever they are made."""
    line = held("deployer")._replace(length=timedelta(hours=4))
    declared = files([someone("ada", line)], [DEPLOYER], [aws_target()])
    plans = [begin(declared, {}, story.now + timedelta(minutes=later))[0] for later in (0, -7)]
    first, second = (story.plan(one).plan for one in plans)
    assert [c.id for c in first.changes] == [c.id for c in second.changes]
    assert {c.ends_by for c in first.changes if c.address.principal} == {Ender.EXPIRE}
    story.settled(plans[0])
    assert condition(story.cloud) is None


def test_a_policy_that_was_changed_by_hand_is_written_anew_with_its_end(story: Story) -> None:
    cloud, end = story.cloud, story.now + timedelta(hours=4)
    story.settled(tree(end))
    ours = cloud.user("ada")["inline"]["provision-assume-Deploy"]
    for tampered in (json.dumps(ALLOW), ours.replace("role/Deploy", "role/*")):
        cloud.iam.put_user_policy(UserName="ada", PolicyName="provision-assume-Deploy", PolicyDocument=tampered)
        assert said(story.plan(tree(end)).plan) == [f"update {GRANT}"]
    story.settled(tree(end))
    assert condition(cloud) == before(end)


def test_an_end_is_never_earlier_than_it_is_said() -> None:
    half = datetime(2026, 12, 1, 18, 0, 0, 500_000, tzinfo=UTC)
    assert documents.ending(half) == "2026-12-01T18:00:01Z"
    assert documents.ending(half.replace(microsecond=0)) == "2026-12-01T18:00:00Z"


def test_aws_ends_it_by_itself_and_expire_takes_the_policy_off(story: Story) -> None:
    """The server's own clock ends it: the run that gave it is the last one of ours until then."""
    cloud = story.cloud
    story.settled(tree(None))
    made = cloud.iam.create_access_key(UserName="ada")["AccessKey"]
    cloud.server.enforce(True)
    key = {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}

    def may_assume() -> bool:
        """A session of its own each time."""
        target = aws_target(assume_role={"plan": "arn:aws:iam::{account}:role/Deploy"})
        reader = PROVIDER.open_reader(target, {**key, "AWS_ENDPOINT_URL": cloud.server.url})
        try:
            return reader.system() == ACCOUNT
        except ProviderError:
            return False

    assert may_assume()
    story.now = datetime.now(UTC)
    story.settled(tree(story.now + timedelta(seconds=2)))
    while may_assume():
        time.sleep(0.2)
    assert condition(cloud) is not None
    story.now = datetime.now(UTC)
    plan = story.plan(tree(story.now)).plan
    assert f"revoke {GRANT}" in said(plan)
    story.settled(tree(story.now))
    assert list(cloud.user("ada")["inline"]) == ["provision-deny"]


def test_a_role_that_names_the_user_has_no_end_and_none_is_claimed(story: Story) -> None:
    cloud, end = story.cloud, story.now + timedelta(hours=4)
    story.settled(tree(end))
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ada"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    cloud.iam.update_assume_role_policy(RoleName="Deploy", PolicyDocument=document)
    cloud.iam.delete_user_policy(UserName="ada", PolicyName="provision-assume-Deploy")
    assert said(story.plan(tree(end)).plan) == []


@pytest.mark.parametrize(
    "condition",
    [
        {"DateLessThan": {"aws:CurrentTime": "whenever"}},
        {"DateGreaterThan": {"aws:CurrentTime": "2026-12-01T18:00:00Z"}},
        {"DateLessThan": {"aws:TokenIssueTime": "2026-12-01T18:00:00Z"}},
        {"DateLessThan": {"aws:CurrentTime": "2026-12-01T18:00:00Z"}, "Bool": {"aws:MultiFactorAuthPresent": "true"}},
        {},
    ],
)
def test_any_other_condition_is_a_policy_that_was_changed_by_hand(condition: dict[str, Any]) -> None:
    arn = f"arn:aws:iam::{ACCOUNT}:role/Deploy"
    document = json.loads(documents.assume(arn, "5f1c0a9b"))
    document["Statement"][0]["Condition"] = condition
    assert documents.read_assume(document, ACCOUNT, "Deploy") == (False, True, "5f1c0a9b", None)
    ended = json.loads(documents.assume(arn, "5f1c0a9b", "2026-12-01T18:00:00Z"))
    found = documents.read_assume(ended, ACCOUNT, "Deploy")
    assert (found.intact, found.ends) == (True, datetime(2026, 12, 1, 18, tzinfo=UTC))
