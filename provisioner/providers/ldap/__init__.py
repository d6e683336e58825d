"""Directories over LDAP: accounts, groups and memberships. OpenLDAP first.

Ownership is marked by one value of `description` beside whatever people wrote there, `provision/1 o=... k=...`: the
stock schema allows that attribute on persons (inetOrgPerson, account) and on every kind of group, it has many values,
and changing one leaves the others alone. A membership cannot carry a mark.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from provisioner.contract import Provider, ProviderError, Trouble, packages_of, settings_of
from provisioner.contract.fields import plain
from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.model.slot import Names
from provisioner.model.source import Source
from provisioner.model.target import Target
from provisioner.providers.ldap import dn, names
from provisioner.providers.ldap.declare import CAPABILITIES, LdapDeclare

if TYPE_CHECKING:
    from pydantic import BaseModel

    from provisioner.providers.ldap.connection import Limits, Link
    from provisioner.providers.ldap.issue import Passwords
    from provisioner.providers.ldap.read import LdapReader
    from provisioner.providers.ldap.source import LdapSource
    from provisioner.providers.ldap.write import LdapWriter


class LdapProvider:
    """`provisioner.contract.Provider`. `limits` are seconds to wait for the server; tests make them shorter."""

    name = "ldap"
    extra = "ldap"
    capabilities = CAPABILITIES
    issues: Mapping[str, Names] = {"password": Names(user="LDAP_BIND_DN", secret="LDAP_PASSWORD")}
    tells_login = True

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits

    @property
    def settings(self) -> type[BaseModel]:
        from provisioner.providers.ldap.settings import Settings

        return Settings

    @property
    def grants(self) -> type[BaseModel]:
        from provisioner.providers.ldap.settings import Grants

        return Grants

    @property
    def objects(self) -> type[BaseModel]:
        from provisioner.providers.ldap.settings import Objects

        return Objects

    def declare(self, target: Target) -> LdapDeclare:
        return LdapDeclare(target)

    def open_reader(self, target: Target, environ: Mapping[str, str]) -> LdapReader:
        """Connects at its first call, and never with a connection that can write."""
        link, people, groups = self._link(target, environ)
        from provisioner.providers.ldap.calls import ReadCalls
        from provisioner.providers.ldap.read import LdapReader

        return LdapReader(target.name, people, groups, ReadCalls(link))

    def check_source(self, target: Target, source: Source) -> str | None:
        """A source reads below the target's own base of people, or below a part of it."""
        from provisioner.providers.ldap.settings import Settings

        if source.base is None:
            return None
        people = Settings.model_validate(dict(target.settings.data)).base.people
        try:
            return None if dn.is_within(source.base, people) else f"`{source.base}` does not lie within `{people}`"
        except ValueError as error:
            return str(error)

    def open_source(self, target: Target, source: Source, environ: Mapping[str, str]) -> LdapSource:
        """Connects at its first call, and never with a connection that can write."""
        link, people, groups = self._link(target, environ)
        from provisioner.providers.ldap.calls import ReadCalls
        from provisioner.providers.ldap.source import LdapSource

        return LdapSource(target.name, source.base or people, groups, ReadCalls(link), source)

    def open_writer(self, target: Target, environ: Mapping[str, str], owner: str | None) -> LdapWriter:
        link, people, groups = self._link(target, environ)
        from provisioner.providers.ldap.calls import WriteCalls
        from provisioner.providers.ldap.write import LdapWriter

        return LdapWriter(target.name, people, groups, WriteCalls(link), owner)

    def open_issuer(self, target: Target, environ: Mapping[str, str], kind: str, owner: str | None) -> Passwords:
        """As `Issues.open_issuer`."""
        link, people, groups = self._link(target, environ)
        from provisioner.providers.ldap.calls import WriteCalls
        from provisioner.providers.ldap.issue import Passwords
        from provisioner.providers.ldap.site import Site

        single = target.settings.data.get("passwords") == "one"
        return Passwords(Site(target.name, people, groups, WriteCalls(link), owner), single=single)

    def check_credential(self, target: Target, kind: str, at: Location) -> Iterator[Diagnostic]:
        """As `Issues.check_credential`: a connection that others can read, and a password without overlap."""
        settings = target.settings.data
        url, start_tls = settings.get("url"), bool(settings.get("start_tls"))
        try:
            server = names.server_of(url) if isinstance(url, str) else None
        except ValueError:
            server = None
        encrypted = server is not None and (server.scheme == "ldaps" or start_tls)
        if server is not None and not names.is_private(server.hostname or "", encrypted=encrypted):
            yield Diagnostic(
                "credential-plain-text",
                f"a password for {target.name} would be sent so that others can read it on the way",
                location=at,
                why=f"{target.name} is reached by ldap:// without encryption",
                fix="use ldaps://, or add `start_tls: true` to the target",
                target=target.name,
            )
        if settings.get("passwords") == "one":
            yield Diagnostic(
                "credential-gap",
                f"a new password of {target.name} ends the one before at once",
                Severity.WARNING,
                location=at,
                why="the target says `passwords: one`: until the new one is delivered the consumer has none, "
                "a moment in an ordinary run; where a store does not take it, or the run dies there, until the next "
                "run, which makes another",
                fix="take `passwords: one` out where the server takes two; run `provision rotate --due` on a schedule",
                target=target.name,
            )

    def _link(self, target: Target, environ: Mapping[str, str]) -> tuple[Link, str, str]:
        from provisioner.providers.ldap.settings import Settings

        settings = settings_of(Settings, target)
        with packages_of("LDAP", self.extra, "ldap3", "pyasn1"):
            from provisioner.providers.ldap.connection import Limits, Link
        url = plain(settings.url, environ, "the address of the directory")
        try:
            server = names.server_of(url)
            for text in (settings.base.people, settings.base.groups):
                dn.parse(text)
        except ValueError as error:
            raise ProviderError(Trouble.CREDENTIAL, f"target {target.name}: {error}", call="settings") from None
        encrypted = server.scheme == "ldaps"
        link = Link(
            host=server.hostname or "",
            port=server.port or (636 if encrypted else 389),
            encrypted=encrypted,
            start_tls=settings.start_tls and not encrypted,
            bind_dn=plain(settings.bind_dn, environ, "the name to bind as"),
            password=settings.password.read(environ, "the password to bind with"),
            ca_file=None if settings.ca_file is None else plain(settings.ca_file, environ, "the file of certificates"),
            limits=self._limits or Limits(),
        )
        return link, settings.base.people, settings.base.groups


PROVIDER: Provider = LdapProvider()
