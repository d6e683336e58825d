"""What is written at once, and what may be written now: the next batch of one target's changes.

Narrowing comes before widening, and the two are never in one write of a unit, unless it is a transaction.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from provisioner.model.address import Address
from provisioner.model.canonical import digest
from provisioner.model.change import Change
from provisioner.model.unit import Unit, UnitMode


@dataclass(frozen=True, slots=True)
class Job:
    """Changes that go into one write."""

    unit: Unit
    changes: tuple[Change, ...]

    @property
    def token(self) -> str:
        """For systems with client tokens: the change's id, or a hash of all of them."""
        ids = [c.id for c in self.changes]
        return ids[0] if len(ids) == 1 else digest(ids)


@dataclass
class Queue:
    """The changes of one target that are not finished, in the plan's order."""

    pending: list[Change]
    unit_of: Callable[[Address], Unit]
    size: int
    _units: dict[str, Unit] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._units = {c.id: self.unit_of(c.address) for c in self.pending}

    def drop(self, gone: Iterable[Change]) -> None:
        ids = {c.id for c in gone}
        if ids:
            self.pending = [c for c in self.pending if c.id not in ids]

    def take(self, ready: Callable[[Change], bool]) -> list[Job]:
        """The next batch, of at most `size` units; empty where nothing is ready. It is no longer pending.

        A widening change never overtakes a narrowing one that stands before it and waits for something.
        """
        picked: dict[str, list[Change]] = {}
        passed: list[Change] = []
        narrows: bool | None = None
        waits_to_narrow = False
        end = len(self.pending)
        for place, change in enumerate(self.pending):
            overtakes = narrows is None and waits_to_narrow and not change.narrows
            if overtakes or not ready(change):
                waits_to_narrow = waits_to_narrow or change.narrows
                passed.append(change)
                continue
            if narrows is None:
                narrows = change.narrows
            key = self._units[change.id].key
            if change.narrows is not narrows or (key not in picked and len(picked) == self.size):
                end = place
                break
            picked.setdefault(key, []).append(change)
        self.pending = passed + self.pending[end:]
        self._complete(picked, bool(narrows), ready)
        return [Job(self._units[changes[0].id], tuple(changes)) for changes in picked.values()]

    def _complete(self, picked: dict[str, list[Change]], narrows: bool, ready: Callable[[Change], bool]) -> None:
        """All ready changes of a unit go into its one write, wherever in the order they stand."""
        if all(self._units[changes[0].id].mode is UnitMode.CALL for changes in picked.values()):
            return
        more: list[Change] = []
        for change in self.pending:
            unit = self._units[change.id]
            if unit.key not in picked or unit.mode is UnitMode.CALL or not ready(change):
                continue
            if change.narrows is narrows or unit.mode is UnitMode.TRANSACTION:
                picked[unit.key].append(change)
                more.append(change)
        self.drop(more)


def in_order(changes: Sequence[Change]) -> tuple[list[Change], list[Change]]:
    """The changes with everything after what it needs, otherwise as they stand; and those that need each other in a
    circle, or something that hangs on one. A plan is in order already; a file that says otherwise must not make threads
    wait for each other."""
    place = {c.id: i for i, c in enumerate(changes)}
    if all(place.get(n, -1) < i for i, c in enumerate(changes) for n in c.needs):
        return list(changes), []
    left = {c.id: sum(n in place for n in c.needs) for c in changes}
    follows: dict[str, list[str]] = {}
    for change in changes:
        for need in change.needs:
            follows.setdefault(need, []).append(change.id)
    ordered: list[Change] = []
    ready = [place[i] for i, count in left.items() if not count]
    heapq.heapify(ready)
    while ready:
        ordered.append(changes[heapq.heappop(ready)])
        for other in follows.get(ordered[-1].id, ()):
            left[other] -= 1
            if not left[other]:
                heapq.heappush(ready, place[other])
    return ordered, [c for c in changes if left[c.id]]
