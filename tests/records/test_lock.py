"""The lock: one run at a time for each target, however the others end.

How busy the machine is decides nothing here: whoever watches has a clock that moves only as signs of life arrive, and
whoever lives has a lease far longer than the pause between two of them.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.records.chain import Chain
from provisioner.records.folder import FolderStore
from provisioner.records.heartbeat import Heartbeat, Times, key_of
from provisioner.records.journal import Journal
from provisioner.records.lock import Lock
from provisioner.records.record import RecordKind
from provisioner.records.register import Register, this_process
from provisioner.records.run import RunInfo
from tests.builders import NOW

T = "corp-ldap"


@dataclass(frozen=True, slots=True)
class Paced(Times):
    """Shows a sign of life after each `pause`, however long the lease is."""

    pause: float = 0.01

    @property
    def every(self) -> float:
        return self.pause


LIVELY = Paced(lease=60, deadline=15)


@dataclass
class Clock:
    """The time of a run that waits: for each wait it moves by `step`, or by what is waited for where that is more, as
    soon as every run of `alive` has shown another sign of life. So nobody misses one, however slow the machine is."""

    store: FolderStore
    alive: tuple[str, ...]
    step: float = LIVELY.lease / 10
    now: float = 0.0
    broken_off_at: float | None = None
    """Ctrl-C comes when so long is waited for."""

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        if seconds == self.broken_off_at:
            raise KeyboardInterrupt
        self.now += max(seconds, self.step)
        for run, before in [(run, self._beat(run)) for run in self.alive]:
            until(lambda run=run, before=before: self._beat(run) != before)  # type: ignore[misc]

    def _beat(self, run: str) -> bytes | None:
        return self.store.read(key_of(run))


def until(so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    end = time.monotonic() + 60
    while not so():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.002)


def info(name: str) -> RunInfo:
    return RunInfo(name, "Ada <ada@example.com>")


@dataclass
class Place:
    """A journal that several runs share; each sees it through a Journal of its own, as another process would."""

    folder: Path
    told: list[str] = field(default_factory=list)

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder)

    def chain(self, target: str = T) -> Chain:
        return Journal(self.store).chain(target)

    def lock(
        self,
        run: str,
        *targets: str,
        store: FolderStore | None = None,
        times: Times = LIVELY,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Lock:
        tell, journal = self.told.append, Journal(store or self.store)
        return Lock(journal, targets or (T,), info(run), now=lambda: NOW, times=times, tell=tell, sleep=sleep)

    def clock(self, run: str, *alive: str) -> Clock:
        """Of a run that watches others, of whom some live."""
        return Clock(self.store, (run, *alive))

    def watching(
        self, clock: Clock, *targets: str, lease: float = LIVELY.lease, store: FolderStore | None = None
    ) -> Lock:
        """The lock of the run whose clock it is."""
        times = Paced(lease, LIVELY.deadline, clock)
        return self.lock(clock.alive[0], *targets, store=store, times=times, sleep=clock.sleep)

    def dies(self, run: str, *targets: str) -> None:
        """A run takes the locks and is never heard of again."""
        self.store.create(key_of(run), b"its last sign of life")
        for target in targets or (T,):
            register = Register(self.store, target)
            holder = this_process(info(run), NOW, LIVELY.lease, LIVELY.deadline)
            assert register.take(register.read().number, holder) is not None


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "journal")


def refusal(lock: Lock) -> Diagnostic:
    with pytest.raises(ProvisionError) as caught, lock:
        pass
    return caught.value.diagnostics[0]


def test_a_run_that_lives_is_not_waited_for(place: Place) -> None:
    clock = place.clock("r2", "r1")
    with place.lock("r1"):
        told = refusal(place.watching(clock))
    assert told.code == "locked" and told.target == T
    assert "run r1" in told.message and "Ada" in told.message and f"process {os.getpid()}" in told.message
    assert clock.now == clock.step  # at the first sign of life


def test_what_was_given_back_is_free_at_once(place: Place) -> None:
    for run in ("r1", "r2", "r3"):
        with place.lock(run):
            pass
    assert place.told == []
    assert place.store.names("heartbeat") == []
    assert place.chain().head() == (0, None)


def test_states_do_not_heap_up(place: Place) -> None:
    for n in range(12):
        with place.lock(f"r{n}"):
            pass
    assert len(place.store.names("lock/corp-ldap")) <= 10


def test_a_dead_run_is_taken_over_from_and_that_is_on_record(place: Place) -> None:
    place.dies("r1")
    clock = place.clock("r2")
    with place.watching(clock) as lock:
        assert clock.now >= LIVELY.lease + LIVELY.deadline
        assert lock.taken_over[T].run == "r1"
    record = list(place.chain().records())[-1]
    assert record.kind == RecordKind.TAKEOVER and record.run.id == "r2" and record.body["from"]["run"] == "r1"
    assert any("watching" in words for words in place.told)


def test_a_last_call_that_was_not_waited_for_is_waited_for_by_the_next(place: Place) -> None:
    """The takeover is broken off in its wait: the lock is free, and the dead run's call may still come."""
    place.dies("r1")
    for run in ("r2", "r3"):  # the second only finds what the first left
        clock = place.clock(run)
        clock.broken_off_at = LIVELY.deadline
        with pytest.raises(KeyboardInterrupt), place.watching(clock):
            pass
        assert Register(place.store, T).read().holder is None
    waits: list[float] = []
    with place.lock("r4", sleep=waits.append) as lock:
        assert not lock.taken_over
    assert waits == [LIVELY.deadline]
    with place.lock("r5", sleep=waits.append):
        assert waits == [LIVELY.deadline]


def test_a_last_call_is_not_forgotten_when_another_target_is_locked(place: Place) -> None:
    place.dies("r1", "a")
    with place.lock("r2", "b"):
        assert refusal(place.watching(place.clock("r3", "r2"), "a", "b")).code == "locked"
    waits: list[float] = []
    with place.lock("r4", "a", "b", sleep=waits.append):
        assert waits == [LIVELY.deadline]


def test_a_dead_run_is_watched_once_for_all_its_targets(place: Place) -> None:
    place.dies("r1", "a", "b", "c")
    clock = place.clock("r2")
    with place.watching(clock, "a", "b", "c") as lock:
        assert sorted(lock.taken_over) == ["a", "b", "c"]
    assert clock.now < 2 * LIVELY.lease


def test_whoever_lost_the_lock_cannot_append(place: Place) -> None:
    place.dies("r1")
    old = place.chain()
    old.append(RecordKind.RUN, {}, run=info("r1"), at=NOW)
    with place.watching(place.clock("r2")), pytest.raises(ProvisionError) as caught:
        old.append(RecordKind.INTENT, {"step": "write", "changes": []}, run=info("r1"), at=NOW)
    assert caught.value.diagnostics[0].code == "journal-moved-on"


class Overtaken(FolderStore):
    """Whoever appends here finds that the old holder was just before them, `left` times."""

    left = 2

    def create(self, key: str, data: bytes) -> bool:
        if key.startswith("journal/") and b"takeover" in data and self.left:
            self.left -= 1
            Journal(FolderStore(self.path)).chain(T).append(RecordKind.RUN, {}, run=info("r1"), at=NOW)
        return super().create(key, data)


def test_an_old_holder_who_was_first_is_appended_after(place: Place) -> None:
    place.dies("r1")
    with place.watching(place.clock("r2"), store=Overtaken(place.folder)):
        pass
    assert [r.kind for r in place.chain().records()] == ["run", "run", "takeover"]


def test_what_was_taken_is_given_back_when_another_target_is_locked(place: Place) -> None:
    with place.lock("r1", "b"):
        assert refusal(place.lock("r2", "a", "b", "c")).target == "b"
        with place.lock("r3", "a", "c"):
            pass
    assert not any("watching" in words and words.startswith("a ") for words in place.told)


def test_a_holder_that_ends_while_it_is_watched_is_no_takeover(place: Place) -> None:
    first = place.lock("r1")
    first.__enter__()
    with place.lock("r2", sleep=lambda _seconds: first.release()) as lock:
        assert lock.taken_over == {}
    assert any("watching" in words for words in place.told)


def test_a_number_that_was_used_and_tidied_away_gives_no_lock(place: Place) -> None:
    """Whoever read the list long ago creates a number that is gone by now."""
    stale = Register(place.store, T).read()
    for n in range(10):
        with place.lock(f"r{n}"):
            pass
    assert "00000001.json" not in place.store.names("lock/corp-ldap")
    assert Register(place.store, T).take(stale.number, this_process(info("late"), NOW, 1, 1)) is None
    assert "00000001.json" not in place.store.names("lock/corp-ldap")


def test_of_many_that_begin_together_one_holds(place: Place) -> None:
    holding, most, refused = set[str](), list[int](), list[str]()
    start = threading.Barrier(6)

    def race(run: str) -> None:
        start.wait()
        try:
            with place.lock(run):
                holding.add(run)
                most.append(len(holding))
                until(lambda: len(refused) == 5)
                holding.discard(run)
        except ProvisionError as error:
            refused.append(error.diagnostics[0].code)

    threads = [threading.Thread(target=race, args=(f"r{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] and set(refused) == {"locked"}


def test_a_note_that_cannot_be_read_is_waited_for_like_a_run(place: Place) -> None:
    place.store.create("lock/corp-ldap/00000001.json", b"half a no")
    with place.watching(place.clock("r2")) as lock:
        assert lock.taken_over[T].run == ""


class Deaf(FolderStore):
    """Can be read, and from some moment on not be written."""

    deaf = False
    unheard = 0

    def replace(self, key: str, data: bytes) -> None:
        if self.deaf:
            self.unheard += 1
            raise ProvisionError(Diagnostic("journal-not-writable", "no space left"))
        super().replace(key, data)


def test_a_run_that_shows_no_sign_of_life_stops_itself_before_others_take_over(place: Place) -> None:
    store, clock, stopped = Deaf(place.folder), place.clock("r1"), threading.Event()
    with place.watching(clock, store=store) as lock:
        lock.on_lost(stopped.set)
        store.deaf = True

        def is_unheard_again() -> None:
            so_far = store.unheard
            until(lambda: store.unheard > so_far + 1)  # the first of them may have looked at the clock before

        clock.now = LIVELY.lease * 0.49
        is_unheard_again()
        assert lock.lost() is None and not stopped.is_set()
        clock.now = LIVELY.lease * 0.51
        is_unheard_again()
        assert stopped.is_set()
        lost = lock.lost()
        assert lost is not None and lost.code == "lock-lost" and "no space left" in lost.message


def test_a_machine_that_slept_has_lost_the_lock(place: Place) -> None:
    """No thread of this process ran meanwhile, so no heartbeat told."""
    clock = [0.0]
    beat = Heartbeat(place.store, "r1", Paced(lease=60, clock=lambda: clock[0], pause=3600))
    beat.start()
    try:
        clock[0] = 50
        assert beat.lost() is None
        clock[0] = 59
        assert beat.lost() is not None
    finally:
        beat.stop()


class Forgetful(FolderStore):
    """A store that ignores the condition of a write."""

    def create(self, key: str, data: bytes) -> bool:
        self.replace(key, data)
        return True


def test_a_store_that_cannot_keep_runs_apart_is_refused(place: Place) -> None:
    told = refusal(place.lock("r1", store=Forgetful(place.folder)))
    assert told.code == "journal-store"
    assert place.store.names("lock") == [] and place.store.names("heartbeat") == []


class Gone(FolderStore):
    """Nothing is reached in `prefix`."""

    prefix = ""

    def create(self, key: str, data: bytes) -> bool:
        if key.startswith(self.prefix):
            raise ProvisionError(Diagnostic("journal-not-writable", "nobody answers"))
        return super().create(key, data)


@pytest.mark.parametrize("prefix", ["heartbeat/", "lock/"])
def test_without_its_store_there_is_no_lock(place: Place, prefix: str) -> None:
    store = Gone(place.folder)
    store.prefix = prefix
    told = refusal(place.lock("r1", store=store))
    assert told.code == "journal-not-writable"
    assert place.store.names("heartbeat") == []


# A real process, stopped and killed

_HOLD = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from provisioner.records.folder import FolderStore
from provisioner.records.heartbeat import Times
from provisioner.records.journal import Journal
from provisioner.records.lock import Lock
from provisioner.records.run import RunInfo
folder, lease = Path(sys.argv[1]), float(sys.argv[2])
with Lock(Journal(FolderStore(folder)), ["corp-ldap"], RunInfo("held", "them"), now=lambda: datetime.now(UTC),
          times=Times(lease=lease, deadline=0.1), armed=True):
    log = open(folder / "writes", "a", buffering=1)
    for n in range(10_000):
        log.write(f"{time.monotonic()}\\n")
        if n == 0:
            print("held", flush=True)
        time.sleep(0.01)
"""


Hold = Callable[[float], subprocess.Popen[str]]


@pytest.fixture
def hold(place: Place) -> Iterator[Hold]:
    """Starts the process, with a lease, and waits until it holds the lock."""
    started: list[subprocess.Popen[str]] = []

    def start(lease: float) -> subprocess.Popen[str]:
        place.folder.mkdir()
        command = [sys.executable, "-c", _HOLD, str(place.folder), str(lease)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        return process

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def writes_of(place: Place) -> list[float]:
    return [float(line) for line in (place.folder / "writes").read_text().split("\n")[:-1]]


def test_a_killed_process_is_taken_over_from(place: Place, hold: Hold) -> None:
    hold(60).kill()
    with place.watching(place.clock("r2")) as lock:
        assert lock.taken_over[T].run == "held"


def test_a_process_that_was_stopped_for_its_lease_never_runs_again(place: Place, hold: Hold) -> None:
    lease = 0.5
    process = hold(lease)
    process.send_signal(signal.SIGSTOP)
    clock = place.clock("r2")
    clock.step = LIVELY.pause  # no faster than time goes, give or take a pause
    with place.watching(clock, lease=lease + 0.1) as lock:
        assert lock.taken_over[T].run == "held"
        taken = time.monotonic()
        process.send_signal(signal.SIGCONT)
        assert process.wait(60) == -signal.SIGALRM
    assert max(writes_of(place)) < taken - lease


def test_a_process_that_was_stopped_for_less_goes_on(place: Place, hold: Hold) -> None:
    lease = 1.5
    process = hold(lease)
    process.send_signal(signal.SIGSTOP)
    time.sleep(0.2)
    process.send_signal(signal.SIGCONT)
    until(lambda: process.poll() is not None or writes_of(place)[-1] > writes_of(place)[0] + lease)
    assert process.poll() is None
    assert refusal(place.watching(place.clock("r2", "held"))).code == "locked"
