"""Contexts over the wire: opened and shut step by step, and never wider than the old and the new together."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.contract import Failed, ProviderError, Refused, Trouble
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import EVERYTHING, Verdict
from provisioner.model.effect import Direction
from provisioner.providers.circleci.calls import WriteCalls, open_session
from provisioner.providers.circleci.settings import Settings
from provisioner.transport import Budgets, Pace
from tests.providers.circleci.rig import Circle
from tests.runs import failures
from tests.worlds import codes, said

MAIN = 'pipeline.git.branch == "main"'
PROD = {"open_to": {"groups": ["delivery-managers"], "expressions": [MAIN]}}
ALL = ("group", "All members")


def test_new_context_is_shut_to_all_but_its_groups(circle: Circle, tmp_path: Path) -> None:
    circle.contexts = {"release-prod": PROD}
    planned, applied = circle.apply(tmp_path)
    assert said(planned.plan) == ["create ci:control/release-prod"] and failures(applied) == []
    assert circle.restrictions("release-prod") == [("expression", MAIN), ("group", "delivery-managers")]
    assert said(circle.plan().plan) == [] and codes(circle.plan().plan) == []


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ("everyone", "admins", []),
        ("admins", "everyone", [ALL]),
        ("admins", {"groups": ["leads"]}, [("group", "leads")]),
        ({"groups": ["leads"]}, {"groups": ["delivery-managers"]}, [("group", "delivery-managers")]),
        ({"groups": ["leads"]}, {"projects": ["site"]}, [ALL, ("project", "site")]),
        ({"projects": ["gh/acme/site"]}, "admins", []),
        ({"groups": ["leads"], "projects": ["site"]}, {"groups": ["leads"]}, [("group", "leads")]),
        ({"expressions": [MAIN]}, "everyone", [ALL]),
    ],
)
def test_context_becomes_what_the_files_say(
    circle: Circle, tmp_path: Path, before: Any, after: Any, left: list[tuple[str, str]]
) -> None:
    circle.let("c")
    circle.contexts = {"c": {"open_to": before}}
    assert failures(circle.apply(tmp_path)[1]) == []
    circle.contexts = {"c": {"open_to": after}}
    planned, applied = circle.apply(tmp_path)
    assert said(planned.plan) == ["update ci:control/c"] and failures(applied) == []
    assert circle.restrictions("c") == left
    assert said(circle.plan().plan) == []


def test_swapping_one_group_for_another_is_never_open_to_all(circle: Circle, tmp_path: Path) -> None:
    circle.contexts = {"c": {"open_to": {"groups": ["leads"]}}}
    circle.apply(tmp_path)
    context = next(iter(circle.server.state.contexts.values()))
    seen: list[set[str]] = []
    circle.server.watchers.append(lambda _: seen.append(set(context.values("group"))))
    circle.contexts = {"c": {"open_to": {"groups": ["delivery-managers"]}}}
    assert failures(circle.apply(tmp_path)[1]) == []
    circle.server.watchers.pop()
    steps = [s for i, s in enumerate(seen) if i == 0 or s != seen[i - 1]]
    both = {circle.leads.id, circle.managers.id}
    assert steps == [{circle.leads.id}, both, {circle.managers.id}]


def test_restriction_that_goes_widens(circle: Circle, tmp_path: Path) -> None:
    circle.contexts = {"c": {"open_to": {"groups": ["leads"], "projects": ["site"]}}}
    circle.apply(tmp_path)
    circle.contexts = {"c": {"open_to": {"groups": ["leads"]}}}
    (change,) = circle.plan().plan.changes
    assert change.effect.direction is Direction.WIDENS and "no longer to groups leads; projects site" in change.words
    circle.contexts = {"c": {"open_to": {"groups": ["leads"], "projects": ["site"], "expressions": [MAIN]}}}
    assert circle.plan().plan.changes[0].effect.direction is Direction.NARROWS


def test_group_that_circleci_does_not_know_yet_is_refused_and_nothing_is_made(circle: Circle, tmp_path: Path) -> None:
    circle.contexts = {"c": {"open_to": {"groups": ["newcomers"]}}}
    _, applied = circle.apply(tmp_path)
    (outcome,) = applied.outcomes.values()
    assert isinstance(outcome, Refused) and "every few hours" in outcome.why
    assert circle.server.truth(circle.org)["contexts"] == {}
    circle.server.state.copy_teams(circle.org, {"newcomers": ["ada"], "leads": [], "delivery-managers": []})
    assert failures(circle.apply(tmp_path)[1]) == []


@pytest.mark.parametrize("how", ["said", "named by another context", "not at all"])
def test_group_that_is_listed_to_nobody_is_known_otherwise(circle: Circle, tmp_path: Path, how: str) -> None:
    circle.server.manners.github_groups = False
    circle.contexts = {"c": {"open_to": {"groups": ["leads"]}}}
    if how == "said":
        circle.settings["group_ids"] = {"leads": circle.leads.id}
    elif how == "named by another context":
        state = circle.server.state
        state.restrict(state.create_context(circle.org, "other"), "group", circle.leads.id)
    _, applied = circle.apply(tmp_path)
    if how == "not at all":
        (outcome,) = applied.outcomes.values()
        assert isinstance(outcome, Refused) and "by hand" in outcome.why
    else:
        assert failures(applied) == [] and circle.restrictions("c") == [("group", "leads")]


def test_step_that_did_something_else_stops_the_sequence(circle: Circle, tmp_path: Path) -> None:
    """A restriction is said to be made and is not."""
    circle.contexts = {"c": {"open_to": {"groups": ["leads"]}}}
    circle.server.fail("POST /context/{context-id}/restrictions", 201, body=b"{}")
    _, applied = circle.apply(tmp_path)
    (outcome,) = applied.outcomes.values()
    assert isinstance(outcome, Failed) and outcome.error.trouble is Trouble.CONFLICT
    assert circle.restrictions("c") == [ALL]  # nothing was taken after the step that failed
    assert failures(circle.apply(tmp_path)[1]) == [] and circle.restrictions("c") == [("group", "leads")]


def test_answer_that_is_lost_is_looked_after_and_converges(circle: Circle, tmp_path: Path) -> None:
    circle.contexts = {"c": PROD}
    circle.server.fail("POST /context", None, lost=True)
    circle.apply(tmp_path)
    assert failures(circle.apply(tmp_path)[1]) == []
    assert len(circle.server.state.contexts) == 1 and said(circle.plan().plan) == []


def test_undeclared_open_contexts_are_named_and_left_alone(circle: Circle, tmp_path: Path) -> None:
    circle.server.state.create_context(circle.org, "old")
    planned, applied = circle.apply(tmp_path)
    assert codes(planned.plan) == ["circleci-open-context"] and applied.outcomes == {}
    assert [str(s.address) for s in planned.plan.strays] == ["ci:control/old"]


def test_variables_are_compared_by_name_and_no_value_is_ever_asked_for_or_told(circle: Circle, tmp_path: Path) -> None:
    context = circle.server.state.create_context(circle.org, "c")
    circle.server.state.set_variable(context.variables, "OLD_KEY", "canary-value-0123")
    circle.server.state.set_variable(circle.site.variables, "TOKEN", "canary-value-4567")
    circle.contexts = {"c": {"open_to": "everyone", "variables": ["NEW_KEY"]}}
    circle.projects = {"site": {"variables": []}}
    planned, applied = circle.apply(tmp_path)
    told = [d.message for d in planned.plan.diagnostics if d.code == "circleci-variables"]
    assert any("missing NEW_KEY; not declared OLD_KEY" in m for m in told) and any(
        "not declared TOKEN" in m for m in told
    )
    assert "canary" not in str(planned) and "4567" not in str(planned) and applied.outcomes == {}


def test_short_list_of_restrictions_does_not_read_as_open(circle: Circle, tmp_path: Path) -> None:
    circle.contexts = {"c": PROD}
    circle.apply(tmp_path)
    circle.server.fail("GET /context/{context-id}/restrictions", 500, None)
    circle.provider = type(circle.provider)()
    circle.provider._budgets = Budgets(Pace(sleep=lambda _: None))  # type: ignore[attr-defined]
    planned = circle.plan()
    assert said(planned.plan) == [] and "incomplete-read" in codes(planned.plan)


def test_page_that_breaks_off_is_told(circle: Circle) -> None:
    for i in range(60):
        circle.server.state.create_context(circle.org, f"c{i}")
    reader = circle.reader()
    reading = reader.read(EVERYTHING)
    assert len(reading.state) == 60 and reading.coverage.of(Kind.CONTROL).verdict is Verdict.COMPLETE
    circle.server.truncate("GET /context", 50, None, after=1)
    circle.provider._budgets = Budgets(Pace(sleep=lambda _: None))  # type: ignore[attr-defined]
    with pytest.raises(ProviderError):
        circle.reader().read(EVERYTHING)


@pytest.mark.parametrize("said_when", [True, False])
def test_read_waits_out_the_limit_with_and_without_a_word_of_when(circle: Circle, said_when: bool) -> None:
    for i in range(25):
        circle.server.state.create_context(circle.org, f"c{i}")
    circle.server.retry_after = said_when
    circle.server.per_minute = 10
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        circle.server.clock.advance(seconds=seconds)

    pace = Pace(at_once=1, sleep=sleep, monotonic=lambda: sum(slept), clock=lambda: sum(slept))
    circle.provider._budgets = Budgets(pace)  # type: ignore[attr-defined]
    reading = circle.reader().read(EVERYTHING)
    assert len(reading.state) == 25 and reading.coverage.complete
    # 28 calls at ten a minute: two waits of a minute. That nothing is left, the answer before says, in whole seconds
    # that are rounded down: a call at the very moment may be refused once.
    assert 110 < sum(slept) < 130 and 28 <= sum(circle.server.calls.values()) <= 30


def test_write_that_hits_the_limit_is_sent_again_when_it_may_be(circle: Circle, tmp_path: Path) -> None:
    circle.contexts = {"c": PROD}
    call = "POST /context/{context-id}/restrictions"
    circle.server.fail(call, 429, times=1, headers={"Retry-After": "1"})
    started = time.monotonic()
    _, applied = circle.apply(tmp_path)
    assert failures(applied) == [] and time.monotonic() - started > 1
    assert circle.server.calls[call] == 3  # one refused, two done
    assert circle.restrictions("c") == [("expression", MAIN), ("group", "delivery-managers")]


def test_reader_sends_nothing_but_get(circle: Circle) -> None:
    settings = Settings.model_validate(circle.settings)
    calls = WriteCalls(open_session(settings, "plan", circle.environ, Budgets()), "gh/acme", circle.org.id)
    with pytest.raises(ProviderError) as error:
        calls.create_context("x", 1e18)
    assert error.value.trouble is Trouble.DENIED and circle.server.calls.total() == 0


def test_token_that_is_none_is_told_without_it(circle: Circle) -> None:
    circle.environ["CIRCLE_READ"] = "canary-token"
    with pytest.raises(ProviderError) as error:
        circle.reader().system()
    assert error.value.trouble is Trouble.CREDENTIAL and "canary" not in str(error.value)


def test_organization_of_others_is_told(circle: Circle) -> None:
    circle.settings["organization"] = "gh/nobody"
    with pytest.raises(ProviderError, match="does not belong to gh/nobody"):
        circle.reader().system()


def test_context_with_variables_is_never_deleted(circle: Circle) -> None:
    from dataclasses import replace

    from provisioner.model.change import Action
    from tests.builders import change

    context = circle.server.state.create_context(circle.org, "c")
    circle.server.state.set_variable(context.variables, "KEY", "v")
    connection = circle.connection()
    gone = replace(change("revoke", "ci:control/c"), action=Action.REVOKE)
    writer, unit = connection.writer(), connection.declare.unit(Address.parse("ci:control/c"))
    (outcome,) = writer.write(unit, [gone], expect={}, token="t", deadline=time.monotonic() + 15)
    assert isinstance(outcome, Refused) and "1 variables" in outcome.why and len(circle.server.state.contexts) == 1


# Organizations without groups for contexts


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ("everyone", {"projects": ["site"]}, [("project", "site")]),
        ({"projects": ["site"]}, {"projects": ["docs"]}, [("project", "docs")]),
        ({"projects": ["site"], "expressions": [MAIN]}, {"expressions": [MAIN]}, [("expression", MAIN)]),
        ({"expressions": [MAIN]}, "everyone", []),
    ],
)
def test_context_without_groups_is_opened_and_shut_by_projects_and_rules(
    circle: Circle, tmp_path: Path, before: Any, after: Any, left: list[tuple[str, str]]
) -> None:
    circle.move_elsewhere()
    circle.let("c")
    circle.contexts = {"c": {"open_to": before}}
    assert failures(circle.apply(tmp_path)[1]) == []
    circle.contexts = {"c": {"open_to": after}}
    planned, applied = circle.apply(tmp_path)
    assert said(planned.plan) == ["update ci:control/c"] and failures(applied) == []
    assert circle.restrictions("c") == left
    assert said(circle.plan().plan) == []


def test_open_context_without_groups_is_told_as_open_and_how_to_limit_it(circle: Circle, tmp_path: Path) -> None:
    circle.move_elsewhere()
    circle.server.state.create_context(circle.org, "old")
    circle.contexts = {"old": {"open_to": "everyone"}}
    (told,) = circle.plan().plan.diagnostics
    assert told.code == "circleci-open-context" and told.fix == "limit it by `projects` or `expressions`"
    circle.contexts = {"old": {"open_to": {"projects": ["site"]}}}
    circle.labels = {("contexts", "old"): "production"}
    circle.apply(tmp_path)
    (told,) = circle.plan().plan.diagnostics
    assert told.code == "circleci-unguarded-context" and "acknowledge it" in told.fix


def test_without_groups_projects_and_rules_are_not_exchanged_at_once(circle: Circle, tmp_path: Path) -> None:
    circle.move_elsewhere()
    circle.contexts = {"c": {"open_to": {"projects": ["site"], "expressions": [MAIN]}}}
    circle.apply(tmp_path)
    before = circle.restrictions("c")
    circle.contexts = {"c": {"open_to": {"projects": ["docs"], "expressions": ['pipeline.git.branch == "next"']}}}
    _, applied = circle.apply(tmp_path)
    (outcome,) = applied.outcomes.values()
    assert isinstance(outcome, Refused) and "change the one, apply it, then the other" in outcome.why
    assert circle.restrictions("c") == before
