"""`provision pull`: people of a directory -> access files, as a change to review. No system is changed."""

from __future__ import annotations

from typing import Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, ProblemFormat


def pull(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A source of people, as the files declare it.")],
    access: Access = DEFAULT_ACCESS,
    branch: Annotated[
        str | None,
        typer.Option("--branch", metavar="NAME", help="Commit the change on a new branch, not in the working folder."),
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show what would be written, and write nothing.")] = False,
    form: Annotated[ProblemFormat, typer.Option("--format", help="How it is told what changes.")] = ProblemFormat.TEXT,
) -> int:
    """Let the access files follow a directory: who joins, moves and leaves, as a change to review."""
    from provisioner.cli.pulling import run
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import InvalidFilesError

    if diff and branch is not None:
        raise typer.BadParameter("--diff writes nothing, and --branch makes a commit")
    if diff and form is ProblemFormat.JSON:
        raise typer.BadParameter("--diff is text")
    try:
        return run(source, access, branch, diff=diff, form=form)
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
