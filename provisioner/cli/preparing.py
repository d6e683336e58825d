"""What lies ready on targets for runs: told by a plan, laid by an `apply` after its changes.

Asks a target only where some pipeline's runs take a role there, or the journal knows of something that lies there.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from provisioner.actor.usual import prepared_targets, usual_runs
from provisioner.apply.one_slot import Rotating
from provisioner.apply.prepare import Asked, Laid, LayReady, few, look_at_all
from provisioner.apply.retry import Waits
from provisioner.cli.exit_codes import Exit
from provisioner.cli.output import show, tell
from provisioner.cli.running import progress_line
from provisioner.cli.wiring import Work
from provisioner.contract import Connection, Prepared, Preparer, Prepares, ProviderError, Usual
from provisioner.diagnostics import Diagnostic, Severity, in_order
from provisioner.records.runs import GoingOn
from provisioner.report.safe import safe
from provisioner.report.words import plural

if TYPE_CHECKING:
    from provisioner.model.target import Target
    from provisioner.plan.plan import Plan
    from provisioner.records.journal import Journal
    from provisioner.records.lock import Lock
    from provisioner.records.run import RunInfo
    from provisioner.report.progress import ProgressLine

_MARGIN = 300.0
"""Seconds by which two clocks may differ: a run is over only then."""


def with_notes(plan: Plan, work: Work) -> Plan:
    """With what an apply would lay ready, and take away, as things are now. What could not be read at all, and what a
    rule of safety refuses, is asked nothing more."""
    unread = {name for name, view in plan.targets.items() if view.failed or not (view.complete or view.read)}
    targets = {name for name, view in plan.targets.items() if view.refused is None and name not in unread}
    notes = tuple(_notes(work, targets, drops=plan.person is None))
    return replace(plan, diagnostics=in_order((*plan.diagnostics, *notes))) if notes else plan


def lay_ready(work: Work, targets: Collection[str], run: RunInfo, lock: Lock, *, drops: bool) -> list[Laid]:
    """What became of each target that had something to do. `targets` are those that this run may write to; `drops`:
    what no run needs is taken away."""
    of = Rotating(run, lambda: datetime.now(UTC), Waits(call=work.opened.times.deadline), time.sleep, lock.lost)
    line = progress_line()
    try:
        each = [
            _laid(work, name, usual, of, line, drops=drops) for name, usual in _asked(work).items() if name in targets
        ]
    finally:
        line.close()
    return [laid for laid in each if laid != Laid(laid.target)]


def _laid(work: Work, name: str, usual: Sequence[Usual], of: Rotating, line: ProgressLine, *, drops: bool) -> Laid:
    """What became of one target."""

    @cache
    def going_on() -> GoingOn:
        return GoingOn(work.journal.store, same_system(work.journal, work.situation.declared.targets, name), _MARGIN)

    def progress(words: str) -> None:
        line(f"{name}: {words}", phase=f"{name}: policies that runs need")

    try:
        preparer = _opened(work.situation.connections[name], writes=True)
    except ProviderError as error:
        return Laid(name, failed=[str(error)])
    chain = work.journal.chain(name)
    try:
        return LayReady(name, preparer, usual, chain, of, lambda: going_on()(of.clock()), drops, progress).go()
    finally:
        preparer.close()


def same_system(journal: Journal, targets: Mapping[str, Target], target: str) -> set[str]:
    """Targets that are one account under several names: what a run was given by one of them lies there too."""
    system = journal.chain(target).system()
    alike = [n for n, t in targets.items() if t.provider == targets[target].provider and system is not None]
    return {target, *(n for n in alike if journal.chain(n).system() == system)}


def report(found: Sequence[Laid]) -> Exit:
    """On stdout what was done, on stderr what was not; FAILED where something was not."""
    for one in found:
        for words in (*one.done, *one.waits):
            show(f"{safe(one.target)}: {safe(words)}\n")
        for words in one.strange:
            tell(f"{safe(one.target)}: left alone: {safe(words)}\n")
        for words in one.failed:
            tell(f"{safe(one.target)}: not done: {safe(words)}\n")
    return Exit.FAILED if any(one.failed for one in found) else Exit.DONE


def _asked(work: Work) -> Mapping[str, Sequence[Usual]]:
    """By target of this run: the runs that may come, none where only something is left over."""
    opened, situation = work.opened, work.situation
    providers = work.files.providers
    targets = prepared_targets(providers, opened.targets)
    if not targets:
        return {}
    usual = usual_runs(situation.declared, targets, providers, situation.now, situation.held)
    return {name: usual.get(name, ()) for name in targets if usual.get(name) or work.journal.chain(name).ready()}


def _opened(connection: Connection, *, writes: bool) -> Preparer:
    provider = connection.provider
    assert isinstance(provider, Prepares)
    return provider.open_preparer(connection.target, connection.environ, connection.owner, writes=writes)


def _looked(work: Work, asked: Mapping[str, Sequence[Usual]]) -> dict[str, Prepared | ProviderError]:
    """What lies ready on each of these targets. They are opened one by one, and the journal is read before."""
    found: dict[str, Prepared | ProviderError] = {}
    opened: dict[str, Asked] = {}
    try:
        for name, usual in asked.items():
            try:
                preparer = _opened(work.situation.connections[name], writes=False)
                opened[name] = (preparer, usual, work.journal.chain(name).ready())
            except ProviderError as error:
                found[name] = error
        return found | look_at_all(opened)
    finally:
        for preparer, _, _ in opened.values():
            preparer.close()


def _notes(work: Work, targets: Collection[str], *, drops: bool) -> Iterator[Diagnostic]:
    asked = {name: usual for name, usual in _asked(work).items() if name in targets}
    for name, found in _looked(work, asked).items():
        if isinstance(found, ProviderError):
            yield Diagnostic(
                "run-policies-unread",
                f"{name} could not be asked what lies ready there for runs: {found}",
                Severity.WARNING,
                why="what a run of `provision run` is given a part of by name has to be there before it comes",
                fix="let the credential that reads do what docs/providers says of runs",
                target=name,
            )
            continue
        needless = len(found.needless) if drops else 0
        if found.lacking or needless:
            runs = list(dict.fromkeys(run for piece in found.lacking for run in piece.runs))
            lacking = plural(len(found.lacking), "policy", "policies")
            told = [f"{lacking} to be laid ready on {name} for runs ({few(runs)})"] if found.lacking else []
            told += [f"{needless} to be taken away there, which no run needs"] if needless else []
            yield Diagnostic(
                "run-policies",
                "; ".join(told),
                Severity.NOTE,
                why="what these runs may do is more than goes into a session; a policy that lies ready is on nobody, "
                "and gives nothing by itself",
                fix="nothing to do: `apply` does it, after the changes of this plan",
                target=name,
            )
        for words in found.strange:
            yield Diagnostic(
                "run-policy-changed",
                words,
                Severity.WARNING,
                why="policies for runs are known by their own text, and nobody else has a use for them; a run is never "
                "given one that was changed",
                fix="detach it, or delete it there: `apply` makes it anew where a run needs it",
                target=name,
            )
