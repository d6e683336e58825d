"""One thing in a target, desired or live."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform

from provisioner.diagnostics import Location
from provisioner.model.address import Address
from provisioner.model.instant import Instant
from provisioner.model.mark import Mark
from provisioner.model.way import DIRECT, Way

NOTHING: Mapping[str, Any] = {}
NONE_HIDDEN: frozenset[str] = frozenset()
T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def counted(cls: type[T]) -> type[T]:
    """A value of which a plan makes hundreds of thousands: a dataclass that the type checker holds for frozen. At run
    time it is not, because freezing makes an object three times as slow to make."""
    return dataclass(slots=True)(cls)


@counted
class Facts:
    """What a live account or group tells about itself and is not compared.

    `native_id` is the system's immutable id; `disabled_since` what the system itself says of it; `foreign_mark` a mark
    of this tool's shape that cannot be read, or of a version we do not know (it is then somebody else's).
    """

    native_id: str | None = None
    email: str | None = None
    name: str | None = None
    disabled_since: Instant | None = None
    last_used: Instant | None = None
    foreign_mark: str | None = None
    more: Mapping[str, str] = field(default_factory=dict)


NO_FACTS = Facts()
"""What a thing tells that tells nothing of itself."""


@counted
class Resource:
    """`attributes` are canonical JSON values and the only thing compared, and only those that the desired side names.

    Of a desired resource: `sources` are the lines that ask for it, `starts` and `until` its time. Of a live one: `ways`
    (at least one), `mark` where it carries ours or another repository's, `facts` for accounts and groups.
    `hides` are attributes that the system does not tell of this very one (an owner always shows as a maintainer): they
    are not compared. An account has the attribute `enabled`; `name` and `email` where the system holds them.
    """

    address: Address
    attributes: Mapping[str, Any] = field(default_factory=lambda: NOTHING)
    ways: tuple[Way, ...] = (DIRECT,)
    sources: tuple[Location, ...] = ()
    starts: Instant | None = None
    until: Instant | None = None
    mark: Mark | None = None
    facts: Facts | None = None
    hides: frozenset[str] = NONE_HIDDEN

    @property
    def gives_access(self) -> bool:
        return any(way.gives_access for way in self.ways)
