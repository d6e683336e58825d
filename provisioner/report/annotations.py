"""Diagnostics as GitHub's workflow commands, which show them beside the changed lines of a pull request.

https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands: one line each; in the message `%`, CR
and LF are percent-encoded, in properties `:` and `,` too. https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
"""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.diagnostics import Diagnostic, Severity, in_order
from provisioner.report.safe import safe

MOST = 50
_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def github(diagnostics: Iterable[Diagnostic], *, most: int = MOST) -> str:
    """One workflow command for each problem, errors first; GitHub shows no more than a few dozen anyway."""
    found = sorted(in_order(diagnostics), key=lambda d: list(Severity).index(d.severity))
    return "".join(_command(d) for d in found[:most])


def _command(problem: Diagnostic) -> str:
    properties = {}
    if problem.location is not None:
        place = problem.location
        properties = {"file": place.file, "line": str(place.line), "col": str(place.column)}
        if problem.length > 1:
            properties["endColumn"] = str(place.column + problem.length)
    properties["title"] = problem.code
    told = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    parts = [safe(problem.message)]
    parts += [f"{label}: {safe(value)}" for label, value in (("why", problem.why), ("fix", problem.fix)) if value]
    return f"::{_LEVEL[problem.severity]} {told}::{_message(chr(10).join(parts))}\n"


def _message(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _message(safe(value)).replace(":", "%3A").replace(",", "%2C")
