"""A real PostgreSQL server."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from provisioner.providers.postgresql import names
from tests.faults.story import OWNER, ROLES, Story
from tests.faults.systems.base import GONE
from tests.faults.systems.postgres_wire import PostgresWire
from tests.faults.wire import Spoil
from tests.rigs.postgres import Postgres

_ROLES = """
select r.rolname, r.rolcanlogin, shobj_description(r.oid, 'pg_authid'), a.xmin::text, to_jsonb(a)::text
  from pg_roles r join pg_authid a on a.oid = r.oid where r.oid >= 16384"""
_MEMBERS = """
select r.rolname, w.rolname, m.xmin::text from pg_auth_members m join pg_roles r on r.oid = m.roleid
       join pg_roles w on w.oid = m.member where m.member >= 16384"""
_READERS = """
select r.rolname, c.relname from pg_roles r, pg_class c where c.relnamespace = 'sales'::regnamespace
   and r.oid >= 16384 and not r.rolsuper and has_table_privilege(r.oid, c.oid, 'select')"""
_RELATIONS = (
    "select relname, relowner::regrole::text, relacl::text from pg_class where relnamespace = 'sales'::regnamespace"
)


class PostgresSystem:
    """`tests.faults.systems.base.System`. Its data folder is copied back while the server is down. Groups of the story
    are roles, policies are tables that may be read."""

    name = "warehouse"
    silent: tuple[Spoil, ...] = ()

    def __init__(self) -> None:
        self.wire = PostgresWire()
        self.server: Postgres
        self.password = "engine-secret"

    def start(self, folder: Path) -> None:
        self.server = Postgres().start()
        self.server.reset()
        self.server.run(f"create role engine login superuser password '{self.password}'", "create schema sales")

    def seed(self, story: Story) -> None:
        run = self.server.run
        for policy in story.names("policies"):
            run(f"create table sales.{policy.lower()} (id int)")
            thing = names.parse(f"sales.{policy.lower()}", "app")
            role, told = (f(OWNER[:8], thing, "select") for f in (names.dataset_role, names.dataset_comment))
            run(f"create role {role}", f"comment on role {role} is '{told}'",
                f"grant connect on database app to {role}", f"grant usage on schema sales to {role}",
                f"grant select on sales.{policy.lower()} to {role}")  # fmt: skip
        for group in (*story.names("groups"), "handmade"):
            run(f"create role {group}")
        for other, comment in (("stranger", "nobody's"), ("theirs", "provision/1 o=deadbeef k=theirs")):
            run(f"create role {other} login in role handmade", f"comment on role {other} is $${comment}$$")
            run(f"grant {', '.join(story.names('groups'))} to {other}")
        for person in story.people:
            if person.before is None:
                continue
            run(f"create role {person.name} login password '{person.name}-password'")
            run(f"comment on role {person.name} is 'provision/1 o={OWNER[:8]} k={person.name}'")
            for held in self._roles_of([ROLES[r] for r in person.before]):
                run(f"grant {held} to {person.name}")

    @staticmethod
    def _roles_of(roles: Iterable[Mapping[str, tuple[str, ...]]]) -> list[str]:
        found = {g: None for role in roles for g in role["groups"]}
        policies = {p: None for role in roles for p in role["policies"]}
        things = (names.parse(f"sales.{p.lower()}", "app") for p in policies)
        return [*found, *(names.dataset_role(OWNER[:8], t, "select") for t in things)]

    def save(self) -> None:
        self.server.stop()
        self._copy(self._data, self._kept)

    def restore(self) -> None:
        self.server.kill()
        self._copy(self._kept, self._data)
        self.server.start()

    @property
    def _data(self) -> Path:
        return self.server.folder / "data"

    @property
    def _kept(self) -> Path:
        return self.server.folder / "kept"

    @staticmethod
    def _copy(source: Path, to: Path) -> None:
        shutil.rmtree(to, ignore_errors=True)
        subprocess.run(["cp", "--archive", str(source), str(to)], check=True)

    def serve(self) -> None:
        """It is a process of its own, and serves already."""

    def stop(self) -> None:
        self.server.remove()

    @property
    def upstream(self) -> tuple[str, int]:
        return ("127.0.0.1", self.server.port)

    def plant(self, secret: Iterator[str], logins: frozenset[str]) -> list[str]:
        """Our own password, and those of others."""
        planted = [next(secret) for _ in range(3)]
        self.password = planted[0]
        self.server.run(f"alter role engine password $${planted[0]}$$")
        self.server.run(
            *[f"alter role {who} password $${v}$$" for who, v in zip(("stranger", "theirs"), planted[1:], strict=True)]
        )
        return planted

    def small_pages(self) -> None:
        """There are none: an answer is all rows."""

    def environment(self, port: int) -> dict[str, str]:
        return {
            "PG_DSN": f"host=127.0.0.1 port={port} user=engine sslmode=disable gssencmode=disable",
            "PG_SECRET": self.password,
        }

    def target(self, *, after: bool) -> str:
        return f"""\
{self.name}:
  provider: postgresql
  dsn: {{env: PG_DSN}}
  password: {{env: PG_SECRET}}
  databases: [app]"""

    def grants(self, role: Mapping[str, tuple[str, ...]]) -> str:
        datasets = ", ".join(f"sales.{p.lower()}: [select]" for p in role["policies"])
        return f"{{roles: [{', '.join(role['groups'])}], datasets: {{{datasets}}}}}"

    def account(self, login: str) -> str:
        return ""

    def standing(self, *, after: bool) -> frozenset[str]:
        return frozenset()

    def wanted(self, login: str, roles: Iterable[Mapping[str, tuple[str, ...]]]) -> frozenset[str]:
        roles = list(roles)
        found = {f"account/{login}"}
        found |= {f"membership/{g}/{login}" for role in roles for g in role["groups"]}
        found |= {f"grant/sales.{p.lower()}/{login}#select" for role in roles for p in role["policies"]}
        return frozenset(found)

    def held(self, logins: frozenset[str]) -> frozenset[str]:
        """By rows of the catalogs; what somebody may read, by asking the server whether they may."""
        run = self.server.run
        roles = {name: logs_in for name, logs_in, *_ in run(_ROLES)}
        found = {f"account/{name}" for name, logs_in in roles.items() if name in logins and logs_in}
        found |= {f"membership/{r}/{m}" for r, m, _ in run(_MEMBERS) if m in logins and not r.startswith("ds_")}
        readers = {f"grant/sales.{table}/{who}#select" for who, table in run(_READERS) if who in logins}
        return frozenset(found | readers)

    def foreign(self, logins: frozenset[str]) -> Mapping[str, Any]:
        """Every other role with the version of its row, what others are in, and every table's list of privileges."""
        run = self.server.run
        kept: dict[str, Any] = {f"role {name}": rest for name, *rest in run(_ROLES) if name not in logins}
        kept |= {f"membership {r}/{m}": version for r, m, version in run(_MEMBERS) if m not in logins}
        return kept | {f"table {name}": rest for name, *rest in run(_RELATIONS)}

    def accounts(self, logins: frozenset[str]) -> Mapping[str, int]:
        """By login or by mark, each role once."""
        found: dict[str, int] = {}
        for name, _, comment, *_ in self.server.run(_ROLES):
            key = (comment or "").partition(" k=")[2].split(" ")[0]
            for login in {name, key} & logins:
                found[login] = found.get(login, 0) + 1
        return found

    def moments(self, story: Story) -> list[str]:
        return []

    def rests_on(self, action: str, thing: str, damaged: frozenset[str]) -> bool:
        """One reading of the catalogs is one snapshot: where it broke off, all of it did."""
        return bool(damaged) and (action in GONE or action == "create")

    def broken(self, wrong: str) -> list[dict[str, str]]:
        return [{"PG_SECRET": wrong}, {"PG_DSN": f"host=127.0.0.1 port=1 user=engine password={wrong}"}]
