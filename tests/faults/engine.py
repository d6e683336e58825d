"""Runs the command line in processes that can be killed: a server without threads has everything loaded, and forks.

A process of its own (`python -m tests.faults.engine`): a line of JSON in for each run, two out, its process id and how
it ended. It holds nothing of the tests' servers. Nothing in the engine is replaced; a run may be told to die at the
moment when a journal record is about to get its name, or has just got it, which Python's own audit events show.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: its exit status, or the negative number of the signal that ended it; and what it said."""

    status: int
    out: str
    err: str

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL


@dataclass(frozen=True, slots=True)
class AtRecord:
    """Die at the `number`-th journal record (from 1) that this run writes: `after` it has its name, or just before."""

    number: int
    after: bool


class Engine:
    """The other side of that process: starts runs, one at a time, each in a folder with files for what it says."""

    def __init__(self, folder: Path, systems: Sequence[str] | None = None, *, clock: float = 1.0) -> None:
        """What `systems` need (all without it) is loaded before anything runs. `clock`: how much faster the engine's
        monotonic clock goes than ours: a minute of settling is short then."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        environment = {
            k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "LDAP_", "GITHUB_", "CIRCLECI_", "PG_"))
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.engine", str(clock), *(_MODULES if systems is None else systems)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment, "PYTHONUNBUFFERED": "1"},
            cwd=Path(__file__).parents[2],
        )
        self.running = 0
        self._line()  # loaded

    def start(
        self,
        arguments: Sequence[str],
        where: Path,
        environment: Mapping[str, str],
        *,
        die: AtRecord | None = None,
        files: int | None = None,
        fresh: bool = False,
    ) -> int:
        """The process id of the new run. `files`: how many it may have open. `fresh`: a new Python, as from a shell."""
        asked = {
            "arguments": list(arguments),
            "where": str(where),
            "environment": dict(environment),
            "out": str(self._folder / "out"),
            "err": str(self._folder / "err"),
            "files": files,
            "fresh": fresh,
            "die": None if die is None else [die.number, die.after],
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        self.running = int(self._line()["process"])
        return self.running

    def wait(self, patience: float | None = None) -> Ended:
        """Until the run has ended; after `patience` seconds it is killed."""
        timer = None if patience is None else threading.Timer(patience, self.kill)
        if timer is not None:
            timer.start()
        status = int(self._line()["status"])
        if timer is not None:
            timer.cancel()
        self.running = 0
        return Ended(status, self._said("out"), self._said("err"))

    def kill(self) -> None:
        """kill -9, and until the process is gone. Harmless after its end."""
        process = self.running
        if process:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            while _lives(process):
                time.sleep(0.0005)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _said(self, name: str) -> str:
        return (self._folder / name).read_text(encoding="utf-8", errors="replace")

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that starts the engine has ended")
        found: dict[str, Any] = json.loads(line)
        return found


def _lives(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in ("Z", "X")


# --- in the process that forks ---

_ALWAYS = (
    "pydantic", "typer", "provisioner.cli.app", "provisioner.cli.apply", "provisioner.cli.applying",
    "provisioner.cli.main", "provisioner.cli.plan", "provisioner.cli.trouble", "provisioner.cli.wiring",
    "provisioner.engine", "provisioner.providers.catalog", "provisioner.report.markdown",
)  # fmt: skip
_MODULES = {
    "corp-ldap": ("ldap3", "provisioner.providers.ldap.read", "provisioner.providers.ldap.write"),
    "aws": (
        "botocore.session", "botocore.signers", "provisioner.providers.aws_iam.read",
        "provisioner.providers.aws_iam.write",
    ),
    "github": ("jwt", "requests", "provisioner.providers.github.read", "provisioner.providers.github.write"),
    "warehouse": ("psycopg", "provisioner.providers.postgresql.read", "provisioner.providers.postgresql.write"),
    "circleci": ("requests", "provisioner.providers.circleci.read", "provisioner.providers.circleci.write"),
    "run": ("provisioner.cli.run", "provisioner.cli.minting", "provisioner.providers.postgresql.mint"),
}  # fmt: skip


def _serve(clock: float, systems: Sequence[str]) -> None:
    """Everything that a run will import is imported once; nothing here has a thread or a connection."""
    from importlib import import_module

    if clock != 1.0:
        _hurry(clock)

    for name in (*_ALWAYS, *(module for system in systems for module in _MODULES[system])):
        import_module(name)
    if "aws" in systems:
        _load_the_sdk()
    print(json.dumps({"loaded": True}), flush=True)  # noqa: T201
    for line in sys.stdin:
        asked = json.loads(line)
        process = os.fork()
        if not process:
            _run(asked)
        print(json.dumps({"process": process}), flush=True)  # noqa: T201
        _, status = os.waitpid(process, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)  # noqa: T201


def _load_the_sdk() -> None:
    """Its models, which take longer to read than everything else. No call is made, and what is opened is not used."""
    from provisioner.model.target import Target
    from provisioner.providers.catalog import all_providers
    from tests.worlds import block

    settings = block({"account": "111111111111"}, "access/targets.yaml")
    keys = {"AWS_ACCESS_KEY_ID": "loading", "AWS_SECRET_ACCESS_KEY": "loading", "AWS_REGION": "us-east-1"}
    all_providers()["aws-iam"].open_reader(Target("aws", "aws", "aws-iam", settings=settings), keys)


def _run(asked: Mapping[str, Any]) -> None:
    """In the child: as if the command line had just been started there."""
    status = 70
    try:
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["where"])
        for name, number in (("out", 1), ("err", 2)):
            descriptor = os.open(asked[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(descriptor, number)
            os.close(descriptor)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        if asked["die"] is not None:
            sys.addaudithook(_dying(*asked["die"]))
        if asked["fresh"]:
            start = "from provisioner.cli.main import run; run()"
            os.environ["PYTHONPATH"] = str(Path(__file__).parents[2])
            os.execv(sys.executable, [sys.executable, "-c", start, *asked["arguments"]])  # noqa: S606
        if asked["files"] is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (asked["files"], asked["files"]))
        from provisioner.cli.main import run

        sys.argv = ["provision", *asked["arguments"]]
        run()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _hurry(factor: float) -> None:
    """As libfaketime does it: nothing of the engine is loaded yet; all of it will see this clock and sleep by it."""
    real, sleep, start = time.monotonic, time.sleep, time.monotonic()
    time.monotonic = lambda: start + (real() - start) * factor
    time.sleep = lambda seconds: sleep(float(seconds) / factor)


def _dying(number: int, after: bool) -> Any:
    """Counts the records that get their name (a hard link in the journal's folder)."""
    left, armed = number, False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left, armed
        if event == "os.link" and "/journal/" in str(arguments[1]):
            left -= 1
            if left == 0:
                if not after:
                    os.kill(os.getpid(), signal.SIGKILL)
                armed = True
        elif armed and event == "os.remove":
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


if __name__ == "__main__":
    _serve(float(sys.argv[1]), sys.argv[2:])
