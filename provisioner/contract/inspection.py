"""What a provider has to say of the accounts that were read, once it is known whose they are.

It is told, and nothing is changed because of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, runtime_checkable

from provisioner.diagnostics import Diagnostic
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant
from provisioner.model.rotation import Rotation
from provisioner.model.state import State

FINDINGS = frozenset({"key-of-person", "key-over-age", "key-undeclared", "keys-unread"})
"""The codes of what is told so: `drift` shows them too."""


@runtime_checkable
class Inspects(Protocol):
    """A `Declare` of such a system."""

    def inspect(
        self,
        live: State,
        whose: Callable[[str], Identity | None],
        made: Callable[[Identity, str], Rotation | None],
        now: Instant,
    ) -> Iterable[Diagnostic]:
        """Findings about live accounts. `whose` says by login who has one, where that is known; `made` by its kind what
        the journal knows of a service's credential, None where nobody looked."""
        ...
