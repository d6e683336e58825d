"""`provision offboard`: takes somebody out of the access files, and shows the plan; with `--now` cuts them off first.

Only `--now` changes systems, and then it only takes away, of this one person.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, PlanFormat

if TYPE_CHECKING:
    from provisioner.cli.exit_codes import Exit
    from provisioner.files import Edit
    from provisioner.files.branch import Branch
    from provisioner.load import Loaded


def offboard(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id of a person or service.")],
    now: Annotated[bool, typer.Option("--now", help="Cut them off at once; the review of the files follows.")] = False,
    branch: Annotated[
        str | None,
        typer.Option("--branch", metavar="NAME", help="Commit the edit on a new branch, not in the working folder."),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Lift an earlier --now: the files count again.")] = False,
    access: Access = DEFAULT_ACCESS,
    form: Annotated[PlanFormat, typer.Option("--format", help="How the plan is shown.")] = PlanFormat.TEXT,
) -> int:
    """Take somebody out of the access files, keeping everything else as it is, and show the plan; or cut them off."""
    if undo:
        if now or branch is not None:
            raise typer.BadParameter("--undo goes with neither --now nor --branch")
        from provisioner.cli.cutoff import undo as lift

        return lift(person, access)
    from provisioner.cli.branches import branch_from

    made = None if branch is None else branch_from(access, branch)
    if now:
        from provisioner.cli.cutoff import cut_off

        return cut_off(person, access, lambda: _take_out(person, access, made), lambda: _is_declared(person, access))
    if made is not None:
        return _take_out(person, access, made)
    from provisioner.cli.output import tell
    from provisioner.cli.plan import plan

    edit = _edited(person, access, form)
    try:
        return plan(access=access, form=form, person=person)
    finally:
        tell(f"{edit.shown} is {_what(edit)}, and no system has changed: commit it, and have it merged and applied.\n")


def _edited(person: str, access: Path, form: PlanFormat) -> Edit:
    from provisioner.cli.files import read_files
    from provisioner.cli.output import show, tell
    from provisioner.files import offboard as edit_for

    edit = edit_for(read_files(access), access, person)
    edit.write()
    (show if form is PlanFormat.TEXT else tell)(told(edit))
    return edit


def _is_declared(person: str, access: Path) -> bool:
    from provisioner.cli.files import read_files

    return person in read_files(access).declared.identities


def _take_out(person: str, access: Path, branch: Branch | None) -> Exit:
    """The edit of the files, in the working folder or on a branch of its own."""
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.output import show, tell

    if branch is None:
        edit = _edited(person, access, PlanFormat.TEXT)
        tell(f"{edit.shown} is {_what(edit)}: commit it, and have it reviewed and merged.\n")
        return Exit.DONE
    from provisioner.cli.files import read_files

    commit = branch.take_out(person, committed(branch, read_files(access).folder), f"access: {person} leaves")
    show(
        f"Branch {branch.name} takes {person} out of the access files (commit {commit[:12]}).\n"
        f"To have it reviewed: git push origin {branch.name}\n"
    )
    return Exit.DONE


def committed(branch: Branch, folder: str) -> Loaded:
    """The access files as the branch begins with them."""
    from provisioner.load import load_files
    from provisioner.load.history import HistoryCache, files_at
    from provisioner.providers import catalog

    with HistoryCache() as cache:
        files = files_at(branch.root, folder, branch.start, cache)
    return load_files(files, catalog.all_providers(), folder=folder, planned=catalog.PLANNED)


def told(edit: Edit) -> str:
    """What happened to the file, with the lines that went."""
    from provisioner.report.safe import guard, safe

    lines = [f"{safe(edit.shown)} is {_what(edit)}:", "", *(guard(safe(line, 2000)) for line in edit.diff()), ""]
    return "\n".join(lines) + "\n"


def _what(edit: Edit) -> str:
    return "deleted" if edit.after is None else "changed"
