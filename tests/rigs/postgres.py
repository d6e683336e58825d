"""A throwaway real PostgreSQL, as the sandbox starts it, and what tests do with it.

The socket trusts whoever says who they are, so that a test can see whether a role may log in; the port asks for
passwords. PROVISION_TEST_POSTGRES names another version's folder.
"""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from provisioner.sandbox.postgres import PostgresServer, missing_reason

_CHOSEN = "PROVISION_TEST_POSTGRES"


def postgres_missing_reason() -> str | None:
    """Why no PostgreSQL can be started here, or None."""
    return missing_reason(os.environ.get(_CHOSEN))


class Postgres(PostgresServer):
    """One server in a folder of its own."""

    access = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], Any] = {}
        super().__init__(password="pg-secret", sockets=True, chosen=os.environ.get(_CHOSEN))

    def answers(self) -> bool:
        return self.can_log_in(self.superuser, "postgres")

    def dsn(self, database: str = "app", user: str | None = None) -> str:
        """Over the socket, without a password."""
        return f"host={self.folder} port={self.port} dbname={database} user={user or self.superuser}"

    def freeze(self, pid: int) -> None:
        """Stop one backend from answering while its connection stays open; returns once it has stopped."""
        os.kill(pid, signal.SIGSTOP)
        while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.005)

    def thaw(self, pid: int) -> None:
        """Let it go on; one that has ended is fine."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

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

    def _forget(self) -> None:
        for (process, _), connection in self._kept.items():
            if process == os.getpid():
                connection.close()
        self._kept.clear()

    def _end(self, how: signal.Signals) -> None:
        self._forget()
        super()._end(how)


def _rows(connection: Any, statements: tuple[str, ...]) -> list[tuple[Any, ...]]:
    for statement in statements:
        cursor = connection.execute(statement)
    return list(cursor.fetchall()) if statements and cursor.description else []
