"""A credential that a service is to have: on which target, of which kind, how long, and where it is delivered."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from provisioner.diagnostics import NOWHERE, Location
from provisioner.model.address import Address, Kind
from provisioner.model.principal import Principal, PrincipalKind

DEFAULT_OVERLAP = timedelta(days=1)
"""For as long as the old credential works beside the new one, where the files do not say."""


@dataclass(frozen=True, slots=True)
class Names:
    """Under which names a store keeps a credential: all of it as one value, or its public and its secret part."""

    whole: str | None = None
    user: str | None = None
    secret: str | None = None

    @property
    def all(self) -> tuple[str, ...]:
        """The names, in the order in which they are written."""
        return tuple(n for n in (self.whole, self.user, self.secret) if n is not None)


@dataclass(frozen=True, slots=True)
class Delivery:
    """`to` as the file has it; `store` is the declared store or target that it begins with, `place` the rest."""

    to: str
    store: str
    place: str
    names: Names
    location: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Slot:
    """`rotate_after` None: made once, and anew only when somebody asks."""

    service: str
    target: str
    kind: str
    rotate_after: timedelta | None = None
    overlap: timedelta = DEFAULT_OVERLAP
    deliveries: tuple[Delivery, ...] = field(default=())
    location: Location = NOWHERE

    @property
    def address(self) -> Address:
        """`aws:credential/access-key/access:service:deploy-bot`: the slot, whichever credential is in it."""
        who = Principal("access", PrincipalKind.SERVICE, self.service)
        return Address(self.target, Kind.CREDENTIAL, self.kind, who)
