"""SARIF as code scanning takes it."""

from __future__ import annotations

from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.report.sarif import MOST, sarif


def problem(message: str, line: int = 3, **more: object) -> Diagnostic:
    return Diagnostic("unknown-role", message, location=Location("access/a b.yaml", line, 5), **more)  # type: ignore[arg-type]


def results(*problems: Diagnostic) -> list[dict[str, object]]:
    found = sarif(problems, "validate")["runs"][0]["results"]
    assert isinstance(found, list)
    return found


def test_a_result_says_where_and_what() -> None:
    (found,) = results(problem("no role", length=4, why="w", fix="f", severity=Severity.WARNING))
    assert found["ruleId"] == "unknown-role"
    assert found["level"] == "warning"
    assert found["message"] == {"text": "no role\nwhy: w\nfix: f"}
    assert found["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "access/a%20b.yaml"},
                "region": {"startLine": 3, "startColumn": 5, "endColumn": 9},
            }
        }
    ]


def test_a_problem_that_moved_is_the_same_and_two_alike_are_two() -> None:
    here, there = results(problem("x", 3))[0], results(problem("x", 30))[0]
    assert here["partialFingerprints"] == there["partialFingerprints"]
    first, second = results(problem("x", 3), problem("x", 30))
    assert first["partialFingerprints"] != second["partialFingerprints"]


def test_text_from_outside_is_escaped() -> None:
    (found,) = results(problem("\x1b[2J\u202e"))
    assert found["message"] == {"text": "\\x1b[2J\\u202e"}


def test_each_command_has_a_category_of_its_own() -> None:
    ids = {sarif((), name)["runs"][0]["automationDetails"]["id"] for name in ("validate", "check-pipeline")}
    assert len(ids) == 2


def test_errors_are_kept_where_there_are_too_many() -> None:
    many = [problem(f"note {n}", severity=Severity.NOTE) for n in range(MOST)]
    found = results(*many, problem("the error", 99))
    assert len(found) == MOST
    assert found[0]["level"] == "error"
