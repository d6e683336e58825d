"""A throwaway real PostgreSQL: own data folder, own socket, a free port on loopback; nothing of the machine's own.

Refuses to run as root: PostgreSQL does, so as root it runs as the system user `postgres`, or `nobody` where there is
none. The socket trusts whoever says who they are, so that a test can see whether a role may log in; the port asks for
passwords.
"""

import atexit
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_FOLDERS = ("/usr/lib/postgresql", "/usr/local/pgsql", "/usr/pgsql", "/opt/homebrew/opt")
_START_SECONDS = 30.0
_STOP_SECONDS = 20.0
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 60
shared_buffers = 32MB
log_statement = all
log_min_messages = warning
"""
_ACCESS = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


def _binaries() -> Path | None:
    """The folder of `initdb` and `postgres`; PROVISION_TEST_POSTGRES names another version's."""
    chosen = os.environ.get("PROVISION_TEST_POSTGRES")
    if chosen:
        return Path(chosen)
    found = [p.parent for folder in _FOLDERS for p in Path(folder).glob("**/bin/initdb")]
    if found:
        return max(found, key=lambda p: [int(x) if x.isdigit() else 0 for x in p.parts[-2].split(".")])
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def postgres_missing_reason() -> str | None:
    """Why no PostgreSQL can be started here, or None. On Debian and Ubuntu the package is `postgresql`."""
    folder = _binaries()
    if folder is None or not (folder / "postgres").exists():
        return "PostgreSQL is not installed (Debian, Ubuntu: apt-get install postgresql)"
    return None


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


class Postgres:
    """One server in a folder of its own. Use it as a context manager, or `start()`, `stop()` and `remove()` it."""

    superuser = "postgres"
    password = "pg-secret"

    def __init__(self) -> None:
        reason, binaries = postgres_missing_reason(), _binaries()
        if reason is not None or binaries is None:
            raise RuntimeError(reason)
        self._binaries, self._user = binaries, _user()
        # Not below the test's own folder: that is nobody's but the tester's, and its path too long for a socket.
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
        self.log = self.folder / "log"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._kept: dict[tuple[int, str], Any] = {}
        atexit.register(self.remove)
        if self._user:
            os.chown(self.folder, self._user["user"], self._user["group"])
        self._initialise()

    def dsn(self, database: str = "app", user: str | None = None) -> str:
        """Over the socket, without a password."""
        return f"host={self.folder} port={self.port} dbname={database} user={user or self.superuser}"

    def start(self) -> Self:
        """Start, and return once it answers."""
        for _ in range(5):
            if not self.port:
                self.port = _free_port()
            if self._try_start():
                return self
            self.port = 0
        raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """End it in order, with all its sessions. A stopped server is fine."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a crash would."""
        self._end(signal.SIGQUIT)

    def freeze(self, pid: int) -> None:
        """Stop one backend from answering while its connection stays open; returns once it has stopped."""
        os.kill(pid, signal.SIGSTOP)
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.005)

    def thaw(self, pid: int) -> None:
        """Let it go on; one that has ended is fine."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

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

    # --- data ------------------------------------------------------------------------------------------------------

    def connect(self, database: str = "postgres", user: str | None = None) -> Any:
        """A psycopg connection that commits each statement: as the superuser, for oracles, or as `user`."""
        import psycopg

        return psycopg.connect(self.dsn(database, user), autocommit=True, prepare_threshold=None, connect_timeout=10)

    def run(self, *statements: str, database: str = "app", user: str | None = None) -> list[tuple[Any, ...]]:
        """Each statement by itself; the rows of the last."""
        if user is not None:
            with self.connect(database, user) as connection:
                return _rows(connection, statements)
        import psycopg

        kept = self._usable(database)
        try:
            rows = _rows(kept, statements)
        except psycopg.OperationalError as error:
            error.add_note(f"the server's log ends:\n{self.log.read_text(errors='replace')[-2000:]}")
            raise
        finally:
            if not kept.closed:
                kept.execute("discard all")
        return rows

    def _usable(self, database: str) -> Any:
        """The kept connection to `database`, or a new one: where the server has ended it since (nothing else is to be
        read from one that is idle), or where it is that of the process that this one was forked from."""
        key = (os.getpid(), database)
        kept = self._kept.get(key)
        if kept is not None and not kept.closed:
            if not select.select([kept.fileno()], [], [], 0)[0]:
                return kept
            kept.close()
        self._kept[key] = self.connect(database)
        return self._kept[key]

    @contextmanager
    def session(self, user: str, database: str = "app") -> Iterator[Any]:
        """An open session of somebody's, which a test leaves to be ended."""
        import psycopg

        connection = self.connect(database, user)
        try:
            yield connection
        finally:
            with suppress(psycopg.Error):
                connection.close()

    def can_log_in(self, user: str, database: str = "app") -> bool:
        """Whether the server lets `user` in right now, as it decides itself."""
        import psycopg

        try:
            self.connect(database, user).close()
        except psycopg.OperationalError:
            return False
        return True

    def reset(self) -> None:
        """No databases but its own and an empty `app`, and no roles but its own."""
        self._forget()
        with self.connect() as connection:
            names = "select format('%I', datname) from pg_database where not datistemplate and datname <> 'postgres'"
            for (name,) in connection.execute(names).fetchall():
                connection.execute(f"drop database {name} with (force)")
            roles = "select format('%I', rolname) from pg_roles where oid >= 16384"
            for (name,) in connection.execute(roles).fetchall():
                connection.execute(f"drop owned by {name}; drop role {name}")
            connection.execute("create database app")

    # --- inside ----------------------------------------------------------------------------------------------------

    def _initialise(self) -> None:
        secret = self.folder / "secret"
        secret.write_text(self.password)
        secret.chmod(0o644)
        command: list[str | Path] = [self._binaries / "initdb", "-D", self.folder / "data", "-U", self.superuser,
                   f"--pwfile={secret}", "-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync"]  # fmt: skip
        result = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **self._user)
        secret.unlink()
        if result.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{result.stdout}{result.stderr}")
        (self.folder / "data" / "pg_hba.conf").write_text(_ACCESS)

    def _try_start(self) -> bool:
        settings = _CONFIGURATION.format(port=self.port, folder=self.folder)
        (self.folder / "data" / "postgresql.auto.conf").write_text(settings)
        with self.log.open("ab") as log:
            self._process = process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self.folder / "data"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", start_new_session=True, **self._user,
            )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            if self.can_log_in(self.superuser, "postgres"):
                return True
            time.sleep(0.02)
        self.kill()
        return False

    def _forget(self) -> None:
        for (process, _), connection in self._kept.items():
            if process == os.getpid():
                connection.close()
        self._kept.clear()

    def _end(self, how: signal.Signals) -> None:
        self._forget()
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(how)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _rows(connection: Any, statements: tuple[str, ...]) -> list[tuple[Any, ...]]:
    for statement in statements:
        cursor = connection.execute(statement)
    return list(cursor.fetchall()) if statements and cursor.description else []


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
