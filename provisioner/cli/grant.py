"""`provision grant`: gives somebody a role for a while, in the access files, and shows the plan. Changes no system."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, PlanFormat, check_said

if TYPE_CHECKING:
    from datetime import timedelta

    from provisioner.cli.exit_codes import Exit
    from provisioner.model.access import DeclaredAccess
    from provisioner.model.instant import Instant

MERGE = "merge"


def grant(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id of a person or service.")],
    role: Annotated[str, typer.Argument(metavar="ROLE", help="The role that they get.")],
    environment: Annotated[str, typer.Option("--environment", metavar="E", help="In which environment.")],
    length: Annotated[str, typer.Option("--for", metavar="LENGTH", help="For how long: 90m, 4h, 2d.")],
    reason: Annotated[str, typer.Option("--reason", metavar="R", help="What it is for.")],
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="When it begins: a time, or `merge` for the first apply that has it; by default now.",
            show_default=False,
        ),
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option("--branch", metavar="NAME", help="Commit the edit on a new branch, not in the working folder."),
    ] = None,
    access: Access = DEFAULT_ACCESS,
    form: Annotated[PlanFormat, typer.Option("--format", help="How the plan is shown.")] = PlanFormat.TEXT,
) -> int:
    """Give somebody a role for a while, in the access files; the rest stays as it is. Shows the plan."""
    from provisioner.cli.files import read_files
    from provisioner.cli.offboard import told
    from provisioner.cli.output import show, tell
    from provisioner.cli.plan import plan
    from provisioner.cli.wiring import now
    from provisioner.files.grant import grant as edit_for
    from provisioner.providers import catalog

    check_said(environment=environment, reason=reason)
    line = _line(role, environment, _length(length), reason, start)
    providers = catalog.all_providers()
    if branch is not None:
        return _on_branch(person, line, environment, access, branch)
    loaded = read_files(access)
    edit, _ = edit_for(loaded, access, person, line, providers, now())
    edit.write()
    (show if form is PlanFormat.TEXT else tell)(told(edit))
    _tell_held(loaded.declared, person, role, environment)
    try:
        return plan(access=access, form=form, person=person)
    finally:
        tell(f"{edit.shown} is changed, and no system has changed: commit it, and have it merged and applied.\n")


def _on_branch(person: str, line: dict[str, object], environment: str, access: Path, name: str) -> Exit:
    from provisioner.cli.branches import branch_from
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.files import read_files
    from provisioner.cli.offboard import committed
    from provisioner.cli.output import show
    from provisioner.cli.wiring import now
    from provisioner.files.grant import grant as edit_for
    from provisioner.providers import catalog

    made = branch_from(access, name)
    files = committed(made, read_files(access).folder)
    edit, _ = edit_for(files, Path(files.folder), person, line, catalog.all_providers(), now())
    _tell_held(files.declared, person, str(line["role"]), environment)
    commit = made.commit([edit], f"access: {person} gets {line['role']}")
    show(
        f"Branch {made.name} gives {person} the role {line['role']} (commit {commit[:12]}).\n"
        f"To have it reviewed: git push origin {made.name}\n"
    )
    return Exit.DONE


def _tell_held(before: DeclaredAccess, person: str, role: str, environment: str) -> None:
    """Where the line gives nothing that they do not have for good."""
    from provisioner.actor.decide import spans
    from provisioner.cli.output import tell
    from provisioner.cli.wiring import now

    held = spans(before.identities[person], before, environment, role)
    if any(until is None and (starts is None or starts <= now()) for starts, until in held):
        tell(f"{person} holds {role} in {environment} already, without an end: the line gives nothing more\n")


def _line(role: str, environment: str, length: timedelta, reason: str, start: str | None) -> dict[str, object]:
    from provisioner.cli.wiring import now
    from provisioner.model.instant import format_duration, format_instant

    line: dict[str, object] = {"role": role, "environments": [environment]}
    if start == MERGE:
        return {**line, "from": MERGE, "for": format_duration(length), "reason": reason}
    begins = now() if start is None else _time(start)
    if start is not None:
        line["from"] = format_instant(begins)
    return {**line, "until": format_instant(begins + length), "reason": reason}


def _length(text: str) -> timedelta:
    from provisioner.model.instant import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"--for: {error}") from None


def _time(text: str) -> Instant:
    from provisioner.model.instant import parse_instant

    try:
        return parse_instant(text)
    except ValueError as error:
        raise typer.BadParameter(f"--from: {error}") from None
