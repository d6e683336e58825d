"""A whole run in a line: plan with the engine, apply with the executor, a journal in a folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from provisioner.apply import Applied, Waits, apply_plan
from provisioner.engine import Planned, Situation, make_plan
from provisioner.records.folder import FolderStore
from provisioner.records.journal import Journal
from provisioner.records.run import RunInfo
from tests.builders import NOW

QUICK = Waits(first=0.01, longest=0.2, patience=5.0)


def journal(folder: Path) -> Journal:
    return Journal(FolderStore(folder))


def run(
    situation: Situation, folder: Path, *, now: datetime = NOW, name: str = "r1", waits: Waits = QUICK
) -> tuple[Planned, Applied]:
    """Plans and applies; the journal lies in `folder`."""
    planned = make_plan(situation)
    info = RunInfo(name, "tests", tree=situation.declared.tree)
    applied = apply_plan(
        planned.plan,
        situation.connections,
        journal(folder),
        run=info,
        clock=lambda: now,
        whole=situation.person is None,
        waits=waits,
    )
    return planned, applied


def failures(applied: Applied) -> list[str]:
    """What did not work, in words; empty when all did."""
    return [
        f"{c.action.value} {c.address}: {applied.outcomes[c.id]}" for c in applied.changes if c not in applied.succeeded
    ]
