"""What somebody has through others: a role they are in, everybody's rights, a role that may read or write everything.

Asked of single addresses only, so that what was taken away is not called gone while it is still there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from provisioner.model.address import Address, Kind
from provisioner.model.principal import Principal
from provisioner.model.resource import Resource
from provisioner.model.way import Way
from provisioner.providers.postgresql import names
from provisioner.providers.postgresql.convert import EVERYONE, Cluster

_WRITES = frozenset({"insert", "update", "delete"})


class Effective:
    """`known` has everything that is held directly."""

    def __init__(self, cluster: Cluster, known: Mapping[Address, Resource]) -> None:
        self._cluster, self._known = cluster, known
        self._above: dict[int, list[int]] = {}
        for row in cluster.members:
            role = cluster.roles.get(row.role)
            if role is not None and role.dataset is None and row.inherit is not False:
                self._above.setdefault(row.member, []).append(row.role)
        self._reached: dict[str, dict[str, str]] = {}

    def ways(self, address: Address) -> tuple[Way, ...]:
        """Each way through somebody else, by the address where it would be ended."""
        who = address.principal
        if who is None or address.kind not in (Kind.MEMBERSHIP, Kind.GRANT) or who.id not in self._cluster.by_name:
            return ()
        reached = self._roles_of(who.id)
        if address.kind is Kind.MEMBERSHIP:
            first = reached.get(address.object)
            return (self._through(first, who),) if first not in (None, address.object) and first is not None else ()
        things = [address.object, *self._around(address)]
        ways = []
        for name, first in reached.items():
            held = self._held(address, things, self._cluster.principal(self._cluster.by_name[name].oid))
            all_data = address.slot == "select" and name == "pg_read_all_data"
            all_data = all_data or (address.slot in _WRITES and name == "pg_write_all_data")
            is_dataset = not names.is_other(address.object)
            if (held is not None and address.slot != names.OWNER) or (all_data and is_dataset):
                ways.append(self._through(first, who))
        everyone = self._held(address, things, EVERYONE)
        if everyone is not None:
            ways.append(Way("everyone", via=everyone.address))
        return tuple(dict.fromkeys(ways))

    def _held(self, address: Address, things: Iterable[str], who: Principal) -> Resource | None:
        """What `who` holds of it, by one of these things."""
        found = (self._known.get(address._replace(object=thing, principal=who)) for thing in things)
        return next((one for one in found if one is not None and one.gives_access), None)

    def _around(self, address: Address) -> Iterator[str]:
        """What it is a part of, and is had with: the table of a column, all tables of a schema."""
        if names.is_other(address.object):
            return
        try:
            thing = names.parse(address.object, self._cluster.main)
        except ValueError:
            return
        if thing.relation is None:
            return
        whole = replace(thing, relation=None, column=None, everything=True)
        for wider in (replace(thing, column=None), whole):
            if wider != thing and wider.covers(thing, address.slot or ""):
                yield wider.text(self._cluster.main)

    def _through(self, group: str, who: Principal) -> Way:
        return Way(f"through {group}", via=self._cluster.address(Kind.MEMBERSHIP, group, who))

    def _roles_of(self, name: str) -> dict[str, str]:
        """Every role that `name` is in, with the one of its own memberships that leads there."""
        found = self._reached.get(name)
        if found is None:
            found = self._reached[name] = {}
            for first in self._above.get(self._cluster.by_name[name].oid, ()):
                waiting, begin = [first], self._cluster.name_of(first)
                while waiting:
                    oid = waiting.pop()
                    if self._cluster.name_of(oid) in found:
                        continue
                    found[self._cluster.name_of(oid)] = begin
                    waiting += self._above.get(oid, ())
        return found
