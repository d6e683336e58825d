"""What runs that died have left behind: ended by `expire`, told by `status`. Asks no target before some `provision run`
is on record.
"""

from __future__ import annotations

import os

from provisioner.actor.minting import Means, sweep, unswept
from provisioner.cli.exit_codes import Exit, first, of_error
from provisioner.cli.output import tell
from provisioner.cli.wiring import Opened, now
from provisioner.contract import Mints
from provisioner.diagnostics import ProvisionError
from provisioner.model.instant import Instant
from provisioner.model.target import Mode, Target
from provisioner.records.runs import any_run, unended
from provisioner.report.diagnostics import text
from provisioner.report.safe import safe
from provisioner.report.text import moment


def ended_runs(opened: Opened) -> Exit:
    """Of all targets of this run. A target that cannot be asked does not hold up the others, nor the rest of the
    run."""
    if not any_run(opened.journal.store):
        return Exit.DONE
    providers, found = opened.files.providers, [Exit.DONE]
    unsaid = unended(opened.journal.store, now())
    owner = opened.judging.records.owner
    means = Means(providers, os.environ, owner, opened.journal.store, now, lambda line: tell(f"{safe(line, 400)}\n"))
    for target in opened.targets.values():
        provider: object = providers[target.provider]
        if target.mode is Mode.REPORT or not isinstance(provider, Mints) or not provider.takes_back:
            continue
        try:
            minter = means.minter(target, unswept)
            try:
                found += [] if sweep(target, minter, means, unsaid, "`expire`") else [Exit.FAILED]
            finally:
                minter.close()
        except ProvisionError as error:
            tell(text(error.diagnostics))
            found.append(of_error(error))
    return first(*found)


def runs_left(opened: Opened, at: Instant) -> dict[str, tuple[str, ...]]:
    """By target, in words, what runs may have left that nothing ends by itself, as the journal knows it."""
    found: dict[str, list[str]] = {}
    for one in unended(opened.journal.store, at):
        began = one.began
        if not one.left and began.ends > at:
            continue  # it goes on
        for name in began.given:
            target = opened.declared.targets.get(name)
            provider: object = None if target is None else opened.files.providers[target.provider]
            if isinstance(provider, Mints) and not provider.takes_back:
                continue
            who = " and ".join(began.people)
            why = "could not be ended" if one.left else f"was over {moment(began.ends)}, and no end is on record"
            found.setdefault(name, []).append(f"run {began.run} for {who} {why}: {_mend(target)}")
    return {name: tuple(told) for name, told in found.items()}


def _mend(target: Target | None) -> str:
    if target is None:
        return "the files that could end it have no such target any more, so look there by hand"
    if target.mode is Mode.REPORT:
        return "its target is in mode report, so look there by hand"
    return "`provision expire` ends what is left of it"
