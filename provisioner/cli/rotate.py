"""`provision rotate`: credentials of services made anew, delivered, and the old ones ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from provisioner.cli.options import DEFAULT_ACCESS, Access, BaseRevision, TargetName

if TYPE_CHECKING:
    from provisioner.cli.wiring import Opened


def rotate(
    service: Annotated[
        str | None,
        typer.Argument(metavar="SERVICE", help="Make its credentials anew, due or not.", show_default=False),
    ] = None,
    due: Annotated[bool, typer.Option("--due", help="Those that are due, and what is left of earlier runs.")] = False,
    access: Access = DEFAULT_ACCESS,
    target: TargetName = None,
    base: BaseRevision = None,
) -> int:
    """Make credentials of services anew and deliver them; without SERVICE and --due only tell which are due."""
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import InvalidFilesError, Wanted, open_work

    if service is not None and due:
        raise typer.BadParameter("SERVICE means its credentials, due or not; --due means all that are due")
    try:
        opened = open_work(Wanted(access, target, base=base, planning=False))
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    if service is None and not due:
        return _tell_due(opened)
    return _rotate(opened, service)


def _tell_due(opened: Opened) -> int:
    """By the journal alone."""
    from datetime import UTC, datetime

    from provisioner.cli.output import show
    from provisioner.cli.slots import gone_slots, is_only_told, known_of, slots, why_due
    from provisioner.plan.rotation import what_is_over
    from provisioner.report.safe import safe

    found = slots(opened.declared, opened.targets, datetime.now(UTC), gives=False)
    for slot in found:
        known = known_of(opened.declared, opened.journal, slot)
        why = why_due(opened.declared, opened.journal, slot, datetime.now(UTC))
        told = f"due: {why}" if why else f"in order ({known.current})"
        told += "; none is made, a place of it is in mode `report`" if is_only_told(opened.declared, slot) else ""
        show(f"{slot.service}: {slot.kind} on {slot.target}: {safe(told)}\n")
    over = gone_slots(opened.declared, opened.targets, opened.journal)
    for slot in over:
        known = opened.journal.chain(slot.target).rotation(str(slot.address))
        told = what_is_over(slot, known, datetime.now(UTC)) or f"{', '.join(sorted(known.made))} switched off"
        show(f"{slot.service}: {slot.kind} on {slot.target}: not declared any more: {safe(told)}\n")
    if not found and not over:
        show("No service has a credential declared here.\n")
    return 0


def _rotate(opened: Opened, service: str | None) -> int:
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.locking import heads, locked, run_info
    from provisioner.cli.output import show, tell
    from provisioner.cli.rotating import Chosen, rotate_all, status
    from provisioner.cli.slots import gone_slots, slots
    from provisioner.cli.standing import stood
    from provisioner.cli.wiring import check_journal, now, situate
    from provisioner.diagnostics import Diagnostic, ProvisionError
    from provisioner.report import diagnostics as problems

    check_journal(opened)
    if service is not None and not slots(opened.declared, opened.targets, now(), service):
        raise ProvisionError(
            Diagnostic(
                "option-value",
                f"no credential of `{service}` can be made here",
                why="credentials stand under `credentials:` of a service that is there now, on a target that is "
                "written to, and go to such",
                fix="name a service that has some, or use --due",
            )
        )
    stand = stood(opened)
    if not stand.standing.complete:
        tell(problems.text(stand.notes))
        tell("what the files say lacks an approval: no credential is made or delivered before it is there\n")
        return Exit.REFUSED
    opened = stand.opened
    run = stand.on_record(run_info(opened, "rotate"))
    over = gone_slots(opened.declared, opened.targets, opened.journal, service)
    targets = {s.target for s in (*slots(opened.declared, opened.targets, now(), service), *over)}
    with locked(opened, run, targets) as lock:
        situation = situate(opened).situation
        wanted = slots(opened.declared, opened.targets, situation.now, service, situation.held)
        over = gone_slots(opened.declared, opened.targets, opened.journal, service, situation.held)
        found = rotate_all(opened, wanted, run, lock, Chosen(anew=service is not None, look=True, gone=over))
        if not any(r.done or r.failed or r.waits for r in found):
            show("Nothing is due.\n")
        tell(heads(opened.journal, targets))
        return status(found)
