"""The lock of a run from the command line: with the times of the files, and what is waited for told on stderr."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.apply import Waits
from provisioner.apply.recover import Recovered, recover
from provisioner.cli import process
from provisioner.cli.output import tell
from provisioner.cli.wiring import Opened, now
from provisioner.records.journal import Journal
from provisioner.records.lock import Lock
from provisioner.records.run import RunInfo
from provisioner.report.safe import safe


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
