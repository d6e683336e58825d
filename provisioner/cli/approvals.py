"""`provision approvals`: whose approval each change of access needs, and in a pull request whether it is there.

Both revisions are read from git. Only for a pull request is the forge asked, and it alone: no target is.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, ProblemFormat

if TYPE_CHECKING:
    from pathlib import Path

    from provisioner.load import Loaded
    from provisioner.model.approval import Approvals


def approvals(
    base: Annotated[
        str, typer.Option("--base", metavar="REV", help="What is compared with: in a pull request its merge base.")
    ],
    access: Access = DEFAULT_ACCESS,
    pull_request: Annotated[
        int | None,
        typer.Option(
            "--pull-request",
            metavar="N",
            min=1,
            help="Compare with the reviews of this pull request; in a job for one, that is done by itself.",
        ),
    ] = None,
    repository: Annotated[
        str | None,
        typer.Option("--repository", metavar="O/R", help="Where it is on GitHub; else as GITHUB_REPOSITORY says."),
    ] = None,
    approved_by: Annotated[
        list[str] | None,
        typer.Option(
            "--approved-by",
            metavar="P",
            help="Who has approved, one option each; ends with 3 if it is not enough. Nobody else is asked.",
        ),
    ] = None,
    form: Annotated[ProblemFormat, typer.Option("--format", help="How the answer is told.")] = ProblemFormat.TEXT,
) -> int:
    """Tell whose approval each change of access needs: by the owners of the base revision, never whoever gains."""
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.files import blocking, read_files
    from provisioner.cli.running import tell_invalid

    if approved_by is not None and (pull_request is not None or repository is not None):
        raise typer.BadParameter("who approved is either said (--approved-by) or asked of a pull request")
    loaded = read_files(access)
    if blocking(loaded):
        return tell_invalid(loaded)
    found, commit = _answered(access, base, loaded, pull_request, repository, approved_by)
    _tell(found, form, commit)
    return Exit.REFUSED if any(found.missing()) else Exit.DONE


def _answered(
    access: Path,
    base: str,
    loaded: Loaded,
    pull_request: int | None,
    repository: str | None,
    approved_by: list[str] | None,
) -> tuple[Approvals, str]:
    """The answer, and the commit that `base` is."""
    from dataclasses import replace

    from provisioner.ask.approvals import Revision
    from provisioner.ask.approvals import approvals as answer
    from provisioner.ask.reviewers import counted
    from provisioner.cli.files import read_revision
    from provisioner.cli.reviewing import check_head, known_people, pull_request_here, read_reviews
    from provisioner.cli.wiring import now
    from provisioner.load.contents import contents
    from provisioner.load.files import find_top

    commit, declared, files = read_revision(access, base)
    before = Revision(declared, contents(files, loaded.folder))
    after = Revision(loaded.declared, contents(loaded.files, loaded.folder))
    number = pull_request_here(os.environ, pull_request, repository) if approved_by is None else None
    if number is None:
        found = answer(before, after, base, now())
        if approved_by is not None:
            found = replace(found, approved=tuple(dict.fromkeys(approved_by)))
    else:
        reviews, forge = read_reviews(os.environ, number, repository)
        check_head(access, find_top(access), reviews)
        said = counted(reviews, known_people(declared, forge.host, os.environ))
        found = answer(before, after, base, now(), wrote=said.wrote)
        found = replace(found, approved=tuple(said.approved), reviews=said)
    return found, commit


def _tell(found: Approvals, form: ProblemFormat, commit: str) -> None:
    from provisioner.cli.feedback import annotate, summarize
    from provisioner.cli.output import show, tell
    from provisioner.report import approvals as report
    from provisioner.report.colour import palette
    from provisioner.report.machine import json_text

    if form is ProblemFormat.JSON:
        show(json_text({**report.to_json(found), "base": commit}))
    else:
        show(report.text(found, colours=palette(sys.stdout, os.environ)))
    tell(report.summary(found) + "\n")
    if found.reviews is not None:
        annotate(report.problems(found))
        summarize(lambda _: report.markdown(found))
