"""What the people's department does in a directory, over the wire and as its administrator: embedded or slapd alike."""

from __future__ import annotations

from typing import Any

import ldap3
from ldap3.core.exceptions import LDAPNoSuchObjectResult

LOCKED = "000001010000Z"


class Department:
    """`url`, and who it signs in as. Every operation that the directory refuses raises."""

    def __init__(self, url: str, dn: str, password: str, suffix: str) -> None:
        server = ldap3.Server(url, get_info=ldap3.NONE)
        self.connection: Any = ldap3.Connection(server, dn, password, auto_bind=True, raise_exceptions=True)
        self.suffix = suffix

    def close(self) -> None:
        self.connection.unbind()

    def hire(self, login: str, *groups: str, unit: str = "", **more: str) -> str:
        """A new entry in those groups; the immutable id that the directory gave it."""
        attributes = {
            "objectClass": ["inetOrgPerson"],
            "uid": login,
            "cn": f"{login.title()} Example",
            "sn": "Example",
            "mail": f"{login}@example.com",
            **more,
        }
        self.connection.add(f"uid={login},{unit}ou=people,{self.suffix}", attributes=attributes)
        for group in groups:
            self.put(login, group)
        return self.id_of(login)

    def found(self, login: str) -> Any:
        self.connection.search(f"ou=people,{self.suffix}", f"(uid={login})", attributes=["entryUUID", "mail"])
        return self.connection.response[0]

    def dn(self, login: str) -> str:
        return str(self.found(login)["dn"])

    def id_of(self, login: str) -> str:
        value = self.found(login)["raw_attributes"]["entryUUID"][0]
        return str(value.decode())

    def unit(self, name: str) -> None:
        self.connection.add(f"ou={name},ou=people,{self.suffix}", "organizationalUnit")

    def group(self, name: str) -> str:
        return f"cn={name},ou=groups,{self.suffix}"

    def put(self, login: str, group: str) -> None:
        """Into a group, which is made with its first member."""
        dn = self.dn(login)
        try:
            self.connection.modify(self.group(group), {"member": [(ldap3.MODIFY_ADD, [dn])]})
        except LDAPNoSuchObjectResult:
            self.connection.add(self.group(group), "groupOfNames", {"member": dn})

    def take(self, login: str, group: str) -> None:
        self.connection.modify(self.group(group), {"member": [(ldap3.MODIFY_DELETE, [self.dn(login)])]})

    def change(self, login: str, **values: str) -> None:
        dn = self.dn(login)
        self.connection.modify(dn, {name: [(ldap3.MODIFY_REPLACE, [v])] for name, v in values.items()})

    def lock(self, login: str) -> None:
        self.change(login, pwdAccountLockedTime=LOCKED)

    def unlock(self, login: str) -> None:
        self.connection.modify(self.dn(login), {"pwdAccountLockedTime": [(ldap3.MODIFY_DELETE, [])]})

    def rename(self, login: str, new: str, *, unit: str | None = None) -> None:
        """Another login, and with `unit` another place; who is in which group follows, as with the overlay refint."""
        dn = self.dn(login)
        above = None if unit is None else f"{unit}ou=people,{self.suffix}"
        self.connection.modify_dn(dn, f"uid={new}", new_superior=above)

    def rename_group(self, name: str, new: str) -> None:
        self.connection.modify_dn(self.group(name), f"cn={new}")

    def dismiss(self, login: str) -> None:
        """The entry goes, and its name from every group."""
        dn = self.dn(login)
        self.connection.search(f"ou=groups,{self.suffix}", f"(member={dn})", attributes=["member"])
        for row in self.connection.response:
            members = {m.decode() for m in row["raw_attributes"]["member"]}
            if members == {dn}:
                self.connection.modify(row["dn"], {"member": [(ldap3.MODIFY_ADD, [row["dn"]])]})
            self.connection.modify(row["dn"], {"member": [(ldap3.MODIFY_DELETE, [dn])]})
        self.connection.delete(dn)
