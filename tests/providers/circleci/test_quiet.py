"""What makes other tools differ for ever: done once, and then two plans in a row are the same and empty, by whatever
credential they are made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.providers.circleci.rig import Circle
from tests.runs import failures
from tests.worlds import codes, said

MAIN = 'pipeline.git.branch == "main"'
Story = Callable[[Circle], list[str]]
"""Sets the scene; gives the codes of what is told as long as nobody mends it."""


def context_under_a_new_name(circle: Circle) -> list[str]:
    old = circle.server.state.create_context(circle.org, "release")
    circle.server.state.restrict(old, "group", circle.managers.id)
    circle.server.state.set_variable(old.variables, "KEY", "canary-value-0123")
    circle.contexts = {"release-prod": {"open_to": {"groups": ["delivery-managers"]}, "was": ["release"]}}
    return ["circleci-context-renamed", "circleci-open-context"]


def other_case_and_spaces(circle: Circle) -> list[str]:
    circle.server.state.create_group(circle.org, "Site Reliability")
    wanted = {
        "groups": ["Site-Reliability"],
        "projects": ["gh/acme/Site"],
        "expressions": [f"  {MAIN}  ".replace(" == ", "  ==  ")],
    }
    circle.contexts = {"c": {"open_to": wanted}}
    return []


def restriction_made_twice(circle: Circle) -> list[str]:
    context = circle.server.state.create_context(circle.org, "c")
    for name in (circle.leads.id, circle.managers.id):
        circle.server.state.restrict(context, "group", name)
    circle.contexts = {"c": {"open_to": {"groups": ["leads", "delivery-managers", "leads"]}}}
    return []


def nobody_but_administrators(circle: Circle) -> list[str]:
    circle.server.state.create_context(circle.org, "c")
    circle.contexts = {"c": {"open_to": "admins"}}
    return []


STORIES: list[Story] = [
    context_under_a_new_name, other_case_and_spaces, restriction_made_twice, nobody_but_administrators
]  # fmt: skip


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_two_plans_in_a_row_are_the_same_and_after_it_is_done_there_is_nothing(
    circle: Circle, tmp_path: Path, story: Story
) -> None:
    told = story(circle)
    reading = circle.environ["CIRCLE_READ"] = circle.server.token(circle.ada)  # a member, who may change nothing
    one, two = circle.plan().plan, circle.plan().plan
    assert one.changes and one.changes == two.changes and one.diagnostics == two.diagnostics
    circle.environ["CIRCLE_READ"] = circle.environ["CIRCLE_WRITE"]
    assert circle.plan().plan.approves == one.approves
    assert failures(circle.apply(tmp_path)[1]) == []
    for credential in (reading, circle.environ["CIRCLE_WRITE"], reading):
        circle.environ["CIRCLE_READ"] = credential
        plan = circle.plan().plan
        assert said(plan) == [] and codes(plan) == told
