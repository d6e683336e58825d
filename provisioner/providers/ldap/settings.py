"""What a target of provider `ldap` may say: its connection, a role's grants block, what is declared under it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import StringConstraints

from provisioner.contract.fields import FromEnvironment, Strict

Name = Annotated[str, StringConstraints(min_length=1)]


class Base(Strict):
    """Where the entries lie, each with everything below it."""

    people: Name
    groups: Name


class Settings(Strict):
    """`url` is `ldap://host[:port]` or `ldaps://host[:port]`. `ca_file` holds the certificates (PEM) that the server's
    must lead to; without it the machine's own store decides. `start_tls` encrypts an `ldap://` connection before the
    bind. `account_end` says that the server obeys that attribute (OpenLDAP 2.5 and later with the ppolicy overlay): a
    person's own end is then written there too. `passwords: one`: an account has one password at a time, because the
    server's policy refuses two, or because ours are not to be two; one of a service then ends before the new one is
    delivered.
    """

    url: Name | FromEnvironment
    bind_dn: Name | FromEnvironment
    password: FromEnvironment
    base: Base
    ca_file: Name | FromEnvironment | None = None
    start_tls: bool = False
    account_end: Literal["pwdEndTime"] | None = None
    passwords: Literal["one", "two"] = "two"


class Grants(Strict):
    """The groups that a role's holders are in."""

    groups: list[Name]


class Group(Strict):
    """A group of the target itself."""

    description: Name | None = None
    environment: Name | None = None


class Objects(Strict):
    """What the target itself declares."""

    groups: dict[Name, Group] = {}
