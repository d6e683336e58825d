"""A real PostgreSQL of one's own: own data folder, a free port on loopback, passwords asked for. Nothing of the
machine's own is touched, and nothing is kept.

Refuses to run as root: PostgreSQL does, so as root it runs as the system user `postgres`, or `nobody` where there is
none.
"""

from __future__ import annotations

import atexit
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_FOLDERS = ("/usr/lib/postgresql", "/usr/local/pgsql", "/usr/pgsql", "/opt/homebrew/opt")
_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{sockets}'
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 60
shared_buffers = 32MB
log_statement = all
log_min_messages = warning
"""


def binaries(chosen: str | None = None) -> Path | None:
    """The folder of `initdb` and `postgres`: `chosen`, or the newest where packages put them, or that of PATH."""
    if chosen:
        return Path(chosen)
    found = [p.parent for folder in _FOLDERS for p in Path(folder).glob("**/bin/initdb")]
    if found:
        return max(found, key=lambda p: [int(x) if x.isdigit() else 0 for x in p.parts[-2].split(".")])
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def missing_reason(chosen: str | None = None) -> str | None:
    """Why no PostgreSQL can be started here, or None. On Debian and Ubuntu the package is `postgresql`."""
    folder = binaries(chosen)
    if folder is None or not (folder / "postgres").exists():
        return "PostgreSQL is not installed (Debian, Ubuntu: apt-get install postgresql)"
    return None


class PostgresServer:
    """One server. Use it as a context manager, or `start()`, `stop()` and `remove()` it. With `sockets` it also listens
    in its folder. `access` are the lines of pg_hba.conf."""

    superuser = "postgres"
    access = "host all all 127.0.0.1/32 scram-sha-256\n"

    def __init__(
        self, *, port: int = 0, password: str | None = None, sockets: bool = False, chosen: str | None = None
    ) -> None:
        reason, folder = missing_reason(chosen), binaries(chosen)
        if reason is not None or folder is None:
            raise RuntimeError(reason)
        self._binaries, self._user, self._sockets, self._fixed = folder, _user(), sockets, port
        self.password = password or secrets.token_urlsafe(16)
        # Not below a folder that is nobody's but its owner's, and whose path may be too long for a socket.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.log = self.folder / "log"
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)
        if self._user:
            os.chown(self.folder, self._user["user"], self._user["group"])
        self._initialise()

    def start(self) -> Self:
        """Start, and return once it answers."""
        for _ in range(5):
            if not self.port:
                self.port = _free_port()
            if self._try_start():
                return self
            self.port = self._fixed
        raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """End it in order, with all its sessions. A stopped server is fine."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGQUIT)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def remove(self) -> None:
        """Stop it and remove its folder."""
        atexit.unregister(self.remove)
        self._end(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.remove()

    def answers(self) -> bool:
        """Whether it lets its superuser in."""
        import psycopg

        try:
            self.administer("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def administer(self, database: str) -> Any:
        """A psycopg connection of the superuser, which commits each statement."""
        import psycopg

        where = f"host=127.0.0.1 port={self.port} dbname={database} user={self.superuser}"
        return psycopg.connect(where, password=self.password, autocommit=True, connect_timeout=10)

    # Inside

    def _initialise(self) -> None:
        secret = self.folder / "secret"
        secret.touch(mode=0o600)
        if self._user:
            os.chown(secret, self._user["user"], self._user["group"])
        secret.write_text(self.password)
        command: list[str | Path] = [self._binaries / "initdb", "-D", self.folder / "data", "-U", self.superuser,
                   f"--pwfile={secret}", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **self._user)
        secret.unlink()
        if result.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{result.stdout}{result.stderr}")
        (self.folder / "data" / "pg_hba.conf").write_text(self.access)

    def _try_start(self) -> bool:
        settings = _CONFIGURATION.format(port=self.port, sockets=self.folder if self._sockets else "")
        (self.folder / "data" / "postgresql.auto.conf").write_text(settings)
        with self.log.open("ab") as log:
            self._process = process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self.folder / "data"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True, **self._user,
            )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if self.answers():
                return True
            time.sleep(0.02)
        self.kill()
        return False

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _user() -> dict[str, Any]:
    """What makes a process run as somebody who is not root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    raise RuntimeError("this is root, and there is no user `postgres` or `nobody` to run PostgreSQL as")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
