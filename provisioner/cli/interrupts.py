"""SIGINT and SIGTERM, in a process that is one run of `provision`: it ends with status 130, within five seconds.

The first signal breaks off what the main thread does, so that every `with` gives back what it holds; an apply takes the
signals over while it has calls in hand. Later signals change nothing. Should even that hang, the process is ended as by
a kill, which loses nothing either: what was intended stands in the journal.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType

WITHIN = 4.0
"""Seconds from the first signal to the end, whatever hangs."""
_STATUS = 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


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
    os.write(2, b"interrupted: ended without waiting any longer; the next run looks at what was under way\n")
    os._exit(_STATUS)


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
