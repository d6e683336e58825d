"""`provision explain`: why somebody has access, to the file line. It reads the systems and changes nothing."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, ProblemFormat


def explain(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id of a person or service.")],
    target: Annotated[
        str | None, typer.Argument(metavar="TARGET", help="Only this target, or all instances of it.")
    ] = None,
    access: Access = DEFAULT_ACCESS,
    form: Annotated[ProblemFormat, typer.Option("--format", help="How the answer is told.")] = ProblemFormat.TEXT,
) -> int:
    """Show why somebody has access, to the file line, and what they hold that nobody asks for."""
    from provisioner.ask import explain as answer
    from provisioner.cli.asking import nobody, read_all, with_credentials_of
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.output import show
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import InvalidFilesError
    from provisioner.report import answers, answers_json
    from provisioner.report.colour import palette
    from provisioner.report.machine import json_text

    try:
        read = read_all(access, target)
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    declared = read.work.situation.declared
    sides = with_credentials_of(person, read, lambda side: side.matched)
    found = answer(person, declared, sides, read.planned.plan, read.unread)
    if found is None:
        raise nobody(person, read)
    if form is ProblemFormat.JSON:
        show(json_text(answers_json.explanation_json(found)))
    else:
        show(answers.explanation(found, colours=palette(sys.stdout, os.environ)))
    return Exit.DONE if found.complete else Exit.INCOMPLETE
