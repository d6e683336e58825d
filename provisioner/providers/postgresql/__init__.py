"""PostgreSQL: login roles, memberships, privileges on datasets, in one cluster and any of its databases.

Ownership is marked by a line of the role's comment (COMMENT ON ROLE), `provision/1 o=... k=...`, beside whatever people
wrote there. What a role gives on a dataset is held by a *dataset role*: one NOLOGIN role for each thing and privilege,
named `ds_...`, whose comment says what it is for; people and groups are put into it. A membership cannot carry a mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from provisioner.contract import Provider, ProviderError, Trouble
from provisioner.contract.fields import plain
from provisioner.diagnostics import Diagnostic, Location
from provisioner.model.slot import Names
from provisioner.model.target import Target
from provisioner.providers.postgresql.declare import CAPABILITIES, PostgresDeclare

if TYPE_CHECKING:
    from pydantic import BaseModel

    from provisioner.providers.postgresql.calls import Limits, Link
    from provisioner.providers.postgresql.issue import Passwords
    from provisioner.providers.postgresql.mint import PostgresMinter
    from provisioner.providers.postgresql.read import PostgresReader
    from provisioner.providers.postgresql.settings import Settings
    from provisioner.providers.postgresql.write import PostgresWriter


class PostgresProvider:
    """`provisioner.contract.Provider`. `limits` are seconds to wait for the server; tests make them shorter."""

    name = "postgresql"
    extra = "postgresql"
    capabilities = CAPABILITIES
    issues: Mapping[str, Names] = {"password": Names(user="PGUSER", secret="PGPASSWORD")}
    tells_login = False  # a service's logins keep their names
    takes_back = True

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits

    @property
    def settings(self) -> type[BaseModel]:
        from provisioner.providers.postgresql.settings import Settings

        return Settings

    @property
    def grants(self) -> type[BaseModel]:
        from provisioner.providers.postgresql.settings import Grants

        return Grants

    @property
    def objects(self) -> type[BaseModel]:
        from provisioner.providers.postgresql.settings import Objects

        return Objects

    def declare(self, target: Target) -> PostgresDeclare:
        return PostgresDeclare(target)

    def open_reader(self, target: Target, environ: Mapping[str, str]) -> PostgresReader:
        """Connects at its first query, and in transactions that the server takes for READ ONLY."""
        return self.open_reader_for(target, environ, None)

    def open_reader_for(self, target: Target, environ: Mapping[str, str], owner: str | None) -> PostgresReader:
        """`provisioner.contract.TellsOwners`: a dataset role says whose it is."""
        link, settings = self._link(target, environ)
        from provisioner.providers.postgresql.calls import ReadCalls
        from provisioner.providers.postgresql.read import PostgresReader

        creators: dict[str | None, list[str]] = {None: settings.creators}
        for path, entry in (target.objects.data.get("datasets") or {}).items():
            listed: Any = entry.get("creators") if isinstance(entry, Mapping) else None
            if listed is not None:
                creators[path] = list(listed)
        return PostgresReader(target.name, settings.databases, creators, ReadCalls(link), owner)

    def open_writer(self, target: Target, environ: Mapping[str, str], owner: str | None) -> PostgresWriter:
        link, settings = self._link(target, environ)
        from provisioner.providers.postgresql.calls import WriteCalls
        from provisioner.providers.postgresql.site import Rules
        from provisioner.providers.postgresql.write import PostgresWriter

        rules = Rules(target.name, owner, tuple(settings.databases), settings.reassign_to)
        return PostgresWriter(WriteCalls(link), rules)

    def open_minter(self, target: Target, environ: Mapping[str, str], owner: str | None) -> PostgresMinter:
        """`provisioner.contract.Mints`: with the credential that writes."""
        link, settings = self._link(target, environ)
        from provisioner.providers.postgresql.calls import WriteCalls
        from provisioner.providers.postgresql.mint import PostgresMinter
        from provisioner.providers.postgresql.site import Rules

        rules = Rules(target.name, owner, tuple(settings.databases), settings.reassign_to)
        return PostgresMinter(WriteCalls(link), rules)

    def open_issuer(self, target: Target, environ: Mapping[str, str], kind: str, owner: str | None) -> Passwords:
        """As `Issues.open_issuer`."""
        link, settings = self._link(target, environ)
        from provisioner.providers.postgresql.calls import WriteCalls
        from provisioner.providers.postgresql.issue import Passwords
        from provisioner.providers.postgresql.site import Rules

        return Passwords(WriteCalls(link), Rules(target.name, owner, tuple(settings.databases), settings.reassign_to))

    def check_credential(self, target: Target, kind: str, at: Location) -> Iterator[Diagnostic]:
        """As `Issues.check_credential`: the old one works beside the new one."""
        yield from ()

    def _link(self, target: Target, environ: Mapping[str, str]) -> tuple[Link, Settings]:
        from provisioner.providers.postgresql.settings import Settings

        settings = Settings.model_validate(dict(target.settings.data))
        try:
            from provisioner.providers.postgresql.calls import Limits, Link
        except ImportError as error:
            if (error.name or "").partition(".")[0] != "psycopg" and "libpq" not in str(error):
                raise
            raise ProviderError(
                Trouble.CREDENTIAL,
                "PostgreSQL needs a further package: pip install 'provision-access[postgresql]'",
                call="open",
                code="missing-extra",
            ) from error
        password = settings.password.read(environ, "the password to connect with") if settings.password else None
        dsn = plain(settings.dsn, environ, "the connection string")
        return Link(dsn, password, settings.databases[0], self._limits or Limits()), settings


PROVIDER: Provider = PostgresProvider()
