"""The database of the worked example `restricted-database`: one schema, four tables, and a role that the engine
connects as. What the access files want of it, it does not know.
"""

from __future__ import annotations

import secrets
from types import TracebackType

from provisioner.sandbox.postgres import PostgresServer

TABLES = {"orders": 120, "prices": 40, "stock": 60, "suppliers": 7}
"""Rows of each."""
_ENGINE = "provision"


class Warehouse:
    """A server with that database. `exports` is what the example's files read."""

    def __init__(self, *, port: int = 0) -> None:
        self._server = PostgresServer(port=port)
        self._password = secrets.token_urlsafe(16)

    def start(self) -> Warehouse:
        """Start it, with everything in it."""
        self._server.start()
        try:
            self._seed()
        except BaseException:  # no server may outlive a start that failed
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End it; nothing is kept."""
        self._server.remove()

    def __enter__(self) -> Warehouse:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def exports(self) -> dict[str, str]:
        """The environment variables that the access files of the example name."""
        return {
            "WAREHOUSE_DSN": f"host=127.0.0.1 port={self._server.port} user={_ENGINE}",
            "WAREHOUSE_PASSWORD": self._password,
        }

    def of_runs(self) -> int:
        """How many logins of runs there are, and sessions of theirs, by the server's own word."""
        with self._server.administer("warehouse") as session:
            found = session.execute(
                "select (select count(*) from pg_roles where rolname like 'run!_%' escape '!')"
                " + (select count(*) from pg_stat_activity where usename like 'run!_%' escape '!')"
            ).fetchone()
        return int(found[0])

    def _seed(self) -> None:
        with self._server.administer("postgres") as session:
            session.execute(f"create role {_ENGINE} login superuser password '{self._password}'")
            session.execute("create database warehouse")
        with self._server.administer("warehouse") as session:
            session.execute("create schema shop")
            for table, rows in TABLES.items():
                session.execute(f"create table shop.{table} as select generate_series(1, {rows}) as id")
