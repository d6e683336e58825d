"""The catalog queries. Their number does not depend on how much there is: six for the cluster, two for each database.

They ask the catalogs and not `information_schema`, which shows only what concerns one's own roles. A NULL list of
privileges is not no access: it stands for the defaults, which give everything to the owner and, of a database, CONNECT
and TEMPORARY to everybody.
"""

from __future__ import annotations

from typing import LiteralString

IDENTITY: LiteralString = """
select s.system_identifier::text, current_setting('server_version_num')::int, session_user::text, now(),
       pg_is_in_recovery()
  from pg_control_system() s"""

ROLES: LiteralString = """
select r.oid::int8, r.rolname::text, r.rolcanlogin, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication,
       r.rolbypassrls, r.rolinherit, r.rolconnlimit,
       case when isfinite(r.rolvaliduntil)
            then to_char(r.rolvaliduntil at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end,
       shobj_description(r.oid, 'pg_authid')
  from pg_roles r"""

# Before 16 there is one row for a role and its member, and these options are not there.
MEMBERSHIPS: LiteralString = """
select m.roleid::int8, m.member::int8, m.grantor::int8, m.admin_option,
       (to_jsonb(m) ->> 'inherit_option')::bool, (to_jsonb(m) ->> 'set_option')::bool
  from pg_auth_members m"""

DATABASES: LiteralString = """
select d.datname::text, d.datallowconn, d.datdba::int8, a.grantor::int8, a.grantee::int8, a.privilege_type,
       a.is_grantable
  from pg_database d left join lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a on true
 where not d.datistemplate"""

# What a role owns and what it is granted, in every database, also in those that are not ours to look into. Default
# privileges and user mappings (`d`) are its own and nobody else's: they are dropped in their database, not handed on.
DEPENDS: LiteralString = """
select s.refobjid::int8, coalesce(d.datname::text, ''),
       case when s.classid in ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass) and s.deptype = 'o' then 'd'
            else s.deptype::text end, count(*)
  from pg_shdepend s left join pg_database d on d.oid = s.dbid
 where s.refclassid = 'pg_authid'::regclass and s.refobjid >= 16384
   and (%(roles)s::int8[] is null or s.refobjid::int8 = any(%(roles)s))
 group by 1, 2, 3"""

RELATIONS: LiteralString = """
select n.nspname::text, c.relname::text, c.relkind::text, c.relowner::int8
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'"""

_WHO: LiteralString = """(%(grantees)s::int8[] is null or a.grantee::int8 = any(%(grantees)s))"""
_NAMED: LiteralString = """a.grantee >= 16384 and a.grantee <> {owner} and """ + _WHO
_ANYONE: LiteralString = "(a.grantee >= 16384 or (a.grantee = 0 and {public})) and a.grantee <> {owner} and " + _WHO
_OURS: LiteralString = "n.nspname <> 'information_schema' and n.nspname !~ '^pg_'"


def _acl(
    kind: LiteralString,
    source: LiteralString,
    acl: LiteralString,
    names: LiteralString,
    owner: LiteralString,
    *,
    public: LiteralString | None = None,
) -> LiteralString:
    """Rows of one kind of thing: kind, oid, schema, name, more, owner, grantor, grantee, privilege, grantable. What
    everybody has is told where `public` holds."""
    who = (_NAMED if public is None else _ANYONE.replace("{public}", public)).replace("{owner}", owner)
    return f"""select '{kind}', {names}, {owner}::int8, a.grantor::int8, a.grantee::int8, a.privilege_type,
       a.is_grantable
  from {source} cross join lateral aclexplode({acl}) a where {who}"""  # noqa: S608 - texts of this file


_IN_SCHEMA: LiteralString = "join pg_namespace n on n.oid = "

PRIVILEGES: LiteralString = " union all ".join(
    (
        _acl("schema", "pg_namespace n", "n.nspacl", "n.oid::int8, n.nspname::text, ''::text, ''::text", "n.nspowner",
             public=_OURS),
        _acl("relation", f"pg_class c {_IN_SCHEMA}c.relnamespace", "c.relacl",
             "c.oid::int8, n.nspname::text, c.relname::text, c.relkind::text", "c.relowner", public=_OURS),
        _acl("column", f"pg_attribute t join pg_class c on c.oid = t.attrelid {_IN_SCHEMA}c.relnamespace", "t.attacl",
             "c.oid::int8, n.nspname::text, c.relname::text, t.attname::text", "c.relowner", public=_OURS),
        _acl("function", f"pg_proc p {_IN_SCHEMA}p.pronamespace", "p.proacl",
             "p.oid::int8, n.nspname::text, p.proname::text, case p.prokind when 'a' then "
             "oidvectortypes(p.proargtypes) else pg_get_function_identity_arguments(p.oid) end", "p.proowner"),
        _acl("type", f"pg_type y {_IN_SCHEMA}y.typnamespace", "y.typacl",
             "y.oid::int8, n.nspname::text, y.typname::text, ''", "y.typowner"),
        _acl("language", "pg_language l", "l.lanacl", "l.oid::int8, '', l.lanname::text, ''", "l.lanowner"),
        _acl("wrapper", "pg_foreign_data_wrapper w", "w.fdwacl", "w.oid::int8, '', w.fdwname::text, ''", "w.fdwowner",
             public="true"),
        _acl("server", "pg_foreign_server s", "s.srvacl", "s.oid::int8, '', s.srvname::text, ''", "s.srvowner",
             public="true"),
        _acl("large object", "pg_largeobject_metadata g", "g.lomacl", "g.oid::int8, '', g.oid::text, ''", "g.lomowner",
             public="true"),
        _acl("future", "pg_default_acl f left join pg_namespace n on n.oid = f.defaclnamespace "
             "join pg_roles r on r.oid = f.defaclrole", "f.defaclacl",
             "f.oid::int8, coalesce(n.nspname::text, ''), r.rolname::text, f.defaclobjtype::text", "f.defaclrole",
             public="f.defaclobjtype not in ('f', 'T')"),
    )
)  # fmt: skip
"""What is granted in one database to anybody but its owner. To everybody only what is not theirs by default: nothing of
functions, types and languages."""

_SHARED: LiteralString = _acl(
    "tablespace",
    "pg_tablespace e",
    "e.spcacl",
    "e.oid::int8, '', e.spcname::text, ''",
    "e.spcowner",
    public="true",
)
_PARAMETERS: LiteralString = _acl(
    "parameter",
    "pg_parameter_acl q",
    "q.paracl",
    "q.oid::int8, '', q.parname::text, ''",
    "10::oid",
    public="true",
)


def shared(version: int) -> LiteralString:
    """What is granted in the whole cluster beside databases. Parameters can be granted from 15 on."""
    return f"{_SHARED} union all {_PARAMETERS}" if version >= 150000 else _SHARED


SESSIONS: LiteralString = (
    "select pid, datname::text from pg_stat_activity where usesysid::int8 = any(%s) and pid <> pg_backend_pid()"
)
