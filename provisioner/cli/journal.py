"""`provision journal`: what was done and by whom, proof that nobody edited it, and what runs that died had begun.

Showing, verifying and exporting only read, and may be done beside a run that is going on; `recover` takes the locks.
"""

from __future__ import annotations

import heapq
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, TargetName

if TYPE_CHECKING:
    from provisioner.diagnostics import Diagnostic
    from provisioner.model.instant import Instant
    from provisioner.records.chain import Chain
    from provisioner.records.journal import Journal
    from provisioner.records.record import Record
    from provisioner.report.journal import Asked


_HASH = re.compile(r"sha256:[0-9a-f]{64}\Z")


class ShowFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class ExportFormat(StrEnum):
    OCSF = "ocsf"


Place = Annotated[
    str | None,
    typer.Option(
        "--journal",
        metavar="PLACE",
        help="The folder or bucket of the journal, or of a copy; else what the access files say.",
        show_default=False,
    ),
]
Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="From this time or day (UTC) on.", show_default=False)
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="TIME", help="Before this time or day (UTC).", show_default=False)
]
Person = Annotated[
    str | None,
    typer.Option("--person", metavar="P", help="Only what concerns this id, or this login.", show_default=False),
]


def journal() -> None:
    """The record: what was done and by whom, and proof of it."""


def show(
    access: Access = DEFAULT_ACCESS,
    place: Place = None,
    target: TargetName = None,
    person: Person = None,
    since: Since = None,
    until: Until = None,
    form: Annotated[ShowFormat, typer.Option("--format", help="How it is told.")] = ShowFormat.TEXT,
) -> int:
    """Show what was done, by whom, and what became of it."""
    from provisioner.cli.output import show as say
    from provisioner.report.colour import palette
    from provisioner.report.journal import Asked, text, to_json
    from provisioner.report.machine import json_text

    asked = Asked(person, _time("--since", since), _time("--until", until))
    opened = _journal(access, place)
    held, broken = _holds(opened, target)
    found, problems = _collected(_chains(opened, target), held, asked)
    problems += broken
    if form is ShowFormat.JSON:
        say(json_text({"format": "provision.journal-show/1", "records": [to_json(r) for r in found]}))
    else:
        say(text(found, colours=palette(sys.stdout, os.environ)) or "The journal has nothing of that.\n")
    return _told(problems)


def verify(
    access: Access = DEFAULT_ACCESS,
    place: Place = None,
    target: TargetName = None,
    head: Annotated[
        str | None,
        typer.Option(
            "--head", metavar="HASH", help="Also prove that the record with this hash is there.", show_default=False
        ),
    ] = None,
) -> int:
    """Read every chain wholly, and name the first record that cannot be trusted."""
    from provisioner.cli.output import show as say
    from provisioner.records import verify as proof
    from provisioner.report.journal import verified

    if head is not None and not _HASH.match(head):
        told = f"`{head}` is not the hash of a record, which is sha256: and 64 of 0-9 a-f; `apply` tells the newest"
        raise typer.BadParameter(told, param_hint="--head")
    opened = _journal(access, place)
    found = [proof.verify(chain, head) for chain in _chains(opened, target)]
    say(verified(found, head, where=opened.store.where()))
    problems = [d for each in found for d in (*each.problems, *each.warnings)]
    if head is not None and all(each.at is None for each in found):
        problems.append(proof.missing_head(head, opened.store.where()))
    return _told(problems)


def export(
    access: Access = DEFAULT_ACCESS,
    place: Place = None,
    target: TargetName = None,
    since: Since = None,
    until: Until = None,
    form: Annotated[ExportFormat, typer.Option("--format", help="The schema of the events.")] = ExportFormat.OCSF,  # noqa: ARG001 there is one
) -> int:
    """Write one event for each outcome, as JSON lines, for a SIEM."""
    from provisioner.cli.output import show as say
    from provisioner.diagnostics import ProvisionError
    from provisioner.report.journal import Asked
    from provisioner.report.ocsf import events, hold_event

    asked = Asked(None, _time("--since", since), _time("--until", until))
    opened = _journal(access, place)
    held, problems = _holds(opened, target)
    for hold in held:
        if asked.takes(hold.at):
            say(json.dumps(hold_event(hold), ensure_ascii=True, separators=(",", ":")) + "\n")
    for chain in _chains(opened, target):
        try:
            for at, event in events(chain.records()):
                if asked.takes(at):
                    say(json.dumps(event, ensure_ascii=True, separators=(",", ":")) + "\n")
        except ProvisionError as error:
            problems += error.diagnostics
    return _told(problems)


def recover(access: Access = DEFAULT_ACCESS, target: TargetName = None) -> int:
    """Settle what runs that died had begun, by looking at the live systems."""
    from provisioner.cli.exit_codes import Exit, first
    from provisioner.cli.locking import locked, recovered, run_info
    from provisioner.cli.output import show as say
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import InvalidFilesError, Wanted, check_journal, open_work

    try:
        opened = open_work(Wanted(access, target, planning=False))
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    check_journal(opened)
    run = run_info(opened, "journal recover")
    with locked(opened, run, opened.targets):
        found = recovered(opened, run)
    settled, open_ = sum(len(f.settled) for f in found), sum(len(f.not_done) + len(f.left) for f in found)
    say(f"{settled} settled, {open_} left open.\n" if found else "No change is in doubt.\n")
    status = [Exit.FAILED] if any(f.left and not f.unread for f in found) else []
    return first(*status, *([Exit.INCOMPLETE] if any(f.unread for f in found) else []))


def _show(name: str, found: list[dict[str, Any]] | str) -> None:
    """What jobs left beside the chains: as data, or as the text of it."""
    from provisioner.cli.output import show as say
    from provisioner.report.machine import json_text

    if isinstance(found, str):
        say(found or "The journal has nothing of that.\n")
    else:
        say(json_text({"format": f"provision.journal-{name}/1", name: found}))


def _unread(everything: Iterable[object]) -> None:
    """Names what could not be read; a job may have written anything."""
    from provisioner.cli.output import tell
    from provisioner.report.safe import safe

    for key in (one for one in everything if isinstance(one, str)):
        tell(f"{safe(key)} cannot be read, and is left out\n")


def decisions(
    access: Access = DEFAULT_ACCESS,
    place: Place = None,
    person: Person = None,
    since: Since = None,
    until: Until = None,
    form: Annotated[ShowFormat, typer.Option("--format", help="How it is told.")] = ShowFormat.TEXT,
) -> int:
    """Show what `gate` decided, of which run."""
    from provisioner.records.decisions import decisions as read
    from provisioner.report.decisions import text
    from provisioner.report.journal import Asked

    asked = Asked(None, _time("--since", since), _time("--until", until))
    everything = list(read(_journal(access, place).store))
    found = [one for one in everything if not isinstance(one, str) and asked.takes(one.at)]
    found = [one for one in found if person is None or person in one.people]
    _show("decisions", [one.to_json() for one in found] if form is ShowFormat.JSON else text(found))
    _unread(everything)
    return 0


def runs(
    access: Access = DEFAULT_ACCESS,
    place: Place = None,
    person: Person = None,
    since: Since = None,
    until: Until = None,
    form: Annotated[ShowFormat, typer.Option("--format", help="How it is told.")] = ShowFormat.TEXT,
) -> int:
    """Show what `run` gave to whom, and when it ended."""
    from provisioner.records.runs import Began
    from provisioner.records.runs import runs as read
    from provisioner.report.journal import Asked
    from provisioner.report.runs import text

    asked = Asked(None, _time("--since", since), _time("--until", until))
    everything = list(read(_journal(access, place).store))
    whose = {one.run for one in everything if isinstance(one, Began) and (person is None or person in one.people)}
    found = [one for one in everything if not isinstance(one, str) and asked.takes(one.at)]
    found = [one for one in found if person is None or one.run in whose]
    _show("runs", [one.to_json() for one in found] if form is ShowFormat.JSON else text(found))
    _unread(everything)
    return 0


SUBCOMMANDS = {
    "show": show,
    "verify": verify,
    "recover": recover,
    "export": export,
    "decisions": decisions,
    "runs": runs,
}


def _journal(access: Path, place: str | None) -> Journal:
    """Where `--journal` says, for which no access files are needed; else where they say."""
    from provisioner.cli.wiring import Wanted, open_work
    from provisioner.diagnostics import Diagnostic, ProvisionError
    from provisioner.records.journal import is_remote, open_journal

    if place is not None:
        if not is_remote(place) and not Path(place).is_dir():
            raise ProvisionError(
                Diagnostic(
                    "option-value",
                    f"there is no journal in {place}: it is not a folder",
                    why="a place that is not there proves nothing, and must not pass for an empty journal",
                    fix="name the folder, or s3://bucket/prefix, that `records.journal` says",
                )
            )
        return open_journal(place, Path.cwd())
    return open_work(Wanted(access, planning=False)).journal


def _chains(journal: Journal, target: str | None) -> list[Chain]:
    """Of all targets that were ever applied to, or of those that `--target` means."""
    from provisioner.records.verify import targets_of

    names = targets_of(journal.store)
    if target is not None:
        chosen = [n for n in names if target in (n, n.partition("/")[0])]
        if not chosen:
            known = ", ".join(names) or "none at all"
            raise typer.BadParameter(f"there is no chain of a target `{target}`; the chains are {known}")
        names = chosen
    return [journal.chain(name) for name in names]


def _holds(journal: Journal, target: str | None) -> tuple[list[Record], list[Diagnostic]]:
    """Who was cut off before the files said so, and let in again by hand; of no target, so not where one is asked
    for. And what is wrong with them."""
    from provisioner.diagnostics import ProvisionError
    from provisioner.records.holds import held_and_lifted

    try:
        return ([] if target is not None else held_and_lifted(journal.store)), []
    except ProvisionError as error:
        return [], list(error.diagnostics)


def _collected(chains: Iterable[Chain], held: list[Record], asked: Asked) -> tuple[list[Record], list[Diagnostic]]:
    """What was asked for, of all chains and holds by time; and what is wrong with chains, of which the rest is
    shown."""
    from provisioner.diagnostics import ProvisionError

    problems: list[Diagnostic] = []

    def of(chain: Chain) -> Iterator[Record]:
        try:
            for record in chain.records():
                narrowed = asked.narrowed(record)
                if narrowed is not None:
                    yield narrowed
        except ProvisionError as error:
            problems.extend(error.diagnostics)

    told = [narrowed for record in held if (narrowed := asked.narrowed(record)) is not None]
    found = list(heapq.merge(told, *map(of, chains), key=lambda r: (r.at, r.run.id, r.target, r.n)))
    return found, problems


def _told(problems: list[Diagnostic]) -> int:
    """Tells what is wrong with the journal, on stderr."""
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.output import tell
    from provisioner.report.colour import palette
    from provisioner.report.diagnostics import text

    tell(text(problems, colours=palette(sys.stderr, os.environ)))
    return Exit.FILES if any(d.is_error for d in problems) else Exit.DONE


def _time(option: str, told: str | None) -> Instant | None:
    from provisioner.model.instant import parse_instant

    if told is None:
        return None
    try:
        return datetime.strptime(told, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return parse_instant(told)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{option}: {error}, or a day such as 2027-01-31") from None
