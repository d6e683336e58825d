"""Catalog rows (`rows.py`) to resources. Pure: asks nothing, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from provisioner.model.address import Address, Kind
from provisioner.model.instant import format_instant
from provisioner.model.principal import ANYWHERE, Principal, PrincipalKind
from provisioner.model.resource import NONE_HIDDEN, NOTHING, Facts, Resource
from provisioner.model.way import Ownership, Way
from provisioner.providers.postgresql import names
from provisioner.providers.postgresql.names import ATTRIBUTE, Dataset, Other, Thing
from provisioner.providers.postgresql.rows import FIRST_OWN, POWERS, SEQUENCE, Acl, Member, Relation, Role

EVERYONE = Principal(ANYWHERE, PrincipalKind.EVERYONE)
GRANTABLE = "grantable"


@dataclass
class Cluster:
    """What one snapshot of the whole cluster showed."""

    target: str
    main: str
    version: int
    me: str
    roles: dict[int, Role]
    members: list[Member]
    shared: list[Acl] = field(default_factory=list)
    databases: dict[str, int] = field(default_factory=dict)
    owner: str | None = None

    @cached_property
    def by_name(self) -> dict[str, Role]:
        return {r.name: r for r in self.roles.values()}

    @cached_property
    def has_members(self) -> frozenset[int]:
        return frozenset(
            m.role
            for m in self.members
            if m.member >= FIRST_OWN and m.member not in self.logins and not self.is_of_making(m)
        )

    @cached_property
    def logins(self) -> Mapping[int, int]:
        """The logins of services, and whose each is: part of that account, and shown as nothing else. One that is more
        than that (in another role, with members or powers of its own, a second one for the same turn, of another owner
        than the account) is none, and shown as the account that it is."""
        candidates = {oid for oid, r in self.roles.items() if r.login is not None and not r.powers}
        if not candidates:
            return {}
        above: dict[int, set[int]] = {oid: set() for oid in candidates}
        for row in self.members:
            if row.member in candidates:
                above[row.member].add(row.role)
            if row.role in candidates and not self.is_of_making(row):
                above[row.role].add(row.role)
        found: dict[tuple[int, str], list[int]] = {}
        for oid, roles in above.items():
            account = self.roles.get(next(iter(roles))) if len(roles) == 1 else None
            login = self.roles[oid].login
            if account is None or login is None or account.login is not None or not account.is_account:
                continue
            owner = account.noted.mark.owner if account.noted.mark is not None else None
            if owner is None or login.owner in (None, owner):
                found.setdefault((account.oid, login.turn), []).append(oid)
        return {oids[0]: account for (account, _), oids in found.items() if len(oids) == 1}

    def holder(self, oid: int) -> Role | None:
        """The role, or the account that it is a login of."""
        return self.roles.get(self.logins.get(oid, oid))

    def is_of_making(self, row: Member) -> bool:
        """What the server itself gives whoever makes a role (from 16 on): they may give it away, and no more."""
        maker = self.roles.get(row.member)
        return (
            row.inherit is False
            and row.set is False
            and row.grantor == 10
            and maker is not None
            and maker.name == self.me
        )

    def _of_run(self, row: Member) -> bool:
        """What a run's login is given is the run's, and goes with it."""
        return any((r := self.roles.get(oid)) is not None and r.run is not None for oid in (row.role, row.member))

    def reach(self, names: Iterable[str]) -> set[int]:
        """These roles, every role that they are in, everybody, and the dataset roles, by their ids."""
        above: dict[int, list[int]] = {}
        for row in self.members:
            above.setdefault(row.member, []).append(row.role)
        found = {oid for oid, role in self.roles.items() if role.dataset is not None} | {0}
        waiting = [self.by_name[name].oid for name in names if name in self.by_name]
        while waiting:
            oid = waiting.pop()
            if oid not in found:
                found.add(oid)
                waiting += above.get(oid, ())
        return found

    def name_of(self, oid: int) -> str:
        role = self.roles.get(oid)
        return role.name if role is not None else str(oid)

    def principal(self, oid: int) -> Principal:
        if oid == 0:
            return EVERYONE
        role = self.roles.get(oid)
        if role is None:
            return Principal(self.target, PrincipalKind.UNKNOWN, str(oid))
        is_account = role.is_account or oid in self.logins
        return Principal(self.target, PrincipalKind.PERSON if is_account else PrincipalKind.GROUP, role.name)

    def address(self, kind: Kind, thing: str, who: Principal | None = None, slot: str | None = None) -> Address:
        return Address(self.target, kind, thing, who, slot)

    # Accounts and groups

    def accounts(self) -> Iterator[Resource]:
        for role in self.roles.values():
            if not role.is_account or role.run is not None or role.oid in self.logins:
                continue
            facts = Facts(str(role.oid), foreign_mark=role.noted.foreign)
            attributes = {"enabled": role.logs_in, "until": _backstop(role), "cut": role.noted.cut}
            yield Resource(self.address(Kind.ACCOUNT, role.name), attributes, mark=role.noted.mark, facts=facts)
            who = self.principal(role.oid)
            for power in role.powers:
                yield Resource(self.address(Kind.GRANT, ATTRIBUTE, who, power))

    def groups(self) -> Iterator[Resource]:
        """Roles that nobody logs in as, and those that have members all the same."""
        for role in self.roles.values():
            of_its_own = role.is_predefined or role.dataset is not None or role.run is not None
            if of_its_own or (role.is_account and role.oid not in self.has_members):
                continue
            if role.oid in self.logins:
                continue
            more = {POWERS: " ".join(role.powers)} if role.powers else {}
            yield Resource(self.address(Kind.GROUP, role.name), NOTHING, facts=Facts(str(role.oid), more=more))

    def memberships(self, found: Found) -> None:
        """Also those in dataset roles, which are what is granted."""
        for row in self.members:
            role = self.roles.get(row.role)
            if row.member < FIRST_OWN or role is None or self.is_of_making(row) or self._of_run(row):
                continue
            if row.member in self.logins:
                continue
            who, by = self.principal(row.member), self.name_of(row.grantor)
            if role.dataset is None:
                more = {"admin": "yes"} if row.admin else NOTHING_MORE
                found.add(self.address(Kind.MEMBERSHIP, role.name, who), Way(f"member by {by}"), more=more)
                continue
            state = found.datasets.get(row.role)
            thing = role.dataset.thing.text(self.main)
            address = self.address(Kind.GRANT, thing, who, role.dataset.privilege)
            whose = role.dataset.owner
            way = Way(f"dataset by {by}")
            if whose is not None and whose != self.owner:
                way = Way(f"dataset of {whose} by {by}", ownership=Ownership.FOREIGN)
            found.add(address, way, state.attributes if state is not None else None)

    # Privileges

    def place(self, database: str, row: Acl) -> tuple[str, str]:
        """The object and slot of a privilege's address."""
        schema, name, privilege = row.schema, row.name, row.privilege.lower()
        match row.kind:
            case "schema":
                return Thing(database, schema).text(self.main), privilege
            case "relation":
                return Thing(database, schema, name).text(self.main), privilege
            case "column":
                return Thing(database, schema, name, row.more).text(self.main), privilege
            case "database":
                return Thing(name).text(self.main), privilege
            case "function":
                what = f"function {names.quoted(schema)}.{names.quoted(name)}({row.more})"
            case "type":
                what = f"type {names.quoted(schema)}.{names.quoted(name)}"
            case "future":
                what = f"future {_FUTURE.get(row.more, row.more)} of {name}" + (f" in {schema}" if schema else "")
            case _:
                what = f"{row.kind} {name}"
        where = None if row.kind in ("tablespace", "parameter") else database
        return Other(where, what).text(self.main), privilege

    def privileges(self, database: str, rows: Iterable[Acl], found: Found) -> None:
        """What is granted directly; of dataset roles only what does not belong to them."""
        for row in rows:
            role = self.roles.get(row.grantee)
            if role is not None and role.dataset is not None and belongs(role.dataset, database, row):
                continue
            thing, slot = self.place(database, row)
            address = self.address(Kind.GRANT, thing, self.principal(row.grantee), slot)
            more = {GRANTABLE: "yes"} if row.grantable else NOTHING_MORE
            attributes = NOTHING if names.is_other(thing) else names.INTACT
            found.add(address, Way(f"privilege by {self.name_of(row.grantor)}"), attributes, more=more)


NOTHING_MORE: Mapping[str, str] = {}
_FUTURE = {"r": "tables", "S": "sequences", "f": "functions", "T": "types", "n": "schemas", "L": "large objects"}


def _backstop(role: Role) -> str | None:
    """The end that we gave the role, as far as it holds: somebody else's earlier one does no harm, a later one does."""
    ours = role.noted.ends
    if ours is None:
        return None
    if role.until is not None and role.until <= ours:
        return format_instant(ours)
    return format_instant(role.until) if role.until is not None else None


@dataclass
class DatasetState:
    """Whether a dataset role holds what it stands for; of `schema.*` also for which tables."""

    attributes: Mapping[str, Any]


@dataclass
class Found:
    """Resources under way: an address that holds in several ways is one resource."""

    datasets: dict[int, DatasetState] = field(default_factory=dict)
    _ways: dict[Address, list[Way]] = field(default_factory=dict)
    _attributes: dict[Address, Mapping[str, Any] | None] = field(default_factory=dict)
    _more: dict[Address, Mapping[str, str]] = field(default_factory=dict)

    def add(
        self,
        address: Address,
        way: Way,
        attributes: Mapping[str, Any] | None = NOTHING,
        more: Mapping[str, str] = NOTHING_MORE,
    ) -> None:
        """One way more; of several the one counts that gives it whole, and of ours and another owner's ours. Attributes
        are None where they were not read."""
        ways = self._ways.setdefault(address, [])
        foreign, others = way.ownership is Ownership.FOREIGN, all(w.ownership is Ownership.FOREIGN for w in ways)
        if way not in ways:  # an account and a login of it may have the same
            ways.append(way)
        whole = (self._attributes.get(address) or NOTHING).get("intact")
        if (others and not foreign) or (not whole and (others or not foreign)):
            self._attributes[address] = attributes
        if more:
            self._more[address] = more

    def resources(self) -> Iterator[Resource]:
        for address, ways in self._ways.items():
            more = self._more.get(address)
            facts = Facts(more=more) if more else None
            ordered = tuple(sorted(ways, key=lambda w: (str(w.via or ""), w.native_id)))
            attributes = self._attributes[address]
            hides = names.UNREAD if attributes is None else NONE_HIDDEN
            yield Resource(address, attributes or NOTHING, ordered, facts=facts, hides=hides)

    def ways(self, address: Address) -> Sequence[Way]:
        return self._ways.get(address, ())


def is_sequence_privilege(privilege: str) -> bool:
    """Of all tables of a schema: `usage` is of its sequences, everything else of its tables."""
    return privilege == "usage"


def belongs(dataset: Dataset, database: str, row: Acl) -> bool:
    """Whether a privilege is one of those that the dataset role stands for."""
    thing, privilege = dataset.thing, row.privilege.lower()
    if row.kind == "database":
        wanted = {"connect", dataset.privilege} if thing.schema is None else {"connect"}
        return row.name == thing.database and privilege in wanted and not row.grantable
    if database != thing.database or row.schema != thing.schema or row.grantable:
        return False
    if row.kind == "schema":
        whole = thing.relation is None and not thing.everything
        return privilege == "usage" or (whole and privilege == dataset.privilege)
    if privilege != dataset.privilege:
        return False
    if thing.everything:
        sequences = is_sequence_privilege(privilege)
        of_tables = row.kind == "relation" and (row.more == SEQUENCE) is sequences
        return of_tables or (row.kind == "future" and row.more == ("S" if sequences else "r"))
    return (row.kind, row.name, row.more if row.kind == "column" else None) == (
        "column" if thing.column is not None else "relation",
        thing.relation,
        thing.column,
    )


def dataset_states(
    cluster: Cluster, privileges: Mapping[str, Sequence[Acl]], relations: Mapping[str, Sequence[Relation]]
) -> dict[int, DatasetState]:
    """By dataset role: whether it holds what it stands for. Of databases that were not read nothing is said."""
    held: dict[int, set[tuple[str, ...]]] = {}
    creators: dict[int, set[str]] = {}
    for database, rows in privileges.items():
        for row in rows:
            role = cluster.roles.get(row.grantee)
            if role is None or role.dataset is None or not belongs(role.dataset, database, row):
                continue
            if row.kind == "future":
                creators.setdefault(row.grantee, set()).add(row.name)
                continue
            column = row.more if row.kind == "column" else ""
            held.setdefault(row.grantee, set()).add((row.kind, row.name, column, row.privilege.lower()))
    tables: dict[tuple[str, str, bool], list[str]] = {}
    for database, listed in relations.items():
        for relation in listed:
            tables.setdefault((database, relation.schema, relation.kind == SEQUENCE), []).append(relation.name)
    states = {}
    for oid, role in cluster.roles.items():
        dataset = role.dataset
        if dataset is not None and dataset.thing.database in privileges:
            of_schema = (dataset.thing.database, dataset.thing.schema or "", is_sequence_privilege(dataset.privilege))
            states[oid] = _state(dataset, held.get(oid, set()), creators.get(oid, set()), tables.get(of_schema, []))
    return states


def _state(dataset: Dataset, held: set[tuple[str, ...]], creators: set[str], tables: Sequence[str]) -> DatasetState:
    thing, privilege = dataset.thing, dataset.privilege
    needs = {("database", thing.database, "", "connect")}
    if thing.schema is None:
        needs.add(("database", thing.database, "", privilege))
    else:
        needs.add(("schema", "", "", "usage"))
        if thing.column is not None:
            needs.add(("column", thing.relation or "", thing.column, privilege))
        elif thing.relation is not None:
            needs.add(("relation", thing.relation, "", privilege))
        elif not thing.everything:
            needs.add(("schema", "", "", privilege))
    if not thing.everything:
        return DatasetState(names.INTACT if needs <= held else names.BROKEN)
    missing = [t for t in sorted(tables) if ("relation", t, "", privilege) not in held]
    more = {"creators": sorted(creators), "not_covered": missing}
    return DatasetState({**(names.INTACT if needs <= held else names.BROKEN), **more})
