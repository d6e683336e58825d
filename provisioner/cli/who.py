"""`provision who`: who holds a thing, as the files say and as the systems do. It changes nothing."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, ProblemFormat

if TYPE_CHECKING:
    from provisioner.cli.asking import Read


def who(
    target: Annotated[
        str | None, typer.Argument(metavar="TARGET", help="Only this target, or all instances of it.")
    ] = None,
    thing: Annotated[
        str | None,
        typer.Argument(metavar="THING", help="A group, policy or the like; also kind/name, or an address."),
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", metavar="E", help="Only what is labelled with this environment.")
    ] = None,
    role: Annotated[
        str | None, typer.Option("--role", metavar="R", help="Only what is held because of this role.")
    ] = None,
    access: Access = DEFAULT_ACCESS,
    form: Annotated[ProblemFormat, typer.Option("--format", help="How the answer is told.")] = ProblemFormat.TEXT,
) -> int:
    """Show who holds a thing: by the files, and live."""
    from provisioner.ask import Question
    from provisioner.ask import who as answer
    from provisioner.cli.asking import read_all
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
    _check("environment", environment, declared.environments)
    _check("role", role, declared.roles)
    found = answer(Question(thing, environment, role), declared, read.planned.sides, read.unread)
    if thing is not None and not found.rows and not found.incomplete:
        _check_thing(thing, read)
    if form is ProblemFormat.JSON:
        show(json_text(answers_json.holders_json(found)))
    else:
        show(answers.holders(found, colours=palette(sys.stdout, os.environ)))
    return Exit.INCOMPLETE if found.incomplete else Exit.DONE


def _check_thing(thing: str, read: Read) -> None:
    """Nobody holds it: because it is not there at all?"""
    from provisioner.ask.who import things

    known = things(read.planned.sides)
    name = thing.rpartition("/")[2]
    if name not in known:
        _check("group, policy or the like", thing, dict.fromkeys(known))


def _check(what: str, name: str | None, known: object) -> None:
    from provisioner.diagnostics import Diagnostic, ProvisionError

    names = sorted(known) if isinstance(known, dict) else []
    if name is None or name in names:
        return
    near = get_close_matches(name, names, 1)
    listed = ", ".join(names[:20]) or "none at all"
    raise ProvisionError(
        Diagnostic(
            "option-value",
            f"there is no {what} named `{name}`",
            why="what does not exist is held by nobody, which is not the same as nobody holding it",
            fix=f"did you mean `{near[0]}`?" if near else f"there are: {listed}",
        )
    )
