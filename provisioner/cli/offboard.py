"""`provision offboard`: takes somebody out of the access files, and shows the plan. No system is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, PlanFormat

if TYPE_CHECKING:
    from provisioner.files import Edit


def offboard(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id of a person or service.")],
    access: Access = DEFAULT_ACCESS,
    form: Annotated[PlanFormat, typer.Option("--format", help="How the plan is shown.")] = PlanFormat.TEXT,
) -> int:
    """Take somebody out of the access files, keeping everything else as it is, and show the plan."""
    from provisioner.cli.files import read_files
    from provisioner.cli.output import show, tell
    from provisioner.cli.plan import plan
    from provisioner.files import offboard as edit_for

    edit = edit_for(read_files(access), access, person)
    edit.write()
    (show if form is PlanFormat.TEXT else tell)(_told(edit))
    try:
        return plan(access=access, form=form, person=person)
    finally:
        tell(f"{edit.shown} is {_what(edit)}, and no system has changed: commit it, and have it merged and applied.\n")


def _told(edit: Edit) -> str:
    """What happened to the file, with the lines that went."""
    from provisioner.report.safe import guard, safe

    lines = [f"{safe(edit.shown)} is {_what(edit)}:", "", *(guard(safe(line, 200)) for line in edit.diff()), ""]
    return "\n".join(lines) + "\n"


def _what(edit: Edit) -> str:
    return "deleted" if edit.after is None else "changed"
