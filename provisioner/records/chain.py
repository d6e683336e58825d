"""The chain of one target: records numbered from 1, each with the hash of the one before.

Appending is what makes a change allowed: record n is created only if nobody has written it yet, so that of two runs one
is stopped. Refuses a chain that does not hold together, by record number. Reads no further back than it must.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from provisioner.diagnostics import Diagnostic, ProvisionError, Severity
from provisioner.model.change import Change
from provisioner.model.instant import Instant
from provisioner.model.outstanding import Outstanding
from provisioner.model.rotation import Rotation
from provisioner.records.entries import Settled, intended_changes, settled_body
from provisioner.records.record import Record, RecordKind, UnreadableRecordError, decode, encode
from provisioner.records.run import RunInfo
from provisioner.records.store import RecordStore, encoded
from provisioner.records.tail import Converged, OpenItem, Tail, outstanding_at

_NAME = re.compile(r"([0-9]{8,})\.json\Z")
_BESIDE_PLANS = frozenset({RecordKind.ROTATE, RecordKind.PREPARE})
"""Of credentials, and of what lies ready for runs."""


class Chain:
    """Used by one thread at a time. Raises ProvisionError: `journal-broken`, `journal-unreadable`, and from what writes
    `journal-not-writable` and `journal-moved-on`."""

    def __init__(self, store: RecordStore, target: str) -> None:
        self.target = target
        self._store = store
        self._folder = f"journal/{encoded(target)}"
        self._tail: Tail | None = None
        self._last = 0
        self._head: str | None = None
        self._torn: int | None = None
        self._rests = False
        self._at: Instant | None = None

    def converged(self) -> Converged | None:
        """When an apply last left nothing to do here."""
        return self._read().converged

    def outstanding(self, now: Instant | None = None) -> tuple[Outstanding, ...]:
        """What runs since then could not do, or prove, oldest first. `now` decides about what was accepted and has time
        left; without it, the clock."""
        return outstanding_at(self._read().open(), now or datetime.now(UTC))

    def open_items(self) -> tuple[OpenItem, ...]:
        """Everything not known to be done, also what has time left."""
        return self._read().open()

    def trees(self) -> tuple[str, ...]:
        """The trees of access files that were applied since the target converged, newest first: whether they were
        committed or not, and whether all of it was done or not, something of them may be there."""
        return self._read().trees

    def last_counts(self) -> Mapping[str, int] | None:
        """Live resources by kind, when the target was last read completely by an apply."""
        return self._read().counts

    def system(self) -> str | None:
        """What the target really was when it was last applied to."""
        return self._read().system

    def gap(self) -> Instant | None:
        """Since when the chain goes on after one that is lost, as long as the target has not converged since."""
        return self._read().gap

    def approved(self) -> str | None:
        """The newest revision of which an apply to this target found that no approval was missing."""
        return self._read().approved

    def rotation(self, credential: str) -> Rotation:
        """What is known of a credential slot, by its address. Not to be changed by whoever asks."""
        return self._read().rotations.get(credential) or Rotation()

    def rotations(self) -> Mapping[str, Rotation]:
        """By the address of its slot, every credential of which there is a record."""
        return self._read().rotations

    def ready(self) -> frozenset[str]:
        """The names of what lies ready there for runs, as far as is known."""
        return frozenset(self._read().ready)

    def at_rest(self) -> bool:
        """Whether the newest record is a `converged` one: nothing has been done here since, but to credentials and what
        lies ready for runs, which no change of a plan is about."""
        self._read()
        return self._rests

    def last_written(self) -> Instant | None:
        """When the newest record was written, but for those of credentials and of what lies ready for runs."""
        self._read()
        return self._at

    def head(self) -> tuple[int, str | None]:
        """Number and hash of the newest record; 0 and None where there is none."""
        self._read()
        return self._last, self._head

    def warnings(self) -> tuple[Diagnostic, ...]:
        """What a person should be told about the journal itself."""
        self._read()
        if self._torn is None:
            return ()
        return (
            Diagnostic(
                "journal-torn",
                f"record {self._torn} of {self.target} in the journal breaks off before its end",
                Severity.WARNING,
                why="a run ended while it was writing it; what that record was to allow was not done yet, and what it "
                "was to report is looked at again",
                fix=f"nothing to do: the next apply moves it aside (beside {self._store.where(self._key(self._torn))})",
                target=self.target,
            ),
        )

    def forget(self) -> None:
        """Read the chain anew when it is next asked: somebody else may have written to it."""
        self._tail, self._torn, self._last, self._head, self._rests, self._at = None, None, 0, None, False, None

    def append(self, kind: str, body: Mapping[str, Any], *, run: RunInfo, at: Instant) -> Record:
        """Write the next record; when this returns it is on disk. A `run` record gets the sum of all before it."""
        tail = self._read()
        if self._torn is not None:
            self._store.set_aside(self._key(self._torn))
            self._torn = None
        if kind == RecordKind.RUN:
            body = {**body, "before": tail.sum_json()}
        if kind == RecordKind.CONVERGED and tail.approved is not None:
            body = {**body, "approved": tail.approved}
        if kind == RecordKind.CONVERGED:
            body = {**body, **tail.carried_json()}
        record = Record(self.target, self._last + 1, at, str(kind), run, self._head, body)
        data, found = encode(record)
        if not self._store.create(self._key(record.n), data):
            raise ProvisionError(
                Diagnostic(
                    "journal-moved-on",
                    f"another run wrote record {record.n} of {self.target} to the journal first",
                    why="two runs must not change one target at the same time; this one stops here",
                    fix="wait for the other run, then run again",
                    target=self.target,
                )
            )
        record = replace(record, hash=found)
        self._last, self._head = record.n, found
        if record.kind not in _BESIDE_PLANS:
            self._at, self._rests = record.at, record.kind == RecordKind.CONVERGED
        tail.take(record)
        return record

    def settle(self, items: Iterable[Settled], *, run: RunInfo, at: Instant) -> None:
        """Record that old work needs nothing any more, for those `items` that are still open."""
        keys = {i.key for i in self.open_items()}
        due = [i for i in items if (str(i.address), i.action.value, i.step.value) in keys]
        if due:
            self.append(RecordKind.OUTCOME, settled_body(due), run=run, at=at)

    def intended(self, item: OpenItem) -> Change | None:
        """What an item in doubt was to be, from the record of its intent; None where that is gone."""
        if item.intent:
            data = self._store.read(self._key(item.intent))
            found = [] if data is None else [self._decoded(item.intent, data)]
        else:
            found = [r for r in self.records() if r.kind == RecordKind.INTENT and r.run.id == item.run]
        for record in found:
            if record.kind == RecordKind.INTENT and record.body["step"] == item.step:
                for change in intended_changes(record.body):
                    if (str(change.address), change.action.value) == (item.address, item.action):
                        return change
        return None

    def records(self) -> Iterator[Record]:
        """The whole chain from its oldest record on, checked as it is read."""
        numbers = self._numbers()
        prev: Record | None = None
        for n in numbers:
            if prev is not None and n != prev.n + 1:
                raise self._broken(prev.n + 1, "it is missing")
            record = self._load(n, last=n == numbers[-1])
            if record is None:
                return
            if prev is not None and record.prev != prev.hash:
                raise self._broken(n, "it does not follow from the record before it")
            if n == 1 and record.prev is not None:
                raise self._broken(n, "it names a record before the first")
            yield record
            prev = record

    def _read(self) -> Tail:
        if self._tail is None:
            self._tail = self._read_back()
        return self._tail

    def _read_back(self) -> Tail:
        """From the newest record back to one that carries the sum of all before it."""
        numbers = self._numbers()
        found: list[Record] = []
        expected: int | None = None
        for n in reversed(numbers):
            if expected is not None and n != expected:
                raise self._broken(expected, "it is missing")
            expected = n - 1
            record = self._load(n, last=n == numbers[-1])
            if record is None:
                self._torn = n
                continue
            if found and found[-1].prev != record.hash:
                raise self._broken(found[-1].n, "it does not follow from the record before it")
            found.append(record)
            if Tail.starts_at(record):
                break
        else:
            if expected:
                raise self._broken(expected, "it is missing")
        tail = Tail()
        for record in reversed(found):
            tail.take(record)
        if found:
            self._last, self._head = found[0].n, found[0].hash
            of_plans = next((r for r in found if r.kind not in _BESIDE_PLANS), None)
            if of_plans is not None:
                self._at, self._rests = of_plans.at, of_plans.kind == RecordKind.CONVERGED
        return tail

    def _load(self, n: int, *, last: bool) -> Record | None:
        """Record `n`; None for a last one that is torn."""
        data = self._store.read(self._key(n))
        if data is None:
            raise self._broken(n, "it is missing")
        try:
            return decode(data, target=self.target, n=n)
        except UnreadableRecordError as error:
            if error.torn and last:
                return None
            raise self._broken(n, str(error)) from None

    def _decoded(self, n: int, data: bytes) -> Record:
        try:
            return decode(data, target=self.target, n=n)
        except UnreadableRecordError as error:
            raise self._broken(n, str(error)) from None

    def _numbers(self) -> list[int]:
        return sorted(int(m[1]) for m in map(_NAME.match, self._store.names(self._folder)) if m is not None)

    def _key(self, n: int) -> str:
        return f"{self._folder}/{n:08d}.json"

    def _broken(self, n: int, why: str) -> ProvisionError:
        return ProvisionError(
            Diagnostic(
                "journal-broken",
                f"record {n} of {self.target} in the journal cannot be trusted: {why}",
                why="records are chained by their hashes; from a chain that was edited, or lost a record, nothing can "
                "be concluded about what was done",
                fix=f"restore {self._store.where(self._key(n))} from a copy (docs/journal.md says what to do without)",
                target=self.target,
            )
        )
