"""One target's changes, batch by batch: look, intend, write, read back, record.

Nothing is written before its intent is on disk, and nothing is called done before the live system shows it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from provisioner.apply import retry
from provisioner.apply.applied import Progress
from provisioner.apply.board import Board, Ready
from provisioner.apply.cut import Cuts
from provisioner.apply.freshness import Ours, account_of, addresses_of, judge, out_of_time, proven
from provisioner.apply.inhand import AbandonedError, WatchedWriter
from provisioner.apply.retry import Waits
from provisioner.apply.settle import ReadBack, settle
from provisioner.apply.units import Job, Queue
from provisioner.contract import (
    Accepted,
    Declare,
    Failed,
    Outcome,
    ProviderError,
    Reader,
    Reading,
    Refused,
    Trouble,
    Unknown,
)
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.address import Address
from provisioner.model.change import Change
from provisioner.model.instant import Instant
from provisioner.model.unit import UnitMode
from provisioner.model.way import Evidence
from provisioner.records.chain import Chain
from provisioner.records.entries import Reason, Result, Settled, intent_body, outcome_body
from provisioner.records.record import RecordKind
from provisioner.records.run import RunInfo

_DOWN = frozenset({Trouble.UNREACHABLE, Trouble.CREDENTIAL})
"""What one call says of the whole target: nothing else is tried there."""


@dataclass(frozen=True)
class Run:
    """What all targets of a run share. `lost` says why nothing may be changed any more: another run may be at work."""

    info: RunInfo
    board: Board
    clock: Callable[[], Instant]
    waits: Waits
    lost: Callable[[], Diagnostic | None] = lambda: None


@dataclass
class Site:
    """One target, opened: everything that is needed to change it and to write that down."""

    name: str
    declare: Declare
    reader: Reader
    writer: WatchedWriter
    chain: Chain
    ours: Ours
    run: Run
    _writing: threading.Lock = field(default_factory=threading.Lock)
    _abandoned: bool = False

    def note(self, kind: RecordKind, body: Mapping[str, object]) -> None:
        lost = self.run.lost() if kind is RecordKind.INTENT else None
        if lost is not None:
            raise ProvisionError(lost)
        with self._writing:
            if self._abandoned:
                raise AbandonedError
            self._append(kind, body)

    def settle(self, items: Iterable[Settled]) -> None:
        """Record that old work needs nothing any more."""
        with self._writing:
            if self._abandoned:
                raise AbandonedError
            self.chain.settle(items, run=self.run.info, at=self.run.clock())

    def abandon(self, body: Mapping[str, object] | None, patience: float = 0.5) -> bool:
        """From another thread: the site's own writes nothing any more, and `body` is the last word on what it had in
        hand. False where it is writing right now, and does not come to an end."""
        if not self._writing.acquire(timeout=patience):
            return False
        try:
            self._abandoned = True
            if body is not None:
                self._append(RecordKind.OUTCOME, body)
            return True
        finally:
            self._writing.release()

    def _append(self, kind: RecordKind, body: Mapping[str, object]) -> None:
        self.chain.append(kind, body, run=self.run.info, at=self.run.clock())

    def look(self, addresses: Iterable[Address]) -> Reading:
        return retry.look(self.reader, list(dict.fromkeys(addresses)), self.run.waits)


@dataclass
class Worker:
    """`changes` are those of the site's target, in order."""

    site: Site
    changes: Sequence[Change]
    _done: int = 0
    _down: ProviderError | None = None
    _never: list[Change] = field(default_factory=list)
    _known: dict[str, Result] = field(default_factory=dict)
    _sent: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        declare = self.site.declare
        self._queue = Queue(list(self.changes), declare.unit, max(1, declare.capabilities.batch))
        self._cuts = Cuts(self.site, self.changes)

    @property
    def reached(self) -> bool:
        """Whether the target answered to the end."""
        return self._down is None

    def give_up(self) -> float:
        """From another thread: nothing more is sent. For how many seconds the call under way may still take effect."""
        until, monotonic = self.site.writer.give_up(), self.site.run.waits.monotonic
        return 0.0 if until is None else max(0.0, until - monotonic())

    def abandon(self) -> None:
        """After that: the call in hand is not waited for. What was sent is unknown, what was not is not."""
        board = self.site.run.board
        open_ = [c for c in self.changes if board.result(c) is None and c.id in self._known]
        known, sent = self._known, self._sent
        results = {c.id: (_GIVEN_UP if c.id in sent else not_tried()) if known[c.id] is _IN_DOUBT else known[c.id]
                   for c in open_}  # fmt: skip
        body = outcome_body((c, results[c.id]) for c in open_) if open_ else None
        if self.site.abandon(body):
            board.finish(results)
        else:
            board.finish({c.id: _GIVEN_UP for c in open_})

    def work(self) -> None:
        """Finishes every change on the board, also when it ends by an exception: then as what is known of it."""
        board = self.site.run.board
        try:
            while self._queue.pending and not board.stopped:
                version = board.version
                jobs = self._queue.take(self._ready)
                if self._never:
                    self._refuse_never()
                elif not jobs and not board.wait_past(version):
                    self._never = list(self._queue.pending)
                    self._refuse_never()
                if jobs:
                    self._batch(jobs)
                if self._down is not None:
                    self._give_up(self._down)
        finally:
            rest = {c.id: self._known.get(c.id) or not_tried() for c in self.changes if board.result(c) is None}
            board.finish(rest)

    def _ready(self, change: Change) -> bool:
        state = self.site.run.board.ready(change)
        if state is Ready.NEVER:
            self._never.append(change)
        return state is Ready.YES

    def _refuse_never(self) -> None:
        never, self._never = list({c.id: c for c in self._never}.values()), []
        self._queue.drop(never)
        board = self.site.run.board
        self._record(never, {c.id: Result(Refused(board.why_never(c)), Reason.NEEDS) for c in never})

    def _give_up(self, error: ProviderError) -> None:
        """The target is out of reach: the rest is not tried one by one."""
        rest = list(self._queue.pending)
        self._queue.drop(rest)
        if rest:
            self._record(rest, {c.id: Result(Failed(error)) for c in rest})

    def _batch(self, jobs: Sequence[Job]) -> None:
        changes = [c for job in jobs for c in job.changes]
        self._tell(changes[0])
        try:
            due = self._cuts.due(changes)
            reading = self.site.look([*(a for c in changes for a in addresses_of(c)), *due])
        except ProviderError as error:
            self._down = error if error.trouble in _DOWN else None
            self._record(changes, {c.id: Result(Failed(error)) for c in changes})
            return
        if self.site.run.board.stopped:
            return
        self._cuts.make(due, reading)
        judged = {c.id: r for c in changes if (r := self._judge(c, reading)) is not None}
        todo = [Job(j.unit, left) for j in jobs if (left := tuple(c for c in j.changes if c.id not in judged))]
        if todo:
            self._intend(todo)
            self._known = {**judged, **{c.id: _IN_DOUBT for job in todo for c in job.changes}}
        written = self._write_all(todo, reading)
        doing = [c for job in todo for c in job.changes if not isinstance(written[c.id].outcome, Refused)]
        self._finish_later(doing, written)
        told = {c.id: written[c.id].outcome for c in doing}
        results = {**judged, **written, **{i: Result(o) for i, o in self._read_back().prove(doing, told).items()}}
        self._record(changes, results)

    def _judge(self, change: Change, reading: Reading) -> Result | None:
        account = account_of(change)
        barred = self._cuts.barred.get(account) if account is not None else None
        if barred is not None and change.evidence is Evidence.SUBJECT:
            return barred
        return judge(change, reading, self.site.ours)

    def _intend(self, jobs: Iterable[Job]) -> None:
        jobs = list(jobs)
        units = {c.id: j.unit.key for j in jobs if j.unit.mode is not UnitMode.CALL for c in j.changes}
        self.site.note(RecordKind.INTENT, intent_body([c for j in jobs for c in j.changes], units))

    def _write_all(self, jobs: Iterable[Job], reading: Reading) -> dict[str, Result]:
        """What the writer told of each change, or why it was not asked."""
        board, told = self.site.run.board, dict[str, Result]()
        for job in jobs:
            if board.stopped or self.site.run.lost() is not None:
                told.update({c.id: not_tried() for c in job.changes})
                continue
            if self._down is not None:
                told.update({c.id: Result(Failed(self._down)) for c in job.changes})
                continue
            now = self.site.run.clock()
            late = {c.id: r for c in job.changes if (r := out_of_time(c, now)) is not None}
            told.update(late)
            left = Job(job.unit, tuple(c for c in job.changes if c.id not in late))
            if left.changes:
                self._tell(left.changes[0])
                self._cuts.again(left.changes)
                told.update({i: _result(o) for i, o in self._write(left, reading).items()})
        return told

    def _write(self, job: Job, reading: Reading) -> dict[str, Outcome]:
        self._sent.update(c.id for c in job.changes)
        outcomes = self._call(job, reading)
        unsure = [c for c in job.changes if isinstance(outcomes[c.id], Unknown)]
        if unsure and not self.site.run.board.stopped:
            outcomes.update(self._resolve(job, unsure))
        for outcome in outcomes.values():
            if isinstance(outcome, Failed) and outcome.error.trouble in _DOWN:
                self._down = outcome.error
        return outcomes

    def _call(self, job: Job, reading: Reading) -> dict[str, Outcome]:
        at = [a for c in job.changes for a in addresses_of(c)]
        expect = {a: live for a in at if (live := reading.state.get(a)) is not None}
        return retry.write(self.site.writer, job.unit, job.changes, expect, job.token, self.site.run.waits)

    def _resolve(self, job: Job, unsure: Sequence[Change]) -> dict[str, Outcome]:
        """A call without an answer: look, and only what is proven not to be done is sent again, once."""
        try:
            reading = self.site.look(a for c in unsure for a in addresses_of(c))
        except ProviderError:
            return {}
        found: dict[str, Outcome] = {}
        again = []
        for change in unsure:
            outcome = proven(change, reading, self.site.ours)
            if outcome is not None:
                found[change.id] = outcome
            elif judge(change, reading, self.site.ours) is None:
                again.append(change)
        if again:
            found.update(self._call(Job(job.unit, tuple(again)), reading))
        return found

    def _finish_later(self, changes: Iterable[Change], written: dict[str, Result]) -> None:
        """Systems that take their time: on record as accepted before they are asked again."""
        accepted = [(c, o) for c in changes if isinstance(o := written[c.id].outcome, Accepted)]
        if not accepted:
            return
        self.site.note(RecordKind.OUTCOME, outcome_body((c, written[c.id]) for c, _ in accepted))
        board = self.site.run.board
        for change, outcome in accepted:
            self._tell(change)
            written[change.id] = Result(settle(self.site.writer, outcome, self.site.run.waits, lambda: board.stopped))

    def _read_back(self) -> ReadBack:
        run = self.site.run
        return ReadBack(
            self.site.reader,
            self.site.declare.capabilities,
            self.site.ours,
            run.waits,
            run.clock,
            lambda: run.board.stopped,
        )

    def _record(self, changes: Sequence[Change], results: Mapping[str, Result]) -> None:
        """On disk first, then on the board, where others wait for it."""
        self._known = dict(results)
        self.site.note(RecordKind.OUTCOME, outcome_body((c, results[c.id]) for c in changes))
        self.site.run.board.finish({c.id: self._cuts.verdict(c, results[c.id]) for c in changes})
        self._done += len(changes)
        self._tell(changes[-1])

    def _tell(self, change: Change) -> None:
        self.site.run.board.tell(Progress(self.site.name, self._done, len(self.changes), change.words))


_IN_DOUBT = Result(Unknown())
_GIVEN_UP = Result(
    Unknown(error=ProviderError(Trouble.UNKNOWN, "the run was ended before the system answered", call="write"))
)


def _result(outcome: Outcome) -> Result:
    moved = isinstance(outcome, Refused) and outcome.moved
    return Result(outcome, Reason.MOVED if moved else Reason.NONE)


def not_tried() -> Result:
    return Result(Refused("the run was stopped before it was tried"), Reason.STOPPED)
