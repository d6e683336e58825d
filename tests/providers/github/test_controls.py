"""What guards repositories: read, compared, put back whole, and which way a change goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from provisioner.model.effect import Direction
from provisioner.providers.github import controls
from tests.providers.github.rig import Hub
from tests.runs import failures
from tests.worlds import codes, said

PROTECTION: dict[str, Any] = {
    "reviews": 2,
    "code_owners": True,
    "checks": ["test", "security"],
    "administrators": True,
    "push": {"teams": ["Leads"]},
}


def guarded(hub: Hub, **of_site: Any) -> None:
    hub.repo("site")
    team = hub.team("leads", "grace")
    hub.server.world.grant_team(team, list(hub.server.world.repos_of(hub.org)), "maintain")
    hub.objects = {"repositories": {"site": of_site}}


def test_branch_is_protected_and_the_next_plan_is_empty(hub: Hub, tmp_path: Path) -> None:
    guarded(hub, branches={"main": PROTECTION})
    files = hub.files([], [])
    planned, applied = hub.apply(tmp_path, files)
    assert said(planned.plan) == ["create github:control/site#branch.main"]
    assert planned.plan.changes[0].effect.direction is Direction.NARROWS and failures(applied) == []
    assert said(hub.plan(files).plan) == []


def test_what_is_not_managed_of_a_protection_is_carried_over(hub: Hub, tmp_path: Path) -> None:
    guarded(hub, branches={"main": {**PROTECTION, "linear_history": True, "last_push_approval": True}})
    hub.apply(tmp_path, hub.files([], []))
    hub.objects = {"repositories": {"site": {"branches": {"main": {"reviews": 1}}}}}
    planned, applied = hub.apply(tmp_path, hub.files([], []))
    assert [c.words for c in planned.plan.changes] == ["change protection of branch main of site: reviews 2 -> 1"]
    assert planned.plan.changes[0].effect.direction is Direction.WIDENS and failures(applied) == []
    hub.objects = {
        "repositories": {
            "site": {
                "branches": {"main": {**PROTECTION, "reviews": 1, "linear_history": True, "last_push_approval": True}}
            }
        }
    }
    assert said(hub.plan(hub.files([], [])).plan) == []


def test_environment_gets_reviewers_and_patterns(hub: Hub, tmp_path: Path) -> None:
    wanted = {
        "reviewers": {"teams": ["leads"], "people": ["Grace"]},
        "wait_minutes": 10,
        "prevent_self_review": True,
        "branches": ["main", "release/*"],
    }
    guarded(hub, environments={"production": wanted})
    files = hub.files([], [])
    planned, applied = hub.apply(tmp_path, files)
    assert said(planned.plan) == ["create github:control/site#environment.production"]
    assert failures(applied) == [] and said(hub.plan(files).plan) == []
    hub.objects = {"repositories": {"site": {"environments": {"production": {"branches": ["main"]}}}}}
    planned, applied = hub.apply(tmp_path, hub.files([], []))
    assert planned.plan.changes[0].effect.direction is Direction.NARROWS and failures(applied) == []
    hub.objects = {"repositories": {"site": {"environments": {"production": {**wanted, "branches": ["main"]}}}}}
    assert said(hub.plan(hub.files([], [])).plan) == []


RULESET: dict[str, Any] = {
    "include": ["~DEFAULT_BRANCH"],
    "rules": {"deletion": {}, "pull_request": {"required_approving_review_count": 2}},
    "bypass": {"teams": {"leads": "pull_request"}},
}


def test_ruleset_of_a_repository_is_made_and_the_next_plan_is_empty(hub: Hub, tmp_path: Path) -> None:
    guarded(hub, rulesets={"main": RULESET})
    hub.environ["GITHUB_READ"] = hub.environ["GITHUB_WRITE"]
    files = hub.files([], [])
    planned, applied = hub.apply(tmp_path, files)
    assert said(planned.plan) == ["create github:control/site#ruleset.main"]
    assert failures(applied) == [] and said(hub.plan(files).plan) == []


def test_bypass_that_is_not_shown_is_not_compared_and_said(hub: Hub, tmp_path: Path) -> None:
    guarded(hub, rulesets={"main": RULESET})
    files = hub.files([], [])
    hub.apply(tmp_path, files)
    planned = hub.plan(files)
    assert said(planned.plan) == [] and codes(planned.plan) == ["github-bypass-hidden"]
    with_all = {**RULESET, "enforcement": "evaluate"}
    hub.objects = {"repositories": {"site": {"rulesets": {"main": with_all}}}}
    seen = hub.plan(hub.files([], [])).plan.changes
    hub.environ["GITHUB_READ"] = hub.environ["GITHUB_WRITE"]
    assert [c.id for c in hub.plan(hub.files([], [])).plan.changes] == [c.id for c in seen] and len(seen) == 1


def test_bypass_changed_by_hand_is_only_seen_by_whoever_may_write_and_the_plans_differ(
    hub: Hub, tmp_path: Path
) -> None:
    guarded(hub, rulesets={"main": RULESET})
    files = hub.files([], [])
    hub.apply(tmp_path, files)
    site = hub.server.world.repo(hub.org, "site")
    assert site is not None
    (ruleset,) = site.rulesets.values()
    declared, ruleset.bypass_actors = ruleset.bypass_actors, []
    hub.server.world.version += 1
    seen = hub.plan(files).plan
    assert said(seen) == [] and [(d.code, "not compared" in d.message) for d in seen.diagnostics] == [
        ("github-bypass-hidden", True)
    ]
    hub.environ["GITHUB_READ"] = hub.environ["GITHUB_WRITE"]
    planned, applied = hub.apply(tmp_path, files)
    assert said(planned.plan) == ["update github:control/site#ruleset.main"] and codes(planned.plan) == []
    assert planned.plan.approves != seen.approves and failures(applied) == []
    assert ruleset.bypass_actors == declared and hub.plan(files).plan.approves == seen.approves


def test_control_whose_lines_are_gone_is_left_as_it_is(hub: Hub, tmp_path: Path) -> None:
    guarded(hub, branches={"main": PROTECTION})
    before = hub.files([], [])
    hub.apply(tmp_path, before)
    hub.objects = {}
    assert said(hub.plan(hub.files([], []), before).plan) == []


@pytest.mark.parametrize(
    ("before", "after", "goes"),
    [
        ({"reviews": None}, {"reviews": 0}, Direction.NARROWS),
        ({"reviews": 2}, {"reviews": 1}, Direction.WIDENS),
        ({"force_pushes": False}, {"force_pushes": True}, Direction.WIDENS),
        ({"administrators": False}, {"administrators": True}, Direction.NARROWS),
        ({"push": "everyone"}, {"push": {"teams": ["leads"]}}, Direction.NARROWS),
        ({"push": {"teams": ["a"]}}, {"push": {"teams": ["a", "b"]}}, Direction.WIDENS),
        ({"push": {"teams": ["a"]}}, {"push": {"teams": ["b"]}}, Direction.BOTH),
        ({"push": {"teams": ["a"]}}, {"push": "everyone"}, Direction.WIDENS),
        ({"reviewers": "none"}, {"reviewers": {"teams": ["a"]}}, Direction.NARROWS),
        ({"reviewers": {"teams": ["a"]}}, {"reviewers": "none"}, Direction.WIDENS),
        ({"reviewers": {"teams": ["a", "b"]}}, {"reviewers": {"teams": ["a"]}}, Direction.NARROWS),
        ({"branches": "all"}, {"branches": "protected"}, Direction.NARROWS),
        ({"branches": ["main"]}, {"branches": ["main", "x"]}, Direction.WIDENS),
        ({"bypass": "nobody"}, {"bypass": {"teams": {"a": "always"}}}, Direction.WIDENS),
        ({"bypass": {"teams": {"a": "always"}}}, {"bypass": "nobody"}, Direction.NARROWS),
        ({"enforcement": "active"}, {"enforcement": "evaluate"}, Direction.WIDENS),
        ({"rules": {"deletion": {}}}, {"rules": {"deletion": {}, "update": {}}}, Direction.NARROWS),
        ({"checks": ["a"]}, {"checks": []}, Direction.WIDENS),
        ({"checks": ["a"], "reviews": 1}, {"checks": [], "reviews": 2}, Direction.BOTH),
        ({"unheard": 1}, {"unheard": 2}, Direction.BOTH),
    ],
)
def test_which_way_a_change_goes(before: dict[str, Any], after: dict[str, Any], goes: Direction) -> None:
    assert controls.direction(before, after) is goes


def test_a_control_that_goes_widens() -> None:
    assert controls.direction({"reviews": 1}, None) is Direction.WIDENS
    assert controls.direction(None, {"reviews": 1}) is Direction.NARROWS
