"""A command in a process group of its own: its signals, its time, and what it can see of us."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from provisioner.actor.hidden import without_minting
from provisioner.cli.child import GRACE, TIME_OVER, run_until
from provisioner.model.access import DeclaredAccess
from tests.worlds import block

ENVIRON = {"PATH": os.environ["PATH"]}
TOP = Path(__file__).parents[2]


def sh(text: str, seconds: float = 60, grace: float = GRACE) -> int:
    return run_until(("sh", "-c", text), ENVIRON, seconds, grace=grace).status


def test_its_status_is_given_on(tmp_path: Path) -> None:
    assert (sh("exit 0"), sh("exit 9"), sh("kill -KILL $$")) == (0, 9, 137)
    assert run_until(("there-is-no-such-command",), ENVIRON, 60).status == 127
    plain = tmp_path / "plain"
    plain.write_text("no program")
    assert run_until((str(plain),), ENVIRON, 60).status == 126


def test_its_whole_group_is_ended_when_its_time_is_over(tmp_path: Path) -> None:
    place = tmp_path / "pid"
    text = f"trap '' TERM; sleep 600 & echo $! > {place}; wait; wait"
    assert sh(text, seconds=1, grace=0.2) == TIME_OVER
    pid = place.read_text().strip() if place.exists() else ""
    end = time.monotonic() + 30
    while pid and state(pid) != "Z":
        assert time.monotonic() < end, "a part of it goes on"
        time.sleep(0.01)


def test_it_and_what_it_started_do_not_outlive_us(tmp_path: Path) -> None:
    """Whatever ended us: nobody is there any more who would end its credentials."""
    place = tmp_path / "pids"
    text = f"sleep 600 & sleep 600 & jobs -p > {place}.new; echo $$ >> {place}.new; mv {place}.new {place}; wait"
    code = (
        f"from provisioner.cli.child import run_until\nimport os\nrun_until(('sh', '-c', {text!r}), os.environ, 60)\n"
    )
    ours = subprocess.Popen([sys.executable, "-c", code], cwd=TOP)
    end = time.monotonic() + 60
    while not place.exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    ours.kill()
    ours.wait()
    for pid in place.read_text().split():
        while state(pid) != "Z":
            assert time.monotonic() < end, "a part of it goes on"
            time.sleep(0.01)


def state(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_signals_are_passed_on_and_do_not_end_us(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = (
        "from provisioner.cli import interrupts\nfrom provisioner.cli.child import run_until\nimport os, sys\n"
        "interrupts.install()\n"
        f"text = 'trap \"exit 5\" TERM; touch {ready}; while :; do sleep 0.05; done'\n"
        "sys.exit(run_until(('sh', '-c', text), os.environ, 60).status)\n"
    )
    ours = subprocess.Popen([sys.executable, "-c", code], cwd=TOP, env=ENVIRON)
    while not ready.exists():
        assert ours.poll() is None
        time.sleep(0.02)
    ours.send_signal(signal.SIGTERM)
    assert ours.wait(60) == 5


SHELL = """\
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
import_ = "import os, sys; from provisioner.cli.child import run_until"
code = import_ + "; sys.exit(run_until(sys.argv[1:], os.environ, 60).status)"
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
def begin(front, *command):
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        if front:
            os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        os.execv(sys.executable, [sys.executable, "-c", code, *command])
    return pid
def ended(pid):
    status = os.waitpid(pid, os.WUNTRACED)[1]
    return "stopped" if os.WIFSTOPPED(status) else os.waitstatus_to_exitcode(status)
behind = begin(False, "true")
print("behind", ended(behind), os.tcgetpgrp(0) == os.getpgrp(), flush=True)
front = begin(True, "sh", "-c", "echo ready; read x; echo got $x; exit 4")
print("front", ended(front), flush=True)
os.tcsetpgrp(0, front)
os.killpg(front, signal.SIGCONT)
print("again", flush=True)
print("over", ended(front), flush=True)
"""


def test_the_terminal_stops_it_with_us_and_is_taken_from_nobody() -> None:
    terminal, end = pty.openpty()
    command = [sys.executable, "-c", SHELL]
    shell = subprocess.Popen(command, cwd=TOP, env=ENVIRON, stdin=end, stdout=end, stderr=end, start_new_session=True)
    told = b""

    def until_told(word: bytes) -> None:
        nonlocal told
        while word not in told:
            told += os.read(terminal, 4096)

    until_told(b"ready")
    os.write(terminal, b"\x1a")
    until_told(b"again")
    os.write(terminal, b"line\n")
    until_told(b"over 4")
    assert shell.wait(60) == 0
    os.close(terminal)
    os.close(end)
    assert b"behind 0 True" in told and b"front stopped" in told and b"got line" in told


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux closes a process to others of the same user")
@pytest.mark.skipif(
    os.geteuid() == 0 and not Path("/usr/bin/python3").exists(), reason="root's own Python is nobody else's"
)
def test_it_does_not_read_our_environment() -> None:
    code = (
        "import ctypes, os, sys\nfrom provisioner.cli.child import close_to_others, run_until\n"
        "if os.geteuid() == 0:\n    os.setgid(65534)\n    os.setuid(65534)\n    sys.executable = '/usr/bin/python3'\n"
        "ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n"  # as for everybody who did not change who they are
        "if len(sys.argv) < 2:\n    close_to_others()\n"
        "run_until(('sh', '-c', 'cat /proc/$PPID/environ || true'), {'PATH': os.environ['PATH']}, 60)\n"
    )

    def said(*more: str) -> str:
        command, environ = [sys.executable, "-c", code, *more], {**ENVIRON, "TOKEN": "t0p"}
        return subprocess.run(command, cwd=TOP, env=environ, capture_output=True, text=True, check=True).stdout

    assert "t0p" in said("open") and "t0p" not in said()


def test_what_can_make_credentials_stays_with_us() -> None:
    stores = block({"vault": {"provider": "openbao", "url": "x", "token": {"env": "MINE"}}}, "access/x.yaml")
    stays = ("PATH", "HOME", "LANG", "BUILD")
    goes = ("AWS_PROFILE", "PGPASSFILE", "GITHUB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "MINE", "PROVISION_JOURNAL",
            "KRB5CCNAME", "KRB5_CLIENT_KTNAME", "bamboo_secret")  # fmt: skip
    environ = dict.fromkeys((*stays, *goes), "x")
    assert set(without_minting(environ, [DeclaredAccess(stores=stores)])) == set(stays)
