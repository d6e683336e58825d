"""`provision apply`: a saved plan as it is, or plan and apply."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, BaseRevision, PersonName, TargetName

if TYPE_CHECKING:
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
    from provisioner.cli.applying import Task, carry_out
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import InvalidFilesError, Wanted, open_work

    if planfile is not None and (target is not None or person is not None):
        raise typer.BadParameter("a saved plan is applied as it is: --target and --person belong to `plan`")
    saved = None if planfile is None else _parsed(planfile)
    try:
        opened = open_work(Wanted(access, target, person, base, planning=saved is None))
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    return carry_out(opened, Task("apply", saved))


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
