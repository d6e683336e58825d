"""`provision drift`: what the systems hold otherwise than the files say, and what nobody declares. Changes nothing."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, ProblemFormat, TargetName


def drift(
    access: Access = DEFAULT_ACCESS,
    target: TargetName = None,
    everything: Annotated[bool, typer.Option("--all", help="Also list the strays that are ignored.")] = False,
    form: Annotated[ProblemFormat, typer.Option("--format", help="How the answer is told.")] = ProblemFormat.TEXT,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="End with status 2 if something differs.")
    ] = False,
) -> int:
    """Show what differs from the files, and what is stray. Changes nothing."""
    from provisioner.ask.drift import drift as answer
    from provisioner.cli.asking import read_all
    from provisioner.cli.exit_codes import Exit, first
    from provisioner.cli.feedback import summarize_output
    from provisioner.cli.output import show
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import InvalidFilesError
    from provisioner.report import drifted
    from provisioner.report.colour import PLAIN, palette
    from provisioner.report.machine import json_text

    try:
        read = read_all(access, target)
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    found = answer(read.planned.sides, read.planned.parts, read.unread, read.work.situation.now)
    if form is ProblemFormat.JSON:
        show(json_text(drifted.to_json(found)))
    else:
        show(drifted.text(found, everything=everything, colours=palette(sys.stdout, os.environ)))
    summarize_output("provision drift", lambda: drifted.text(found, everything=everything, colours=PLAIN))
    status = [] if found.complete else [Exit.INCOMPLETE]
    return first(*status, *([Exit.PENDING] if detailed_exitcode and found.differs else []))
