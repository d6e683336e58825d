"""The lock: one run at a time for each target, however the others end."""

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

QUICK = Times(lease=0.5, deadline=0.05)
T = "corp-ldap"


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

    def lock(self, run: str, *targets: str, times: Times = QUICK, sleep: Callable[[float], None] = time.sleep) -> Lock:
        tell, journal = self.told.append, Journal(self.store)
        return Lock(journal, targets or (T,), info(run), now=lambda: NOW, times=times, tell=tell, sleep=sleep)

    def dies(self, run: str, *targets: str) -> None:
        """A run takes the locks and is never heard of again."""
        self.store.create(key_of(run), b"its last sign of life")
        for target in targets or (T,):
            register = Register(self.store, target)
            holder = this_process(info(run), NOW, QUICK.lease, QUICK.deadline)
            assert register.take(register.read().number, holder) is not None


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "journal")


def refusal(lock: Lock) -> Diagnostic:
    with pytest.raises(ProvisionError) as caught, lock:
        pass
    return caught.value.diagnostics[0]


def test_a_run_that_lives_is_not_waited_for(place: Place) -> None:
    with place.lock("r1", times=Times(lease=60, deadline=15)):
        begun = time.monotonic()
        told = refusal(place.lock("r2"))
    assert told.code == "locked" and told.target == T
    assert "run r1" in told.message and "Ada" in told.message and f"process {os.getpid()}" in told.message
    assert time.monotonic() - begun < 3  # a heartbeat every 2 s


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
    begun = time.monotonic()
    with place.lock("r2") as lock:
        waited = time.monotonic() - begun
        assert lock.taken_over[T].run == "r1"
    record = list(place.chain().records())[-1]
    assert record.kind == RecordKind.TAKEOVER and record.run.id == "r2" and record.body["from"]["run"] == "r1"
    assert waited >= QUICK.lease + QUICK.deadline
    assert any("watching" in words for words in place.told)


def test_a_last_call_that_was_not_waited_for_is_waited_for_by_the_next(place: Place) -> None:
    """The takeover is broken off in its wait: the lock is free, and the dead run's call may still come."""
    place.dies("r1")

    def broken_off(seconds: float) -> None:
        if seconds == 7.5:
            raise KeyboardInterrupt
        time.sleep(seconds)

    for run in ("r2", "r3"):  # the second only finds what the first left
        lock = place.lock(run, times=Times(lease=0.5, deadline=7.5 if run == "r2" else 0.05), sleep=broken_off)
        with pytest.raises(KeyboardInterrupt), lock:
            pass
        assert Register(place.store, T).read().holder is None
    waits: list[float] = []
    with place.lock("r4", sleep=waits.append) as lock:
        assert not lock.taken_over
    assert waits == [7.5]
    with place.lock("r5", sleep=waits.append):
        assert waits == [7.5]


def test_a_last_call_is_not_forgotten_when_another_target_is_locked(place: Place) -> None:
    place.dies("r1", "a")
    with place.lock("r2", "b", times=Times(lease=60, deadline=15)):
        assert refusal(place.lock("r3", "a", "b")).code == "locked"
    waits: list[float] = []
    with place.lock("r4", "a", "b", sleep=waits.append):
        assert waits == [QUICK.deadline]


def test_a_dead_run_is_watched_once_for_all_its_targets(place: Place) -> None:
    place.dies("r1", "a", "b", "c")
    begun = time.monotonic()
    with place.lock("r2", "a", "b", "c") as lock:
        assert sorted(lock.taken_over) == ["a", "b", "c"]
    assert time.monotonic() - begun < 2 * QUICK.lease


def test_whoever_lost_the_lock_cannot_append(place: Place) -> None:
    place.dies("r1")
    old = place.chain()
    old.append(RecordKind.RUN, {}, run=info("r1"), at=NOW)
    with place.lock("r2"), pytest.raises(ProvisionError) as caught:
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
    lock = Lock(Journal(Overtaken(place.folder)), [T], info("r2"), now=lambda: NOW, times=QUICK)
    with lock:
        pass
    assert [r.kind for r in place.chain().records()] == ["run", "run", "takeover"]


def test_what_was_taken_is_given_back_when_another_target_is_locked(place: Place) -> None:
    with place.lock("r1", "b"):
        assert refusal(place.lock("r2", "a", "b", "c")).target == "b"
        with place.lock("r3", "a", "c"):
            pass
    assert not any("watching" in words and words.startswith("a ") for words in place.told)


def test_a_holder_that_ends_while_it_is_watched_is_no_takeover(place: Place) -> None:
    first = place.lock("r1", times=Times(lease=30, deadline=15))
    first.__enter__()
    ending = threading.Timer(0.3, first.release)
    ending.start()
    with place.lock("r2", times=Times(lease=20, deadline=15)) as lock:
        assert lock.taken_over == {}
    ending.join()


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
                time.sleep(0.3)
                holding.discard(run)
        except ProvisionError as error:
            refused.append(error.diagnostics[0].code)

    threads = [threading.Thread(target=race, args=(f"r{i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1 and len(most) + len(refused) == 6 and set(refused) <= {"locked"}


def test_a_note_that_cannot_be_read_is_waited_for_like_a_run(place: Place) -> None:
    place.store.create("lock/corp-ldap/00000001.json", b"half a no")
    with place.lock("r2") as lock:
        assert lock.taken_over[T].run == ""


class Deaf(FolderStore):
    """Can be read, and from some moment on not be written."""

    deaf = False

    def replace(self, key: str, data: bytes) -> None:
        if self.deaf:
            raise ProvisionError(Diagnostic("journal-not-writable", "no space left"))
        super().replace(key, data)


def test_a_run_that_shows_no_sign_of_life_stops_itself_before_others_take_over(place: Place) -> None:
    store = Deaf(place.folder)
    stopped = threading.Event()
    lock = Lock(Journal(store), [T], info("r1"), now=lambda: NOW, times=QUICK)
    with lock:
        lock.on_lost(stopped.set)
        store.deaf = True
        begun = time.monotonic()
        assert stopped.wait(5)
        assert QUICK.lease / 2 <= time.monotonic() - begun + QUICK.every < QUICK.lease
        lost = lock.lost()
        assert lost is not None and lost.code == "lock-lost" and "no space left" in lost.message


def test_a_machine_that_slept_has_lost_the_lock(place: Place) -> None:
    """No thread of this process ran meanwhile, so no heartbeat told."""
    clock = [0.0]
    beat = Heartbeat(place.store, "r1", Times(lease=60, clock=lambda: clock[0]))
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
    told = refusal(Lock(Journal(Forgetful(place.folder)), [T], info("r1"), now=lambda: NOW, times=QUICK))
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
    told = refusal(Lock(Journal(store), [T], info("r1"), now=lambda: NOW, times=QUICK))
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


@pytest.fixture
def holder(place: Place) -> Iterator[subprocess.Popen[str]]:
    place.folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(place.folder), "0.6"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    with suppress(ProcessLookupError):
        process.kill()
    process.wait()
    process.stdout.close()


def test_a_killed_process_is_taken_over_from(place: Place, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    with place.lock("r2", times=Times(lease=0.6, deadline=0.1)) as lock:
        assert lock.taken_over[T].run == "held"


def test_a_process_that_was_stopped_for_its_lease_never_runs_again(place: Place, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGSTOP)
    with place.lock("r2", times=Times(lease=0.6, deadline=0.1)) as lock:
        assert lock.taken_over[T].run == "held"
        taken = time.monotonic()
        holder.send_signal(signal.SIGCONT)
        assert holder.wait(5) == -signal.SIGALRM
    writes = [float(line) for line in (place.folder / "writes").read_text().split()]
    assert max(writes) < taken - 0.6


def test_a_process_that_was_stopped_for_less_goes_on(place: Place, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGSTOP)
    time.sleep(0.2)
    holder.send_signal(signal.SIGCONT)
    time.sleep(0.8)
    assert holder.poll() is None
    assert refusal(place.lock("r2", times=Times(lease=0.6, deadline=0.1))).code == "locked"
