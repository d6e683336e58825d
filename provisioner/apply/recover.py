"""What a run that died had begun: each intent without an outcome is settled by a look at the live system.

Changes nothing there. What cannot be seen, or has become something else, stays in doubt and is told; nothing is taken
for done, or for not done, that a look does not show.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from provisioner.apply import retry
from provisioner.apply.freshness import Ours, addresses_of, judge, proven
from provisioner.apply.retry import Waits
from provisioner.contract import AlreadySo, Connection, ProviderError, Reading, Refused, StillHas, Trouble
from provisioner.model.change import Action, Change
from provisioner.model.instant import Instant
from provisioner.records.chain import Chain
from provisioner.records.entries import Result, Settled, Step, not_done_body, outcome_body
from provisioner.records.journal import Journal
from provisioner.records.record import RecordKind
from provisioner.records.run import RunInfo
from provisioner.records.tail import OpenItem

_TAKES = frozenset({Action.REVOKE, Action.DELETE, Action.DISABLE})


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of one target's intents without an outcome, in words. `left` are still in doubt; `unread` says why
    none of them could be looked at."""

    target: str
    settled: tuple[str, ...] = ()
    not_done: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    unread: str = ""

    @property
    def lines(self) -> tuple[str, ...]:
        """For people, one each."""
        if self.unread:
            return (
                f"{len(self.left)} changes on {self.target} stay in doubt, because it could not be read: {self.unread}",
            )
        return (*self.settled, *self.not_done, *self.left)


def recover(
    journal: Journal,
    connections: Mapping[str, Connection],
    *,
    run: RunInfo,
    clock: Callable[[], Instant],
    waits: Waits | None = None,
) -> tuple[Recovered, ...]:
    """Settle what is in doubt on these targets; whoever calls holds their locks. Targets without doubts are not read.
    Raises ProvisionError where the journal cannot be read or written."""
    found = []
    for target, connection in sorted(connections.items()):
        chain = journal.chain(target)
        doubts = [i for i in chain.open_items() if i.doubt and i.step == Step.WRITE]
        if doubts:
            found.append(_Target(target, connection, chain, doubts, run, clock, waits or Waits()).recover())
    return tuple(found)


@dataclass
class _Found:
    """What a look at one target shows of its doubts."""

    settled: list[tuple[Settled, str]] = field(default_factory=list)
    still: list[tuple[Change, Result]] = field(default_factory=list)
    not_done: list[tuple[Change, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def sort(self, change: Change, item: OpenItem, reading: Reading, ours: Ours) -> None:
        """A look that could mean either is no proof of either."""
        verdict, done = judge(change, reading, ours), proven(change, reading, ours)
        outcome = None if verdict is None else verdict.outcome
        if verdict is None and done is None:
            if change.action in _TAKES:
                self.not_done.append((change, f"run {item.run} ended before it was done, and it is still there"))
            else:
                self._settle(change, item, "looked: it was not done, and nothing of it is there")
        elif isinstance(outcome, AlreadySo):
            self._settle(change, item, f"looked: done ({outcome.proof})")
        elif verdict is not None and isinstance(outcome, StillHas):
            self.still.append((change, verdict))
        else:
            why = outcome.why if isinstance(outcome, Refused) else "a look shows only a part of it"
            self.left.append(_told(item, f"stays in doubt: {why}"))

    def _settle(self, change: Change, item: OpenItem, proof: str) -> None:
        self.settled.append((Settled(change.address, change.action, proof), _told(item, proof)))


@dataclass
class _Target:
    name: str
    connection: Connection
    chain: Chain
    doubts: list[OpenItem]
    run: RunInfo
    clock: Callable[[], Instant]
    waits: Waits

    def recover(self) -> Recovered:
        found, known = _Found(), list[tuple[OpenItem, Change]]()
        for item in self.doubts:
            change = self.chain.intended(item)
            if change is None:
                found.left.append(_told(item, "stays in doubt: what it was to be is not on record any more"))
            else:
                known.append((item, change))
        try:
            reading = self._look(change for _, change in known)
        except ProviderError as error:
            return Recovered(self.name, left=tuple(_told(i, "stays in doubt") for i in self.doubts), unread=str(error))
        ours = Ours(self.connection.owner, self.connection.declare.capabilities.marks)
        for item, change in known:
            found.sort(change, item, reading, ours)
        self._record(found)
        not_done = [f"{c.action} {c.address}: {why}" for c, why in found.not_done]
        not_done += [f"{c.action} {c.address}: done, and access remains in another way" for c, _ in found.still]
        return Recovered(self.name, tuple(words for _, words in found.settled), tuple(not_done), tuple(found.left))

    def _look(self, changes: Iterable[Change]) -> Reading:
        reader = self.connection.reader()
        try:
            known, found = self.chain.system(), reader.system()
            if known is not None and found != known:
                told = f"the settings lead to {found}, and what is in doubt was begun on {known}"
                raise ProviderError(Trouble.INVALID, told, call="system")
            return retry.look(reader, list(dict.fromkeys(a for c in changes for a in addresses_of(c))), self.waits)
        finally:
            with suppress(ProviderError):
                reader.close()

    def _record(self, found: _Found) -> None:
        self.chain.settle([s for s, _ in found.settled], run=self.run, at=self.clock())
        if found.still:
            self.chain.append(RecordKind.OUTCOME, outcome_body(found.still), run=self.run, at=self.clock())
        if found.not_done:
            self.chain.append(RecordKind.OUTCOME, not_done_body(found.not_done), run=self.run, at=self.clock())


def _told(item: OpenItem, words: str) -> str:
    return f"{item.action} {item.address}, intended by run {item.run}: {words}"
