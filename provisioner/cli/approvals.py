"""`provision approvals`: whose approval each change of access needs. Offline: both revisions are read from git."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, ChangeRevision, ProblemFormat


def approvals(
    base: Annotated[
        str, typer.Option("--base", metavar="REV", help="What is compared with: in a pull request its merge base.")
    ],
    access: Access = DEFAULT_ACCESS,
    change: ChangeRevision = None,
    approved_by: Annotated[
        list[str] | None,
        typer.Option(
            "--approved-by", metavar="P", help="Who has approved, one option each; ends with 3 if it is not enough."
        ),
    ] = None,
    form: Annotated[ProblemFormat, typer.Option("--format", help="How the answer is told.")] = ProblemFormat.TEXT,
) -> int:
    """Tell whose approval each change of access needs: by the owners of the base revision, never whoever gains."""
    from dataclasses import replace

    from provisioner.ask.approvals import Revision
    from provisioner.ask.approvals import approvals as answer
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.files import blocking, read_change, read_files, read_revision
    from provisioner.cli.output import show, tell
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import now
    from provisioner.load.contents import contents
    from provisioner.report import approvals as report
    from provisioner.report.colour import palette
    from provisioner.report.machine import json_text

    loaded = read_files(access) if change is None else read_change(access, change, base).loaded
    if blocking(loaded):
        return tell_invalid(loaded)
    commit, declared, files = read_revision(access, base)
    before = Revision(declared, contents(files, loaded.folder))
    after = Revision(loaded.declared, contents(loaded.files, loaded.folder))
    found = answer(before, after, base, now())
    if approved_by is not None:
        found = replace(found, approved=tuple(dict.fromkeys(approved_by)))
    if form is ProblemFormat.JSON:
        show(json_text({**report.to_json(found), "base": commit}))
    else:
        show(report.text(found, colours=palette(sys.stdout, os.environ)))
    tell(report.summary(found) + "\n")
    return Exit.REFUSED if any(found.missing()) else Exit.DONE
