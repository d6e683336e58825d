"""`provision plan`: what would change, and why. It reads the systems and changes nothing."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import (
    DEFAULT_ACCESS,
    Access,
    BaseRevision,
    ChangeRevision,
    PersonName,
    PlanFormat,
    TargetName,
)

if TYPE_CHECKING:
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.wiring import Work
    from provisioner.diagnostics import Diagnostic
    from provisioner.model.instant import Instant
    from provisioner.plan.plan import Plan


def plan(
    access: Access = DEFAULT_ACCESS,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Also write the plan to FILE.")] = None,
    form: Annotated[PlanFormat, typer.Option("--format", help="How the plan is shown.")] = PlanFormat.TEXT,
    target: TargetName = None,
    person: PersonName = None,
    base: BaseRevision = None,
    change: ChangeRevision = None,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="TIME", help="As it will be then; such a plan cannot be applied."),
    ] = None,
    comment: Annotated[
        bool,
        typer.Option("--comment", help="In CI: also as the one comment on the pull request, created or updated."),
    ] = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="End with status 2 if changes are pending.")
    ] = False,
) -> int:
    """Show what would change, and why. Changes nothing."""
    from provisioner.ci.recognise import this_run
    from provisioner.cli.exit_codes import Exit, first
    from provisioner.cli.feedback import annotate, comment_plan, comment_problems, refuse_forks, summarize
    from provisioner.cli.preparing import with_notes
    from provisioner.cli.running import planned, tell_invalid
    from provisioner.cli.wiring import InvalidFilesError, Wanted, prepare
    from provisioner.diagnostics import ProvisionError
    from provisioner.plan.planfile import to_json
    from provisioner.report import markdown

    if comment or change is not None:
        refuse_forks(this_run(os.environ))
    try:
        at = None if as_of is None else _time(as_of)
        reviewing = base is not None or change is not None
        work = prepare(Wanted(access, target, person, base, base_connects=reviewing, as_of=at, change=change))
    except InvalidFilesError as error:
        status = tell_invalid(error.loaded, form)
        posted = not comment or comment_problems(error, access, change, (target, person))
        return status if posted else first(status, Exit.FAILED)
    except ProvisionError as error:
        if comment:
            comment_problems(error, access, change, (target, person))
        raise
    made = with_notes(planned(work), work)
    if out is not None:
        _write(out, made)
    applicable = not reviewing and as_of is None
    _show(made, work, form, _apply_with(access, out, target, person) if applicable else None)
    annotate(_remarks(made))
    digest = str(to_json(made)["digest"])
    summarize(lambda most: markdown.text(made, digest=digest, most=most))
    posted = not comment or comment_plan(made, work, digest)
    return _status(made, detailed=detailed_exitcode, posted=posted)


def _time(text: str) -> Instant:
    """A time to come; wrong usage where it is none."""
    from provisioner.cli.wiring import now
    from provisioner.model.instant import format_instant, parse_instant

    try:
        found = parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--as-of") from None
    if found < now():
        told = f"{format_instant(found)} is over; who had what then is asked of the journal, not of a plan"
        raise typer.BadParameter(told, param_hint="--as-of")
    return found


def _show(made: Plan, work: Work, form: PlanFormat, apply_with: str | None) -> None:
    from provisioner.cli.output import show
    from provisioner.cli.running import columns
    from provisioner.plan.planfile import printed, to_json
    from provisioner.report import markdown, text
    from provisioner.report.codequality import code_quality
    from provisioner.report.colour import palette
    from provisioner.report.diagnostics import Sources
    from provisioner.report.machine import json_text
    from provisioner.report.sarif import sarif

    match form:
        case PlanFormat.JSON:
            show(printed(made))
        case PlanFormat.MARKDOWN:
            show(markdown.text(made, digest=to_json(made)["digest"]))
        case PlanFormat.SARIF:
            show(json_text(sarif(_remarks(made), "plan", nowhere=work.files.loaded.folder)))
        case PlanFormat.CODE_QUALITY:
            show(json_text(code_quality(_remarks(made), nowhere=work.files.loaded.folder)))
        case PlanFormat.TEXT:
            sources = Sources(work.files.loaded.files, work.files.loaded.folder)
            colours = palette(sys.stdout, os.environ)
            wide = columns(sys.stdout)
            show(text.text(made, apply_with=apply_with, sources=sources, columns=wide, colours=colours))


def _remarks(made: Plan) -> list[Diagnostic]:
    """What is told beside lines: problems, and changes that need a second look."""
    from provisioner.report.second_look import second_looks

    return [*made.diagnostics, *second_looks(made)]


def _write(out: Path, made: Plan) -> None:
    from provisioner.diagnostics import Diagnostic, ProvisionError
    from provisioner.plan.planfile import dump

    try:
        out.write_bytes(dump(made))
    except OSError as error:
        raise ProvisionError(
            Diagnostic(
                "option-value",
                f"the plan cannot be written to {out}: {error.strerror}",
                why="--out takes a file that can be written",
                fix="name another file",
            )
        ) from None


def _apply_with(access: Path, out: Path | None, target: str | None, person: str | None) -> str:
    """The command that applies what was shown."""
    words = ["provision", "apply"]
    if out is not None:
        words.append(str(out))
    if access != DEFAULT_ACCESS:
        words += ["--access", str(access)]
    if out is None:
        words += ["--target", target] if target is not None else []
        words += ["--person", person] if person is not None else []
    return shlex.join(words)


def _status(made: Plan, *, detailed: bool, posted: bool) -> Exit:
    from provisioner.cli.exit_codes import Exit, first

    found = [Exit.REFUSED] if made.refused else []
    found += [] if posted else [Exit.FAILED]
    found += [] if made.complete else [Exit.INCOMPLETE]
    found += [Exit.PENDING] if detailed and made.changes else []
    return first(*found)
