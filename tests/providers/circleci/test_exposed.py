"""Contexts that stand open: opening one is refused with the way through, and one that is there is told each time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.cli.main import main
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.engine import Planned
from provisioner.load import load_files
from provisioner.providers.catalog import all_providers
from provisioner.report.text import text
from tests.providers.circleci.rig import Circle
from tests.runs import failures
from tests.worlds import codes, said

OPEN, UNGUARDED = "circleci-open-context", "circleci-unguarded-context"
GROUPS, PROJECTS = {"groups": ["leads"]}, {"projects": ["site"]}
TARGETS = "targets:\n  ci: {provider: circleci, organization: gh/acme, token: {env: T}}\n"
PROD = {("contexts", "c"): "production"}


def finding(planned: Planned, code: str) -> Diagnostic:
    (found,) = [d for d in planned.plan.diagnostics if d.code == code]
    return found


def withheld(planned: Planned) -> list[str]:
    return [f"{w.rule}: {w.change.action} {w.change.address}" for w in planned.plan.withheld]


def there(circle: Circle, open_to: Any, folder: Path) -> None:
    """A context that is open like this, whatever anybody thought of it then."""
    circle.let("c")
    circle.contexts = {"c": {"open_to": open_to}}
    assert failures(circle.apply(folder)[1]) == []
    circle.acknowledged = ()


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [
        (None, "everyone", OPEN),  # a new one, for all
        (GROUPS, "everyone", OPEN),  # the last restriction goes
        (PROJECTS, "everyone", OPEN),
        ("admins", "everyone", OPEN),
        (None, PROJECTS, UNGUARDED),  # for production, and anybody may run a job there
        (GROUPS, PROJECTS, UNGUARDED),
        ("admins", PROJECTS, UNGUARDED),
        ({**GROUPS, **PROJECTS}, PROJECTS, UNGUARDED),
        (PROJECTS, {"expressions": ["a"]}, UNGUARDED),  # narrows and widens, and stays open
        ({"projects": ["site"], "expressions": ["a"]}, PROJECTS, UNGUARDED),
    ],
)
def test_what_would_open_a_context_is_refused_and_no_call_made(
    circle: Circle, tmp_path: Path, before: Any, after: Any, code: str
) -> None:
    circle.labels = PROD
    if before is not None:
        there(circle, before, tmp_path)
    restricted = circle.server.truth(circle.org)
    circle.contexts = {"c": {"open_to": after}}
    planned, applied = circle.apply(tmp_path)
    action = "create" if before is None else "update"
    assert planned.plan.refused and withheld(planned) == [f"{code}: {action} ci:control/c"]
    assert applied.outcomes == {} and circle.server.truth(circle.org) == restricted
    told = finding(planned, code)
    assert told.severity is Severity.ERROR and 'acknowledgements: [{addresses: ["ci:control/c"], reason' in told.fix


@pytest.mark.parametrize(
    ("before", "after"),
    [("everyone", PROJECTS), ("everyone", GROUPS), (PROJECTS, GROUPS), (PROJECTS, {**PROJECTS, "expressions": ["a"]})],
)
def test_what_narrows_is_done_and_what_is_open_still_is_told(
    circle: Circle, tmp_path: Path, before: Any, after: Any
) -> None:
    circle.labels = PROD
    there(circle, before, tmp_path)
    circle.contexts = {"c": {"open_to": after}}
    planned, applied = circle.apply(tmp_path)
    assert said(planned.plan) == ["update ci:control/c"] and failures(applied) == [] and not planned.plan.refused
    assert codes(planned.plan) == ([UNGUARDED] if "groups" not in after else [])


def test_what_the_refusal_proposes_lets_it_through_until_its_end(circle: Circle, tmp_path: Path) -> None:
    circle.contexts = {"c": {"open_to": "everyone"}}
    fix = finding(circle.plan(), OPEN).fix
    entry = fix[fix.index("acknowledgements:") :]
    loaded = load_files({"access/g.yaml": f"{TARGETS}guardrails:\n  {entry}\n".encode()}, all_providers())
    assert not [d for d in loaded.diagnostics if d.is_error]
    circle.acknowledged = loaded.declared.rules.acknowledgements
    planned, applied = circle.apply(tmp_path)
    assert said(planned.plan) == ["create ci:control/c"] and failures(applied) == []
    told = finding(planned, OPEN)
    assert told.severity is Severity.NOTE and told.why.endswith(": say why") and "let through until" in told.why
    circle.let("c", until=timedelta(days=-1))
    after = circle.plan().plan
    assert sorted(codes(after)) == ["acknowledgement-expired", OPEN] and not after.refused
    circle.let("other")
    assert codes(circle.plan().plan) == [OPEN]


def test_declared_one_that_stands_open_is_told_in_every_plan_and_first(circle: Circle, tmp_path: Path) -> None:
    there(circle, "everyone", tmp_path)
    for name in ("a", "b"):
        circle.server.state.create_context(circle.org, name)
    circle.contexts = {"c": {"open_to": "everyone"}, "new": {"open_to": "admins"}}
    planned = circle.plan()
    assert codes(planned.plan) == [OPEN, OPEN] and not planned.plan.refused
    shown = text(planned.plan).splitlines()
    assert shown[1].startswith("! context `c` is open to every member")
    assert any("nobody declares context `a`, context `b`, each open to every member" in line for line in shown)


def test_variable_more_for_a_context_that_stands_open_is_refused(circle: Circle, tmp_path: Path) -> None:
    there(circle, "everyone", tmp_path)
    (context,) = circle.server.state.contexts.values()
    circle.server.state.set_variable(context.variables, "OLD_KEY", "canary-value-0123")
    circle.contexts = {"c": {"open_to": "everyone", "variables": ["OLD_KEY"]}}
    assert codes(circle.plan().plan) == [OPEN] and not circle.plan().plan.refused
    circle.contexts = {"c": {"open_to": "everyone", "variables": ["NEW_KEY", "OLD_KEY"]}}
    planned = circle.plan()
    assert planned.plan.refused and "and is to hold NEW_KEY too" in finding(planned, OPEN).message
    circle.contexts = {"c": {"open_to": "admins", "variables": ["NEW_KEY", "OLD_KEY"]}}
    assert not circle.plan().plan.refused


def test_label_of_an_environment_that_is_not_protected_asks_for_no_group(circle: Circle) -> None:
    circle.labels = {("contexts", "c"): "test"}
    circle.contexts = {"c": {"open_to": PROJECTS}}
    assert codes(circle.plan().plan) == []


def test_validate_tells_what_the_files_open_without_asking_anybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "access").mkdir()
    (tmp_path / "access" / "a.yaml").write_text(
        "environments: {production: {protected: true}}\n"
        "targets:\n  ci: {provider: circleci, organization: gh/acme, token: {env: T}, contexts: {\n"
        "    all: {open_to: everyone},\n"
        "    prod: {open_to: {projects: [site]}, environment: production},\n"
        "    good: {open_to: {groups: [leads]}, environment: production}}}\n"
    )
    monkeypatch.chdir(tmp_path)
    assert main(["validate"]) == 0
    shown = capsys.readouterr().out
    assert f"access/a.yaml:4:5: warning[{OPEN}]: context `all` is open to every member" in shown
    assert f"access/a.yaml:5:5: warning[{UNGUARDED}]: context `prod` is for `production`" in shown
    assert "good" not in shown.replace("    good:", "")
