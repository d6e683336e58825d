"""A signal while a call hangs, is tried again, or was not sent yet: nothing is lost, and nothing more is sent."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from provisioner.apply.retry import Waits
from provisioner.contract import Unknown
from provisioner.records.entries import Reason
from provisioner.records.heartbeat import Times
from provisioner.records.lock import Lock
from provisioner.records.register import Register
from provisioner.records.run import RunInfo
from tests.apply.fakes import CAPABILITIES, Rig, System, T
from tests.builders import NOW, change, plan

ONE, TWO, THREE = (change("create", f"{T}:membership/devs/u{n}") for n in range(3))


def signalled() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def rig_of(tmp_path: Path, batch: int = 3) -> Rig:
    rig = Rig(tmp_path, System(capabilities=replace(CAPABILITIES, batch=batch)))
    rig.waits = Waits(grace=0.3)
    return rig


def test_a_call_that_hangs_is_given_up_and_on_record_as_unknown(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    answer = threading.Event()

    def step(name: str) -> None:
        if name == "write: answered" and len(rig.system.log) == 1:
            signalled()
            answer.wait(20)

    rig.system.steps = step
    start = time.monotonic()
    done = rig.apply(plan(ONE, TWO, THREE))
    took = time.monotonic() - start
    records = rig.records()
    answer.set()  # now the system answers: too late
    for thread in threading.enumerate():
        if thread.name == f"apply {T}":
            thread.join(5)
    assert took < 5
    assert done.interrupted
    assert isinstance(done.outcomes[ONE.id], Unknown)
    assert {done.reasons[c.id] for c in (TWO, THREE)} == {Reason.STOPPED}
    assert rig.left() == [(str(ONE.address), "create")]
    assert rig.records() == records, "the thread that was given up wrote something"
    assert rig.system.writes() == [str(ONE.address)], "and sent something"
    rig.system.steps = lambda _name: None
    assert rig.apply(plan(ONE, TWO, THREE)).converged == {T}
    assert rig.left() == []


def test_a_call_that_the_system_did_not_take_is_not_tried_again(tmp_path: Path) -> None:
    rig = rig_of(tmp_path, batch=1)
    rig.waits = Waits(grace=5, first=30, longest=30)
    rig.system.faults[str(ONE.address)] = ["busy"] * 9
    timer = threading.Timer(0.3, signalled)
    timer.start()
    start = time.monotonic()
    done = rig.apply(plan(ONE, TWO))
    assert time.monotonic() - start < 4
    assert done.interrupted
    assert len(rig.system.log) == 1
    assert done.reasons[TWO.id] is Reason.STOPPED
    timer.join()


def test_a_look_after_which_the_run_is_to_stop_begins_nothing(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)

    def step(name: str) -> None:
        if name == "look":
            signalled()
            time.sleep(0.2)

    rig.system.steps = step
    done = rig.apply(plan(ONE, TWO))
    assert done.interrupted
    assert rig.system.log == []
    assert "intent" not in rig.records()
    assert rig.left() == []


def test_a_signal_before_anything_was_sent_breaks_off_what_is_waited_for(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    before = signal.getsignal(signal.SIGTERM)

    def step(name: str) -> None:
        if name == "system":
            signalled()
            time.sleep(20)

    rig.system.steps = step
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        rig.apply(plan(ONE))
    assert time.monotonic() - start < 3
    assert signal.getsignal(signal.SIGTERM) is before
    assert rig.system.log == []
    assert rig.left() == []


def test_whoever_had_the_signals_before_is_told_that_one_came(tmp_path: Path) -> None:
    class Watching:
        came = 0

        def __call__(self, _number: int, _frame: object) -> None:
            raise AssertionError("the apply has taken the signals over")

        def note(self) -> None:
            self.came += 1

    rig, watching = rig_of(tmp_path), Watching()
    rig.system.steps = lambda name: signalled() if name == "write: answered" else None
    before = signal.signal(signal.SIGTERM, watching)
    try:
        assert rig.apply(plan(ONE)).interrupted
    finally:
        signal.signal(signal.SIGTERM, before)
    assert watching.came == 1


def test_the_lock_is_given_back_with_what_is_left_of_the_call_that_was_given_up(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    answer, late = threading.Event(), threading.Event()

    def step(name: str) -> None:
        if name == "write: answered" and len(rig.system.log) == 1:
            signalled()
            answer.wait(20)
            late.set()

    rig.system.steps = step
    waited: list[float] = []
    times = Times(lease=5.0, deadline=15.0)

    def the_lock(name: str) -> Lock:
        return Lock(rig.journal, [T], RunInfo(name, "tests"), now=lambda: NOW, times=times, sleep=waited.append)

    with the_lock("r1") as lock:
        assert rig.apply(plan(ONE, TWO), lock=lock).interrupted
    assert not waited
    with the_lock("r2"):
        assert not late.is_set()
        assert len(waited) == 1 and 0 < waited[0] <= Waits().call
    with the_lock("r3"):
        assert len(waited) == 1, "it was waited for once"
    answer.set()


def test_a_read_that_is_given_up_is_nothing_to_wait_for(tmp_path: Path) -> None:
    rig = rig_of(tmp_path)
    answer = threading.Event()

    def step(name: str) -> None:
        if name == "look":
            signalled()
            answer.wait(20)

    rig.system.steps = step
    with Lock(rig.journal, [T], RunInfo("r1", "tests"), now=lambda: NOW, times=Times()) as lock:
        assert rig.apply(plan(ONE), lock=lock).interrupted
    assert Register(rig.journal.store, T).read().last_call == 0.0
    answer.set()
