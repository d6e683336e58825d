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


def sarif(diagnostics: Iterable[Diagnostic], command: str, *, nowhere: str = "access") -> dict[str, Any]:
    """The SARIF log of one command; errors first where there are more than can be kept. `nowhere` is the path of what
    has no place in a file: code scanning takes no result without one."""
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
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "automationDetails": {"id": f"provision/{command}/"},
                "columnKind": "unicodeCodePoints",
                "results": [_result(d, codes.index(d.code), seen, nowhere) for d in found],
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    words = {"text": code.replace("-", " ")}
    told = {"text": f"docs/errors.md has a paragraph on `{code}`: what is wrong, and how to mend it."}
    return {"id": code, "name": code, "shortDescription": words, "fullDescription": words, "help": told}


def _result(problem: Diagnostic, rule: int, seen: Counter[str], nowhere: str) -> dict[str, Any]:
    parts = [safe(problem.message)]
    parts += [f"{label}: {safe(value)}" for label, value in (("why", problem.why), ("fix", problem.fix)) if value]
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _LEVEL[problem.severity],
        "message": {"text": "\n".join(parts)},
        "locations": [{"physicalLocation": _place(problem, nowhere)}],
        "partialFingerprints": {"provision/1": fingerprint(problem, seen)},
    }


def _place(problem: Diagnostic, nowhere: str) -> dict[str, Any]:
    place = problem.location
    if place is None:
        return {"artifactLocation": {"uri": quote(nowhere, safe="/")}}
    region = {"startLine": place.line, "startColumn": place.column}
    region["endColumn"] = place.column + max(problem.length, 1)
    return {"artifactLocation": {"uri": quote(place.file, safe="/")}, "region": region}


def fingerprint(problem: Diagnostic, seen: Counter[str]) -> str:
    """The same for the same problem wherever it moves in its file; the second of two alike counts as another."""
    file = problem.location.file if problem.location is not None else ""
    whole = "\0".join((problem.code, file, problem.target or "", problem.message))
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"
