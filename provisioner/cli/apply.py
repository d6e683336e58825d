"""`provision apply`: a saved plan as it is, or plan and apply, all of it or what was reviewed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, BaseRevision, PersonName, TargetName

if TYPE_CHECKING:
    from provisioner.cli.applying import Task
    from provisioner.cli.wiring import Opened
    from provisioner.plan.plan import Plan


def apply(
    planfile: Annotated[
        Path | None, typer.Argument(metavar="PLANFILE", help="A plan that `plan --out` wrote.", show_default=False)
    ] = None,
    reviewed: Annotated[
        Path | None,
        typer.Option(
            "--reviewed",
            metavar="PLANFILE",
            help="The plan that was reviewed: what else has come up is only done if it takes away what is due. "
            "`pull-request` fetches those of the pull requests that were merged, in GitHub Actions.",
        ),
    ] = None,
    access: Access = DEFAULT_ACCESS,
    target: TargetName = None,
    person: PersonName = None,
    base: BaseRevision = None,
) -> int:
    """Make it so: a saved plan as it is, or plan and apply, all of it or what was reviewed."""
    from provisioner.cli.applying import Task, carry_out
    from provisioner.cli.merged import WORD
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import InvalidFilesError, Wanted, open_work

    if planfile is not None and (target is not None or person is not None):
        raise typer.BadParameter("a saved plan is applied as it is: --target and --person belong to `plan`")
    if planfile is not None and reviewed is not None:
        raise typer.BadParameter("a saved plan is applied as it is: --reviewed makes a new one")
    saved = None if planfile is None else _parsed(planfile)
    merged = reviewed is not None and str(reviewed) == WORD
    approved = None if reviewed is None or merged else _parsed(reviewed)
    try:
        opened = open_work(Wanted(access, target, person, base, planning=saved is None))
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    if merged:
        return _apply_merged(opened)
    if approved is not None:
        return carry_out(opened, _of_reviewed(approved, opened))
    return carry_out(opened, Task("apply", saved, gives=True, rotates=True))


def _apply_merged(opened: Opened) -> int:
    """What was reviewed in the pull requests that were merged; 8 at least, where a merge of this push has no plan."""
    from provisioner.cli.applying import Task, carry_out
    from provisioner.cli.choosing import only_reviewed
    from provisioner.cli.exit_codes import Exit, first
    from provisioner.cli.feedback import annotate
    from provisioner.cli.merged import reviewed_merges
    from provisioner.cli.output import tell
    from provisioner.report import diagnostics as problems

    found = reviewed_merges(opened)
    tell(problems.text(found.problems))
    annotate(found.problems)
    same = not found.failed and any(p.tree == opened.files.declared.tree for p in found.plans)
    task = Task("apply --reviewed", choose=only_reviewed(*found.plans), gives=True, rotates=same)
    status = Exit(carry_out(opened, task))
    return first(status, Exit.FAILED) if found.failed else status


def _of_reviewed(approved: Plan, opened: Opened) -> Task:
    """ProvisionError where the file cannot tell what was reviewed."""
    from provisioner import __version__
    from provisioner.cli.applying import Task
    from provisioner.cli.choosing import only_reviewed
    from provisioner.diagnostics import Diagnostic, ProvisionError, Severity
    from provisioner.plan.validity import reasons_not_to_rest_on

    reasons = reasons_not_to_rest_on(approved, engine=__version__)
    if reasons:
        raise ProvisionError(*reasons)
    notes: tuple[Diagnostic, ...] = ()
    if approved.tree != opened.files.declared.tree:
        notes = (
            Diagnostic(
                "reviewed-other-tree",
                "the access files are not those that the reviewed plan was made of",
                severity=Severity.NOTE,
                why="other changes were merged since; what was reviewed and is still to be done is done, and anything "
                "new that gives access waits",
                fix="to do everything that the files say, run `provision apply`",
            ),
        )
    rotates = not notes  # what was reviewed had these very credentials
    return Task("apply --reviewed", choose=only_reviewed(approved), notes=notes, gives=True, rotates=rotates)


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
