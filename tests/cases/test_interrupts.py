"""SIGINT and SIGTERM at real processes before a slapd that does not answer: within five seconds it is over, with 130.

And the next run finishes what was begun.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from provisioner.records.folder import FolderStore
from provisioner.records.journal import Journal
from provisioner.records.register import Register
from tests.rigs.commands import COMMAND, run_command
from tests.rigs.proxy import Proxy
from tests.rigs.slapd import Slapd

WITHIN = 5.0
_ACCESS = """\
records: {{owner: 5f1c0a9b7e3d4c21{times}}}
people:
  ada: {{email: ada@example.com, roles: [developer]}}
  bob: {{email: bob@example.com, roles: [developer]}}
  eve: {{email: eve@example.com, roles: [developer]}}
roles:
  developer: {{owners: [ada], grants: {{corp: {{groups: [developers, vpn]}}}}}}
targets:
  corp:
    provider: ldap
    url: {{env: LDAP_URL}}
    bind_dn: "{dn}"
    password: {{env: LDAP_PASSWORD}}
    base: {{people: "{people}", groups: "{groups}"}}
"""


@dataclass
class Repository:
    """Access files for one slapd, and the command line as processes of its own."""

    root: Path
    slapd: Slapd
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.root / "access").mkdir(parents=True)
        self.write("")

    def write(self, times: str) -> None:
        """The access files; `times` of the lock. A call that is given up is waited for by the next run, so not long."""
        dn, people, groups = self.slapd.service_dn, self.slapd.people, self.slapd.groups
        (self.root / "access" / "all.yaml").write_text(_ACCESS.format(dn=dn, people=people, groups=groups, times=times))

    def is_free(self) -> bool:
        """Whether nobody has the lock."""
        return Register(FolderStore(self.root / ".provision"), "corp").read().holder is None

    def has_doubts(self) -> bool:
        return any(i.doubt for i in Journal(FolderStore(self.root / ".provision")).chain("corp").open_items())

    def environment(self, port: int) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "LDAP_URL": f"ldap://127.0.0.1:{port}",
            "LDAP_PASSWORD": self.slapd.service_password,
            **self.environ,
        }

    def start(self, port: int, *arguments: str) -> subprocess.Popen[bytes]:
        """A run that is to be interrupted, from the start of Python on."""
        command = [sys.executable, "-c", COMMAND, *arguments]
        return subprocess.Popen(
            command, cwd=self.root, env=self.environment(port), stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True)

    def run(self, *arguments: str) -> tuple[int, str]:
        ended = run_command(arguments, self.root, self.environment(self.port))
        return ended.status, ended.out + ended.err

    @property
    def port(self) -> int:
        return int(self.slapd.url.rpartition(":")[2].rstrip("/"))

    def in_order(self) -> str:
        """The next run does the rest, and then there is nothing left; what it told."""
        status, told = self.run("apply")
        assert status == 0, told
        assert "In order now: corp." in told
        status, planned = self.run("plan", "--detailed-exitcode")
        assert status == 0, planned
        return told


@pytest.fixture
def repository(tmp_path: Path, slapd: Slapd) -> Repository:
    made = Repository(tmp_path / "repository", slapd)
    made.write(", deadline: 8s")
    return made


def slowness() -> float:
    """How much longer than on a quiet machine things take on this one, right now: what no program can do about."""
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", "import decimal, email.message, http.client"], check=True)
    return max(0.0, time.monotonic() - start - 0.2)


def interrupted(proxy: Proxy, process: subprocess.Popen[bytes], *signals: signal.Signals) -> str | None:
    """What the run told when it was interrupted while it waited for an answer; None where it needed none."""
    while not proxy.silent.is_set() and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.1)  # it now waits for the answer
    start = time.monotonic()
    for number in signals:
        process.send_signal(number)
        time.sleep(0.2)
    out, err = process.communicate(timeout=30)
    took = time.monotonic() - start - slowness()
    told = (out + err).decode()
    assert "Traceback" not in told
    if process.returncode == 0 and "In order now" in told:
        return None  # it was over: what it did not wait for was the end of the connection
    assert process.returncode == 130, told
    assert took < WITHIN, f"{took:.1f} s"
    return told


BOTH = (signal.SIGINT, signal.SIGTERM)


@pytest.mark.parametrize("number", BOTH)
def test_while_planning_nothing_is_waited_for(repository: Repository, number: signal.Signals) -> None:
    with Proxy(repository.port, silent_at=3) as proxy:
        assert interrupted(proxy, repository.start(proxy.port, "plan"), number) is not None


POINTS = range(1, 30) if os.environ.get("PROVISION_FULL") else (5, 16, 27)
"""Which request is not answered: the bulk read, the look, a write and a read-back are among them. Where PROVISION_FULL
is set, every one: an apply of this story makes 29."""


@pytest.mark.parametrize("silent_at", POINTS)
def test_at_each_request_of_an_apply_it_ends_in_time_and_the_next_one_finishes(
    repository: Repository, silent_at: int
) -> None:
    """The second signal comes soon after the first."""
    with Proxy(repository.port, silent_at=silent_at) as proxy:
        signals = BOTH if silent_at % 2 else BOTH[::-1]
        interrupted(proxy, repository.start(proxy.port, "apply"), *signals)
        assert proxy.silent.is_set() or silent_at > 27
    assert repository.is_free()
    repository.in_order()


def is_write(request: bytes) -> bool:
    """Whether an LDAP message is an add or a modify (RFC 4511: the tag after the message id)."""
    start = 2 + (request[1] & 0x7F if request[1] & 0x80 else 0)
    return request[start + 2 + request[start + 1]] in (0x66, 0x68)


def test_a_call_that_hangs_is_unknown_and_what_was_not_sent_is_not_tried(repository: Repository) -> None:
    with Proxy(repository.port, silent_on=is_write) as proxy:
        told = interrupted(proxy, repository.start(proxy.port, "apply"), signal.SIGTERM)
    assert told is not None
    assert "Interrupted: 0 of 11 changes on 1 target done." in told
    assert " ".join(told.split()).count("the run was ended before the system answered") == 1
    assert "not tried: the run was stopped before it was tried" in told
    _, said = repository.run("status")
    assert said.startswith("1 outstanding on 1 of 1 target"), said
    assert "for the last call of the run before" in repository.in_order()


def test_a_saved_plan_that_was_interrupted_goes_on(repository: Repository) -> None:
    assert repository.run("plan", "--out", "plan.json")[0] == 0
    with Proxy(repository.port, silent_on=is_write) as proxy:
        assert interrupted(proxy, repository.start(proxy.port, "apply", "plan.json"), signal.SIGINT) is not None
    status, told = repository.run("apply", "plan.json")
    assert status == 0, told
    assert "this plan was begun by run " in told
    assert "that run did not finish: it goes on from there" in told
    status, told = repository.run("apply", "plan.json")
    assert status == 4
    assert "error[plan-file-used]" in told
    repository.in_order()


def test_while_another_run_is_watched_for_a_sign_of_life_nothing_is_waited_for(repository: Repository) -> None:
    with Proxy(repository.port, silent_on=is_write) as proxy:
        frozen = repository.start(proxy.port, "apply")
        try:
            assert proxy.silent.wait(60)
            frozen.send_signal(signal.SIGSTOP)
            waiting = repository.start(repository.port, "apply")
            assert waiting.stderr is not None
            assert b"run " in waiting.stderr.readline()  # it says whom it watches
            start = time.monotonic()
            waiting.send_signal(signal.SIGTERM)
            _, err = waiting.communicate(timeout=30)
            assert time.monotonic() - start < WITHIN
            assert waiting.returncode == 130, err
        finally:
            frozen.kill()
            frozen.communicate()


def killed_in_a_write(repository: Repository) -> None:
    """A run that died with a call in hand, and with the lock."""
    with Proxy(repository.port, silent_on=is_write) as proxy:
        dead = repository.start(proxy.port, "apply")
        assert proxy.silent.wait(60)
        dead.kill()
        dead.communicate()
    assert not repository.is_free()
    assert repository.has_doubts()


def stopped_when_it_says(process: subprocess.Popen[bytes], words: bytes) -> float:
    """Interrupted as soon as it says `words`; how long it took from then on."""
    assert process.stderr is not None
    while words not in (line := process.stderr.readline()):
        assert line, "it ended before that"
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    return time.monotonic() - start - slowness()


def test_while_the_last_call_of_a_dead_run_is_waited_for_it_ends_and_gives_the_lock_back(
    repository: Repository,
) -> None:
    repository.write(", lease: 2s, deadline: 20s")
    killed_in_a_write(repository)
    took = stopped_when_it_says(repository.start(repository.port, "apply"), b"waiting 20 s for the last call")
    assert took < WITHIN
    assert repository.is_free()
    assert repository.has_doubts()
    next_one = repository.start(repository.port, "apply")  # it has to wait as well
    assert stopped_when_it_says(next_one, b"waiting 20 s for the last call") < WITHIN
    assert repository.is_free()


def test_while_what_a_dead_run_had_begun_is_looked_at_it_ends_and_gives_the_lock_back(repository: Repository) -> None:
    repository.write(", lease: 4s, deadline: 8s")
    killed_in_a_write(repository)
    with Proxy(repository.port, silent_at=3) as proxy:
        assert interrupted(proxy, repository.start(proxy.port, "apply"), signal.SIGTERM) is not None
    assert repository.is_free()
    assert repository.has_doubts()
    repository.in_order()
