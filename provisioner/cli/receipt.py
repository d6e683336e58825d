"""`provision receipt`: what is gone and what is left of somebody, read from the live systems. It changes nothing."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, ProblemFormat

if TYPE_CHECKING:
    from provisioner.ask import Sought
    from provisioner.cli.asking import Read
    from provisioner.model.match import Matched
    from provisioner.plan.side import Side


def receipt(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="The id of a person or service, declared or gone.")],
    access: Access = DEFAULT_ACCESS,
    form: Annotated[ProblemFormat, typer.Option("--format", help="How the answer is told.")] = ProblemFormat.TEXT,
) -> int:
    """Show what is gone and what is left of somebody, and why; read from the live systems."""
    from provisioner.ask import receipt as answer
    from provisioner.ask.receipt import match_of
    from provisioner.cli.asking import nobody, read_all, remains_of, sought, with_credentials_of
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.output import show
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import InvalidFilesError
    from provisioner.report import answers, answers_json
    from provisioner.report.colour import palette
    from provisioner.report.machine import json_text

    try:
        read = read_all(access)
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    whom = sought(read.work, person) or _by_mark(read, person)
    if whom is None:
        raise nobody(person, read)
    situation = read.work.situation
    owner = situation.declared.records.owner

    def matched(side: Side) -> Matched:
        return match_of(whom, situation.declared, side, owner)

    sides = with_credentials_of(person, read, matched)
    remains = remains_of(whom, read, matched)
    found = answer(whom, situation.declared, sides, read.unread, owner=owner, now=situation.now, remains=remains)
    if form is ProblemFormat.JSON:
        show(json_text(answers_json.receipt_json(found)))
    else:
        show(answers.receipt(found, colours=palette(sys.stdout, os.environ)))
    if found.anything_left:
        return Exit.FAILED
    return Exit.DONE if found.complete else Exit.INCOMPLETE


def _by_mark(read: Read, person: str) -> Sought | None:
    """Somebody whom no revision knows, but an account that carries our mark."""
    from provisioner.ask import Sought

    for departed in read.planned.departed.values():
        if person in departed:
            return Sought(departed[person][0])
    return None
