"""GitLab's code quality report, and what of a plan needs a second look."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from sarif_pydantic import Sarif

from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.report.codequality import code_quality
from provisioner.report.sarif import sarif
from provisioner.report.second_look import second_looks
from tests.builders import change, plan


def test_an_entry_has_what_gitlab_wants_and_none_is_dropped_for_another() -> None:
    here = Diagnostic("unknown-role", "no role\x1b", location=Location("./access/a.yaml", 3, 5), fix="f")
    found = code_quality(
        [here, Diagnostic("x", "nowhere", Severity.WARNING), Diagnostic("x", "nowhere", Severity.NOTE)]
    )
    first = next(e for e in found if e["check_name"] == "unknown-role")
    assert first["location"] == {"path": "access/a.yaml", "lines": {"begin": 3}}
    assert (first["severity"], first["description"]) == ("critical", "no role\\x1b; fix: f")
    assert len({e["fingerprint"] for e in found}) == len(found) == 3
    assert {e["location"]["path"] for e in found} == {"access/a.yaml", "access"}


def test_admin_like_access_and_what_is_for_good_are_told_at_their_line() -> None:
    made = plan(
        change("create", "t:membership/a/amy", "add amy to group a", source="access/a.yaml:2:3"),
        change("create", "t:membership/root/zoe", "add zoe to root", source="access/z.yaml:7:3", level="admin"),
        change("delete", "t:account/bob", "delete account bob", reversible=False),
    )
    found = {d.message: d for d in second_looks(made)}
    assert set(found) == {"add zoe to root (t)", "delete account bob (t)"}
    assert found["add zoe to root (t)"].location == Location("access/z.yaml", 7, 3)
    assert found["delete account bob (t)"].why == "it cannot be undone"


def test_every_result_of_sarif_has_a_place_and_every_rule_its_texts() -> None:
    run = sarif([Diagnostic("x", "nowhere")], "plan", nowhere="iam/files")["runs"][0]
    (result,), (rule,) = run["results"], run["tool"]["driver"]["rules"]
    assert result["locations"] == [{"physicalLocation": {"artifactLocation": {"uri": "iam/files"}}}]
    assert all(rule[name]["text"] for name in ("shortDescription", "fullDescription", "help"))


def unknown(model: object) -> list[str]:
    """Fields that the model of SARIF does not have, at any depth."""
    if isinstance(model, list):
        return [name for one in model for name in unknown(one)]
    if not isinstance(model, BaseModel):
        return []
    inner = [name for field in type(model).model_fields for name in unknown(getattr(model, field))]
    return [*(model.model_extra or {}), *inner]


def test_a_plans_sarif_is_what_others_read_as_sarif() -> None:
    made = plan(change("create", "t:membership/root/zoe", "add zoe", source="access/z b.yaml:7:3", level="admin"))
    problems = [*second_looks(made), Diagnostic("x", "error"), Diagnostic("y", "note", Severity.NOTE)]
    log: dict[str, Any] = sarif(problems, "plan")
    read = Sarif.model_validate(log)
    assert unknown(read) == ["columnKind"]  # of the standard (3.14.17), and not of their model
    (run,) = read.runs
    assert [(r.rule_id, r.level and r.level.value) for r in run.results or []] == [
        ("x", "error"),
        ("second-look", "warning"),
        ("y", "note"),
    ]
