"""`provision status`: what is outstanding, since when; when each target was last in order. Asks no system."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from provisioner.cli.options import DEFAULT_ACCESS, Access

if TYPE_CHECKING:
    from provisioner.cli.wiring import Work
    from provisioner.report.status import TargetStatus


def status(access: Access = DEFAULT_ACCESS) -> int:
    """Show what is outstanding, since when, and when each target was last in order."""
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.gone import targets_gone
    from provisioner.cli.holding import CUT_OFF
    from provisioner.cli.output import show, tell
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.sweeping import runs_left
    from provisioner.cli.wiring import InvalidFilesError, Wanted, prepare
    from provisioner.report.colour import palette
    from provisioner.report.diagnostics import text as problems
    from provisioner.report.status import text

    try:
        work = prepare(Wanted(access, planning=False))
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    left = targets_gone(work.opened).left
    runs = runs_left(work.opened, work.situation.now)
    names = dict.fromkeys((*work.situation.connections, *left, *runs))
    known = work.opened.declared.targets
    found = [_status_of(work, name, gone=name not in known, runs=runs.get(name, ())) for name in names]
    for name in work.situation.connections:
        tell(problems(work.journal.chain(name).warnings()))
    tell(problems(d for d in work.situation.diagnostics if d.code in (*CUT_OFF, "target-gone", "ends-soon")))
    where = f"in {work.opened.journal_place}"
    show(text(found, where=where, now=work.situation.now, colours=palette(sys.stdout, os.environ)))
    return Exit.DONE


def _status_of(work: Work, name: str, *, gone: bool, runs: tuple[str, ...]) -> TargetStatus:
    """What the journal says of a target. What a run that has the lock has begun is its own, and not outstanding."""
    from provisioner.records.lock import holder_words
    from provisioner.records.register import Register
    from provisioner.report.status import TargetStatus

    chain = work.journal.chain(name)
    last, outstanding = chain.converged(), chain.outstanding(work.situation.now)
    holder = Register(work.journal.store, name).read().holder
    at_it = {o for o in outstanding if holder is not None and o.run == holder.run}
    return TargetStatus(
        name,
        None if last is None else last.at,
        None if last is None else last.revision,
        last is not None and last.uncommitted,
        tuple(o for o in outstanding if o not in at_it),
        chain.system(),
        chain.gap(),
        "" if holder is None else holder_words(holder),
        tuple(o for o in outstanding if o in at_it),
        gone,
        runs,
    )
