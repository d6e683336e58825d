"""The calls of a writer, watched: until when the one under way may still take effect, should nobody wait for it.

Once it is given up nothing more is sent.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from provisioner.contract import Outcome, Writer
from provisioner.model.address import Address
from provisioner.model.change import Change
from provisioner.model.resource import Resource
from provisioner.model.unit import Unit


class AbandonedError(Exception):
    """The run has ended without waiting for this thread any longer."""


class WatchedWriter:
    """`provisioner.contract.Writer`. Used by one thread, and given up by another."""

    def __init__(self, behind: Writer) -> None:
        self._behind = behind
        self._mutex = threading.Lock()
        self._until: float | None = None
        self._over = False

    def write(
        self,
        unit: Unit,
        changes: Sequence[Change],
        *,
        expect: Mapping[Address, Resource],
        token: str,
        deadline: float,
    ) -> Sequence[Outcome]:
        with self._under_way(deadline):
            return self._behind.write(unit, changes, expect=expect, token=token, deadline=deadline)

    def cut(self, account: Address, deadline: float) -> Outcome:
        with self._under_way(deadline):
            return self._behind.cut(account, deadline)

    def settle(self, receipt: str, deadline: float) -> Outcome:
        with self._under_way(deadline):
            return self._behind.settle(receipt, deadline)

    def close(self) -> None:
        self._behind.close()

    def give_up(self) -> float | None:
        """Nothing more is sent. The deadline of the call under way, None where there is none."""
        with self._mutex:
            self._over = True
            return self._until

    @contextmanager
    def _under_way(self, deadline: float) -> Iterator[None]:
        with self._mutex:
            if self._over:
                raise AbandonedError
            self._until = deadline
        try:
            yield
        finally:
            with self._mutex:
                self._until = None
