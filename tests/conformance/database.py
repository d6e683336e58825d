"""A real PostgreSQL as a system under test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.providers.postgresql import PROVIDER
from tests.conformance.harness import Plain
from tests.rigs.postgres import Postgres

_ROLES = """
select r.rolname, r.rolcanlogin, r.rolsuper, r.rolconnlimit, r.rolvaliduntil::text,
       shobj_description(r.oid, 'pg_authid'), a.rolpassword
  from pg_roles r join pg_authid a on a.oid = r.oid where r.oid >= 16384 and r.rolname <> 'svc'"""
_MEMBERS = """
select m.roleid::regrole::text, m.member::regrole::text, m.grantor::regrole::text
  from pg_auth_members m where m.member >= 16384"""
_RIGHTS = """
select c.oid::regclass::text, c.relowner::regrole::text, c.relacl::text from pg_class c
  join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'sales'"""


class PostgresHarness(Plain):
    """The administrator is the server's superuser, over its socket; the engine is a role of its own."""

    name = "postgresql"
    groups = "roles"
    provider = PROVIDER
    lacks: Mapping[str, str] = {"keyless": "nothing there takes the token of a CI"}

    def __init__(self, server: Postgres) -> None:
        self._server = server
        server.run("create role svc login superuser")

    def settings(self) -> Mapping[str, Any]:
        return {"dsn": self._server.dsn(user="svc").replace("dbname=app ", ""), "databases": ["app"]}

    def environ(self) -> Mapping[str, str]:
        return {}

    def seed_foreign(self) -> None:
        self._server.run(
            'create role "foreign-group"',
            'create role "foreign-1" login in role "foreign-group"',
            'create role "foreign-2" login in role "foreign-group"',
            "comment on role \"foreign-1\" is 'theirs'",
            "create schema sales create table orders (id int)",
            'grant usage on schema sales to "foreign-2"',
            'grant select on sales.orders to "foreign-2" with grant option',
        )

    def add_by_hand(self, group: str, login: str) -> None:
        if (group,) not in self._server.run("select rolname from pg_roles"):
            self._server.run(f'create role "{group}"')
        self._server.run(f'grant "{group}" to "{login}"')

    def truth(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        members: dict[str, list[str]] = {}
        for role, member, grantor in self._server.run(_MEMBERS):
            members.setdefault(role.strip('"'), []).append(f"{member} by {grantor}")
        for name, logs_in, *rest in self._server.run(_ROLES):
            kind = "account" if logs_in or "provision/1" in (rest[3] or "") else "group"
            found[f"{kind} {name}"] = (logs_in, rest, sorted(members.get(name, [])))
        found |= {f"table {name}": rest for name, *rest in self._server.run(_RIGHTS)}
        return found

    def members(self, group: str) -> set[str]:
        rows = self._server.run(_MEMBERS)
        return {member.strip('"') for role, member, _ in rows if role.strip('"') == group}

    def can_get_in(self, login: str) -> bool:
        """The server is asked: its socket trusts whoever may log in at all."""
        return self._server.can_log_in(login)
