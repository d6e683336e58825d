"""Systems that let people in by copies of another system's groups, and bring them up to date by themselves, later.

Whoever is taken out of such a group is let in until then; no reading of either system shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol, runtime_checkable

from provisioner.model.address import Address
from provisioner.model.state import State


@runtime_checkable
class Copies(Protocol):
    """A `Declare` of such a system."""

    copied_within: timedelta
    """After so long a copy is taken to be like its group."""

    def opened_to(self, live: State) -> Mapping[Address, Sequence[str]]:
        """What members of each group elsewhere are let into by its copy, in words: "context `release-prod`"."""
        ...
