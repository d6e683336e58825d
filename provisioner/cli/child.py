"""A command that runs with credentials of its own: in a process group of its own, until its time is over.

Signals that come to us are passed on to it. It inherits no file descriptor but the standard three. Should we be killed,
its group is killed by a small process that waits for that, and it itself by the kernel (Linux). It cannot read our
memory or our environment unless it is the superuser (Linux).
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

TIME_OVER = 124
"""The exit status of a command that was ended because its time was over, as `timeout` has it."""
GRACE = 10.0
"""Seconds between SIGTERM and SIGKILL."""
_PASSED_ON = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH")
)
_BY_TERMINAL = tuple(getattr(signal, name) for name in ("SIGTSTP", "SIGTTIN", "SIGTTOU"))
_PR_SET_DUMPABLE = 4
_LAUNCH = """
import os, signal, sys
if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
parent, ours, found, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
if os.isatty(0) and os.tcgetpgrp(0) == os.getpgid(parent):
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, os.getpgrp())
    signal.signal(signal.SIGTTOU, signal.SIG_DFL)
if sys.platform == "linux":
    import ctypes
    ctypes.CDLL(None).prctl(1, int(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG: it does not outlive us
    if os.getppid() != parent:
        os._exit(137)
group, between = os.getpgrp(), os.fork()
if not between:
    os.setsid()  # no signal of the group's, or of the terminal's, comes here
    if os.fork():
        os._exit(0)  # so that the command has no child that it did not start
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    if not os.read(ours, 1):  # the end, and no word before: we were killed
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:
            pass
    os._exit(0)
os.waitpid(between, 0)
os.close(ours)
for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
    signal.signal(number, signal.SIG_DFL)
try:
    os.execv(found, command)
except OSError as error:
    print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
    os._exit(126)
"""
"""Becomes the command. A process of its own, because Python between fork and exec may hang where there are threads."""


@dataclass(frozen=True, slots=True)
class Ended:
    """`how` in words."""

    status: int
    how: str


def close_to_others() -> None:
    """From here on no other process of the same user reads our environment or memory (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def run_until(
    command: Sequence[str],
    environ: Mapping[str, str],
    seconds: float,
    *,
    grace: float = GRACE,
    early: Sequence[int] = (),
) -> Ended:
    """Runs it, for `seconds` at most; its exit status, or what a shell gives for one that a signal ended or that cannot
    be started. `early`: signals that came before it, which are passed on too."""
    until = time.monotonic() + seconds
    found = shutil.which(command[0], path=environ.get("PATH"))
    if found is None:
        if not os.path.exists(command[0]):  # noqa: PTH110 - False for what cannot be looked at
            where = "" if "/" in command[0] else ", in no folder of PATH"
            return Ended(127, f"{command[0]} is not there{where}")
        if os.path.isdir(command[0]):  # noqa: PTH112
            return Ended(126, f"{command[0]} cannot be started: it is a folder")
        what = "it may not be executed" if "/" in command[0] else f"it is in no folder of PATH; write ./{command[0]}"
        return Ended(126, f"{command[0]} cannot be started: {what}")
    with _signals_to(early) as passing, _watched() as theirs:
        launched = [sys.executable, "-I", "-S", "-c", _LAUNCH, str(os.getpid()), str(theirs), found, *command]
        child = subprocess.Popen(launched, env=dict(environ), process_group=0, pass_fds=(theirs,))
        os.close(theirs)
        passing(child.pid)
        try:
            try:
                status = _wait(child, until)
            except subprocess.TimeoutExpired:
                _end(child, grace)
                return Ended(TIME_OVER, f"{command[0]} was ended: its time was over")
        finally:
            passing(None)
            _terminal(child.pid, os.getpgrp())
    if status < 0:
        return Ended(128 - status, f"ended by {signal.Signals(-status).name}")
    return Ended(status, f"it ended with status {status}")


@contextmanager
def _watched() -> Iterator[int]:
    """The end of a pipe for whoever watches us: a word comes when the command is over, and none where we died, or were
    broken off."""
    theirs, ours = os.pipe()
    try:
        yield theirs
        with suppress(OSError):  # nobody watches any more
            os.write(ours, b".")
    finally:
        os.close(ours)


def _end(child: subprocess.Popen[bytes], grace: float) -> None:
    """Its whole group: asked first, then killed."""
    _kill(child.pid, signal.SIGTERM)
    _kill(child.pid, signal.SIGCONT)
    with suppress(subprocess.TimeoutExpired):
        child.wait(grace)
    _kill(child.pid, signal.SIGKILL)
    child.wait()


def _wait(child: subprocess.Popen[bytes], until: float) -> int:
    """Its status; TimeoutExpired when the time is over. Where the terminal stops it, we stop too, as a shell expects.
    As long as the terminal is ours, it is given on."""
    pause = 0.001
    while True:
        pid, status = os.waitpid(child.pid, os.WNOHANG | os.WUNTRACED)
        if pid and os.WIFSTOPPED(status):
            if os.WSTOPSIG(status) in _BY_TERMINAL and os.isatty(0):
                _terminal(child.pid, os.getpgrp())
                os.killpg(os.getpgrp(), signal.SIGTSTP)  # whoever has called us stops with us; here we go on again
                _go_on(child.pid)
            continue
        if pid:
            child.returncode = os.waitstatus_to_exitcode(status)
            return child.returncode
        rest = until - time.monotonic()
        if rest <= 0:
            raise subprocess.TimeoutExpired(child.args, 0)
        _terminal(os.getpgrp(), child.pid)
        time.sleep(min(pause, rest))
        pause = min(2 * pause, 0.05)


def _go_on(group: int) -> None:
    """First the terminal, where it is ours: else it would be stopped again by its first read."""
    _terminal(os.getpgrp(), group)
    _kill(group, signal.SIGCONT)


def _kill(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


@contextmanager
def _signals_to(came: Sequence[int]) -> Iterator[Callable[[int | None], None]]:
    """Signals go to the group that is named, those that come before it as soon as it is; afterwards nowhere. What
    `interrupts` does with them is done again at the end."""
    group: int | None = None
    early: list[int] = []
    over = False

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if group is not None and number == signal.SIGCONT:
            _go_on(group)
        elif group is not None:
            _kill(group, number)
        elif not over:
            early.append(number)

    def to(pid: int | None) -> None:
        nonlocal group, over
        group, over = pid, pid is None
        for number in (*came, *early) if pid is not None else ():
            _kill(pid or 0, number)

    told = signal.set_wakeup_fd(-1)
    before = {number: signal.getsignal(number) for number in _PASSED_ON}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:
            signal.signal(number, pass_on)
    try:
        yield to
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
        signal.set_wakeup_fd(told, warn_on_full_buffer=False)


def _terminal(of: int, to: int) -> None:
    """Gives the terminal to another group; fine where it is not of the first: then it is somebody else's."""
    with suppress(OSError):
        if not os.isatty(0) or os.tcgetpgrp(0) != of:
            return
        before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            os.tcsetpgrp(0, to)
        finally:
            signal.signal(signal.SIGTTOU, before)
