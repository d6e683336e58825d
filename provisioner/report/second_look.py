"""What of a plan needs a second look, told beside the line that asks for it: admin-like access, and what is for good.

Decides nothing: the plan says which these are.
"""

from __future__ import annotations

from collections.abc import Iterator

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.effect import Level
from provisioner.plan.plan import Plan


def second_looks(plan: Plan) -> Iterator[Diagnostic]:
    """One warning for each such change, at the first line that asks for it."""
    for change in plan.changes:
        why = []
        if change.effect.level is Level.ADMIN:
            why.append("it is admin-like")
        if not change.reversible:
            why.append("it cannot be undone")
        if why:
            yield Diagnostic(
                "second-look",
                f"{change.words or change.action.value} ({change.address.target})",
                Severity.WARNING,
                change.sources[0] if change.sources else None,
                why=" and ".join(why),
                target=change.address.target,
            )
