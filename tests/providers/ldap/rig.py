"""A directory to test against, real or embedded, with the provider's reader and writer opened on it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPInvalidCredentialsResult

from provisioner.contract import Outcome, Reading
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block, nowhere
from provisioner.model.change import Action, Cause, Change
from provisioner.model.coverage import EVERYTHING
from provisioner.model.effect import Effect
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.target import Target
from provisioner.model.way import Way
from provisioner.providers.ldap import LdapProvider
from provisioner.providers.ldap.connection import Limits
from provisioner.providers.ldap.read import LdapReader
from provisioner.providers.ldap.write import LdapWriter

NAME = "corp"
OWNER = "5f1c0a9e77"
ENVIRON = {"LDAP_PASSWORD": "svc-secret", "ADMIN": "admin-secret"}

Value = str | bytes | Sequence[str | bytes]


def person(login: str) -> Principal:
    return Principal(NAME, PrincipalKind.PERSON, login)


def unknown(name: str) -> Principal:
    return Principal(NAME, PrincipalKind.UNKNOWN, name)


def account(login: str) -> Address:
    return Address(NAME, Kind.ACCOUNT, login)


def group(name: str) -> Address:
    return Address(NAME, Kind.GROUP, name)


def membership(name: str, who: str | Principal) -> Address:
    return Address(NAME, Kind.MEMBERSHIP, name, person(who) if isinstance(who, str) else who)


def change(
    action: Action,
    address: Address,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    who: str | None = None,
    ways: tuple[Way, ...] = (),
) -> Change:
    return Change(action, address, before, after, Cause.DECLARED, Effect(), identity=who, ways=ways)


@dataclass
class Rig:
    """`kind` is `slapd` or `embedded`; `url` how the server is reached (a proxy may stand before it)."""

    kind: str
    url: str
    suffix: str
    admin_dn: str
    admin_password: str
    service_dn: str
    limits: Limits = field(default_factory=lambda: Limits(connect=5, answer=10))
    open: list[LdapReader | LdapWriter] = field(default_factory=list)

    @property
    def people(self) -> str:
        return f"ou=people,{self.suffix}"

    @property
    def groups(self) -> str:
        return f"ou=groups,{self.suffix}"

    def who(self, login: str) -> str:
        return f"uid={login},{self.people}"

    def cn(self, name: str) -> str:
        return f"cn={name},{self.groups}"

    # The provider on it

    def target(self, **settings: Any) -> Target:
        data: dict[str, Any] = {
            "url": self.url,
            "bind_dn": self.service_dn,
            "password": {"env": "LDAP_PASSWORD"},
            "base": {"people": self.people, "groups": self.groups},
            **settings,
        }
        return Target(NAME, NAME, "ldap", settings=Block(data, nowhere()))

    def reader(self, **settings: Any) -> LdapReader:
        reader = LdapProvider(self.limits).open_reader(self.target(**settings), ENVIRON)
        self.open.append(reader)
        return reader

    def writer(self, owner: str | None = OWNER, **settings: Any) -> LdapWriter:
        writer = LdapProvider(self.limits).open_writer(self.target(**settings), ENVIRON, owner)
        self.open.append(writer)
        return writer

    def read(self, **settings: Any) -> Reading:
        return self.reader(**settings).read(EVERYTHING)

    def look(self, *addresses: Address) -> Reading:
        return self.reader().look(addresses)

    def do(
        self, *changes: Change, owner: str | None = OWNER, expect: Mapping[Address, Resource] | None = None
    ) -> list[Outcome]:
        """Hands all changes to a new writer as one unit."""
        return self.write(self.writer(owner), *changes, expect=expect)

    def write(
        self,
        writer: LdapWriter,
        *changes: Change,
        expect: Mapping[Address, Resource] | None = None,
        seconds: float = 15,
    ) -> list[Outcome]:
        unit = LdapProvider().declare(self.target()).unit(changes[0].address)
        deadline = time.monotonic() + seconds
        return list(writer.write(unit, changes, expect=expect or {}, token="t", deadline=deadline))

    # The directory as its administrator sees it

    def connection(self, dn: str | None = None, password: str | None = None) -> Any:
        return ldap3.Connection(
            ldap3.Server(self.url, get_info=ldap3.NONE, connect_timeout=5),
            dn or self.admin_dn,
            self.admin_password if dn is None else password,
            auto_bind=True,
            raise_exceptions=True,
            receive_timeout=10,
            check_names=False,
            auto_escape=False,
        )

    def add(self, dn: str, classes: str | Iterable[str], **values: Value) -> None:
        attributes = {n.replace("__", ";"): [v] if isinstance(v, str | bytes) else list(v) for n, v in values.items()}
        connection = self.connection()
        connection.add(dn, classes.split() if isinstance(classes, str) else list(classes), attributes)
        connection.unbind()

    def add_person(self, login: str, **values: Value) -> str:
        """An inetOrgPerson with the password `login-password`; returns its name."""
        base = {"uid": login, "cn": login, "sn": login, "userPassword": f"{login}-password"}
        self.add(self.who(login), "inetOrgPerson", **{**base, **values})
        return self.who(login)

    def add_group(self, name: str, *members: str, **values: Value) -> str:
        self.add(self.cn(name), "groupOfNames", **{"cn": name, "member": list(members) or [self.cn(name)], **values})
        return self.cn(name)

    def modify(self, dn: str, changes: Mapping[str, Any]) -> None:
        connection = self.connection()
        connection.modify(dn, changes)
        connection.unbind()

    def delete(self, dn: str) -> None:
        connection = self.connection()
        connection.delete(dn)
        connection.unbind()

    def entry(self, dn: str, *attributes: str) -> dict[str, list[bytes]] | None:
        """The entry's values by name, or None."""
        connection = self.connection()
        try:
            connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=list(attributes or ("*", "+")))
            found = [e for e in connection.response if e["type"] == "searchResEntry"]
            return dict(found[0]["raw_attributes"]) if found else None
        except ldap3.core.exceptions.LDAPNoSuchObjectResult:
            return None
        finally:
            connection.unbind()

    def values(self, dn: str, attribute: str) -> list[str]:
        found = self.entry(dn, attribute)
        assert found is not None, f"{dn} is not there"
        return [v.decode() for v in found.get(attribute, [])]

    def dump(self) -> dict[str, dict[str, list[bytes]]]:
        """Every entry, with entryCSN, which changes with every change."""
        connection = self.connection()
        connection.search(self.suffix, "(objectClass=*)", attributes=["*", "entryCSN", "entryUUID"])
        found = {
            e["dn"]: {name: sorted(values) for name, values in e["raw_attributes"].items()}
            for e in connection.response
            if e["type"] == "searchResEntry"
        }
        connection.unbind()
        return found

    def can_bind(self, dn: str, password: str) -> bool:
        try:
            self.connection(dn, password).unbind()
        except LDAPInvalidCredentialsResult:
            return False
        return True
