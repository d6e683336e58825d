"""`provision status`: what is outstanding, since when; when each target was last in order. Asks no system."""

from __future__ import annotations

import os
import sys

from provisioner.cli.options import DEFAULT_ACCESS, Access


def status(access: Access = DEFAULT_ACCESS) -> int:
    """Show what is outstanding, since when, and when each target was last in order."""
    from provisioner.cli.exit_codes import Exit
    from provisioner.cli.output import show, tell
    from provisioner.cli.running import tell_invalid
    from provisioner.cli.wiring import InvalidFilesError, Wanted, prepare
    from provisioner.report.colour import palette
    from provisioner.report.diagnostics import text as problems
    from provisioner.report.status import TargetStatus, text

    try:
        work = prepare(Wanted(access, planning=False))
    except InvalidFilesError as error:
        return tell_invalid(error.loaded)
    found = []
    for name in work.situation.connections:
        chain = work.journal.chain(name)
        last = chain.converged()
        found.append(
            TargetStatus(
                name,
                None if last is None else last.at,
                None if last is None else last.revision,
                last is not None and last.uncommitted,
                work.situation.known[name].outstanding,
                work.situation.known[name].system,
            )
        )
        tell(problems(chain.warnings()))
    tell(problems(d for d in work.situation.diagnostics if d.code in ("offboarded-now", "ends-soon")))
    where = f"in {work.opened.journal_place}"
    show(text(found, where=where, now=work.situation.now, colours=palette(sys.stdout, os.environ)))
    return Exit.DONE
