"""One run at a time for each target: who may take a lock, how long others wait, and what a takeover leaves on record.

A run that lives is never waited for: it is told at once who it is. Only one that showed no sign of life for a whole
lease, on the watcher's own clock, is taken over from: then a record in the chain keeps it from ever writing its next
intent, and its last call is waited for.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.instant import Instant, format_instant
from provisioner.records.chain import Chain
from provisioner.records.heartbeat import Heartbeat, Times, key_of
from provisioner.records.journal import Journal
from provisioner.records.record import RecordKind
from provisioner.records.register import Holder, Register, State, named, this_process
from provisioner.records.run import RunInfo

_FENCES = 100
"""How often an old holder may write the next record first: it is dead, so it will not do so often."""


@dataclass(frozen=True, slots=True)
class _Dead:
    """The last sign of life of a run that was watched for a whole lease."""

    beat: bytes | None


class Lock:
    """The locks of all targets of one run, from `with` to its end. Safe to give back twice."""

    def __init__(
        self,
        journal: Journal,
        targets: Iterable[str],
        run: RunInfo,
        *,
        now: Callable[[], Instant],
        times: Times | None = None,
        armed: bool = False,
        tell: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`armed`: this process belongs to the run alone, and is ended if it shows no sign of life for a lease. `tell`
        is told what is waited for."""
        self._journal, self._run, self._now, self._tell, self._sleep = journal, run, now, tell, sleep
        self._times = times or Times()
        self._targets = sorted(set(targets))
        self._me = this_process(run, now(), self._times.lease, self._times.deadline)
        self._beat = Heartbeat(journal.store, run.id, self._times, armed=armed)
        self._held: dict[str, int] = {}
        self._dead: dict[str, _Dead] = {}
        self._last_calls: dict[str, float] = {}  # by target, in seconds: still to be waited for
        self.taken_over: dict[str, Holder] = {}

    def __enter__(self) -> Lock:
        """Raises ProvisionError: `locked` where another run is at work, and whatever the store has to tell."""
        try:
            self._beat.start()
            for target in self._targets:
                self._take(target)
            if self._last_calls:
                longest = max(self._last_calls.values())
                self._tell(f"waiting {longest:g} s for the last call of the run before")
                self._sleep(longest)
                self._last_calls.clear()
            self._bury()
            self.check()
        except BaseException:  # also an interrupt: what is held already would keep others out for a lease
            self.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()

    def release(self) -> None:
        """Give everything back. What cannot be given back is told, and ends by itself when the lease is over. A last
        call that was not waited for is left to whoever takes the lock next."""
        for target in sorted(self._held, reverse=True):
            number = self._held.pop(target)
            try:
                Register(self._journal.store, target).free(number, self._run.id, self._last_calls.get(target, 0.0))
            except ProvisionError as error:
                told = "; ".join(d.message for d in error.diagnostics)
                self._tell(f"the lock of {target} could not be given back, and ends in {self._times.lease:g} s: {told}")
        self._beat.stop()

    def leaves_a_call(self, target: str, seconds: float) -> None:
        """A call on `target` is not waited for, and may take effect until then: whoever takes the lock next waits."""
        self._last_calls[target] = max(seconds, self._last_calls.get(target, 0.0))

    def lost(self) -> Diagnostic | None:
        """Why nothing may be changed any more under this lock, or None. Cheap: to be asked before each write."""
        return self._beat.lost()

    def on_lost(self, tell: Callable[[], None]) -> None:
        """`tell` is called, from any thread, when nothing may be changed any more."""
        self._beat.on_lost(tell)

    def check(self) -> None:
        """ProvisionError where nothing may be changed any more."""
        lost = self.lost()
        if lost is not None:
            raise ProvisionError(lost)

    def _take(self, target: str) -> None:
        register = Register(self._journal.store, target)
        while True:
            state = register.read()
            if state.holder is not None and not self._watched_to_death(target, register, state, state.holder):
                continue
            last_call = state.last_call
            if state.holder is not None:
                last_call = max(self._times.deadline, state.holder.deadline)
            number = register.take(state.number, self._me, last_call)
            if number is None:
                self._sleep(random.uniform(0, self._times.every / 10))  # noqa: S311 nothing secret
                continue
            if last_call:
                self._last_calls[target] = last_call
            self._held[target] = number
            if state.holder is not None:
                self._fence(target, state.holder)
            return

    def _watched_to_death(self, target: str, register: Register, state: State, holder: Holder) -> bool:
        """Whether the holder showed no sign of life for a whole lease; False where the lock moved on meanwhile. Raises
        `locked` as soon as one is seen."""
        key = key_of(holder.run) if holder.run else None
        first, start = self._beat_at(key), self._times.clock()
        known = self._dead.get(holder.run) if holder.run else None
        if known is not None and known.beat == first:
            return True
        lease = max(self._times.lease, holder.lease)
        self._tell(f"{target} is locked by {holder_words(holder)}; watching for {lease:g} s whether it lives")
        while self._times.clock() - start < lease:
            self._sleep(self._times.every / 2)
            self.check()
            beat = self._beat_at(key)
            if register.read() != state:
                return False
            if beat is None and first is not None:  # it ended just now, or was tidied away: watch anew
                first, start = beat, self._times.clock()
            elif beat != first:
                raise self._locked(target, holder)
        if holder.run:
            self._dead[holder.run] = _Dead(first)
        return True

    def _bury(self) -> None:
        """The last signs of life of runs that are dead on all our targets; somebody else may still watch them."""
        for run in {h.run for h in self.taken_over.values() if h.run}:
            with suppress(ProvisionError):
                self._journal.store.remove(key_of(run))

    def _beat_at(self, key: str | None) -> bytes | None:
        return None if key is None else self._journal.store.read(key)

    def _fence(self, target: str, holder: Holder) -> None:
        """On record before anything else: the old run cannot append after this. If it was first, we append after it."""
        chain = self._journal.chain(target)
        for _ in range(_FENCES):
            chain.forget()
            try:
                self._note_takeover(chain, holder)
            except ProvisionError as error:
                if all(d.code == "journal-moved-on" for d in error.diagnostics):
                    continue
                raise
            break
        else:
            raise self._locked(target, holder)
        self.taken_over[target] = holder
        self._tell(f"{target} is taken over from {holder_words(holder)}, which showed no sign of life")

    def _note_takeover(self, chain: Chain, holder: Holder) -> None:
        chain.append(RecordKind.TAKEOVER, {"from": named(holder)}, run=self._run, at=self._now())

    def _locked(self, target: str, holder: Holder) -> ProvisionError:
        return ProvisionError(
            Diagnostic(
                "locked",
                f"{target} is locked by {holder_words(holder)}{_age(holder, self._now())}",
                why="two runs must not change one target at the same time, and that one lives and is at work",
                fix="wait for it, then run again; a run that has died is taken over from by itself",
                target=target,
            )
        )


def holder_words(holder: Holder) -> str:
    """Who it is, for people."""
    if not holder.run:
        return holder.who
    return f"run {holder.run} (`{holder.command}`) of {holder.who}, process {holder.pid} on {holder.host}"


def _age(holder: Holder, now: Instant) -> str:
    if holder.since is None:
        return ""
    seconds = max(0, int((now - holder.since).total_seconds()))
    length = f"{seconds} s" if seconds < 120 else f"{seconds // 60} min"
    return f", since {format_instant(holder.since)} ({length})"
