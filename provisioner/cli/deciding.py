"""What `gate` and `run` have in common: where the declarations lie that count, and what becomes of a run that is
refused. Changes nothing but the run that it is in.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from provisioner import __version__
from provisioner.actor.decide import Asked, Decision
from provisioner.actor.found import Aborted, Found
from provisioner.actor.published import Published
from provisioner.actor.systems import Run
from provisioner.cli.exit_codes import Exit
from provisioner.cli.interrupts import kept
from provisioner.cli.output import tell
from provisioner.cli.wiring import now
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.records.decisions import Decided, record
from provisioner.records.journal import Journal, open_journal
from provisioner.report.annotations import github
from provisioner.report.diagnostics import text
from provisioner.report.safe import safe

JOURNAL = "PROVISION_JOURNAL"
_STEP = 0.2


def told_journal(place: str | None) -> Journal:
    """Where `apply` publishes: told by whoever wrote the job, never by the files that lie in it."""
    where = place or os.environ.get(JOURNAL)
    if not where:
        raise ProvisionError(
            Diagnostic(
                "option-value",
                "it is not said where the journal lies",
                why="the declarations that `apply` publishes there count; what the job has checked out says "
                "whatever the job's author wrote",
                fix=f"--journal PLACE, or the variable {JOURNAL}: the same place as `records.journal`",
            )
        )
    return open_journal(where, Path.cwd())


def refuse_and_stop(
    run: Run, asked: Asked, found: Found, decision: Decision, journal: Journal, counting: Published, wait: float
) -> int:
    """Says why, stops the run by the CI's API, and waits for that."""
    refuse(decision, "whoever sets a run going brings no more rights than their own")
    with kept() as signals:  # a runner that was told to stop the run ends us at once, and that would be on no record
        signals.keep()
        aborted = run.abort()
        recorded(journal, asked, found, decision, counting, aborted)
        if not aborted.done:
            tell(f"the run could not be stopped, so it will be seen as failed: {safe(aborted.why, 400)}\n")
            return Exit.NOT_ALLOWED
        tell("the run was told to stop; it is refused, not failed\n")
        signals.check()
    end = time.monotonic() + wait
    while time.monotonic() < end:  # a signal from the runner breaks this off
        time.sleep(_STEP)
    return Exit.NOT_ALLOWED


def refuse(decision: Decision, rule: str, docs: str = "docs/gate.md") -> None:
    """In one sentence, for the person who reads the log."""
    problem = Diagnostic(
        "not-allowed",
        decision.sentence,
        why=f"{decision.code}: {rule}",
        fix=decision.fix or f"{docs} says what each refusal means",
    )
    tell(text([problem]))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        tell(github([problem]))


def recorded(
    journal: Journal,
    asked: Asked,
    found: Found,
    decision: Decision,
    counting: Published,
    aborted: Aborted | None,
) -> None:
    """A job need not be able to write to the journal; where it is not, that is said and nothing else."""
    decided = Decided(
        at=now(),
        allowed=decision.allowed,
        environment=asked.environment,
        role=asked.role,
        people=decision.people,
        accounts=tuple(f"{part.did}: {part.who}" for part in (*found.starters, *found.approvers)),
        ci=found.system,
        run=found.run,
        url=found.url,
        code=decision.code,
        sentence=decision.sentence,
        tree=counting.entry.applied or counting.entry.seen,
        engine=__version__,
        aborted=None if aborted is None else aborted.done,
    )
    try:
        record(journal.store, decided)
    except ProvisionError as error:
        codes = ", ".join(d.code for d in error.diagnostics)
        tell(f"the decision is not on record: this job may not write to the journal ({codes})\n")
