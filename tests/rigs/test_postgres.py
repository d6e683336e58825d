"""The PostgreSQL rig: a statement of a test is never lost to a connection that was ended before it."""

from __future__ import annotations

import os
from collections.abc import Callable

from tests.rigs.need import need
from tests.rigs.postgres import Postgres, postgres_missing_reason


def test_kept_connection_outlives_whatever_ends_it() -> None:
    need(postgres_missing_reason())
    with Postgres() as server:
        server.reset()
        (backend,) = server.run("select pg_backend_pid()")[0]
        with server.connect() as other:
            other.execute("select pg_terminate_backend(%s, 10000)", (backend,))
        assert server.run("select 1") == [(1,)], "the server ended it"
        (backend,) = server.run("select pg_backend_pid()")[0]
        assert _in_a_fork(lambda: server.run("select pg_backend_pid()")[0][0] != backend), "a fork has its own"
        assert server.run("select pg_backend_pid()") == [(backend,)]
        server.kill()
        server.start()
        assert server.run("select 2") == [(2,)], "the server was another one"


def _in_a_fork(holds: Callable[[], bool]) -> bool:
    child = os.fork()
    if not child:
        try:
            os._exit(0 if holds() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
