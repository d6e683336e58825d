"""The end of one call by its deadline: whoever takes over from a run that died counts on it.

The SDK has a time limit for each client, and a change has one for all of its calls. What is left of that is the limit
of the next call, on the connection of the thread that makes it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from urllib3.exceptions import ConnectTimeoutError
from urllib3.util import Timeout

_CALL = threading.local()


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Calls of this thread end by `deadline` (on `time.monotonic`)."""
    _CALL.deadline = deadline
    try:
        yield
    finally:
        del _CALL.deadline


class _Remaining(Timeout):
    """urllib3 asks a connection pool's timeout for a copy at each call: here it gets what is left at that moment."""

    def clone(self) -> Timeout:
        deadline: float | None = getattr(_CALL, "deadline", None)
        if deadline is None or deadline == float("inf"):
            return Timeout(connect=self._connect, read=self._read)
        left = deadline - time.monotonic()
        if left <= 0:  # getting credentials took all of it
            raise ConnectTimeoutError("no time was left to send it")
        return Timeout(total=left, connect=_least(self._connect, left), read=_least(self._read, left))


def _least(limit: Any, left: float) -> float:
    return min(float(limit), left) if isinstance(limit, int | float) else left


def limited(client: Any, connect: float, read: float) -> Any:
    """`client`, whose calls keep to `until`. The SDK has no way to be told so: this reaches into its HTTP session."""
    session = client._endpoint.http_session
    timeout = _Remaining(connect=connect, read=read)
    session._timeout = timeout  # of connections through a proxy, which are made later
    session._manager.connection_pool_kw["timeout"] = timeout
    return client
