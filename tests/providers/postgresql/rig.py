"""Stories on a real PostgreSQL: files said in Python, planned and applied by the engine itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from provisioner.apply import Applied
from provisioner.contract import Connection, Reading
from provisioner.diagnostics import Location
from provisioner.engine import Planned, Situation, make_plan
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import EVERYTHING
from provisioner.model.identity import AccountName, Identity
from provisioner.model.past import PastDeclared
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.role import GrantBlock, Role
from provisioner.model.target import AccountsPolicy, Mode, Target
from provisioner.plan.plan import Plan
from provisioner.providers.postgresql import PostgresProvider
from provisioner.providers.postgresql.calls import Limits
from provisioner.providers.postgresql.read import PostgresReader
from provisioner.providers.postgresql.write import PostgresWriter
from tests.builders import NOW
from tests.rigs.postgres import Postgres
from tests.runs import failures, run
from tests.worlds import OWNER, block, files

NAME = "db"


def person(login: str) -> Principal:
    return Principal(NAME, PrincipalKind.PERSON, login)


def grant(thing: str, login: str | Principal, slot: str) -> Address:
    return Address(NAME, Kind.GRANT, thing, person(login) if isinstance(login, str) else login, slot)


def account(login: str) -> Address:
    return Address(NAME, Kind.ACCOUNT, login)


def membership(role: str, login: str) -> Address:
    return Address(NAME, Kind.MEMBERSHIP, role, person(login))


def gives(name: str, roles: Iterable[str] = (), datasets: Mapping[str, list[str]] | None = None) -> Role:
    """A role of the files."""
    data: dict[str, Any] = {}
    if roles:
        data["roles"] = list(roles)
    if datasets:
        data["datasets"] = dict(datasets)
    file = f"access/roles/{name}.yaml"
    return Role(
        name, (), (), (), (GrantBlock(NAME, block(data, file), {}, Location(file, 4, 7)),), Location(file, 2, 3)
    )


def known_as(identity: Identity, *, login: str | None = None, pin: str | None = None) -> Identity:
    return replace(identity, accounts={NAME: AccountName(login, pin, identity.location)})


@dataclass
class Rig:
    """`user` is whom the engine connects as."""

    server: Postgres
    folder: Path
    user: str = "svc"
    databases: list[str] = field(default_factory=lambda: ["app"])
    settings: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, Any] = field(default_factory=dict)
    mode: Mode = Mode.ADD
    accounts: AccountsPolicy = AccountsPolicy.CREATE
    limits: Limits = field(default_factory=Limits)
    owner: str | None = OWNER

    def target(self) -> Target:
        dsn = f"host={self.server.folder} port={self.server.port} user={self.user}"
        data = {"dsn": dsn, "databases": self.databases, **self.settings}
        file = "access/targets.yaml"
        settings, objects = block(data, file), block(self.objects, file)
        return Target(NAME, NAME, "postgresql", self.mode, self.accounts, settings=settings, objects=objects)

    def connection(self) -> Connection:
        target, provider = self.target(), PostgresProvider(self.limits)
        return Connection(target, provider, provider.declare(target), {}, self.owner)

    def reader(self) -> PostgresReader:
        return PostgresProvider(self.limits).open_reader_for(self.target(), {}, self.owner)

    def writer(self) -> PostgresWriter:
        return PostgresProvider(self.limits).open_writer(self.target(), {}, self.owner)

    def read(self) -> Reading:
        reader = self.reader()
        try:
            return reader.read(EVERYTHING)
        finally:
            reader.close()

    def look(self, *addresses: Address) -> Reading:
        reader = self.reader()
        try:
            return reader.look(addresses)
        finally:
            reader.close()

    # Stories

    def files(self, identities: Iterable[Identity], roles: Iterable[Role]) -> DeclaredAccess:
        return replace(files(identities, roles), targets={NAME: self.target()})

    def facing(self, declared: DeclaredAccess, *before: DeclaredAccess, now: datetime = NOW) -> Situation:
        past = tuple(PastDeclared(f"rev{i}", d, frozenset({NAME})) for i, d in enumerate(before))
        declared = replace(declared, targets={NAME: self.target()})
        return Situation(declared, {NAME: self.connection()}, now, past)

    def plan(self, declared: DeclaredAccess, *before: DeclaredAccess, now: datetime = NOW) -> Plan:
        return make_plan(self.facing(declared, *before, now=now)).plan

    def run(self, declared: DeclaredAccess, *before: DeclaredAccess, now: datetime = NOW) -> tuple[Planned, Applied]:
        return run(self.facing(declared, *before, now=now), self.folder, now=now)

    def apply(self, declared: DeclaredAccess, *before: DeclaredAccess, now: datetime = NOW) -> list[str]:
        """Applies, insists that all of it worked, and gives the words of what was done."""
        planned, applied = self.run(declared, *before, now=now)
        assert failures(applied) == []
        return [c.words for c in planned.plan.changes]

    def can(self, user: str, statement: str, database: str = "app") -> bool:
        """Whether the server lets `user` do it."""
        import psycopg

        try:
            self.server.run(statement, database=database, user=user)
        except psycopg.errors.InsufficientPrivilege:
            return False
        return True
