"""Time that passes by being waited for: whoever waits for a forge is through at once, and a minute is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from provisioner.providers.catalog import all_providers
from provisioner.transport import Budgets, Pace

_PATIENCE = 2.0


class VirtualTime:
    """Of one forge. `ahead` is what was waited for so far; `told` is called with the seconds by which it goes forward.

    `quiet` says whether nothing is on its way: only then a minute may pass, or an answer in hand would be late.
    """

    def __init__(
        self, told: Callable[[float], None] = lambda _seconds: None, quiet: Callable[[], bool] = lambda: True
    ) -> None:
        self.ahead = 0.0
        self._told, self._quiet = told, quiet
        self._lock = threading.Lock()

    def rules(self, forge: str, **pace: Any) -> None:
        """From now on, in this process, over all that goes to that forge through `provisioner.transport`."""
        made = Pace(sleep=self.sleep, monotonic=self.monotonic, clock=self.clock, **pace)
        all_providers()[forge]._budgets = Budgets(made)  # type: ignore[attr-defined]

    def sleep(self, seconds: float) -> None:
        """Whoever waits at the same time waits together."""
        until = self.monotonic() + seconds
        deadline = time.monotonic() + _PATIENCE
        while not self._quiet() and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(0.005)  # and what was answered is read
        with self._lock:
            more = until - self.monotonic()
            if more > 0:
                self._told(more)
                self.ahead += more

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def clock(self) -> float:
        return time.time() + self.ahead


def anew() -> None:
    """What one plan was told of limits, the next knows nothing of."""
    for forge in ("github", "circleci"):
        VirtualTime().rules(forge)
