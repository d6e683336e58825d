"""What `gate` decided, a line each: when, what, who, where, and in which run."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.records.decisions import Decided
from provisioner.report.safe import guard, safe
from provisioner.report.text import moment


def text(found: Iterable[Decided]) -> str:
    """Oldest first, as they come. Whoever may write a record may write anything: all of it is escaped."""
    return "".join(f"{guard(_line(one))}\n" for one in found)


def _line(one: Decided) -> str:
    who = safe(", ".join(one.people) or "somebody unknown", 120)
    where = safe(f"{one.role} in {one.environment}" if one.role else one.environment, 120)
    run = f"{safe(one.run, 120)} on {safe(one.ci, 40)}"
    if one.allowed:
        return f"{moment(one.at)}  allowed  {who}: {where}; {run}"
    ended = "stopped" if one.aborted else "not stopped"
    return (
        f"{moment(one.at)}  refused  {who}: {where}; {safe(one.sentence, 200)} ({safe(one.code, 40)}); {run}, {ended}"
    )
