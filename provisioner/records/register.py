"""The lock of one target as a register: numbered states, each created only if absent; the highest is what holds.

Refuses nothing and waits for nobody: who may take a lock that is held is decided in `lock.py`. The highest state is
never removed, so that a number which was used once is never the highest again.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from provisioner.diagnostics import ProvisionError
from provisioner.model.canonical import canonical_json
from provisioner.model.instant import Instant, format_instant, parse_instant
from provisioner.records.record import plain_text
from provisioner.records.run import RunInfo
from provisioner.records.store import RecordStore, encoded

FORMAT = "provision.lock/1"
_NAME = re.compile(r"([0-9]{8,})\.json\Z")
_KEPT = 8
"""States that stay: so many would have to be made while somebody reads one list, for them to miss the highest."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, since when, and from where. `run` is empty where the state cannot be read. `lease` and
    `deadline` are those that the holder keeps to, and what others wait for, also where the settings were changed since.
    """

    run: str
    who: str
    command: str
    since: Instant | None
    host: str = ""
    pid: int = 0
    lease: float = 0.0
    deadline: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """The highest state; 0 and nobody where there is none. `last_call`: how many seconds whoever takes it next waits
    before it looks at the target, because a dead run's last call was not waited for yet."""

    number: int = 0
    holder: Holder | None = None
    last_call: float = 0.0


def this_process(run: RunInfo, since: Instant, lease: float, deadline: float) -> Holder:
    """This process, as a holder."""
    host = plain_text(socket.gethostname(), 200)
    return Holder(run.id, plain_text(run.who, 200), run.command, since, host, os.getpid(), lease, deadline)


def named(holder: Holder) -> dict[str, Any]:
    """Who it is, as it stands in a state and in the record of a takeover."""
    return {
        "run": holder.run,
        "who": holder.who,
        "command": holder.command,
        "since": None if holder.since is None else format_instant(holder.since),
        "host": holder.host,
        "pid": holder.pid,
    }


class Register:
    """Raises ProvisionError where the store does."""

    def __init__(self, store: RecordStore, target: str) -> None:
        self._store = store
        self._folder = f"lock/{encoded(target)}"

    def read(self) -> State:
        while True:
            number = max(self._numbers(), default=0)
            if number == 0:
                return State()
            data = self._store.read(self._key(number))
            if data is not None:
                return _state(number, data)
            # It was withdrawn, or others came after it and it was tidied away: there is a newer list.

    def take(self, after: int, holder: Holder, last_call: float = 0.0) -> int | None:
        """Become the holder after state `after`; the new state's number, or None where somebody else was first.
        `last_call` is what the next one has to wait for, should this one break off here."""
        number = after + 1
        if not self._write(number, {"held": {**named(holder), "lease": holder.lease, "deadline": holder.deadline}}):
            return None
        try:
            numbers = self._numbers()
            # Whoever read the list long ago may have made a number that was used and tidied away.
            if max(numbers, default=0) != number:
                self._store.remove(self._key(number))
                return None
            self._tidy(numbers, number)
        except BaseException:  # also an interrupt: nobody knows this state's number, so nobody else would free it
            with suppress(ProvisionError):
                self.free(number, holder.run, last_call)
            raise
        return number

    def free(self, number: int, run: str, last_call: float = 0.0) -> bool:
        """End the hold that began with state `number`; False where it had been taken from us."""
        return self._write(number + 1, {"free": {"run": run, **({"last_call": last_call} if last_call else {})}})

    def where(self) -> str:
        return self._store.where(self._folder)

    def _write(self, number: int, body: dict[str, Any]) -> bool:
        data = canonical_json({"format": FORMAT, "once": secrets.token_hex(16), **body}) + b"\n"
        return self._store.create(self._key(number), data)

    def _tidy(self, numbers: Iterable[int], highest: int) -> None:
        for number in numbers:
            if number <= highest - _KEPT:
                self._store.remove(self._key(number))

    def _numbers(self) -> list[int]:
        return [int(m[1]) for m in map(_NAME.match, self._store.names(self._folder)) if m is not None]

    def _key(self, number: int) -> str:
        return f"{self._folder}/{number:08d}.json"


def _state(number: int, data: bytes) -> State:
    """Held by somebody unknown where it cannot be read: they are waited for like anybody else."""
    try:
        found = json.loads(data)
        if found["format"] != FORMAT:
            raise ValueError(found["format"])
        if "held" not in found:
            return State(number, None, max(0.0, float(found["free"].get("last_call", 0.0))))
        held = found["held"]
        since = None if held["since"] is None else parse_instant(held["since"])
        holder = Holder(
            str(held["run"]),
            str(held["who"]),
            str(held["command"]),
            since,
            str(held["host"]),
            int(held["pid"]),
            float(held["lease"]),
            float(held["deadline"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        holder = Holder("", "somebody whose note cannot be read", "", None)
    return State(number, holder)
