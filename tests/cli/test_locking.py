"""`apply` and the lock, from the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime

from provisioner.records.folder import FolderStore
from provisioner.records.heartbeat import Times, key_of
from provisioner.records.journal import Journal
from provisioner.records.lock import Lock
from provisioner.records.register import Register, this_process
from provisioner.records.run import RunInfo
from tests.cli.conftest import COMMON, Repository

OTHER = RunInfo("20261128T100000Z-abcdef", "Grace <grace@example.com>\x1b[31m")
T = "corp-ldap"


def store(repository: Repository) -> FolderStore:
    return FolderStore(repository.root / ".provision")


def other(repository: Repository) -> Lock:
    now = datetime.now(UTC)
    return Lock(Journal(store(repository)), [T], OTHER, now=lambda: now, times=Times(lease=5, deadline=1))


def short_lease(repository: Repository) -> None:
    text = COMMON.replace("records: {owner: 5f1c0a2b}", "records: {owner: 5f1c0a2b, lease: 1s, deadline: 1s}")
    repository.write("access/common.yaml", text)
    repository.commit()


def test_apply_ends_at_once_while_another_run_is_at_work(repository: Repository) -> None:
    with other(repository):
        ran = repository.run("apply")
        assert ran.status == 6
        assert "error[locked]" in ran.err and OTHER.id in ran.err and "\x1b" not in ran.err
        assert repository.people() == set()
        assert repository.run("plan").status == 0
        assert repository.run("status").status == 0
    assert repository.run("apply").status == 0
    assert repository.people() == {"ada", "grace"}


def test_apply_gives_its_lock_back_and_tells_the_heads(repository: Repository) -> None:
    ran = repository.run("apply")
    chain = Journal(store(repository)).chain(T)
    assert f"journal: {T} is at record {chain.head()[0]}, {chain.head()[1]}\n" in ran.err
    assert Register(store(repository), T).read().holder is None
    assert store(repository).names("heartbeat") == []


def test_the_lock_is_given_back_when_nothing_can_be_done(repository: Repository) -> None:
    repository.env.delenv("LDAP_URL")
    assert repository.run("apply").status != 0
    assert Register(store(repository), T).read().holder is None
    repository.write("plan.json", "{}")
    assert repository.run("apply", "plan.json").status == 4
    assert Register(store(repository), T).read().holder is None


def test_apply_takes_over_from_a_run_that_died(repository: Repository) -> None:
    short_lease(repository)
    store(repository).create(key_of(OTHER.id), b"its last sign of life")
    Register(store(repository), T).take(0, this_process(OTHER, datetime.now(UTC), 1, 1))
    ran = repository.run("apply")
    assert ran.status == 0, ran.err
    assert "watching" in ran.err and "taken over" in ran.err and "\x1b" not in ran.err
    assert repository.people() == {"ada", "grace"}
    kinds = [r.kind for r in Journal(store(repository)).chain(T).records()]
    assert kinds[:2] == ["takeover", "run"] and kinds[-1] == "converged"


def test_an_apply_that_was_stopped_for_its_lease_is_ended_and_the_next_finishes(repository: Repository) -> None:
    """A real process, stopped after its first intent."""
    short_lease(repository)
    process = subprocess.Popen(
        [sys.executable, "-c", "from provisioner.cli.main import run; run()", "apply"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not store(repository).names(f"journal/{T}"):
        time.sleep(0.002)
        assert process.poll() is None
    process.send_signal(signal.SIGSTOP)
    ran = repository.run("apply")
    process.send_signal(signal.SIGCONT)
    assert process.wait(10) == -signal.SIGALRM
    assert ran.status == 0 and "taken over" in ran.err, ran.err
    assert repository.people() == {"ada", "grace"}
    assert repository.run("plan", "--detailed-exitcode").status == 0


def test_records_say_who_triggered_the_run(repository: Repository) -> None:
    claims = {
        "GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "9", "GITHUB_ACTOR": "ada-b",
        "GITHUB_TRIGGERING_ACTOR": "ben\x1b[2J",
        "GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "acme/access",
        "PROVISION_PULL_REQUEST": "12", "PROVISION_APPROVERS": "grace",
    }  # fmt: skip
    for name, value in claims.items():
        repository.env.setenv(name, value)
    repository.env.delenv("GITHUB_EVENT_PATH", raising=False)
    assert repository.run("apply").status == 3  # a CI system: the journal must not lie in the working folder
    outside = repository.root.parent / "journal"
    repository.write("access/common.yaml", COMMON.replace("5f1c0a2b}", f"5f1c0a2b, journal: {outside}}}"))
    assert repository.run("apply").status == 0
    run = next(iter(Journal(FolderStore(outside)).chain(T).records())).run
    assert (run.ci, run.pull_request, run.approvers) == ("GitHub Actions", "#12", ("grace",))
    assert run.who.startswith("ada-b, run again by ben") and run.who.isprintable()
    assert run.url == "https://github.com/acme/access/actions/runs/9"
