"""Time that passes by being waited for: whoever waits for a forge is through at once, and a minute is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from provisioner.providers.catalog import all_providers
from provisioner.transport import Budgets, Pace


class VirtualTime:
    """`ahead` is what was waited for so far; whoever wants to know of it is `told` the seconds of each wait."""

    def __init__(self, told: Callable[[float], None] = lambda _seconds: None) -> None:
        self.ahead, self.waits = 0.0, 0
        self._told = told
        self._lock = threading.Lock()

    def rules(self, **pace: Any) -> None:
        """From now on, in this process, over everything that goes through `provisioner.transport`."""
        made = Pace(sleep=self.sleep, monotonic=self.monotonic, clock=self.clock, **pace)
        for name in ("github", "circleci"):
            all_providers()[name]._budgets = Budgets(made)  # type: ignore[attr-defined]

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.ahead += seconds
            self.waits += 1
            self._told(seconds)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead

    def clock(self) -> float:
        return time.time() + self.ahead
