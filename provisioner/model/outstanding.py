"""Work that an earlier run left: told by the journal, first in every plan until proven gone."""

from __future__ import annotations

from dataclasses import dataclass

from provisioner.model.address import Address
from provisioner.model.change import Action
from provisioner.model.instant import Instant


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A change that an earlier run could not do, or prove."""

    address: Address
    action: Action
    since: Instant
    reason: str
    identity: str | None = None
    run: str = ""
