"""What exists in one target, or should: addresses and their resources. Desired and live are the same type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter

from provisioner.model.address import Address, Kind
from provisioner.model.principal import Principal
from provisioner.model.resource import Resource


class State:
    """A mapping from address to resource with the two look-ups that planning needs. Treated as a value once built."""

    __slots__ = ("_by_kind", "_by_principal", "resources")

    def __init__(self, resources: Iterable[Resource] = ()) -> None:
        self.resources: dict[Address, Resource] = {r.address: r for r in resources}
        self._by_kind: dict[Kind, list[Resource]] | None = None
        self._by_principal: dict[Principal, list[Resource]] | None = None

    @classmethod
    def from_mapping(cls, resources: dict[Address, Resource]) -> State:
        """Takes over `resources` without copying."""
        state = cls()
        state.resources = resources
        return state

    def __len__(self) -> int:
        return len(self.resources)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self.resources.values())

    def __contains__(self, address: Address) -> bool:
        return address in self.resources

    def __eq__(self, other: object) -> bool:
        return isinstance(other, State) and self.resources == other.resources

    __hash__ = None  # type: ignore[assignment]

    def get(self, address: Address) -> Resource | None:
        return self.resources.get(address)

    def of_kind(self, kind: Kind) -> list[Resource]:
        if self._by_kind is None:
            found: dict[Kind, list[Resource]] = {}
            for address, resource in self.resources.items():
                same = found.get(address.kind)
                if same is None:
                    found[address.kind] = [resource]
                else:
                    same.append(resource)
            self._by_kind = found
        return self._by_kind.get(kind, [])

    def held_by(self, principal: Principal) -> list[Resource]:
        """Everything whose address names this principal: memberships, grants, credentials; not the account itself."""
        if self._by_principal is None:
            found: dict[Principal, list[Resource]] = {}
            for resource in self.resources.values():
                who = resource.address.principal
                if who is not None:
                    found.setdefault(who, []).append(resource)
            self._by_principal = found
        return self._by_principal.get(principal, [])

    def counts(self) -> dict[str, int]:
        counted = Counter(map(attrgetter("kind"), self.resources))
        return {kind.value: counted[kind] for kind in Kind if kind in counted}
