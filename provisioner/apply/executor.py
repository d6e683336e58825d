"""Walk the plan: every target in a thread of its own, so that one that is slow or down does not hold up the others.

Opens readers and writers on the calling thread, because SDKs must be imported there, and joins all threads before it
returns. Only an interrupted run gives up on a thread whose call hangs; that one writes nothing any more.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

from provisioner.apply.applied import Applied, Progress, TargetApplied
from provisioner.apply.board import Board
from provisioner.apply.freshness import Ours
from provisioner.apply.inhand import AbandonedError, WatchedWriter
from provisioner.apply.leftovers import cut_leftovers, hidden, left_over, settle_leftovers
from provisioner.apply.retry import Waits
from provisioner.apply.units import in_order
from provisioner.apply.worker import Run, Site, Worker, not_tried
from provisioner.contract import Connection, Failed, ProviderError, Refused, Trouble
from provisioner.contract.outcome import is_success
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.change import Change
from provisioner.model.instant import Instant
from provisioner.model.target import Mode
from provisioner.plan.plan import Plan, TargetView
from provisioner.records.chain import Chain
from provisioner.records.entries import Reason, Result, Settled, outcome_body
from provisioner.records.journal import Journal
from provisioner.records.lock import Lock
from provisioner.records.record import RecordKind
from provisioner.records.run import RunInfo


def apply_plan(
    plan: Plan,
    connections: Mapping[str, Connection],
    journal: Journal,
    *,
    run: RunInfo,
    clock: Callable[[], Instant],
    whole: bool,
    progress: Callable[[Progress], None] | None = None,
    only_targets: Collection[str] | None = None,
    settled: Iterable[Settled] = (),
    waits: Waits | None = None,
    lock: Lock | None = None,
) -> Applied:
    """Do what `plan` says, and record it.

    `whole` says that the plan was made for all identities (not with `--person`): only then can a target converge.
    `only_targets` leaves the others untouched. `settled` is old work of which the engine knows that nobody wants it any
    more. `lock` is what the run holds: once that is lost, nothing more is begun. Raises ProvisionError before anything
    is changed where the journal cannot be read or written; trouble after that is in the result. SIGINT and SIGTERM end
    the run after the calls in hand, or without those that hang.
    """
    return _Apply(
        plan, connections, journal, run, clock, whole, progress, only_targets, tuple(settled), waits, lock
    ).run()


@dataclass
class _Apply:
    plan: Plan
    connections: Mapping[str, Connection]
    journal: Journal
    info: RunInfo
    clock: Callable[[], Instant]
    whole: bool
    progress: Callable[[Progress], None] | None
    only_targets: Collection[str] | None
    settled: tuple[Settled, ...]
    waits: Waits | None
    lock: Lock | None
    _workers: dict[str, Worker] = field(default_factory=dict)
    _problems: list[Diagnostic] = field(default_factory=list)
    _crash: BaseException | None = None
    _overtaken: set[str] = field(default_factory=set)
    _opening: bool = True
    _patience: float | None = None
    _abandoned: set[str] = field(default_factory=set)
    _hidden: dict[str, str] = field(default_factory=dict)

    def run(self) -> Applied:
        names = [t for t in self.plan.targets if self.only_targets is None or t in self.only_targets]
        mine = [c for c in self.plan.changes if self.only_targets is None or c.address.target in self.only_targets]
        ordered, circular = in_order(mine)
        self._board = Board(mine, self.progress)
        waits = (self.waits or Waits()).ended_by(lambda: self._board.stopped, self._board.sleep)
        self._run = Run(self.info, self._board, self.clock, waits, self._lost)
        if self.lock is not None:
            self.lock.on_lost(self._board.stop)
        self._board.finish({c.id: Result(Refused("needs itself"), Reason.NEEDS) for c in circular})
        by_target: dict[str, list[Change]] = {t: [] for t in names}
        for change in ordered:
            by_target.setdefault(change.address.target, []).append(change)
        with suppress_signals(self._interrupt) as interrupted:
            try:
                self._begin(by_target)
                self._opening = False
                self._work()
            finally:
                for name, worker in self._workers.items():
                    if name not in self._abandoned:
                        _close(worker.site)
            if self._crash is not None:
                raise self._crash
            return self._result(by_target, mine, interrupted)

    def _interrupt(self) -> None:
        """A signal came. While nothing has been sent yet, it may break off whatever this thread waits for."""
        first = not self._board.stopped
        self._board.stop()
        if self._opening and first:
            raise KeyboardInterrupt
        if self._patience is None:
            self._patience = time.monotonic() + (self.waits or Waits()).grace

    def _begin(self, by_target: Mapping[str, list[Change]]) -> None:
        """First every journal, then every connection: a journal that cannot be written stops all before any call."""
        chains = {t: self.journal.chain(t) for t in by_target}
        written = {t: chain.last_written() for t, chain in chains.items()}
        self._overtaken = {t for t, at in written.items() if at is not None and at > self.plan.as_of}
        readable = {t for t, view in self.plan.targets.items() if view.failed is None}
        todo = {t: cs for t, cs in by_target.items() if cs or (t in readable and self._looks(t, chains[t]))}
        usable = {}
        for target, changes in todo.items():
            refusal = self._not_ours_to_write(target)
            if refusal is None:
                usable[target] = changes
            else:
                self._board.finish({c.id: refusal for c in changes})
        for target, changes in usable.items():
            if changes:
                self._start_record(target, chains[target])
        for target, changes in usable.items():
            self._open(target, changes, chains[target])

    def _looks(self, target: str, chain: Chain) -> bool:
        """Whether there is something to look at though there is nothing to change."""
        return bool(left_over(chain, ())) or (self.whole and bool(self.plan.targets[target].unseen))

    def _not_ours_to_write(self, target: str) -> Result | None:
        view = self.plan.targets.get(target)
        if view is None or target not in self.connections:
            return Result(Refused(f"{target} is not among the targets of this run"), Reason.SYSTEM)
        if view.refused is not None:  # also what is left of earlier runs is not looked at
            return Result(Refused(f"{target} is refused ({view.refused})"), Reason.SYSTEM)
        declared = self.connections[target].target.mode
        if Mode.REPORT in (view.mode, declared):
            return Result(Refused("nothing is written in mode `report`"), Reason.MODE)
        return None

    def _start_record(self, target: str, chain: Chain) -> None:
        view = self.plan.targets[target]
        body: dict[str, object] = {"system": view.system, "counts": dict(view.read) if view.complete else None}
        body |= _goes_on_after_a_loss(view, chain)
        chain.append(RecordKind.RUN, body, run=self.info, at=self.clock())

    def _open(self, target: str, changes: list[Change], chain: Chain) -> None:
        connection, view = self.connections[target], self.plan.targets[target]
        opened: list[Callable[[], None]] = []
        try:
            reader = connection.reader()
            opened.append(reader.close)
            _same_system(reader.system(), view)
            writer = WatchedWriter(connection.writer())
        except ProviderError as error:
            for close in opened:
                with suppress(ProviderError):
                    close()
            results = {c.id: Result(Failed(error)) for c in changes}
            if changes:
                body = outcome_body((c, results[c.id]) for c in changes)
                chain.append(RecordKind.OUTCOME, body, run=self.info, at=self.clock())
            self._board.finish(results)
            return
        declare = connection.declare
        ours = Ours(connection.owner, declare.capabilities.marks)
        self._workers[target] = Worker(Site(target, declare, reader, writer, chain, ours, self._run), changes)

    def _work(self) -> None:
        threads = [
            threading.Thread(target=self._one, args=(w,), name=f"apply {t}", daemon=True)
            for t, w in self._workers.items()
        ]
        self._board.begin(len(threads))
        for thread in threads:
            thread.start()
        for thread, name in zip(threads, self._workers, strict=True):
            while thread.is_alive() and (self._patience is None or time.monotonic() < self._patience):
                thread.join(0.25)  # no longer at a time, because a signal only sets how long
            if thread.is_alive():
                self._abandoned.add(name)
                self._leave_call(name)
                try:
                    self._workers[name].abandon()
                except ProvisionError as error:
                    self._problems += error.diagnostics

    def _leave_call(self, target: str) -> None:
        """The call in hand may still take effect: whoever is next there waits as long before it looks."""
        left = self._workers[target].give_up()
        if left and self.lock is not None:
            self.lock.leaves_a_call(target, left)

    def _one(self, worker: Worker) -> None:
        try:
            tried = cut_leftovers(worker.site, worker.changes, self.settled)
            worker.work()
            if worker.reached and not self._board.stopped:
                plan = self.plan
                still = (
                    {(o.address, o.action) for o in plan.outstanding}
                    if self._says_everything(worker.site.name)
                    else None
                )
                left_alone = {s.address for s in plan.strays}
                settle_leftovers(worker.site, worker.changes, self.settled, still, left_alone, tried)
                if self.whole and not self._board.stopped:
                    self._hidden[worker.site.name] = hidden(worker.site, plan.targets[worker.site.name].unseen)
        except AbandonedError:
            pass  # the run is over, and has said so
        except ProvisionError as error:
            self._problems += error.diagnostics
            if any(d.code != "journal-moved-on" for d in error.diagnostics):
                self._board.stop()  # the journal is the same for all: nobody writes without it
        except Exception as error:  # noqa: BLE001 - ours: told when the other targets have ended
            self._crash = self._crash or error
        except BaseException as error:  # noqa: BLE001 - what ends a thread is raised where the run ends
            self._crash = error
            self._board.stop()
        finally:
            self._board.leave()

    def _lost(self) -> Diagnostic | None:
        return None if self.lock is None else self.lock.lost()

    def _says_everything(self, target: str) -> bool:
        """Whether nothing is missing from what the plan says about `target`."""
        view = self.plan.targets[target]
        held_back = bool(self.plan.left.get(target)) or any(
            w.change.address.target == target for w in self.plan.withheld
        )
        written = view.mode != Mode.REPORT and view.refused is None
        return self.whole and view.complete and not self._errors(target) and not held_back and written

    def _errors(self, target: str) -> list[str]:
        """The codes of what is wrong there, or everywhere."""
        about = (None, target, target.partition("/")[0])
        return sorted({d.code for d in self.plan.diagnostics if d.is_error and d.target in about})

    def _result(self, by_target: Mapping[str, list[Change]], mine: list[Change], interrupted: list[bool]) -> Applied:
        results = self._board.results()
        missing = {c.id: not_tried() for c in mine if c.id not in results}
        results.update(missing)
        lost = self._lost()
        if lost is not None:
            self._problems.append(lost)
        targets = {}
        for name, changes in by_target.items():
            of_target = [c for c in mine if c.address.target == name]
            why_not = self._why_not(name, of_target, results)
            if not why_not:
                try:
                    self._converge(name, bool(changes))
                except ProvisionError as error:
                    self._problems += error.diagnostics
                    why_not = "the journal could not be written"
            targets[name] = TargetApplied(name, tuple(of_target), results, not why_not, why_not)
        return Applied(
            run=self.info,
            changes=tuple(mine),
            results=results,
            targets=targets,
            converged=frozenset(t for t, a in targets.items() if a.converged),
            unreadable=frozenset(t for t in by_target if self._is_short(t)),
            interrupted=bool(interrupted),
            diagnostics=tuple(dict.fromkeys(self._problems)),
        )

    def _is_short(self, target: str) -> bool:
        """Whether something of the target was not read, or turned out to be there unread."""
        view = self.plan.targets.get(target)
        return view is not None and (not view.complete or bool(self._hidden.get(target)))

    def _why_not(self, target: str, changes: list[Change], results: Mapping[str, Result]) -> str:
        """What keeps the target from having converged, in words."""
        view = self.plan.targets.get(target)
        if view is None:
            return "it is not among the targets of this plan"
        if view.mode == Mode.REPORT:
            return "nothing is written in mode `report`"
        if view.refused is not None:
            return f"it is refused ({view.refused})"
        if not self.whole:
            return "the plan was not for everybody"
        if not view.complete:
            return view.failed or "it could not be read completely"
        if any(w.change.address.target == target for w in self.plan.withheld):
            return "some changes were held back"
        count = self.plan.left.get(target, 0)
        if count:
            return f"{count} {'change is' if count == 1 else 'changes are'} left to `apply`"
        if not self._says_everything(target):
            return f"the plan has errors: {', '.join(self._errors(target))}"
        if not all(is_success(results[c.id].outcome) for c in changes):
            return "some changes were not done"
        if target in self._overtaken:
            return "another run was here since this plan was made, and what it did is not in the plan"
        if self._problems:
            return "the journal could not be written"
        if self._board.stopped:
            return "the run was stopped"
        if view.unseen and self._hidden.get(target, "what the files stopped giving was not looked at"):
            return self._hidden.get(target, "what the files stopped giving was not looked at")
        left = self.journal.chain(target).open_items()
        return f"{len(left)} changes of earlier runs are outstanding" if left else ""

    def _converge(self, target: str, changed: bool) -> None:
        """Recorded unless the newest record says exactly that already: an apply every ten minutes leaves no heap."""
        chain, view = self.journal.chain(target), self.plan.targets[target]
        last = chain.converged()
        kept = sorted(str(s.address) for s in self.plan.strays if s.newly_managed and s.address.target == target)
        if not changed and last is not None and chain.at_rest():
            same = (last.revision, last.tree, last.uncommitted) == (
                self.info.revision, self.info.tree, self.info.uncommitted,
            )  # fmt: skip
            if same and (last.counts, last.system, sorted(last.kept)) == (dict(view.read), view.system, kept):
                return
        counts = chain.last_counts() if changed else None
        body: dict[str, object] = {"counts": dict(counts or view.read), "system": view.system, "kept": kept}
        body |= _goes_on_after_a_loss(view, chain)
        chain.append(RecordKind.CONVERGED, body, run=self.info, at=self.clock())


def _goes_on_after_a_loss(view: TargetView, chain: Chain) -> dict[str, object]:
    """What the first record of a chain says where another one, which is lost, must have been before it."""
    return {"unrecorded": view.unrecorded} if view.unrecorded is not None and chain.head()[0] == 0 else {}


def _same_system(found: str, view: TargetView) -> None:
    if view.system is not None and found != view.system:
        raise ProviderError(
            Trouble.INVALID,
            f"the plan was made against {view.system}, and the same settings now lead to {found}",
            call="system",
        )


def _close(site: Site) -> None:
    for close in (site.writer.close, site.reader.close):
        with suppress(ProviderError):
            close()


@contextmanager
def suppress_signals(stop: Callable[[], None]) -> Iterator[list[bool]]:
    """While inside, SIGINT and SIGTERM call `stop` instead of breaking off; the list is not empty when one came.
    Whoever had the signals before and wants to know (has `note`) is told. Does nothing in other threads than the main
    one, which no signal reaches."""
    came: list[bool] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def handler(_number: int, _frame: FrameType | None) -> None:
        came.append(True)
        for old in before.values():
            note = getattr(old, "note", None)
            if note is not None:
                note()
        stop()

    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, handler)
    try:
        yield came
    finally:
        for number, old in before.items():
            signal.signal(number, old)
