"""`provision gate`: may whoever set this run going do this? If not, the run is stopped, so that it does not count as
failed. Reads the published declarations and the CI's API; changes nothing but its own run.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from provisioner.actor.decide import Asked, Decision, Hand
    from provisioner.actor.found import Aborted, Found
    from provisioner.actor.published import Published
    from provisioner.actor.systems import Run
    from provisioner.records.journal import Journal

JOURNAL = "PROVISION_JOURNAL"
_STEP = 0.2


def gate(
    environment: Annotated[str, typer.Option("--environment", metavar="E", help="Where it is about to be done.")],
    role: Annotated[
        str | None, typer.Option("--role", metavar="R", help="The role that it takes there; by default any will do.")
    ] = None,
    approver_not: Annotated[
        str | None,
        typer.Option(
            "--approver-not",
            metavar="WHO",
            help="Somebody must have approved the run who is none of these: author,merger,triggerer.",
        ),
    ] = None,
    live: Annotated[
        list[str] | None,
        typer.Option("--live", metavar="TARGET:GROUP", help="They must also be in this group now, as the target says."),
    ] = None,
    journal: Annotated[
        str | None,
        typer.Option("--journal", metavar="PLACE", help=f"The journal that `apply` writes; by default {JOURNAL}."),
    ] = None,
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", min=0, help="How long to wait to be stopped, once refused.")
    ] = 60.0,
) -> int:
    """May whoever set this run going do this? If not, the run is stopped, and not failed."""
    from provisioner.actor.decide import Asked, decide
    from provisioner.actor.published import published
    from provisioner.actor.systems import open_run
    from provisioner.ci.recognise import this_run
    from provisioner.cli.wiring import now
    from provisioner.providers import catalog

    asked = Asked(environment, role, _hands(approver_not))
    groups = [_group(text) for text in live or ()]
    opened = _journal(journal)
    counting = published(opened, catalog.all_providers(), catalog.PLANNED)
    run = open_run(this_run(os.environ).system, counting.declared, os.environ)
    found = run.found(environment, asked.approver_not)
    at = now()
    decision = decide(asked, found, counting.counting, at)
    if decision.allowed and groups:
        decision = _live(decision, groups, counting)
    return _carried_out(run, asked, found, decision, opened, counting, wait)


def _carried_out(
    run: Run, asked: Asked, found: Found, decision: Decision, journal: Journal, counting: Published, wait: float
) -> int:
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.output import show, tell
    from provisioner.report.safe import guard, safe

    if decision.allowed:
        tell(f"{guard(safe(decision.sentence, 400))} ({safe(found.run, 200)})\n")
        _recorded(journal, asked, found, decision, counting, None)
        show("".join(f"{who}\n" for who in decision.people))
        return Exit.DONE
    _refuse(decision)
    aborted = run.abort()
    _recorded(journal, asked, found, decision, counting, aborted)
    if not aborted.done:
        tell(f"the run could not be stopped, so it will be seen as failed: {safe(aborted.why, 400)}\n")
        return Exit.NOT_ALLOWED
    tell("the run was told to stop; it is refused, not failed\n")
    end = time.monotonic() + wait
    while time.monotonic() < end:  # a signal from the runner breaks this off
        time.sleep(_STEP)
    return Exit.NOT_ALLOWED


def _refuse(decision: Decision) -> None:
    from provisioner.cli.output import tell
    from provisioner.diagnostics import Diagnostic
    from provisioner.report.annotations import github
    from provisioner.report.diagnostics import text

    problem = Diagnostic(
        "not-allowed",
        decision.sentence,
        why=f"{decision.code}: whoever sets a run going brings no more rights than their own",
        fix=decision.fix or "see docs/gate.md for what each refusal means",
    )
    tell(text([problem]))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        tell(github([problem]))


def _recorded(
    journal: Journal,
    asked: Asked,
    found: Found,
    decision: Decision,
    counting: Published,
    aborted: Aborted | None,
) -> None:
    """A job need not be able to write to the journal; where it is not, that is said and nothing else."""
    from provisioner import __version__
    from provisioner.cli.output import tell
    from provisioner.cli.wiring import now
    from provisioner.diagnostics import ProvisionError
    from provisioner.records.decisions import Decided, record

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


def _live(decision: Decision, groups: list[tuple[str, str]], counting: Published) -> Decision:
    from provisioner.actor.decide import Decision as Decided
    from provisioner.actor.live import missing
    from provisioner.contract import Connection
    from provisioner.providers import catalog

    declared = counting.declared
    people = [declared.identities[who] for who in decision.people]
    for name, group in groups:
        target = declared.targets.get(name)
        if target is None:
            return Decided(False, decision.people, f"no target {name} is declared", "no-such-target")
        provider = catalog.load(target.provider)
        connection = Connection(target, provider, provider.declare(target), os.environ, declared.records.owner)
        told = missing(connection, group, people)
        if told:
            return Decided(False, decision.people, told, "not-live")
    return decision


def _hands(text: str | None) -> frozenset[Hand]:
    from provisioner.actor.decide import Hand

    try:
        return frozenset(Hand(part.strip()) for part in (text or "").split(",") if part.strip())
    except ValueError:
        raise typer.BadParameter("--approver-not takes author, merger and triggerer, with commas between") from None


def _group(text: str) -> tuple[str, str]:
    target, _, group = text.partition(":")
    if not target or not group:
        raise typer.BadParameter(f"`{text}` is not TARGET:GROUP, such as corp-ldap:deployers")
    return target, group


def _journal(place: str | None) -> Journal:
    """Where `apply` publishes: told by whoever wrote the job, never by the files that lie in it."""
    from pathlib import Path

    from provisioner.diagnostics import Diagnostic, ProvisionError
    from provisioner.records.journal import open_journal

    where = place or os.environ.get(JOURNAL)
    if not where:
        raise ProvisionError(
            Diagnostic(
                "option-value",
                "it is not said where the journal lies",
                why="`gate` reads the declarations that `apply` publishes there; what the job has checked out says "
                "whatever the job's author wrote",
                fix=f"--journal PLACE, or the variable {JOURNAL}: the same place as `records.journal`",
            )
        )
    return open_journal(where, Path.cwd())
