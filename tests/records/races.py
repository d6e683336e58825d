"""Races for the lock: real processes that are killed and stopped anywhere, against a server that keeps its own log.

    python -m tests.records.races --races 1000 --processes 8 --store folder|s3 --seed 1 --jobs 4 --lease 1.5

Every process takes the lock, and under it writes an intent and sends a call to the server, three times; at a boundary
that the seed chooses (before or after any access to the store, between intent and send, between send and answer) half
of them are killed, or stopped and later continued. The oracle reads the server's log and the chain, and asks the lock
nothing:

- calls of two runs are never mixed: when one of another run has come, none of the earlier run comes or takes effect;
- a call comes only with an intent of that run in the chain, at the number that it says;
- in the chain, no run writes after another has written, nor after a takeover from it;
- whoever was taken over from was ended by a signal, or noticed and gave up; none went on as if nothing had been;
- the chain holds together.

With more races at a time (`--jobs`) than the machine has time for, a shorter lease than a starved process needs for a
heartbeat ends nearly everybody, and the races prove little. `never stopped, ended by the kernel` counts those: where
they are many, give fewer jobs or a longer `--lease`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import socketserver
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

from provisioner.diagnostics import ProvisionError
from provisioner.records.folder import FolderStore
from provisioner.records.heartbeat import Times
from provisioner.records.journal import Journal
from provisioner.records.lock import Lock
from provisioner.records.record import RecordKind
from provisioner.records.run import RunInfo
from provisioner.records.s3 import S3Store, open_s3
from provisioner.records.store import RecordStore
from provisioner.records.verify import verify
from tests.rigs.s3 import BUCKET, ENVIRONMENT
from tests.rigs.small_s3 import SmallS3

T = "corp-ldap"
TIMES = Times(lease=1.5, deadline=0.3)
CALLS = 3
GAVE_UP = 3
BUDGET = 12
"""Leases for one race; whoever is still trying then is ended, and counts for nothing."""


# The system that is changed


class _Call(socketserver.StreamRequestHandler):
    """A call takes effect some time after it came, whether its sender still lives or not, and never later than a
    deadline after it was sent: that is what a takeover relies on."""

    def handle(self) -> None:
        asked = json.loads(self.rfile.readline())
        self._log(asked, "came")
        time.sleep(asked["takes"])
        late = time.monotonic() - asked["sent"] > TIMES.deadline
        self._log(asked, "expired" if late else "took effect")
        with suppress(OSError):
            self.wfile.write(b"done\n")

    def _log(self, asked: dict[str, Any], what: str) -> None:
        line = json.dumps({**asked, "at": time.monotonic(), "what": what}) + "\n"
        with _LOG, Path(asked["log"]).open("a") as file:
            file.write(line)


_LOG = threading.Lock()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = 256


@contextmanager
def in_a_process(serve: Callable[[int], None]) -> Iterator[int]:
    """`serve` in a process of its own, from when it wrote to the descriptor that it is given."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        with suppress(OSError):
            os.nice(-15)  # all racers wait for it; where we may not, fewer finish on a busy machine
        serve(writing)
        os._exit(0)
    os.close(writing)
    told = os.read(reading, 4096)
    os.close(reading)
    assert told, "a server did not start"
    try:
        yield int(told)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def serve_calls(path: Path) -> Callable[[int], None]:
    def serve(ready: int) -> None:
        with _Server(str(path), _Call) as server:
            os.write(ready, b"0")
            server.serve_forever(0.5)

    return serve


def serve_s3(ready: int) -> None:
    with SmallS3() as server:
        os.write(ready, str(server.port).encode())
        while True:
            time.sleep(60)


# One process


@dataclass
class Stepped:
    """A store that tells before and after each access."""

    inner: RecordStore
    step: Callable[[], None]

    def create(self, key: str, data: bytes) -> bool:
        made: bool = self._between(lambda: self.inner.create(key, data))
        return made

    def replace(self, key: str, data: bytes) -> None:
        self._between(lambda: self.inner.replace(key, data))

    def remove(self, key: str) -> None:
        self._between(lambda: self.inner.remove(key))

    def read(self, key: str) -> bytes | None:
        found: bytes | None = self._between(lambda: self.inner.read(key))
        return found

    def names(self, prefix: str) -> list[str]:
        found: list[str] = self._between(lambda: self.inner.names(prefix))
        return found

    def set_aside(self, key: str) -> str:
        return self.inner.set_aside(key)

    def where(self, key: str = "") -> str:
        return self.inner.where(key)

    def _between(self, call: Callable[[], Any]) -> Any:
        self.step()
        found = call()
        self.step()
        return found


@dataclass
class Fault:
    """At the `at`-th boundary of the store's or of the calls': `kill` or `stop`."""

    of: str
    at: int
    kind: str
    seen: int = 0

    def step(self, of: str) -> None:
        if of != self.of:
            return
        self.seen += 1
        if self.seen == self.at:
            os.kill(os.getpid(), signal.SIGKILL if self.kind == "kill" else signal.SIGSTOP)


@dataclass
class Racer:
    name: str
    store: RecordStore
    server: Path
    log: Path
    fault: Fault
    luck: random.Random

    def race(self) -> None:
        """Tries until it has held the lock once; whoever lost it gives up."""
        store = Stepped(self.store, lambda: self.fault.step("store"))
        for attempt in count(1):
            journal = Journal(store)
            run = RunInfo(f"{self.name}.{attempt}", f"racer {self.name}")
            try:
                with Lock(journal, [T], run, now=_now, times=TIMES, armed=True) as lock:
                    self._work(journal, lock, run)
                return
            except ProvisionError as error:
                codes = {d.code for d in error.diagnostics}
                if codes <= {"lock-lost", "journal-moved-on"}:
                    os._exit(GAVE_UP)
                if codes != {"locked"}:
                    raise
                time.sleep(self.luck.uniform(0.1, 0.6) * TIMES.lease)

    def _work(self, journal: Journal, lock: Lock, run: RunInfo) -> None:
        chain = journal.chain(T)
        chain.append(RecordKind.RUN, {}, run=run, at=_now())
        for seq in range(CALLS):
            lock.check()
            body = {"step": "write", "changes": [], "seq": seq}
            intent = chain.append(RecordKind.INTENT, body, run=run, at=_now())
            self.fault.step("calls")
            if lock.lost() is not None:
                return
            self._send(run, seq, intent.n)
            self.fault.step("calls")
            chain.append(RecordKind.OUTCOME, {"step": "write", "results": [], "seq": seq}, run=run, at=_now())

    def _send(self, run: RunInfo, seq: int, intent: int) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMES.deadline)
            client.connect(str(self.server))
            call = {"run": run.id, "seq": seq, "intent": intent, "log": str(self.log), "sent": time.monotonic()}
            call["takes"] = self.luck.uniform(0, TIMES.deadline / 2)
            client.sendall(json.dumps(call).encode() + b"\n")
            self.fault.step("calls")
            with suppress(OSError):
                client.recv(16)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


# One race


@dataclass
class Raced:
    """What one race came to; `wrong` is empty where all held."""

    wrong: list[str] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)


def race(number: int, processes: int, seed: int, place: Path, store: RecordStore, server: Path) -> Raced:
    luck = random.Random(f"{seed}/{number}")
    log = place / f"{number}.log"
    log.touch()
    started: dict[int, str] = {}
    for me in range(processes):
        of = luck.choice(("store", "calls", "none", "none"))
        fault = Fault(of, luck.randint(1, 60 if of == "store" else 3 * CALLS), luck.choice(("kill", "stop", "stop")))
        name = f"r{number}-{me}"
        mine = random.Random(luck.random())
        child = os.fork()
        if child == 0:
            _child(Racer(name, store, server, log, fault, mine))
        started[child] = name
    ended, counted = _nemesis(started, luck)
    time.sleep(TIMES.deadline)  # the last call of whoever was ended
    counted.update(races=1)
    found = Raced(count=counted)
    judge(found, Journal(store), log, ended)
    log.unlink()
    return found


def _child(racer: Racer) -> None:
    """Never comes back."""
    status = 1
    try:
        racer.race()
        status = 0
    except BaseException as error:  # noqa: BLE001 the exit status tells
        sys.stderr.write(f"{racer.name}: {type(error).__name__}: {error}\n")
    finally:
        os._exit(status)


def _nemesis(started: dict[int, str], luck: random.Random) -> tuple[dict[str, int], Counter[str]]:
    """Continues who was stopped, after a while that is shorter or longer than a lease; waits for all to end. The status
    by run: of whoever ended by itself 0 or more, of others the signal below 0."""
    ended: dict[str, int] = {}
    wake: dict[int, float] = {}
    stopped: set[int] = set()
    counted: Counter[str] = Counter()
    over = time.monotonic() + BUDGET * TIMES.lease
    left = set(started)
    while left:
        for child in list(left):
            pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                wake[child] = time.monotonic() + luck.uniform(0, 2 * TIMES.lease)
                stopped.add(child)
            elif pid:
                left.discard(child)
                ended[started[child]] = way = os.waitstatus_to_exitcode(status)
                counted.update([_WAYS.get((way, child in stopped)) or _WAYS.get((way, None), "failed")])
        now = time.monotonic()
        for child, at in list(wake.items()):
            if at <= now:
                del wake[child]
                if child in left:
                    os.kill(child, signal.SIGCONT)
        if now > over:
            for child in left:
                os.kill(child, signal.SIGKILL)
            counted.update(out_of_time=len(left))
            over = float("inf")
        time.sleep(0.005)
    return ended, counted


_WAYS = {
    (0, False): "never stopped, finished",
    (0, True): "stopped, finished",
    (GAVE_UP, False): "never stopped, gave up",
    (GAVE_UP, True): "stopped, gave up",
    (-signal.SIGALRM, False): "never stopped, ended by the kernel at the end of the lease",
    (-signal.SIGALRM, True): "stopped, ended by the kernel at the end of the lease",
    (-signal.SIGKILL, None): "killed",
}


# The oracle


def judge(found: Raced, journal: Journal, log: Path, ended: dict[str, int]) -> None:
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    proof = verify(journal.chain(T))
    found.wrong += [d.message for d in proof.problems]
    records = [] if proof.problems else list(journal.chain(T).records())
    _calls(found, calls)
    _chain(found, records, ended)
    intents = {r.n: (r.run.id, r.body["seq"]) for r in records if r.kind == RecordKind.INTENT}
    for call in calls:
        if intents.get(call["intent"]) != (call["run"], call["seq"]):
            found.wrong.append(f"a call of {call['run']} came without its intent: {call}")
    failed = {run: status for run, status in ended.items() if status > 0 and status != GAVE_UP}
    found.wrong += [f"{run} failed with status {status}" for run, status in failed.items()]


def _calls(found: Raced, calls: list[dict[str, Any]]) -> None:
    """In the order in which the server saw them."""
    over: set[str] = set()
    now = ""
    for call in calls:
        if call["what"] == "came":
            found.count.update(calls=1)
            if call["run"] != now:
                over.add(now)
                now = call["run"]
                found.count.update(holders=1)
        if call["run"] in over and call["what"] != "expired":
            found.wrong.append(f"a call of {call['run']} {call['what']} when {now} was at work: {call}")


def _chain(found: Raced, records: list[Any], ended: dict[str, int]) -> None:
    over: set[str] = set()
    now = ""
    for record in records:
        run = record.run.id
        if run != now:
            over.add(now)
            now = run
        if run in over:
            found.wrong.append(f"record {record.n} is of {run}, after another run wrote")
        if record.kind == RecordKind.TAKEOVER:
            gone = record.body["from"]["run"]
            found.count.update(takeovers=1)
            over.add(gone)
            status = ended.get(gone.partition(".")[0], -1)
            if status >= 0 and status != GAVE_UP:
                found.wrong.append(f"{run} took over from {gone}, which ended by itself with {status}")


# All of them


def run_races(races: int, processes: int, kind: str, seed: int, jobs: int, until: float) -> Raced:
    """`jobs` races at a time, each in a process that has no threads, because it forks. None is begun after `until`."""
    place = Path(tempfile.mkdtemp(prefix="races-"))
    total = Raced()
    try:
        with in_a_process(serve_calls(place / "server")):
            if kind == "folder":
                _in_parallel(total, races, processes, seed, jobs, until, place, lambda n: FolderStore(place / str(n)))
            else:
                with in_a_process(serve_s3) as port:
                    client = _client(port)
                    _in_parallel(total, races, processes, seed, jobs, until, place, lambda n: _bucket(client, n))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return total


def _client(port: int) -> S3Store:
    """Made and warmed once, before anything is forked: what an SDK loads for its first call takes it longer than ten
    calls. Its connections are closed, so that no two processes share one."""
    os.environ.update(ENVIRONMENT, AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{port}")
    store = open_s3(f"s3://{BUCKET}/races", limit=2 * TIMES.lease)
    store.create("warm", b"")
    store.read("warm")
    store.names("")
    store.remove("warm")
    store._client.close()
    return store


def _bucket(client: S3Store, number: int) -> S3Store:
    return S3Store(client._client, BUCKET, f"races/{number}", limit=2 * TIMES.lease)


def _in_parallel(
    total: Raced,
    races: int,
    processes: int,
    seed: int,
    jobs: int,
    until: float,
    place: Path,
    store: Callable[[int], RecordStore],
) -> None:
    working: dict[int, int] = {}
    for job in range(jobs):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            for number in range(job, races, jobs):
                if time.monotonic() > until:
                    break
                # A referee for each race: its own connection to the store is made when all racers are forked.
                referee = os.fork()
                if referee == 0:
                    found = race(number, processes, seed, place, store(number), place / "server")
                    line = json.dumps({"number": number, "wrong": found.wrong, "count": found.count}) + "\n"
                    os.write(writing, line.encode())
                    shutil.rmtree(place / str(number), ignore_errors=True)
                    os._exit(0)
                os.waitpid(referee, 0)
            os._exit(0)
        os.close(writing)
        working[child] = reading
    for child, reading in working.items():
        with os.fdopen(reading) as told:
            for line in told:
                one = json.loads(line)
                total.count.update(one["count"])
                total.wrong += [f"race {one['number']}: {w}" for w in one["wrong"]]
        _, status = os.waitpid(child, 0)
        if status:
            total.wrong.append(f"a worker ended with {os.waitstatus_to_exitcode(status)}")


def main() -> int:
    global TIMES
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--races", type=int, default=1000)
    options.add_argument("--processes", type=int, default=8)
    options.add_argument("--store", choices=("folder", "s3"), default="folder")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--jobs", type=int, default=4, help="races at a time")
    options.add_argument("--lease", type=float, default=TIMES.lease, help="seconds")
    options.add_argument("--for", type=float, dest="seconds", default=float("inf"), help="begin none after SECONDS")
    told = options.parse_args()
    TIMES = Times(told.lease, TIMES.deadline)
    begun = time.monotonic()
    found = run_races(told.races, told.processes, told.store, told.seed, told.jobs, begun + told.seconds)
    took = time.monotonic() - begun
    print(  # noqa: T201
        f"{found.count['races']} races of {told.processes} processes on {told.store}, seed {told.seed}, "
        f"{told.jobs} at a time, lease {told.lease:g} s: {took:.0f} s"
    )
    print(json.dumps(dict(sorted(found.count.items())), indent=2))  # noqa: T201
    print("\n".join(found.wrong) or "nothing went wrong")  # noqa: T201
    finished = found.count["never stopped, finished"] + found.count["stopped, finished"]
    if finished < found.count["races"] * told.processes / 4:
        found.wrong.append("fewer than a quarter of the processes finished: that proves little")
        print(found.wrong[-1])  # noqa: T201
    complete = found.count["races"] == told.races or (took > told.seconds and found.count["races"] > 0)
    return 1 if found.wrong or not complete else 0


if __name__ == "__main__":
    sys.exit(main())
