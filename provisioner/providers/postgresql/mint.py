"""Logins for one run alone: a random password that the server never sees, an end, and exactly the dataset roles that
were shared.

It decides nothing about who may have one. Refuses (`cannot-narrow`) where a login of its own would have more than was
shared: a dataset role that somebody gave more, or row security that names roles.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from psycopg import sql

from provisioner.contract import CannotNarrow, Left, Minted, Order, ProviderError, Trouble
from provisioner.credentials import Secret
from provisioner.model.address import Kind
from provisioner.model.instant import Instant, format_instant
from provisioner.model.mark import owner8
from provisioner.model.resource import Resource
from provisioner.providers.postgresql import names, queries
from provisioner.providers.postgresql.calls import Session, WriteCalls
from provisioner.providers.postgresql.convert import belongs
from provisioner.providers.postgresql.grants import ensure_dataset, join
from provisioner.providers.postgresql.names import OfRun, Thing
from provisioner.providers.postgresql.owned import site_of
from provisioner.providers.postgresql.runs import all_runs, end_run
from provisioner.providers.postgresql.site import BY_MEMBERSHIP, Rules, Site, gone, listed

CONNECTIONS = 10
"""How many sessions a run may have at once."""
_SWITCHES = ((0, "statement_timeout"), (0, "idle_in_transaction_session_timeout"), (140000, "idle_session_timeout"),
             (170000, "transaction_timeout"))  # fmt: skip
"""What ends a session by itself. Each can be changed by whoever has the session: they are for what was forgotten."""
MAY_DIFFER = 60.0
"""Seconds by which the server's clock and ours may differ: the end is told by ours and kept by the server's."""
_PASSED_ON = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcrl": "PGSSLCRL",
    "gssencmode": "PGGSSENCMODE",
    "channel_binding": "PGCHANNELBINDING",
    "require_auth": "PGREQUIREAUTH",
    "target_session_attrs": "PGTARGETSESSIONATTRS",
}
"""Of the open connection, what says where the server is and how it is known: nothing that says who we are."""
_POLICIES = """
select n.nspname::text, c.relname::text, p.polname::text,
       array(select r.rolname::text from pg_roles r where r.oid = any(p.polroles))
  from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
 where c.relrowsecurity and not p.polpermissive and not 0 = any(p.polroles)"""
_INSIDE = """
with recursive inside(oid, start) as (
    select oid, rolname from pg_roles where rolname = any(%s)
    union select m.roleid, i.start from inside i join pg_auth_members m on m.member = i.oid)
select i.start::text, r.oid::int8, r.rolname::text,
       exists (select 1 from pg_shdepend s where s.refclassid = 'pg_authid'::regclass and s.refobjid = r.oid
                 and s.deptype = 'o' and s.classid not in ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass)),
       array(select g.rolname::text from pg_auth_members m join pg_roles g on g.oid = m.roleid
              where m.member = r.oid and m.admin_option)
  from inside i join pg_roles r on r.oid = i.oid order by 1, 3"""
_MEMBER_OF = "select 1 from pg_auth_members m where m.member = %s::oid limit 1"
_HELD = """
select 1 from pg_auth_members m join pg_roles r on r.oid = m.roleid join pg_roles w on w.oid = m.member
 where r.rolname = %s and not (w.rolname like 'run!_%%' escape '!'
       and coalesce(shobj_description(w.oid, 'pg_authid'), '') like 'provision/1 run %%')
   and w.rolname <> session_user limit 1"""
_OPEN = """
select 'schema ' || n.nspname::text from pg_namespace n cross join lateral aclexplode(n.nspacl) a
 where a.grantee = 0 and a.privilege_type = 'CREATE' and n.nspname !~ '^pg_'
union all
select 'database ' || d.datname::text from pg_database d cross join lateral aclexplode(d.datacl) a
 where d.datname = current_database() and a.grantee = 0 and a.privilege_type = 'CREATE'
order by 1"""


class PostgresMinter:
    """`provisioner.contract.Minter` for one cluster."""

    def __init__(self, calls: WriteCalls, rules: Rules, clock: Callable[[], Instant] | None = None) -> None:
        self._calls, self._rules, self._clock = calls, rules, clock or (lambda: datetime.now(UTC))

    def close(self) -> None:
        self._calls.close()

    def mint(self, order: Order, deadline: float) -> Minted:
        """In one transaction, after the dataset roles of other databases were made sure of."""
        role, password = names.run_role(order.run), secrets.token_urlsafe(24)
        atoms, groups = self._atoms(order.things)
        databases = list(dict.fromkeys(thing.database for thing, _, _ in atoms)) or [self._rules.main]
        given: list[str] = []
        for database in sorted({*databases, *(self._rules.databases if groups else ())} - {self._rules.main}):
            with self._calls.transaction(database, deadline) as session:
                site = site_of(self._calls, session, self._rules, database)
                given += self._datasets(site, [a for a in atoms if a[0].database == database], groups)
        with self._calls.transaction(self._rules.main, deadline) as session:
            site = site_of(self._calls, session, self._rules, self._rules.main)
            self._check_clock(site)
            self._check_person(site, order)
            given += self._datasets(site, [a for a in atoms if a[0].database == self._rules.main], groups)
            given += [self._group(site, name) for name in groups]
            self._login(site, session, order, role, password)
            for held in given:
                join(site, held, role)
            told = session.parameters
        return Minted(role, self._environ(told, role, password, databases), order.ends)

    def end(self, public_id: str, deadline: float) -> None:
        end_run(self._calls, self._rules, public_id, deadline)

    def left(self) -> tuple[Left, ...]:
        with self._calls.snapshot(self._rules.main) as session:
            _, _, _, now, _ = self._calls.identity(session)
            return tuple(Left(one.role, one.run, one.ends, now) for one in all_runs(session, self._rules))

    # Parts

    def _atoms(self, things: Iterable[Resource]) -> tuple[list[tuple[Thing, str, Resource]], list[str]]:
        atoms, groups = [], []
        for resource in things:
            address = resource.address
            if address.kind is Kind.MEMBERSHIP:
                groups.append(address.object)
            else:
                atoms.append((names.parse(address.object, self._rules.main), address.slot or "", resource))
        return atoms, groups

    def _check_clock(self, site: Site) -> None:
        apart = abs((site.now - self._clock()).total_seconds())
        if apart > MAY_DIFFER:
            told = f"the server's clock and the one here differ by {_span(apart)}, so nobody can say when it would end"
            raise ProviderError(Trouble.INVALID, told, call="mint")

    def _check_person(self, site: Site, order: Order) -> None:
        """Whoever was locked out here by hand is not let in by a run."""
        for login in (order.login, *order.others):
            person = site.role(login)
            if person is None:
                raise gone(f"there is no login {login} here yet: `provision apply` makes it", "mint")
            if not person.logs_in or person.limit == 0 or (person.until is not None and person.until <= site.now):
                raise ProviderError(Trouble.DENIED, f"the login {login} is disabled", call="mint")

    def _datasets(self, site: Site, atoms: Sequence[tuple[Thing, str, Resource]], groups: Sequence[str]) -> list[str]:
        """The dataset roles of one database, which hold what they stand for and nothing else."""
        self._check_open(site)
        self._check_policies(site, [thing for thing, _, _ in atoms], groups)
        self._check_groups(site, groups)
        found = []
        for thing, privilege, resource in atoms:
            role = names.dataset_role(owner8(self._rules.owner), thing, privilege)
            said = resource.attributes.get("creators")
            creators = tuple(map(str, said)) if said is not None else None
            if not site.session.rows(_HELD, (role,)):  # what others hold by it is for `apply` to mend, by a plan
                ensure_dataset(site, role, thing, privilege, creators)
            self._check_exact(site, role)
            found.append(role)
        return found

    def _check_exact(self, site: Site, name: str) -> None:
        role = site.role(name)
        if role is None or role.dataset is None:
            raise _too_wide(f"the role {name} is not what its name says")
        dataset = role.dataset
        more = [r for r in site.privileges(role.oid) if not belongs(dataset, site.database, r)]
        if more or role.powers or site.session.rows(_MEMBER_OF, (role.oid,)):
            what = f"{more[0].privilege.lower()} on {more[0].kind} {more[0].name}" if more else "the rights of others"
            raise _too_wide(f"the dataset role {name} holds more than its name says: {what}")
        for _, where, kind, _ in site.session.rows(queries.DEPENDS, {"roles": [role.oid]}):
            if kind == "o" or where not in ("", site.database):
                does = "owns something" if kind == "o" else "holds something"
                told = f"the dataset role {name} {does} in {where or 'the cluster'}, which its name does not say"
                raise _too_wide(told)

    def _check_open(self, site: Site) -> None:
        """Before 16 whoever is in a role can act as it: what they make so belongs to the role, and stays."""
        found = [place for (place,) in site.session.rows(_OPEN)] if site.version < BY_MEMBERSHIP else []
        if found:
            raise _too_wide(
                f"everybody may create in {listed(found)} of {site.database}, and before PostgreSQL 16 a run could "
                "make things there that belong to the roles it is in, which work with their rights when it is over "
                "(revoke create from public)"
            )

    def _check_policies(self, site: Site, things: Sequence[Thing], groups: Sequence[str]) -> None:
        """A restriction on named roles does not hold for a login that is in none of them."""
        for schema, relation, policy, roles in site.session.rows(_POLICIES):
            touched = bool(groups) or any(
                t.schema == schema and (t.everything or t.relation == relation) for t in things
            )
            if touched and not set(roles) & set(groups):
                raise _too_wide(
                    f"row security of {schema}.{relation} restricts {', '.join(roles)} (policy {policy}), and a login "
                    "of the run would not be restricted"
                )

    def _check_groups(self, site: Site, groups: Sequence[str]) -> None:
        """Neither they nor what they are in, however far, may do what stays when the run is over."""
        inside = {}
        for start, oid, name, owns, lets_in in site.session.rows(_INSIDE, (list(groups),)) if groups else ():
            inside[oid] = (start, name)
            role = site.role(name)
            if role is not None and role.powers:
                raise _outlives(start, f"{name} has {', '.join(role.powers)}")
            if name in names.ADMIN_ROLES:
                raise _outlives(start, f"whoever is in {name} can make themselves the superuser")
            if lets_in:
                raise _outlives(start, f"{name} may let others into {listed(lets_in)}")
            if owns:
                raise _outlives(start, f"{name} owns things")
        for acl in site.privileges(*inside) if inside else ():
            start, name = inside[acl.grantee]
            what = f"{acl.privilege.lower()} on {acl.kind} {'.'.join(p for p in (acl.schema, acl.name) if p)}"
            if acl.grantable:
                raise _outlives(start, f"{name} may give away {what}")
            if acl.privilege.lower() in names.MAKES:
                raise _outlives(start, f"{name} has {what}")

    def _group(self, site: Site, name: str) -> str:
        if site.role(name) is None:
            raise gone(f"there is no role {name}", "mint")
        return name

    def _login(self, site: Site, session: Session, order: Order, role: str, password: str) -> None:
        logins = (order.login, *order.others)
        note = OfRun(order.run, owner8(self._rules.owner), order.person, order.pipeline, logins, order.ends)
        known = site.role(role)
        if known is None:
            site.create(role, "login")
        elif known.comment != note.text():  # said again after an unknown outcome it is the same, to the letter
            raise ProviderError(Trouble.CONFLICT, f"there is a role {role}, and it is not this run's", call="mint")
        site.run("comment on role {} is {text}", "comment", role, text=note.text())
        text = "alter role {} with login connection limit {most} valid until {end} password {kept}"
        kept = session.verifier(password, role)
        site.run(text, "alter role", role, most=CONNECTIONS, end=format_instant(order.ends), kept=kept)
        rest = sql.Literal(f"{max(1, _milliseconds(site.now, order.ends))}ms")
        for since, name in _SWITCHES:
            if site.version >= since:
                site.run("alter role {} set {switch} = {rest}", "alter role", role, switch=sql.SQL(name), rest=rest)

    def _environ(
        self, told: Mapping[str, str], role: str, password: str, databases: Sequence[str]
    ) -> Mapping[str, Secret | str]:
        """What libpq and all that is built on it read; `told` is how we are connected ourselves."""
        found: dict[str, Secret | str] = {name: told[key] for key, name in _PASSED_ON.items() if told.get(key)}
        found |= {"PGUSER": role, "PGPASSWORD": Secret(password)}
        found["PGDATABASE"] = self._rules.main if self._rules.main in databases else databases[0]
        return found


def _milliseconds(now: Instant, end: Instant) -> int:
    return int((end - now).total_seconds() * 1000)


def _span(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def _outlives(group: str, told: str) -> CannotNarrow:
    return _too_wide(f"the role {group} gives what outlives the run: {told}")


def _too_wide(told: str) -> CannotNarrow:
    return CannotNarrow((told,), call="mint")
