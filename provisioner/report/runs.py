"""What `run` gave, a line for each beginning and each end."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.records.runs import Began, Over
from provisioner.report.safe import guard, safe
from provisioner.report.text import moment
from provisioner.report.words import plural


def text(found: Iterable[Began | Over]) -> str:
    """Oldest first, as they come. Whoever may write a record may write anything: all of it is escaped."""
    return "".join(f"{guard(_line(one))}\n" for one in found)


def _line(one: Began | Over) -> str:
    at, run = moment(one.at), safe(one.run, 40)
    if isinstance(one, Over):
        left = f"; left: {safe('; '.join(one.left), 300)}" if one.left else ""
        return f"{at}  {run}  over   {safe(one.how, 120)}; {plural(len(one.ended), 'credential')} ended{left}"
    who = safe(" and ".join(one.people) or "somebody unknown", 120)
    what = safe("; ".join(f"{target}: {', '.join(words)}" for target, words in one.given.items()), 300)
    where = safe(f"{one.role} in {one.environment}" if one.role else one.environment, 120)
    told = f"{safe(one.ci_run, 120)} on {safe(one.ci, 40)}" if one.proven else "as whoever ran it said"
    return f"{at}  {run}  begun  {who}: {where}, {safe(one.pipeline, 80)}; {what}; until {moment(one.ends)}; {told}"
