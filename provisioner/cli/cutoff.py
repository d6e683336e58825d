"""`provision offboard PERSON --now`, and its end: the cut before the review, and the hold that keeps them out.

The hold is written first, before the lock is asked for; then everything of theirs is taken, and only then the files
are edited: nothing that is wrong with an edit, a branch or the newest files, and no other run, keeps anybody in. It
only ever takes away.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.cli.applying import Task, carry_out
from provisioner.cli.choosing import only_narrowing
from provisioner.cli.exit_codes import Exit, first, of_error
from provisioner.cli.files import Departed
from provisioner.cli.locking import run_info
from provisioner.cli.output import show, tell
from provisioner.cli.running import tell_invalid
from provisioner.cli.wiring import InvalidFilesError, Opened, Wanted, check_journal, now, open_work
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.records.holds import hold, lift
from provisioner.report.diagnostics import text

if TYPE_CHECKING:
    from provisioner.records.run import RunInfo


def cut_off(person: str, access: Path, take_out: Callable[[], Exit], is_declared: Callable[[], bool]) -> int:
    """Cuts `person` off, then calls `take_out` for the files, where they still declare them; the status of both."""
    try:
        opened = open_work(Wanted(access, person=person, last_valid=True))
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    declared = person in opened.declared.identities
    if not declared:
        _check_known(person, opened)

    held = False

    def begin(opened: Opened, run: RunInfo) -> None:
        nonlocal held
        if declared:
            hold(opened.journal.store, person, run=run, at=now())
            held = True

    try:
        status = Exit(carry_out(opened, Task("offboard --now", choose=only_narrowing((person,)), begin=begin)))
    except BaseException:  # also an interrupt: whoever is held already must be told
        if held:
            tell(_held_only(person))
        raise
    if status is Exit.INTERRUPTED:
        return status
    tell("\n")
    if is_declared():
        status = first(status, _taken_out(take_out))
    tell(
        f"{person} stays cut off until the files stop declaring them, or until: provision offboard {person} --undo\n"
        if declared
        else ""
    )
    tell(f"What is gone, and what is left, as the systems say: provision receipt {person}\n")
    return status


def _held_only(person: str) -> str:
    """Of somebody whose run ended early: another run has the lock, the journal broke, or it was interrupted."""
    return (
        f"{person} may not be cut off yet, and is held: the next `provision apply` or `provision expire` takes what "
        "they still have, and gives them nothing.\n"
        f"The access files are as they were. To go on without waiting: provision offboard {person} --now\n"
    )


def _taken_out(take_out: Callable[[], Exit]) -> Exit:
    """The systems are done by now: trouble with the files is told, and is no reason to forget what came of them."""
    try:
        return take_out()
    except ProvisionError as error:
        tell(text(error.diagnostics))
        return of_error(error)


def undo(person: str, access: Path) -> int:
    """Lifts the hold: from now on the files count again. Gives nothing back by itself."""
    try:
        opened = open_work(Wanted(access, planning=False, last_valid=True))
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    check_journal(opened)
    lifted = lift(opened.journal.store, person, run=run_info(opened, "offboard --undo"), at=now())
    if lifted is None:
        raise ProvisionError(
            Diagnostic(
                "option-value",
                f"nobody called `{person}` is cut off",
                why="--undo lifts what `provision offboard PERSON --now` wrote to the journal, or `expire` did",
                fix="`provision status` lists who is",
            )
        )
    show(f"{person} was cut off {lifted.words}; that is lifted.\n")
    if lifted.source is not None:
        tell(
            f"As long as {lifted.source} says so, the next `provision expire` cuts them off again: put it right there, "
            f"or take `sources:` out of their entry.\n"
        )
    tell("Nothing was given back yet: the next `provision apply` gives what the files say.\n")
    return Exit.DONE


def _check_known(person: str, opened: Opened) -> None:
    """Whoever the files do not declare must have been declared once: a slip of the pen must not pass for done."""
    files, identities = opened.files, opened.declared.identities
    renamed = next((i.id for i in identities.values() if person in i.was), None)
    if renamed is None and person in Departed(files.root / files.loaded.folder, files.root, files.providers):
        return
    near = [renamed] if renamed is not None else get_close_matches(person, sorted(identities), 1)
    raise ProvisionError(
        Diagnostic(
            "option-value",
            f"nobody with the id `{person}` is declared, or was",
            why="PERSON is an id under `people:` or `services:`",
            fix=f"did you mean `{near[0]}`?" if near else "write the id as the access files have it",
        )
    )
