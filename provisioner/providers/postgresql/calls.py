"""Connections to PostgreSQL: the only file that imports psycopg. One for each database, opened when it is needed.

A `ReadCalls` has no method that writes, and its transactions are READ ONLY to the server as well. Nobody here decides
anything, and nothing is sent twice.
"""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from provisioner.contract import ProviderError, Trouble
from provisioner.providers.postgresql import errors, queries

LOCK = 0x70726F76
"""The advisory lock under which we write: two of us never change roles of one database at once."""
_WARNINGS = frozenset({"WARNING"})


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect, for one statement, for a lock, for a whole bulk read."""

    connect: int = 5
    statement: float = 60.0
    lock: float = 5.0
    read: float = 120.0


@dataclass(frozen=True)
class Link:
    """How to get to the cluster. `dsn` has no password; `main` is the database of bare paths."""

    dsn: str
    password: str | None = field(repr=False)
    main: str
    limits: Limits = Limits()

    def where(self, database: str) -> str:
        """The server and database, in words."""
        try:
            told = conninfo_to_dict(self.dsn)
        except psycopg.ProgrammingError:
            return f"database {database}"
        host, port = told.get("host") or told.get("hostaddr") or "the local socket", told.get("port")
        return f"database {database} at {host}{f':{port}' if port else ''}"

    def open(self, database: str, *, read_only: bool) -> psycopg.Connection[tuple[Any, ...]]:
        """A new connection; nothing of it is in a transaction yet."""
        limits = self.limits
        options = (
            f"-c search_path=pg_catalog -c statement_timeout={int(limits.statement * 1000)} "
            f"-c lock_timeout={int(limits.lock * 1000)} -c idle_in_transaction_session_timeout=300000 "
            f"-c client_min_messages=warning -c TimeZone=UTC "
            f"-c default_transaction_read_only={'on' if read_only else 'off'}"
        )
        more: dict[str, Any] = {"password": self.password} if self.password is not None else {}
        try:
            text = make_conninfo(
                self.dsn,
                dbname=database,
                connect_timeout=limits.connect,
                options=options,
                application_name="provision",
                **more,
            )
        except psycopg.ProgrammingError as error:
            raise _unread(error) from None
        try:
            connection = psycopg.connect(text, prepare_threshold=None)  # each is sent once or twice
        except psycopg.OperationalError as error:
            raise errors.of_connecting(error.sqlstate, _bare(str(error), self.password), self.where(database)) from None
        connection.read_only = read_only
        level = psycopg.IsolationLevel.REPEATABLE_READ if read_only else psycopg.IsolationLevel.READ_COMMITTED
        connection.isolation_level = level
        return connection

    def sign_in(self, database: str, user: str, password: str) -> psycopg.Connection[tuple[Any, ...]]:
        """As somebody else, by this password and nothing else: a server that asks for none, or for the bare text of it
        (as libpq from 16 on can tell), is refused."""
        scram = {"require_auth": "scram-sha-256"} if psycopg.pq.version() >= _REQUIRES_AUTH else {}
        more: dict[str, str | int] = {
            "application_name": "provision",
            "connect_timeout": self.limits.connect,
            **scram,
        }
        try:
            text = make_conninfo(self.dsn, dbname=database, user=user, password=password, **more)
        except psycopg.ProgrammingError as error:
            raise _unread(error) from None
        try:
            connection = psycopg.connect(text, prepare_threshold=None)
        except psycopg.OperationalError as error:
            words = _bare(str(error), password)
            raise errors.of_connecting(error.sqlstate, words, self.where(database)) from None
        if not connection.pgconn.used_password:
            connection.close()
            told = "the server lets this login in without asking for its password, so nothing proves it"
            raise ProviderError(Trouble.INVALID, told, call="sign in")
        return connection


_OPTION = re.compile(r'invalid connection option "([a-z_]{1,40})"')
_REQUIRES_AUTH = 160000


def parts_of(dsn: str) -> dict[str, str]:
    """What a connection string says; nothing, where it cannot be read."""
    try:
        return {k: str(v) for k, v in conninfo_to_dict(dsn).items() if v is not None}
    except psycopg.ProgrammingError:
        return {}


def _unread(error: psycopg.ProgrammingError) -> ProviderError:
    """Of libpq's own words only the name of an option: the others may hold what stands in the string."""
    told, option = "`dsn` cannot be read as a connection string", _OPTION.search(str(error))
    more = f": libpq knows no option `{option[1]}`" if option else "; it is `NAME=VALUE NAME=VALUE ...`, or a URL"
    return ProviderError(Trouble.CREDENTIAL, told + more, call="settings")


def _bare(text: str, password: str | None) -> str:
    return text.replace(password, "****") if password else text


class Session:
    """One connection, and what the server warned of. `count` counts statements."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection
        self._warned: list[tuple[str, str]] = []
        self.count = 0
        connection.add_notice_handler(self._notice)

    def _notice(self, told: psycopg.errors.Diagnostic) -> None:
        if told.severity_nonlocalized in _WARNINGS:
            self._warned.append((told.sqlstate or "01000", told.message_primary or ""))

    @property
    def usable(self) -> bool:
        return not self._connection.closed and not self._connection.broken

    @property
    def parameters(self) -> Mapping[str, str]:
        """How we are connected, wherever that was said (`dsn`, a service file, our own variables): what is not libpq's
        default, without the password."""
        return self._connection.info.get_parameters()

    def rows(
        self, query: LiteralString, values: Mapping[str, Any] | Sequence[Any] | None = None
    ) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._run(query, values, "select").fetchall()

    def run(self, statement: sql.Composed | LiteralString, call: str) -> None:
        """A statement that changes something. A warning is a failure: what was to be revoked was not."""
        self._warned.clear()
        self._run(statement, None, call)
        if self._warned:
            state, message = self._warned[0]
            raise errors.of_statement(state, f"the server warned: {message}", None, call)

    def _run(
        self, query: sql.Composed | LiteralString, values: Mapping[str, Any] | Sequence[Any] | None, call: str
    ) -> psycopg.Cursor[tuple[Any, ...]]:
        self.count += 1
        try:
            return self._connection.execute(query, values)
        except psycopg.Error as error:
            raise self._told(error, call) from None

    def _told(self, error: psycopg.Error, call: str) -> ProviderError:
        if error.sqlstate is None and not self.usable:
            return ProviderError(Trouble.UNKNOWN, "the connection was lost", call=call)
        message = error.diag.message_primary or " ".join(str(error).split())[:300]
        return errors.of_statement(error.sqlstate, message, error.diag.message_detail, call)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What fails in it is taken back, and the transaction goes on."""
        self._run("savepoint one", None, "savepoint")
        try:
            yield
        except ProviderError:
            if self.usable:
                self._run("rollback to savepoint one; reset role", None, "savepoint")
            raise
        self._run("release savepoint one", None, "savepoint")

    def terminate(self, roles: Sequence[int], whose: str, deadline: float) -> int:
        """Ends the open sessions of these roles, and waits until none is left; how many there were."""
        pids = [pid for pid, _ in self.rows(queries.SESSIONS, (list(roles),))]
        for pid in pids:
            self.rows("select pg_terminate_backend(%s)", (pid,))
        while left := self.rows(queries.SESSIONS, (list(roles),)):
            if time.monotonic() >= deadline - 0.5:
                told = f"{len(left)} sessions of {whose} do not end"
                raise ProviderError(Trouble.CONFLICT, told, call="pg_terminate_backend")
            self.rollback()  # what a transaction saw of the sessions, it sees until its end
            time.sleep(0.02)
        return len(pids)

    def verifier(self, password: str, user: str) -> str:
        """What the server keeps of a password, and which lets nobody in: made by libpq here, without the server."""
        libpq = self._connection.pgconn
        return libpq.encrypt_password(password.encode(), user.encode(), b"scram-sha-256").decode()

    def commit(self) -> None:
        """A transaction that has failed is not committed by COMMIT, which then answers ROLLBACK and no error."""
        if self._connection.info.transaction_status is psycopg.pq.TransactionStatus.INERROR:
            self.rollback()
            told = "the transaction had failed, and nothing of it was done"
            raise ProviderError(Trouble.BUSY, told, call="commit")
        try:
            self._connection.commit()
        except psycopg.Error as error:
            raise self._told(error, "commit") from None

    def rollback(self) -> None:
        with suppress(psycopg.Error):
            self._connection.rollback()

    def close(self) -> None:
        with suppress(psycopg.Error):
            self._connection.close()

    @contextmanager
    def within(self, deadline: float) -> Iterator[None]:
        """A server that does not answer is waited for until `deadline` (on `time.monotonic`), then hung up on."""
        timer = threading.Timer(max(0.0, deadline - time.monotonic()), self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _hang_up(self) -> None:
        with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(self._connection.fileno())) as wire:
            wire.shutdown(socket.SHUT_RDWR)


class ReadCalls:
    """Queries, each database in one snapshot of its own."""

    read_only = True

    def __init__(self, link: Link) -> None:
        self.link = link
        self._sessions: dict[str, Session] = {}
        self._ended = 0

    @property
    def count(self) -> int:
        """Statements sent so far."""
        return self._ended + sum(s.count for s in self._sessions.values())

    def session(self, database: str) -> Session:
        """The open connection to `database`, made where there is none that works."""
        known = self._sessions.get(database)
        if known is not None and known.usable:
            return known
        if known is not None:
            self._forget(database)
        found = self._sessions[database] = Session(self.link.open(database, read_only=self.read_only))
        return found

    @contextmanager
    def snapshot(self, database: str) -> Iterator[Session]:
        """A transaction that only reads, and is given up at its end."""
        session = self.session(database)
        try:
            with session.within(time.monotonic() + self.link.limits.read):
                yield session
        finally:
            session.rollback()

    def identity(self, session: Session) -> tuple[str, int, str, Any, bool]:
        """The cluster's own id, its version, who we are, its clock, and whether it is a standby."""
        found = session.rows(queries.IDENTITY)[0]
        return found[0], found[1], found[2], found[3], found[4]

    def _forget(self, database: str) -> None:
        session = self._sessions.pop(database)
        self._ended += session.count
        session.close()

    def close(self) -> None:
        for database in list(self._sessions):
            self._forget(database)


class WriteCalls(ReadCalls):
    """Transactions that write, and the ending of sessions."""

    read_only = False

    def sign_in(self, user: str, password: str) -> Session | None:
        """A session of somebody else's, to the first database; None where the password was taken and that database is
        not for them."""
        try:
            return Session(self.link.sign_in(self.link.main, user, password))
        except ProviderError as error:
            if error.trouble is Trouble.DENIED:
                return None
            raise

    @contextmanager
    def transaction(self, database: str, deadline: float) -> Iterator[Session]:
        """One transaction under our lock. It is committed at the end; whoever wants it undone raises."""
        session = self.session(database)
        with session.within(deadline):
            try:
                session.rows("select pg_advisory_xact_lock(%s)", (LOCK,))
                yield session
                session.commit()
            except BaseException:  # nothing of it may stay open, whatever ended it
                session.rollback()
                raise
