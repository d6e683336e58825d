"""What every run that writes to the journal begins with: who it is, its lock, and the recovery of runs that died.

What is waited for and found is told on stderr.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from provisioner import __version__
from provisioner.apply import Waits
from provisioner.apply.recover import Recovered, recover
from provisioner.ci.recognise import this_run
from provisioner.cli import process
from provisioner.cli.output import tell
from provisioner.cli.wiring import Opened, now
from provisioner.records.journal import Journal
from provisioner.records.lock import Lock
from provisioner.records.run import RunInfo, new_run_id, who_is_here
from provisioner.report.safe import safe


def run_info(opened: Opened, command: str) -> RunInfo:
    """This run, as every record of it says: who triggered it, of which files, and what a CI system says of it."""
    ci = this_run(os.environ)
    return RunInfo(
        id=new_run_id(now()),
        who=ci.who or who_is_here(opened.files.root),
        revision=opened.files.head.revision,
        tree=opened.files.declared.tree,
        command=command,
        engine=__version__,
        uncommitted=opened.files.head.uncommitted,
        ci=ci.system,
        url=ci.url,
        pull_request="" if ci.pull_request is None else str(ci.pull_request),
        approvers=ci.approvers,
    )


def locked(opened: Opened, run: RunInfo, targets: Iterable[str]) -> Lock:
    """The locks of `targets`, to be held with `with`. A process of our own is ended when they are lost."""

    def told(words: str) -> None:
        tell(f"{safe(words)}\n")

    return Lock(opened.journal, targets, run, now=now, times=opened.times, armed=process.is_own(), tell=told)


def recovered(opened: Opened, run: RunInfo) -> tuple[Recovered, ...]:
    """Settles what runs that died had begun on the targets of this run, whose locks it holds; tells what was found."""
    waits = Waits(call=opened.times.deadline)
    found = recover(opened.journal, opened.connections, run=run, clock=now, waits=waits)
    for each in found:
        for line in each.lines:
            tell(f"recovered: {safe(line)}\n")
    return found


def heads(journal: Journal, targets: Iterable[str]) -> str:
    """The newest record of each chain: what `journal verify --head` later proves to be still there."""
    found = []
    for name in sorted(targets):
        number, head = journal.chain(name).head()
        if head is not None:
            found.append(f"journal: {safe(name)} is at record {number}, {head}\n")
    return "".join(found)
