"""A real kill -9 at every boundary of a small apply, one after another; run as a process of its own by `test_kill`.

The system lives in a folder, so that what it did outlives the process that asked for it. Each child is forked from a
process that has no threads yet.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from provisioner.contract import Done
from provisioner.model.address import Address
from provisioner.model.change import Change
from provisioner.model.resource import Resource
from tests.apply.fakes import CAPABILITIES, Call, Rig, System
from tests.apply.worlds import (
    WatchedStore,
    check_finished,
    check_intents,
    check_nothing_forgotten,
    live_now,
    what_is_left,
)
from tests.builders import at, change

T = "corp-ldap"
START = (f"{T}:membership/devs/ada", f"{T}:membership/leads/ada", f"{T}:membership/devs/stranger")
CHANGES = (
    change("revoke", START[0]),
    change("revoke", START[1]),
    change("create", f"{T}:membership/devs/bob"),
)


class FolderSystem(System):
    """A thing is a file named after its address; the log of calls is a file too."""

    def open(self, folder: Path) -> FolderSystem:
        self.folder = folder
        self.calls = folder.with_name("calls.jsonl")
        if self.calls.exists():
            self.log = [Call(v, tuple(a), n) for v, a, n in map(json.loads, self.calls.read_text().splitlines())]
        addresses = [at(unquote(p.name)) for p in folder.iterdir()]
        self.live = {a: Resource(a) for a in addresses}
        return self

    def note(self, verb: str, changes: Sequence[Address]) -> None:
        super().note(verb, changes)
        made = self.log[-1]
        with self.calls.open("a") as file:
            file.write(json.dumps([made.verb, made.addresses, made.records]) + "\n")

    def become(self, change: Change) -> None:
        super().become(change)
        self._keep(change.address)

    def _keep(self, address: Address) -> None:
        place = self.folder / quote(str(address), safe="")
        if address in self.live:
            place.touch()
        else:
            place.unlink(missing_ok=True)


def world(folder: Path) -> Rig:
    for text in START:
        (folder / "system").mkdir(parents=True, exist_ok=True)
        if not (folder / "begun").exists():
            (folder / "system" / quote(text, safe="")).touch()
    (folder / "begun").touch()
    return Rig(folder, FolderSystem(T, capabilities=CAPABILITIES, cut=Done()).open(folder / "system"))


def killed_at(folder: Path, point: int) -> bool:
    """Applies in a child that is killed at its `point`-th boundary; False when it ended before that."""
    child = os.fork()
    if child == 0:
        left = [point]

        def step(_name: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        rig = world(folder)
        rig.system.steps = step
        rig.store = WatchedStore(rig.store.path, step)
        rig.apply(what_is_left(rig, CHANGES))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise AssertionError(f"the child failed at point {point}")
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


def main(root: Path) -> None:
    """Every point once, and after each kill a second one during the next run; then a run that is left alone."""
    points = sent = 0
    while killed_at(root / str(points), points):
        folder = root / str(points)
        check_intents(world(folder))
        check_nothing_forgotten(world(folder), CHANGES)
        killed_at(folder, points // 2)
        rig = world(folder)
        before = live_now(rig)
        rig.runs = 2
        done = rig.apply(what_is_left(rig, CHANGES))
        assert done.converged == {T}, f"point {points}: {done.targets[T].why_not}"
        check_intents(rig)
        check_finished(rig, CHANGES, before)
        sent += len(rig.system.log)
        assert what_is_left(rig, CHANGES).changes == ()
        points += 1
    (root / "report.json").write_text(json.dumps({"points": points, "sent": sent}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
