"""LDAP servers as systems under test: a real slapd, and the embedded one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.providers.ldap import PROVIDER
from tests.conformance.harness import Plain

SUFFIX = "dc=example,dc=test"
PEOPLE, GROUPS = f"ou=people,{SUFFIX}", f"ou=groups,{SUFFIX}"
Entries = dict[str, dict[str, list[bytes]]]


class LdapHarness(Plain):
    """`dump` gives the server's own entries; writes of the administrator go over the wire."""

    provider = PROVIDER
    lacks: Mapping[str, str] = {"keyless": "nothing there takes the token of a CI"}

    def __init__(
        self, name: str, url: str, service: tuple[str, str], admin: tuple[str, str], dump: Callable[[], Entries]
    ) -> None:
        self.name, self._url, self._service, self._admin, self._dump = name, url, service, admin, dump

    def settings(self) -> Mapping[str, Any]:
        return {
            "url": self._url,
            "bind_dn": {"env": "LDAP_BIND_DN"},
            "password": {"env": "LDAP_PASSWORD"},
            "base": {"people": PEOPLE, "groups": GROUPS},
        }

    def environ(self) -> Mapping[str, str]:
        return {"LDAP_BIND_DN": self._service[0], "LDAP_PASSWORD": self._service[1]}

    def _connection(self) -> Any:
        import ldap3

        server = ldap3.Server(self._url, get_info=ldap3.NONE, connect_timeout=5)
        return ldap3.Connection(server, *self._admin, auto_bind=True, raise_exceptions=True, receive_timeout=10)

    def seed_foreign(self) -> None:
        with self._connection() as connection:
            for i in (1, 2):
                uid = f"foreign-{i}"
                names = {
                    "cn": f"Foreign {i}",
                    "sn": str(i),
                    "mail": f"{uid}@example.com",
                    "userPassword": "foreign-secret",
                }
                connection.add(f"uid={uid},{PEOPLE}", ["inetOrgPerson"], names)
            members = [f"uid=foreign-{i},{PEOPLE}" for i in (1, 2)]
            connection.add(f"cn=foreign-group,{GROUPS}", ["groupOfNames"], {"member": members, "description": "theirs"})

    def add_by_hand(self, group: str, login: str) -> None:
        import ldap3

        dn, member = f"cn={group},{GROUPS}", f"uid={login},{PEOPLE}"
        with self._connection() as connection:
            if dn in self._dump():
                connection.modify(dn, {"member": [(ldap3.MODIFY_ADD, [member])]})
            else:
                connection.add(dn, ["groupOfNames"], {"member": [member]})

    def truth(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for dn, attributes in self._dump().items():
            rdn = dn.partition(",")[0]
            kind = {PEOPLE: "account", GROUPS: "group"}.get(dn.partition(",")[2])
            if kind is not None and rdn != "uid=svc":
                found[f"{kind} {rdn.partition('=')[2]}"] = {k: sorted(v) for k, v in attributes.items()}
        return found

    def members(self, group: str) -> set[str]:
        entry = self._dump().get(f"cn={group},{GROUPS}", {})
        dns = [v.decode() for v in entry.get("member", [])]
        return {dn.partition(",")[0].removeprefix("uid=") for dn in dns if dn.endswith(f",{PEOPLE}")}

    def can_get_in(self, login: str) -> bool:
        """The lock itself counts: nobody here has a password to try."""
        entry = self._locks().get(f"uid={login},{PEOPLE}")
        return entry is not None and not entry

    def _locks(self) -> dict[str, bool]:
        """Every person's entry, and whether ppolicy refuses them."""
        import ldap3

        with self._connection() as connection:
            connection.search(PEOPLE, "(uid=*)", ldap3.LEVEL, attributes=["pwdAccountLockedTime"])
            return {e["dn"]: bool(e["raw_attributes"].get("pwdAccountLockedTime")) for e in connection.response}
