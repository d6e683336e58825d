"""SIGINT and SIGTERM, in a process that is one run of `provision`: it ends with status 130, within five seconds.

The first signal breaks off what the main thread does, so that every `with` gives back what it holds; an apply takes the
signals over while it has calls in hand. Later signals change nothing. Should even that hang, the process is ended as by
a kill, which loses nothing either: what was intended stands in the journal. What made credentials for a run keeps
signals from breaking off how it ends them (`kept`): each of those calls has its deadline.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

WITHIN = 4.0
"""Seconds from the first signal to the end, whatever hangs."""
_STATUS = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_HANGUP = getattr(signal, "SIGHUP", signal.SIGTERM)
_KEPT = (*_SIGNALS, _HANGUP)
_MOST = 60.0
"""Seconds that what is `kept` may take longer."""
_keeping = threading.Lock()


class _Once:
    """Breaks off the main thread at the first signal only."""

    def __init__(self) -> None:
        self.came = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        if not self.came:
            self.came = True
            raise KeyboardInterrupt

    def note(self) -> None:
        """The signal came to somebody else, who had taken them over."""
        self.came = True


def install() -> None:
    """Called once, on the main thread, by what starts the command line in a process of its own."""
    once = _Once()
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as `nohup` and shells in the background have it
            signal.signal(number, once)
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(told,), name="interrupts", daemon=True).start()


def _watch(told: int) -> None:
    """Told of a signal by Python itself, whoever handles it."""
    while True:
        came = os.read(told, 1)
        if not came:
            return
        if came[0] in _SIGNALS:
            break
    time.sleep(WITHIN)
    if not _keeping.acquire(blocking=False):
        _keeping.acquire(timeout=_MOST)
        time.sleep(WITHIN)
    os.write(2, b"interrupted: ended without waiting any longer; the next run looks at what was under way\n")
    os._exit(_STATUS)


class Kept:
    """Signals that are kept from breaking anything off: those that `came`, from `keep` on."""

    def __init__(self) -> None:
        self.came: list[int] = []
        self._before: dict[int, Any] = {}
        self._told = -1
        self._keeps = False

    def keep(self) -> None:
        """May be said again: a signal can come in its midst, and break it off."""
        told = signal.set_wakeup_fd(-1)
        self._told = self._told if told == -1 else told
        self._keeps = self._keeps or _keeping.acquire(blocking=False)
        for number in _KEPT:
            self._handle(number, self._note)

    def check(self) -> None:
        """KeyboardInterrupt where one came."""
        if self.came:
            raise KeyboardInterrupt

    def begin(self) -> None:
        """Until they are kept a hangup breaks off as the others do, where it would end the process."""
        if signal.getsignal(_HANGUP) is signal.SIG_DFL:
            self._handle(_HANGUP, signal.getsignal(signal.SIGINT))

    def over(self) -> None:
        """All as it was before."""
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._told, warn_on_full_buffer=False)
        if self._keeps:
            _keeping.release()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.came.append(number)

    def _handle(self, number: int, handler: Any) -> None:
        now = signal.getsignal(number)
        if now is not signal.SIG_IGN:
            self._before.setdefault(number, now)
            signal.signal(number, handler)


@contextmanager
def kept() -> Iterator[Kept]:
    """Nothing is kept before `keep`, and nothing after this. On the main thread."""
    signals = Kept()
    try:
        signals.begin()
        yield signals
    finally:
        signals.over()


def leave(status: int) -> None:
    """Ends the process; an interrupted one does not wait for threads whose calls hang. A signal that comes now comes
    too late to change anything."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if status == _STATUS and any(t is not threading.main_thread() and not t.daemon for t in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                continue
        os._exit(status)
    sys.exit(status)
