"""`provision apply`: a saved plan as it is, or plan and apply."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, BaseRevision, PersonName, TargetName

if TYPE_CHECKING:
    from provisioner.apply import Applied
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.wiring import Work
    from provisioner.plan.plan import Plan


def apply(
    planfile: Annotated[
        Path | None, typer.Argument(metavar="PLANFILE", help="A plan that `plan --out` wrote.", show_default=False)
    ] = None,
    access: Access = DEFAULT_ACCESS,
    target: TargetName = None,
    person: PersonName = None,
    base: BaseRevision = None,
) -> int:
    """Make it so: a saved plan as it is, or plan and apply."""
    from provisioner.cli.running import planned, tell_invalid
    from provisioner.cli.wiring import InvalidFilesError, Wanted, check_journal, prepare

    if planfile is not None and (target is not None or person is not None):
        raise typer.BadParameter("a saved plan is applied as it is: --target and --person belong to `plan`")
    saved = None if planfile is None else _parsed(planfile)
    try:
        work = prepare(Wanted(access, target, person, base, planning=saved is None))
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    check_journal(work)
    if saved is not None:
        digest = _still_good(saved, work)
        return _apply(saved, work, digest)
    made = planned(work)
    _show(made, work)
    return _apply(made, work, None)


def _parsed(planfile: Path) -> Plan:
    from provisioner.diagnostics import Diagnostic, ProvisionError
    from provisioner.plan.planfile import parse

    try:
        content = planfile.read_bytes()
    except OSError as error:
        raise ProvisionError(
            Diagnostic(
                "option-value",
                f"the plan file {planfile} cannot be read: {error.strerror}",
                why="PLANFILE is a file that `provision plan --out` wrote",
                fix="name that file, or leave it out to plan and apply at once",
            )
        ) from None
    return parse(content)


def _still_good(plan: Plan, work: Work) -> str:
    """The digest of a saved plan that may still be applied; ProvisionError with all reasons where it may not."""
    from provisioner import __version__
    from provisioner.diagnostics import ProvisionError
    from provisioner.plan.planfile import reasons_not_to_apply, to_json

    digest = str(to_json(plan)["digest"])
    reasons = reasons_not_to_apply(
        plan,
        tree=work.files.declared.tree,
        engine=__version__,
        now=work.situation.now,
        used=work.journal.used(digest),
    )
    if reasons:
        raise ProvisionError(*reasons)
    return digest


def _show(made: Plan, work: Work) -> None:
    from provisioner.cli.output import tell
    from provisioner.report.colour import palette
    from provisioner.report.diagnostics import Sources
    from provisioner.report.text import text

    sources = Sources(work.files.loaded.files, work.files.loaded.folder)
    tell(text(made, sources=sources, colours=palette(sys.stderr, os.environ)) + "\n")


def _apply(plan: Plan, work: Work, saved: str | None) -> int:
    from provisioner import __version__
    from provisioner.apply import Progress, apply_plan
    from provisioner.cli.running import progress_line
    from provisioner.cli.wiring import now
    from provisioner.diagnostics import ProvisionError
    from provisioner.plan.planfile import reasons_not_to_apply, to_json
    from provisioner.records.run import RunInfo, new_run_id, who_is_here

    run = RunInfo(
        id=new_run_id(now()),
        who=who_is_here(work.files.root),
        revision=work.situation.revision,
        tree=plan.tree,
        plan=saved or to_json(plan)["digest"],
        engine=__version__,
        uncommitted=work.situation.uncommitted,
    )
    work.journal.publish(plan.tree, work.files.loaded.files)
    if saved is not None:
        taken = work.journal.use(saved, run=run, at=now())
        if taken is not None:
            raise ProvisionError(
                *reasons_not_to_apply(plan, tree=plan.tree, engine=plan.engine, now=plan.as_of, used=taken)
            )
    line = progress_line()

    def progress(step: Progress) -> None:
        line(f"{step.target} {step.done}/{step.of}: {step.words}")

    try:
        applied = apply_plan(
            plan,
            work.situation.connections,
            work.journal,
            run=run,
            clock=now,
            whole=plan.person is None,
            progress=progress,
        )
    finally:
        line.close()
    _tell(applied)
    return _status(plan, applied)


def _tell(applied: Applied) -> None:
    from provisioner.cli.output import show
    from provisioner.cli.running import columns
    from provisioner.report.applied import text
    from provisioner.report.colour import palette

    show(
        text(
            applied.changes,
            applied.outcomes,
            failed={c.id for c in applied.failed},
            converged=applied.converged,
            why_not={name: t.why_not for name, t in applied.targets.items() if not t.converged},
            interrupted=applied.interrupted,
            diagnostics=applied.diagnostics,
            columns=columns(sys.stdout),
            colours=palette(sys.stdout, os.environ),
        )
    )


def _status(plan: Plan, applied: Applied) -> Exit:
    from provisioner.cli.exit_codes import Exit, first

    found = [Exit.INTERRUPTED] if applied.interrupted else []
    found += [Exit.REFUSED] if plan.refused else []
    found += [Exit.FAILED] if applied.any_failed else []
    found += [Exit.INCOMPLETE] if applied.unreadable else []
    return first(*found)
