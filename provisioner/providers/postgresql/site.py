"""What the writing parts share: one transaction on one database, and what is there as it sees it. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import sql

from provisioner.contract import ProviderError, Trouble
from provisioner.model.instant import Instant
from provisioner.model.mark import owner8
from provisioner.providers.postgresql import queries
from provisioner.providers.postgresql.calls import Session
from provisioner.providers.postgresql.names import Dataset, dataset_of
from provisioner.providers.postgresql.rows import Acl, Role, role_of

BY_MEMBERSHIP = 160000
"""From this version on a membership is one for each grantor, with options of its own."""
_ROLE = queries.ROLES + " where r.rolname = %(name)s"
_MEMBERS = """
select g.rolname::text, m.admin_option
  from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles w on w.oid = m.member
       left join pg_roles g on g.oid = m.grantor
 where r.rolname = %(role)s and w.rolname = %(member)s"""
_IN_ROLE = """
select w.rolname::text from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles w on w.oid = m.member
 where r.rolname = %(role)s"""
_GROUPS = """
select distinct r.rolname::text from pg_auth_members m join pg_roles r on r.oid = m.roleid
       join pg_roles w on w.oid = m.member
 where w.rolname = %(member)s"""
_MADE_BY = """
select r.rolname::text, w.rolname::text, m.admin_option, (to_jsonb(m) ->> 'inherit_option')::bool,
       (to_jsonb(m) ->> 'set_option')::bool
  from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles w on w.oid = m.member
       join pg_roles g on g.oid = m.grantor
 where g.rolname = %(name)s"""
_DATASETS_OF = """
select r.rolname::text, shobj_description(r.oid, 'pg_authid')
  from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles w on w.oid = m.member
 where w.rolname = %(member)s and not r.rolcanlogin and r.rolname like 'ds!_%%' escape '!'"""
_DATABASE_ACL = """
select 'database', d.oid::int8, '', d.datname::text, '', d.datdba::int8, a.grantor::int8, a.grantee::int8,
       a.privilege_type, a.is_grantable
  from pg_database d cross join lateral aclexplode(d.datacl) a
 where a.grantee <> d.datdba and a.grantee::int8 = any(%(grantees)s)"""


@dataclass(frozen=True)
class Rules:
    """What the target says: whose marks we write, its databases (the first is that of bare paths), who gets what
    leavers own."""

    target: str
    owner: str | None
    databases: tuple[str, ...]
    heir: str | None = None

    @property
    def main(self) -> str:
        return self.databases[0]


@dataclass
class Site:
    """One open transaction. `ensured` are the dataset roles that were made or mended in it."""

    session: Session
    rules: Rules
    database: str
    now: Instant
    version: int
    me: str
    ensured: set[tuple[str, tuple[str, ...] | None]] = field(default_factory=set)
    _names: set[str] | None = None
    _members: dict[str, set[str]] = field(default_factory=dict)
    _datasets: dict[str, list[tuple[str, Dataset]]] = field(default_factory=dict)
    _granted: dict[int, list[Acl]] = field(default_factory=dict)

    def forget(self) -> None:
        """What was known of the transaction is not so: something of it was taken back, or changed as a whole."""
        self.ensured.clear()
        for known in (self._members, self._datasets, self._granted):
            known.clear()
        self._names = None

    def run(self, text: str, call: str, /, *names: str, **values: Any) -> None:
        """A statement with identifiers for each `{}`, and literals or ready parts by name."""
        parts: dict[str, sql.Composable] = {
            k: v if isinstance(v, sql.Composable) else sql.Literal(v) for k, v in values.items()
        }
        statement = sql.SQL(text).format(*map(sql.Identifier, names), **parts)
        self.session.run(statement, call)

    def role(self, name: str) -> Role | None:
        """The role as it is now."""
        rows = self.session.rows(_ROLE, {"name": name})
        return role_of(rows[0]) if rows else None

    def exists(self, name: str) -> bool:
        """Whether there is a role of that name, asked for all of them at once."""
        if self._names is None:
            self._names = {row[0] for row in self.session.rows("select rolname::text from pg_roles")}
        return name in self._names

    def create(self, name: str, switch: str) -> None:
        """A new role, without rights or password."""
        text = "create role {} {switch} nosuperuser nocreatedb nocreaterole"
        self.run(text, "create role", name, switch=sql.SQL(switch))
        if self._names is not None:
            self._names.add(name)

    def members(self, role: str) -> set[str]:
        """Who is in `role`, asked once; whoever puts somebody in adds them."""
        found = self._members.get(role)
        if found is None:
            found = self._members[role] = {row[0] for row in self.session.rows(_IN_ROLE, {"role": role})}
        return found

    def has_left(self, role: str, member: str) -> None:
        """Somebody was taken out of `role`."""
        self._members.get(role, set()).discard(member)

    def grantors(self, role: str, member: str) -> list[str | None]:
        """Who made each membership of `member` in `role`; None for a role that is gone."""
        return [row[0] for row in self.session.rows(_MEMBERS, {"role": role, "member": member})]

    def groups(self, member: str) -> list[str]:
        """What `member` is in."""
        return [row[0] for row in self.session.rows(_GROUPS, {"member": member})]

    def made_by(self, grantor: str) -> list[tuple[str, str, bool, bool | None, bool | None]]:
        """Memberships of others that `grantor` made: role, member, admin, inherit, set."""
        return [(r[0], r[1], r[2], r[3], r[4]) for r in self.session.rows(_MADE_BY, {"name": grantor})]

    def datasets(self, member: str) -> list[tuple[str, Dataset]]:
        """The dataset roles of ours that `member` is or was in, and what each is for; asked once. One that names no
        owner is ours."""
        found = self._datasets.get(member)
        if found is None:
            rows = self.session.rows(_DATASETS_OF, {"member": member})
            known = ((name, dataset_of(name, told)) for name, told in rows)
            ours = (None, owner8(self.rules.owner))
            found = [(name, dataset) for name, dataset in known if dataset is not None and dataset.owner in ours]
            self._datasets[member] = found
        return found

    def privileges(self, *oids: int) -> list[Acl]:
        """All that is granted to these roles directly, in this database and in the whole cluster."""
        values = {"grantees": list(oids)}
        rows = self.session.rows(queries.PRIVILEGES, values)
        rows += self.session.rows(queries.shared(self.version), values)
        rows += self.session.rows(_DATABASE_ACL, values)
        return [Acl(*row) for row in rows]

    def granted(self, oid: int) -> list[Acl]:
        """The same of one role, as it is or was; asked once."""
        found = self._granted.get(oid)
        if found is None:
            found = self._granted[oid] = self.privileges(oid)
        return found

    def name_of(self, oid: int) -> str | None:
        rows = self.session.rows("select rolname::text from pg_roles where oid = %s::oid", (oid,))
        return rows[0][0] if rows else None

    @contextmanager
    def acting_as(self, role: str | None) -> Iterator[None]:
        """As `role`, because a privilege can only be taken back by whoever granted it."""
        if role is None or role == self.me:
            yield
            return
        self.run("set local role {}", "set role", role)
        yield
        self.session.run("reset role", "reset role")


def gone(told: str, call: str) -> ProviderError:
    """Something that a change rests on is not there."""
    return ProviderError(Trouble.GONE, told, call=call)


def listed(found: Iterable[str], most: int = 5) -> str:
    """A few of them, in words."""
    every = list(found)
    return ", ".join(every[:most]) + (f" and {len(every) - most} more" if len(every) > most else "")
