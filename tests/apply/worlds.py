"""Plans that can be made again from what is live, and what must hold whatever happens to an apply of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from provisioner.model.change import Action, Change
from provisioner.plan.plan import Plan
from provisioner.records.folder import FolderStore
from tests.apply.fakes import Rig, System
from tests.builders import at, plan, view


class WatchedStore(FolderStore):
    """Tells before and after each record is written, so that a test can end the process there."""

    def __init__(self, path: Path, step: Callable[[str], None]) -> None:
        super().__init__(path)
        self._step = step

    def create(self, key: str, data: bytes) -> bool:
        self._step("record: not written")
        made = super().create(key, data)
        self._step("record: written")
        return made


def is_so(system: System, change: Change) -> bool:
    """Whether the system's own truth is what `change` wants."""
    live = system.live.get(change.address)
    if change.action is Action.REVOKE:
        return live is None
    if live is None:
        return False
    return change.action is Action.CREATE or live.attributes.get("enabled") is (change.after or {}).get("enabled")


def what_is_left(rig: Rig, changes: Sequence[Change]) -> Plan:
    """The next plan: what is not so yet."""
    by_name = {s.name: s for s in rig.systems}
    left = [c for c in changes if not is_so(by_name[c.address.target], c)]
    ids = {c.id for c in left}
    left = [replace(c, needs=tuple(n for n in c.needs if n in ids)) for c in left]
    return plan(*left, targets={s.name: view() for s in rig.systems})


def check_intents(rig: Rig) -> None:
    """No call that changes anything without an earlier intent on disk that had no outcome yet."""
    for system in rig.systems:
        records = list(rig.journal.chain(system.name).records())
        for call in system.log:
            step = "cut" if call.verb == "cut" else "write"
            open_now: set[str] = set()
            for record in records[: call.records]:
                if record.body.get("step") != step:
                    continue
                if record.kind == "intent":
                    open_now |= {c["address"] for c in record.body["changes"]}
                elif record.kind == "outcome":
                    open_now -= {r["address"] for r in record.body["results"]}
            assert set(call.addresses) <= open_now, f"{call} was made without an intent"


def check_nothing_forgotten(rig: Rig, changes: Sequence[Change]) -> None:
    """What was sent and is not on record as done is outstanding."""
    for system in rig.systems:
        chain = rig.journal.chain(system.name)
        ended = {
            r["address"]
            for record in chain.records()
            if record.kind == "outcome" and record.body["step"] in ("write", "settled")
            for r in record.body["results"]
            if r["outcome"] in ("done", "already-so", "waiting", "settled")
        }
        left = {i.address for i in chain.open_items()}
        for address in system.writes():
            assert address in ended | left, f"{address} was sent and is forgotten"


def check_finished(rig: Rig, changes: Sequence[Change], before: dict[str, set[str]]) -> None:
    """Everything wanted is so, everything else is as it was, and nothing is left in the journal."""
    by_name = {s.name: s for s in rig.systems}
    for change in changes:
        assert is_so(by_name[change.address.target], change), str(change.address)
    touched = {str(c.address) for c in changes}
    for system in rig.systems:
        assert {str(a) for a in system.live} - touched == before[system.name] - touched
        assert rig.left(system.name) == []
        assert rig.journal.chain(system.name).converged() is not None


def live_now(rig: Rig) -> dict[str, set[str]]:
    return {s.name: {str(a) for a in s.live} for s in rig.systems}


__all__ = ["WatchedStore", "at", "check_finished", "check_intents", "check_nothing_forgotten", "live_now"]
