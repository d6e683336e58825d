"""Reading a cluster: six queries, and two for each of its databases, whatever there is. Writes nothing.

Its transactions are READ ONLY to the server. A database that cannot be read is said so: what it would have shown is
never taken for absent.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from provisioner.contract import Me, ProviderError, Reading, Trouble
from provisioner.diagnostics import Diagnostic
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.instant import Instant
from provisioner.model.mark import owner8
from provisioner.model.resource import NOTHING, Resource
from provisioner.model.state import State
from provisioner.model.way import Way
from provisioner.providers.postgresql import convert, findings, names, queries
from provisioner.providers.postgresql.calls import ReadCalls, Session
from provisioner.providers.postgresql.convert import Cluster, Found
from provisioner.providers.postgresql.effective import Effective
from provisioner.providers.postgresql.names import Other
from provisioner.providers.postgresql.rows import Acl, Member, Relation, role_of

LONGEST_RUN = timedelta(days=1)
"""A login that says it is of a run, and lasts longer, is shown as what it is."""
_ALL = {"grantees": None}
_OF_DATABASES = frozenset({Kind.GRANT, Kind.CONTROL})


@dataclass
class Inside:
    """What was read in each database; `unread` says why one was not."""

    privileges: dict[str, list[Acl]] = field(default_factory=dict)
    relations: dict[str, list[Relation]] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)


def read_cluster(
    calls: ReadCalls, session: Session, target: str, owner: str | None = None
) -> tuple[Cluster, list[tuple[Any, ...]], Instant]:
    """The cluster as one snapshot shows it, and the rows of its databases."""
    _, version, me, now, _ = calls.identity(session)
    roles = {role.oid: role for role in map(role_of, session.rows(queries.ROLES))}
    for role in roles.values():
        role.run = role.run if role.run is None or role.run.ends <= now + LONGEST_RUN else None
    members = [Member(*row) for row in session.rows(queries.MEMBERSHIPS)]
    shared = [Acl(*row) for row in session.rows(queries.shared(version), _ALL)]
    databases = session.rows(queries.DATABASES)
    owners = {r[0]: r[2] for r in databases}
    cluster = Cluster(target, calls.link.main, version, me, roles, members, shared, owners, owner)
    return cluster, databases, now


class PostgresReader:
    """`provisioner.contract.Reader` for one cluster. `creators` are the target's, by schema path; None: its default.
    `owner` is whose files ask."""

    def __init__(
        self,
        target: str,
        databases: Sequence[str],
        creators: Mapping[str | None, Sequence[str]],
        calls: ReadCalls,
        owner: str | None = None,
    ) -> None:
        self._owner = owner8(owner)
        self._target, self._databases, self._creators, self._calls = target, tuple(databases), creators, calls
        self._main = databases[0]
        self._me = ""

    def system(self) -> str:
        with self._calls.snapshot(self._main) as session:
            identity, _, self._me, _, _ = self._calls.identity(session)
        return identity

    def me(self) -> Me:
        if not self._me:
            self.system()
        return Me(self._me, frozenset({Address(self._target, Kind.ACCOUNT, self._me)}))

    def close(self) -> None:
        self._calls.close()

    # Everything

    def read(self, want: frozenset[Scope]) -> Reading:
        before = self._calls.count
        held = {s.of for s in want if s.kind is Kind.CREDENTIAL and s.of is not None}
        if held and all(s.kind is Kind.CREDENTIAL for s in want):
            return self._elsewhere(held)
        with self._calls.snapshot(self._main) as session:
            cluster, databases, now = read_cluster(self._calls, session, self._target, self._owner)
            owned = session.rows(queries.DEPENDS, {"roles": None})
        inside = self._inside(cluster, databases, self._databases)
        found = self._found(cluster, databases, inside)
        self._owned(cluster, owned, found)
        resources = {r.address: r for r in (*cluster.accounts(), *cluster.groups(), *found.resources())}
        state = State.from_mapping(resources)
        return Reading(
            state,
            Coverage(self._scopes(want, state, inside)),
            server_time=now,
            calls=self._calls.count - before,
            warnings=(*self._warnings(cluster, databases, inside), *findings.of_runs(self._target, cluster, now)),
        )

    def _inside(
        self,
        cluster: Cluster,
        databases: list[tuple[Any, ...]],
        wanted: Iterable[str],
        grantees: Collection[int] | None = None,
    ) -> Inside:
        """What is granted in each database, to everybody or to `grantees`. One that cannot be read does not hide the
        others."""
        values = {"grantees": None if grantees is None else sorted(grantees)}
        inside = Inside()
        for database in wanted:
            try:
                if database not in cluster.databases:
                    told = f"there is no database `{database}`"
                    raise ProviderError(Trouble.GONE, told, call="read")
                with self._calls.snapshot(database) as session:
                    relations = [Relation(*row) for row in session.rows(queries.RELATIONS)]
                    rows = [Acl(*row) for row in session.rows(queries.PRIVILEGES, values)]
            except ProviderError as error:
                inside.unread[database] = error.message
                continue
            inside.relations[database] = relations
            inside.privileges[database] = rows + [r for r in _of_databases(databases) if r.name == database]
        return inside

    def _found(self, cluster: Cluster, databases: list[tuple[Any, ...]], inside: Inside) -> Found:
        found = Found(convert.dataset_states(cluster, inside.privileges, inside.relations))
        cluster.memberships(found)
        for database, rows in inside.privileges.items():
            cluster.privileges(database, (r for r in rows if not _is_default(r)), found)
        cluster.privileges(self._main, cluster.shared, found)
        rest = [r for r in _of_databases(databases) if r.name not in inside.privileges and r.grantee]
        cluster.privileges(self._main, rest, found)
        return found

    def _owned(self, cluster: Cluster, rows: Iterable[tuple[Any, ...]], found: Found) -> None:
        """What accounts own, one line for each database and one for what is shared: it is handed on as a whole."""
        for oid, database, kind, _ in rows:
            role = cluster.holder(oid)
            elsewhere = bool(database) and database not in self._databases
            if kind != "o" or role is None or not role.is_account or role.run is not None or elsewhere:
                continue
            thing = Other(database or None, "objects" if database else "databases and tablespaces").text(self._main)
            found.add(cluster.address(Kind.GRANT, thing, cluster.principal(role.oid), names.OWNER), Way(names.OWNER))

    def _scopes(self, want: frozenset[Scope], state: State, inside: Inside) -> list[ScopeCoverage]:
        proof = "one snapshot of the catalogs"
        scopes = []
        for kind in {scope.kind for scope in want}:
            if kind is Kind.CREDENTIAL:
                scopes.append(
                    ScopeCoverage(Scope(kind), Verdict.UNREAD, "what is in other databases is read by holder")
                )
            elif kind is not Kind.GRANT or not inside.unread:
                scopes.append(ScopeCoverage(Scope(kind), Verdict.COMPLETE, proof))
            else:
                told = "; ".join(f"database {name}: {why}" for name, why in sorted(inside.unread.items()))
                scopes.append(ScopeCoverage(Scope(kind), Verdict.PARTIAL, told))
                seen = {a.object for a in state.resources if a.kind is kind}
                read = (o for o in seen if names.database_of(o, self._main) not in inside.unread)
                scopes += [ScopeCoverage(Scope(kind, o), Verdict.COMPLETE, proof) for o in read]
        return scopes

    def _warnings(self, cluster: Cluster, databases: list[tuple[Any, ...]], inside: Inside) -> Iterable[Diagnostic]:
        yield from findings.of_everybody(self._target, None, cluster, cluster.shared)
        for database, rows in inside.privileges.items():
            yield from findings.of_everybody(self._target, database, cluster, rows)
        yield from findings.of_creators(self._target, cluster, inside.relations, self._creators)

    def _elsewhere(self, logins: Collection[str]) -> Reading:
        """What leavers own and hold in databases that are not ours to change: told, and left."""
        before = self._calls.count
        with self._calls.snapshot(self._main) as session:
            roles = {role.oid: role for role in map(role_of, session.rows(queries.ROLES))}
            members = [Member(*row) for row in session.rows(queries.MEMBERSHIPS)]
            cluster = Cluster(self._target, self._main, 0, self._me, roles, members)
            wanted = {oid for oid, role in roles.items() if role.name in logins}
            wanted |= {oid for oid, account in cluster.logins.items() if account in wanted}
            rows = session.rows(queries.DEPENDS, {"roles": list(wanted)})
        found = Found()
        for oid, database, kind, _ in rows:
            if database and database not in self._databases:
                thing = Other(database, "objects" if kind == "o" else "privileges").text(self._main)
                slot = names.OWNER if kind == "o" else "granted"
                way = Way(slot, locked_by=f"database {database}, which `databases` does not name")
                holder = cluster.principal(cluster.logins.get(oid, oid))
                found.add(cluster.address(Kind.GRANT, thing, holder, slot), way)
        scopes = [ScopeCoverage(Scope(Kind.CREDENTIAL, login), Verdict.COMPLETE, "pg_shdepend") for login in logins]
        return Reading(State(found.resources()), Coverage(scopes), calls=self._calls.count - before)

    # Single things

    def look(self, these: Collection[Address]) -> Reading:
        """The cluster, the databases that are asked about, and for each address also what it holds through others."""
        before = self._calls.count
        grants = [a for a in these if a.kind is Kind.GRANT]
        with self._calls.snapshot(self._main) as session:
            cluster, databases, now = read_cluster(self._calls, session, self._target, self._owner)
            owners = {a.principal.id for a in grants if a.slot == names.OWNER and a.principal is not None}
            oids = [cluster.by_name[name].oid for name in owners if name in cluster.by_name]
            oids += [oid for oid, account in cluster.logins.items() if account in oids]
            owned = session.rows(queries.DEPENDS, {"roles": oids}) if oids else []
        touched = {names.database_of(a.object, self._main) for a in grants}
        holders = {a.principal.id for a in grants if a.principal is not None}
        inside = self._inside(cluster, databases, [d for d in self._databases if d in touched], cluster.reach(holders))
        found = self._found(cluster, databases, inside)
        self._owned(cluster, owned, found)
        known: dict[Address, Resource] = {r.address: r for r in (*cluster.accounts(), *cluster.groups())}
        known |= {r.address: r for r in found.resources()}
        effective = Effective(cluster, known)
        state: dict[Address, Resource] = {}
        looked = set()
        for address in these:
            if address.kind is Kind.GRANT and names.database_of(address.object, self._main) in inside.unread:
                continue
            looked.add(address)
            direct = known.get(address)
            through = effective.ways(address)
            if through:
                direct = direct or Resource(address, NOTHING, ())
                direct = replace(direct, ways=(*direct.ways, *through))
            if direct is not None:
                state[address] = direct
        return Reading(State.from_mapping(state), Coverage(), now, frozenset(looked), calls=self._calls.count - before)


def _of_databases(rows: Iterable[tuple[Any, ...]]) -> list[Acl]:
    """`queries.DATABASES` as privileges; what a database's owner has is left out."""
    return [
        Acl("database", 0, "", name, "", owner, grantor, grantee, privilege, grantable)
        for name, _, owner, grantor, grantee, privilege, grantable in rows
        if grantee is not None and grantee != owner
    ]


def _is_default(row: Acl) -> bool:
    """What everybody may do unless somebody took it away: told in one line, not as resources."""
    return row.grantee == 0 and (row.kind, row.schema, row.privilege) in findings.DEFAULTS
