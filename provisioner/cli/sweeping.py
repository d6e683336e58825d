"""What runs that died have left behind, ended by `expire`. Asks no target before some `provision run` is on record."""

from __future__ import annotations

import os

from provisioner.actor.minting import Means, sweep, unswept
from provisioner.cli.exit_codes import Exit, first, of_error
from provisioner.cli.output import tell
from provisioner.cli.wiring import Opened, now
from provisioner.contract import Mints
from provisioner.diagnostics import ProvisionError
from provisioner.model.target import Mode
from provisioner.records.runs import any_run
from provisioner.report.diagnostics import text
from provisioner.report.safe import safe


def ended_runs(opened: Opened) -> Exit:
    """Of all targets of this run. A target that cannot be asked does not hold up the others, nor the rest of the
    run."""
    if not any_run(opened.journal.store):
        return Exit.DONE
    providers, found = opened.files.providers, [Exit.DONE]
    owner = opened.judging.records.owner
    means = Means(providers, os.environ, owner, opened.journal.store, now, lambda line: tell(f"{safe(line, 400)}\n"))
    for target in opened.targets.values():
        if target.mode is Mode.REPORT or not isinstance(providers[target.provider], Mints):
            continue
        try:
            minter = means.minter(target, unswept)
            try:
                found += [] if sweep(target, minter, means) else [Exit.FAILED]
            finally:
                minter.close()
        except ProvisionError as error:
            tell(text(error.diagnostics))
            found.append(of_error(error))
    return first(*found)
