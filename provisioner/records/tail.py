"""What the end of a chain adds up to: where the target last converged, and what has been left undone since.

Taken record by record, oldest first, from the newest record that carries the sum of all before it: a `converged`
record, or a `run` record with its `before`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.model.outstanding import Outstanding
from provisioner.model.rotation import Rotation
from provisioner.records.entries import NOT_OUTSTANDING, Json, Step, why_not_done
from provisioner.records.prepared import take_prepared
from provisioner.records.record import Record, RecordKind

_SUCCESS = frozenset({"done", "already-so", "waiting"})
_GONE = frozenset({Action.CREATE.value, Action.UPDATE.value, Action.REVOKE.value, Action.DISABLE.value})
_SUPERSEDES: Mapping[str, frozenset[str]] = {
    Action.CREATE.value: frozenset({Action.REVOKE.value, Action.DELETE.value}),
    Action.REVOKE.value: _GONE,
    Action.DELETE.value: _GONE | {Action.ENABLE.value, Action.ADOPT.value, Action.RENAME.value},
    Action.ENABLE.value: frozenset({Action.DISABLE.value, Action.DELETE.value}),
    Action.DISABLE.value: frozenset({Action.ENABLE.value}),
}
"""What a success makes pointless that was left undone at the same address."""

_COUNTS: Mapping[str, int] = {Action.CREATE.value: 1, Action.REVOKE.value: -1, Action.DELETE.value: -1}

Key = tuple[str, str, str]
"""Address, action, and the step (`write`, `cut`)."""


@dataclass(frozen=True, slots=True)
class Converged:
    """When an apply last left nothing to do, and for which files. `counts` are the live resources by kind, then."""

    revision: str | None
    tree: str
    at: Instant
    run: str
    counts: Mapping[str, int] = field(default_factory=dict)
    system: str | None = None
    uncommitted: bool = False
    kept: frozenset[str] = frozenset()
    """Addresses of holders that were there when their group or grant came under full management, and stay."""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something not known to be done. `settles_by`: the system accepted it and has until then. `doubt`: it was intended
    and no outcome is known; `intent` is the record that says so, 0 where an earlier version did not keep it."""

    address: str
    action: str
    step: str
    since: Instant
    reason: str
    identity: str | None = None
    run: str = ""
    settles_by: Instant | None = None
    doubt: bool = False
    intent: int = 0

    @property
    def key(self) -> Key:
        return (self.address, self.action, self.step)

    def outstanding(self) -> Outstanding:
        return Outstanding(
            Address.parse(self.address), Action(self.action), self.since, self.reason, self.identity, self.run
        )


class Tail:
    """The sum so far; `take` adds a record. `gap`: when the chain began anew on a target that carried our marks
    already, until it converges: what was recorded before then is lost."""

    def __init__(self) -> None:
        self.converged: Converged | None = None
        self.counts: Mapping[str, int] | None = None
        self.system: str | None = None
        self.trees: tuple[str, ...] = ()
        self.gap: Instant | None = None
        self.approved: str | None = None
        self.items: dict[Key, OpenItem] = {}
        self.doubts: dict[Key, OpenItem] = {}
        self.rotations: dict[str, Rotation] = {}
        self.ready: set[str] = set()

    @staticmethod
    def starts_at(record: Record) -> bool:
        """Whether nothing before `record` need be read."""
        return record.kind == RecordKind.CONVERGED or (record.kind == RecordKind.RUN and "before" in record.body)

    def take(self, record: Record) -> None:
        self._approved(record)
        if record.kind == RecordKind.RUN:
            self._run(record)
        elif record.kind == RecordKind.INTENT:
            self._intent(record)
        elif record.kind == RecordKind.OUTCOME:
            self._outcome(record)
        elif record.kind == RecordKind.CONVERGED:
            self._converged(record)
        elif record.kind == RecordKind.ROTATE:
            self.rotations.setdefault(record.body["credential"], Rotation()).take(record.body, record.at)
        elif record.kind == RecordKind.PREPARE:
            take_prepared(self.ready, record.body)

    def open(self) -> tuple[OpenItem, ...]:
        """Everything not known to be done, oldest first; what is in doubt again keeps the date of its first failure."""
        merged = dict(self.items)
        for key, doubt in self.doubts.items():
            earlier = merged.get(key)
            merged[key] = doubt if earlier is None else replace(doubt, since=min(earlier.since, doubt.since))
        return tuple(sorted(merged.values(), key=lambda i: (i.since, i.key)))

    def sum_json(self) -> Json:
        """What a `run` record carries as `before`."""
        last = self.converged
        return {
            "open": [_item_json(i) for i in self.open()],
            "converged": None if last is None else _converged_json(last),
            "counts": None if self.counts is None else dict(self.counts),
            "system": self.system,
            "trees": list(self.trees),
            **self.carried_json(),
            **({"gap": format_instant(self.gap)} if self.gap is not None else {}),
            **({} if self.approved is None else {"approved": self.approved}),
        }

    def carried_json(self) -> Json:
        """What `run` and `converged` records carry of credentials, and of what lies ready for runs; nothing where there
        is none."""
        return {
            **({"rotations": {c: r.to_json() for c, r in self.rotations.items()}} if self.rotations else {}),
            **({"ready": sorted(self.ready)} if self.ready else {}),
        }

    def _carried(self, found: Mapping[str, Any]) -> None:
        """The sum so far, where this record is the first that is read."""
        if not self.rotations:
            self.rotations = {c: Rotation.from_json(r) for c, r in found.get("rotations", {}).items()}
        self.ready |= set(found.get("ready", ()))

    def _approved(self, record: Record) -> None:
        """The newest revision of which an apply found that no approval was missing."""
        carried = record.body.get("before", record.body) if record.kind == RecordKind.RUN else record.body
        if self.approved is None and record.kind in (RecordKind.RUN, RecordKind.CONVERGED):
            self.approved = carried.get("approved")
        if record.run.approved and record.run.revision is not None and not record.run.uncommitted:
            self.approved = record.run.revision

    def _run(self, record: Record) -> None:
        before = record.body.get("before")
        self._carried(before or {})
        if before is not None and self.converged is None and not self.items and not self.doubts:
            self.converged = None if before["converged"] is None else _converged(before["converged"])
            self.counts, self.system = before["counts"], before["system"]
            self.trees = tuple(before.get("trees", ()))
            self.gap = parse_instant(before["gap"]) if before.get("gap") else None
            found = [_item(i) for i in before["open"]]
            self.items = {i.key: i for i in found if not i.doubt}
            self.doubts = {i.key: i for i in found if i.doubt}
        if record.body.get("unrecorded") is not None:
            self.gap = record.at
        self.system = record.body.get("system") or self.system
        self.counts = record.body.get("counts") or self.counts
        if record.run.tree:
            self.trees = tuple(dict.fromkeys((record.run.tree, *self.trees)))

    def _converged(self, record: Record) -> None:
        body = record.body
        self._carried(body)
        self.items, self.doubts, self.trees, self.gap = {}, {}, (), None
        self.counts = body["counts"]
        self.system = body.get("system") or self.system
        self.converged = Converged(
            record.run.revision,
            record.run.tree,
            record.at,
            record.run.id,
            body["counts"],
            body.get("system"),
            record.run.uncommitted,
            frozenset(body.get("kept", ())),
        )

    def _intent(self, record: Record) -> None:
        for change in record.body["changes"]:
            item = OpenItem(
                change["address"],
                change["action"],
                record.body["step"],
                record.at,
                f"in doubt: run {record.run.id} ended before it was known whether it was done",
                change.get("identity"),
                record.run.id,
                doubt=True,
                intent=record.n,
            )
            self.doubts.setdefault(item.key, item)  # an older doubt stays: it is the older run that is not known of

    def _outcome(self, record: Record) -> None:
        settled = record.body["step"] == Step.SETTLED
        for result in record.body["results"]:
            step = result["of"] if settled else record.body["step"]
            key = (result["address"], result["action"], step)
            doubt = self.doubts.pop(key, None)
            if not settled and result["outcome"] == "done":
                self._count(result)
            if settled or result["outcome"] in _SUCCESS:
                self.items.pop(key, None)
                if not settled:
                    self._supersede(key)
            elif step == Step.CUT and result["outcome"] == "refused":
                self.items.pop(key, None)  # not possible there: nothing was left undone
            elif result["outcome"] == "refused" and result["reason"] in NOT_OUTSTANDING:
                if doubt is not None and doubt.run != record.run.id:
                    self.doubts[key] = doubt  # of an earlier run, and this one did not get to it
            else:
                self._left(key, result, record, doubt)

    def _count(self, result: Mapping[str, Any]) -> None:
        """What a change did to the number of things, so that a target which we emptied is not doubted for it."""
        step = _COUNTS.get(result["action"])
        if step is not None and self.counts is not None:
            kind = Address.parse(result["address"]).kind.value
            self.counts = {**self.counts, kind: max(0, self.counts.get(kind, 0) + step)}

    def _left(self, key: Key, result: Mapping[str, Any], record: Record, doubt: OpenItem | None) -> None:
        earlier = self.items.get(key)
        since = min(i.since for i in (earlier, doubt) if i is not None) if earlier or doubt else record.at
        accepted = result["outcome"] == "accepted" and result.get("settles_by")
        self.items[key] = OpenItem(
            *key,
            since,
            why_not_done(result),
            result.get("identity"),
            record.run.id,
            settles_by=parse_instant(result["settles_by"]) if accepted else None,
        )

    def _supersede(self, key: Key) -> None:
        address, action, _ = key
        for other in _SUPERSEDES.get(action, ()):
            for step in (Step.WRITE, Step.CUT):
                if (address, other, step) != key:
                    self.items.pop((address, other, step), None)
                    self.doubts.pop((address, other, step), None)


def outstanding_at(items: Iterable[OpenItem], now: Instant) -> tuple[Outstanding, ...]:
    """What counts as left undone at `now`: what was accepted does so only when its time is over. One for each address
    and action, with its earliest date."""
    found: dict[tuple[str, str], OpenItem] = {}
    for item in items:
        if item.settles_by is not None and now <= item.settles_by:
            continue
        place = (item.address, item.action)
        earlier = found.get(place)
        if earlier is None:
            found[place] = item
        else:
            reason = earlier.reason if item.reason == earlier.reason else f"{earlier.reason}; {item.reason}"
            found[place] = replace(earlier, since=min(earlier.since, item.since), reason=reason)
    return tuple(i.outstanding() for i in found.values())


def _item_json(item: OpenItem) -> Json:
    return {
        "address": item.address,
        "action": item.action,
        "step": item.step,
        "since": format_instant(item.since),
        "reason": item.reason,
        "identity": item.identity,
        "run": item.run,
        "settles_by": None if item.settles_by is None else format_instant(item.settles_by),
        "doubt": item.doubt,
        "intent": item.intent,
    }


def _item(found: Mapping[str, Any]) -> OpenItem:
    by = found["settles_by"]
    return OpenItem(
        found["address"],
        found["action"],
        found["step"],
        parse_instant(found["since"]),
        found["reason"],
        found["identity"],
        found["run"],
        None if by is None else parse_instant(by),
        found["doubt"],
        found.get("intent", 0),
    )


def _converged_json(last: Converged) -> Json:
    return {
        "revision": last.revision,
        "tree": last.tree,
        "at": format_instant(last.at),
        "run": last.run,
        "counts": dict(last.counts),
        "system": last.system,
        "uncommitted": last.uncommitted,
        "kept": sorted(last.kept),
    }


def _converged(found: Mapping[str, Any]) -> Converged:
    return Converged(
        found["revision"],
        found["tree"],
        parse_instant(found["at"]),
        found["run"],
        found["counts"],
        found["system"],
        found["uncommitted"],
        frozenset(found.get("kept", ())),
    )
