"""A company that grew without files: overlapping groups in a directory, users of an AWS account, and things unplanned.

The same numbers give the same company every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tests.rigs.ldif import entry

ACCOUNT = "111111111111"
FOREIGN = "provision/1 o=ffffffff k=theirs"
_FIRST = (
    "Ada",
    "Ben",
    "Cem",
    "Dee",
    "Eve",
    "Fay",
    "Gus",
    "Hal",
    "Ida",
    "Jan",
    "Kim",
    "Lea",
    "Max",
    "Nil",
    "Oda",
    "Pia",
)
_LAST = ("Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gum", "Hazel", "Ivy", "Juniper", "Linden", "Maple", "Oak")

TARGETS = """\
records: {{owner: 5f1c0a9b7e3d4c21, journal: {journal}}}
targets:
  corp-ldap:
    provider: ldap
    url: {url}
    bind_dn: {{env: LDAP_BIND_DN}}
    password: {{env: LDAP_PASSWORD}}
    base: {{people: "ou=people,{suffix}", groups: "ou=groups,{suffix}"}}
  aws:
    provider: aws-iam
    account: "{account}"
    assume_role:
      plan: "arn:aws:iam::{{account}}:role/provision-read"
      apply: "arn:aws:iam::{{account}}:role/provision-write"
"""


@dataclass(frozen=True)
class Town:
    """`people` people in `groups` directory groups; two in three have an IAM user, too. `odd` adds what no file says:
    another owner's account, a nested group, unknown members, two accounts with one e-mail, a machine."""

    people: int
    groups: int
    suffix: str = "dc=example,dc=test"
    odd: bool = True
    seed: int = field(default=7)

    def login(self, number: int) -> str:
        return f"{_FIRST[number % 16].lower()}.{_LAST[number // 16 % 13].lower()}{number:04d}"

    def name(self, number: int) -> str:
        return f"{_FIRST[number % 16]} {_LAST[number // 16 % 13]} the {number}th"

    def group(self, number: int) -> str:
        kind = ("team", "project", "site", "tool")[number % 4]
        return "staff" if number == 0 else f"{kind}-{number:03d}"

    def groups_of(self, number: int) -> list[str]:
        """Everybody is in `staff` and in what their team brings along; many are in something of their own besides."""
        team = number * self.seed % max(1, self.groups // 3)
        found = {0, 1 + team, 1 + (team * 5 + 2) % (self.groups - 1), 1 + (team * 11 + 3) % (self.groups - 1)}
        if number % 3 == 0:
            found.add(1 + (number * 13 + number // 7) % (self.groups - 1))
        if number % 5 == 0:
            found.add(1 + (number * 29 + 4) % (self.groups - 1))
        return sorted(self.group(g) for g in found)

    @cached_property
    def members(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number in range(self.people):
            for group in self.groups_of(number):
                found.setdefault(group, []).append(number)
        return found

    def ldif(self) -> Iterator[str]:
        """The directory."""
        for number in range(self.people):
            login = self.login(number)
            values = {"uid": [login], "cn": [self.name(number)], "sn": [str(number)]}
            mail = {} if number % 50 == 49 else {"mail": [f"{login}@example.com"]}
            yield entry(self._dn(login), {"objectClass": ["inetOrgPerson"], **values, **mail})
        if self.odd:
            for login, more in (
                ("theirs", {"description": [FOREIGN]}),
                ("twin1", {"mail": ["twins@example.com"]}),
                ("twin2", {"mail": ["twins@example.com"]}),
                ("backup-bot", {}),
            ):
                values = {"uid": [login], "cn": [login], "sn": [login]}
                yield entry(self._dn(login), {"objectClass": ["inetOrgPerson"], **values, **more})
        for name, numbers in sorted(self.members.items()):
            dns = [self._dn(self.login(n)) for n in numbers]
            if self.odd and name == "staff":
                dns += [self._dn(x) for x in ("theirs", "twin1", "twin2", "backup-bot")]
                dns += [f"uid=long-gone,ou=people,{self.suffix}", f"cn=team-004,ou=groups,{self.suffix}"]
            told = {"description": [f"All of {name}"]} if name < "t" else {}
            dn = f"cn={name},ou=groups,{self.suffix}"
            yield entry(dn, {"objectClass": ["groupOfNames"], "cn": [name], "member": dns, **told})

    def _dn(self, login: str) -> str:
        return f"uid={login},ou=people,{self.suffix}"

    # AWS

    def has_user(self, number: int) -> bool:
        return number % 3 != 2

    def user(self, number: int) -> str:
        """Every other user goes by another name there, and tells an e-mail."""
        return self.login(number) if number % 2 else f"{_FIRST[number % 16]}{number}"

    def squads(self, number: int) -> list[str]:
        found = {"Everybody", f"Squad{number * self.seed % 20:02d}", *(["ReadOnly"] if number % 4 == 0 else [])}
        return sorted(found)

    def fill(self, backend: Any) -> None:
        """moto's backend of one account."""
        policies = {}
        for name in ("SquadWork", "Audit"):
            policies[name] = backend.create_policy("", "/", _ALLOW, name, [])
        for name in sorted({s for n in range(self.people) if self.has_user(n) for s in self.squads(n)}):
            group = backend.create_group(name)
            backend.attach_group_policy(policies["Audit" if name == "ReadOnly" else "SquadWork"].arn, name)
            if self.odd and name == "Squad03":
                group.put_policy("by-hand", _ALLOW)
        for number in range(self.people):
            if self.has_user(number):
                mail = [] if number % 2 else [{"Key": "email", "Value": f"{self.login(number)}@example.com"}]
                user = backend.create_user("us-east-1", self.user(number), "/", mail)
                for squad in self.squads(number):
                    backend.groups[squad].users.append(user)
                if number % 10 == 0:
                    backend.attach_user_policy(policies["Audit"].arn, user.name)
        if self.odd:
            user = backend.create_user("us-east-1", "terraform", "/", [])
            backend.put_user_policy("terraform", "by-hand", _ALLOW)


_ALLOW = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
