"""Diagnostics as SARIF 2.1.0, which code scanning shows beside the lines.

One run, its category the command, so that an upload of one command never closes the alerts of another. Fingerprints are
of code, file and message, not of the line: what moved is the same problem.
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from provisioner import __version__
from provisioner.diagnostics import Diagnostic, Severity, in_order
from provisioner.report.safe import safe

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST = 5000
"""Results that GitHub keeps of one run."""
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def sarif(diagnostics: Iterable[Diagnostic], command: str) -> dict[str, Any]:
    """The SARIF log of one command; errors first where there are more than can be kept."""
    found = sorted(in_order(diagnostics), key=lambda d: list(Severity).index(d.severity))[:MOST]
    codes = sorted({d.code for d in found})
    seen: Counter[str] = Counter()
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "provision",
                        "semanticVersion": __version__,
                        "rules": [{"id": code, "name": code} for code in codes],
                    }
                },
                "automationDetails": {"id": f"provision/{command}/"},
                "columnKind": "unicodeCodePoints",
                "results": [_result(d, codes.index(d.code), seen) for d in found],
            }
        ],
    }


def _result(problem: Diagnostic, rule: int, seen: Counter[str]) -> dict[str, Any]:
    parts = [safe(problem.message)]
    parts += [f"{label}: {safe(value)}" for label, value in (("why", problem.why), ("fix", problem.fix)) if value]
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _LEVEL[problem.severity],
        "message": {"text": "\n".join(parts)},
        "partialFingerprints": {"provision/1": _fingerprint(problem, seen)},
    }
    place = problem.location
    if place is not None:
        region = {"startLine": place.line, "startColumn": place.column}
        region["endColumn"] = place.column + max(problem.length, 1)
        uri = quote(place.file, safe="/")
        result["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}]
    return result


def _fingerprint(problem: Diagnostic, seen: Counter[str]) -> str:
    """The same for the same problem wherever it moves in its file; the second of two alike counts as another."""
    file = problem.location.file if problem.location is not None else ""
    whole = "\0".join((problem.code, file, problem.target or "", problem.message))
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"
