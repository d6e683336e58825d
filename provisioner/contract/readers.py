"""Systems that keep secrets, and whose grants tell who could have used them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from provisioner.model.resource import Resource
from provisioner.model.state import State


@runtime_checkable
class Readers(Protocol):
    """A `Declare` of such a system."""

    def opens(self, place: str, held: Resource, states: Mapping[str, State]) -> str | None:
        """By what, in words ("push on site"), whoever holds `held` could use what is kept at `place` of this target;
        None where nothing tells that they could. `held` may be of another target; `states` has all that were read.
        Pure."""
        ...
