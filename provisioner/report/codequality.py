"""Diagnostics as GitLab's code quality report, which a merge request shows beside the lines.

One array; an entry without a fingerprint of its own would be dropped, and so would a path that begins with `./`.
https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from provisioner.diagnostics import Diagnostic, Severity, in_order
from provisioner.report.safe import safe
from provisioner.report.sarif import fingerprint

_LEVEL = {Severity.ERROR: "critical", Severity.WARNING: "major", Severity.NOTE: "info"}


def code_quality(diagnostics: Iterable[Diagnostic], *, nowhere: str = "access") -> list[dict[str, Any]]:
    """`nowhere` is the path of what has no place in a file."""
    seen: Counter[str] = Counter()
    return [_entry(d, seen, nowhere) for d in in_order(diagnostics)]


def _entry(problem: Diagnostic, seen: Counter[str], nowhere: str) -> dict[str, Any]:
    place = problem.location
    parts = [safe(problem.message)]
    parts += [f"{label}: {safe(value)}" for label, value in (("why", problem.why), ("fix", problem.fix)) if value]
    return {
        "description": "; ".join(parts),
        "check_name": problem.code,
        "fingerprint": fingerprint(problem, seen),
        "severity": _LEVEL[problem.severity],
        "location": {
            "path": safe(place.file if place is not None else nowhere).removeprefix("./"),
            "lines": {"begin": place.line if place is not None else 1},
        },
    }
