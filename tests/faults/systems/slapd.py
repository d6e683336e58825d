"""A real OpenLDAP server."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.story import OWNER, ROLES, Story
from tests.faults.systems.base import from_people_and_groups
from tests.faults.systems.ldap_wire import LdapWire
from tests.rigs.slapd import Slapd
from tests.rigs.slapd_config import Options
from tests.rigs.tls import Authority

_SUFFIX = "dc=example,dc=test"


class SlapdSystem:
    """`tests.faults.systems.base.System`. The database is one file, copied back while the server is down."""

    name = "corp-ldap"

    def __init__(self, **options: Any) -> None:
        self._options = Options(**options)
        self.wire = LdapWire(f"ou=people,{_SUFFIX}", f"ou=groups,{_SUFFIX}")
        self.silent = self.wire.silent
        self.server: Slapd

    def start(self, folder: Path) -> None:
        self.server = Slapd(folder / "slapd", self._options, authority=Authority.new()).start()

    def seed(self, story: Story) -> None:
        connection = self.server.connection()
        members: dict[str, list[str]] = {g: ["stranger"] for g in (*story.names("groups"), "handmade")}
        marks = {"stranger": None, "theirs": "provision/1 o=deadbeef k=theirs"}
        for person in story.people:
            if person.before is not None:
                marks[person.name] = f"provision/1 o={OWNER[:8]} k={person.name}"
                for group in {g for r in person.before for g in ROLES[r]["groups"]}:
                    members[group].append(person.name)
        for login, mark in marks.items():
            values: dict[str, Any] = {"uid": login, "cn": f"{login.title()} Example", "sn": "Example"}
            values |= {"userPassword": f"{login}-password", "mail": f"{login}@example.com"}
            values |= {"description": mark} if mark else {}
            connection.add(f"uid={login},{self.server.people}", ["inetOrgPerson"], values)
        for group, logins in members.items():
            values = {"cn": group, "member": [f"uid={login},{self.server.people}" for login in logins]}
            connection.add(f"cn={group},{self.server.groups}", ["groupOfNames"], values)
        connection.unbind()

    def save(self) -> None:
        self.server.stop()
        self._copy(self._data, self._kept)

    def plant(self, secret: Iterator[str], logins: frozenset[str]) -> list[str]:
        """Hashes of passwords (as they stand there), PKCS #12 bundles with private keys, and our own password."""
        planted = [next(secret)]
        connection = self.server.connection()
        connection.modify(self.server.service_dn, {"userPassword": [("MODIFY_REPLACE", [planted[0]])]})
        self.server.service_password = planted[0]
        people = [f"uid={login},{self.server.people}" for login in (*sorted(logins), "stranger", "theirs")]
        present = set(self._dump())
        for name in (n for n in people if n in present):
            values = [next(secret) for _ in range(4)]
            planted += values
            hashes = [("MODIFY_REPLACE", [f"{{SSHA}}{values[0]}"])]
            bundles = [("MODIFY_ADD", [v.encode() for v in values[1:]])]
            connection.modify(name, {"userPassword": hashes, "userPKCS12": bundles})
        connection.unbind()
        return planted

    def small_pages(self) -> None:
        """Set at its start: `SlapdSystem(size_pr=100)`."""

    def restore(self) -> None:
        self.server.kill()
        (self.server.folder / "db" / "lock.mdb").unlink(missing_ok=True)
        self._copy(self._kept, self._data)
        self.server.start()

    def serve(self) -> None:
        """It is a process of its own, and serves already."""

    def stop(self) -> None:
        self.server.kill()

    @property
    def upstream(self) -> tuple[str, int]:
        return ("127.0.0.1", self.server.port)

    def environment(self, port: int) -> dict[str, str]:
        return {
            "LDAP_URL": f"ldap://127.0.0.1:{port}",
            "LDAP_BIND_DN": self.server.service_dn,
            "LDAP_PASSWORD": self.server.service_password,
        }

    def target(self, *, after: bool) -> str:
        return f"""\
{self.name}:
  provider: ldap
  url: {{env: LDAP_URL}}
  bind_dn: {{env: LDAP_BIND_DN}}
  password: {{env: LDAP_PASSWORD}}
  base: {{people: "ou=people,{_SUFFIX}", groups: "ou=groups,{_SUFFIX}"}}"""

    def grants(self, role: Mapping[str, tuple[str, ...]]) -> str:
        return f"{{groups: [{', '.join(role['groups'])}]}}"

    def account(self, login: str) -> str:
        return ""

    def standing(self, *, after: bool) -> frozenset[str]:
        return frozenset()

    def wanted(self, login: str, roles: Iterable[Mapping[str, tuple[str, ...]]]) -> frozenset[str]:
        groups = {g for role in roles for g in role["groups"]}
        return frozenset({f"account/{login}", *(f"membership/{g}/{login}" for g in groups)})

    def held(self, logins: frozenset[str]) -> frozenset[str]:
        found = set()
        for name, values in self._dump().items():
            first = name.partition(",")[0].partition("=")[2]
            if name.endswith(self.server.people) and first in logins and _usable(values):
                found.add(f"account/{first}")
            if name.endswith(self.server.groups):
                members = (m.decode().partition(",")[0].partition("=")[2] for m in values.get("member", ()))
                found |= {f"membership/{first}/{m}" for m in members if m in logins}
        return frozenset(found)

    def foreign(self, logins: frozenset[str]) -> Mapping[str, Any]:
        """Entries of others whole, with entryCSN; of groups what others are in them. Our own log-ins leave no trace."""
        kept: dict[str, Any] = {}
        for name, values in self._dump().items():
            first = name.partition(",")[0].partition("=")[2]
            if name.endswith(self.server.people) and first in logins:
                continue
            if name.endswith(f",{self.server.groups}"):
                changing = {"member", "entryCSN", "modifyTimestamp", "modifiersName"}
                theirs = [m for m in values.get("member", ()) if m.decode().partition(",")[0][4:] not in logins]
                values = {**{k: v for k, v in values.items() if k not in changing}, "member": theirs}
            kept[name] = {k: v for k, v in values.items() if k not in ("memberOf", "contextCSN")}
        return kept

    def accounts(self, logins: frozenset[str]) -> Mapping[str, int]:
        """By login or by mark, each entry once."""
        found: Counter[str] = Counter()
        for name, values in self._dump().items():
            if name.endswith(self.server.people):
                keys = {v.decode().partition(" k=")[2].split(" ")[0] for v in values.get("description", ())}
                found.update({name.partition(",")[0].partition("=")[2].lower(), *keys} & logins)
        return found

    def moments(self, story: Story) -> list[str]:
        return []

    def rests_on(self, action: str, thing: str, damaged: frozenset[str]) -> bool:
        return from_people_and_groups(action, thing, damaged)

    def broken(self, wrong: str) -> list[dict[str, str]]:
        return [
            {"LDAP_PASSWORD": wrong},
            {"LDAP_URL": f"ldap://user:{wrong}@127.0.0.1:1"},
            {"LDAP_BIND_DN": f"uid=svc,{wrong}"},
        ]

    @property
    def _data(self) -> Path:
        return self.server.folder / "db" / "data.mdb"

    @property
    def _kept(self) -> Path:
        return self.server.folder / "kept.mdb"

    @staticmethod
    def _copy(source: Path, to: Path) -> None:
        """Sparse: the file is a gigabyte of holes."""
        subprocess.run(["cp", "--sparse=always", str(source), str(to)], check=True)

    def _dump(self) -> dict[str, dict[str, list[bytes]]]:
        return self.server.dump(attributes=("*", "+"))


def _usable(values: Mapping[str, list[bytes]]) -> bool:
    ends = values.get("pwdEndTime", [b"99991231235959Z"])[0].decode()
    over = datetime.strptime(ends[:14] + "Z", "%Y%m%d%H%M%SZ").replace(tzinfo=UTC) <= datetime.now(UTC)
    return not values.get("pwdAccountLockedTime") and not over
