"""A company of any size: its access files, and a directory and an AWS account that are just as the files say.

The same number of people always gives the same bytes. Everybody holds `everyone`, two of forty roles, and one in five a
role in production; that is eleven or twelve directory groups and three or four IAM groups a person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.rigs.ldif import entry

OWNER = "5f1c0a9b7e3d"
ACCOUNT = "111111111111"
ROLES = 40
TEAMS_PER_ROLE = 5
SHARDS = 256
_MARK = f"provision/1 o={OWNER[:8]} k="

COMMON = """\
roles:
  everyone: {{grants: {{corp-ldap: {{groups: [staff]}}, aws: {{groups: [Staff]}}}}}}
  deployer:
    environments: [production]
    grants: {{corp-ldap: {{groups: [deployers]}}, aws: {{groups: [Deployers]}}}}
{roles}
environments:
  staging: {{}}
  production: {{protected: true, needs_reason: true}}
targets:
  corp-ldap:
    provider: ldap
    url: {{env: LDAP_URL}}
    bind_dn: {{env: LDAP_BIND_DN}}
    password: {{env: LDAP_PASSWORD}}
    base: {{people: "ou=people,{suffix}", groups: "ou=groups,{suffix}"}}
  aws:
    provider: aws-iam
    account: "{account}"
    assume_role:
      plan: "arn:aws:iam::{{account}}:role/provision-read"
      apply: "arn:aws:iam::{{account}}:role/provision-write"
records: {{owner: {owner}, journal: {journal}}}
guardrails:
  acknowledgements:  # the systems are seeded with our marks
    - {{target: corp-ldap, journal: lost, reason: seeded, until: 2999-12-31}}
    - {{target: aws, journal: lost, reason: seeded, until: 2999-12-31}}
"""


@dataclass(frozen=True)
class Company:
    """`people` people; the directory's suffix is `suffix`."""

    people: int
    suffix: str = "dc=example,dc=test"

    # Who holds what

    @staticmethod
    def login(number: int) -> str:
        return f"p{number:06d}"

    @staticmethod
    def _roles(number: int) -> tuple[int, int]:
        first = number % ROLES
        return first, (first + 1 + number * 7 % (ROLES - 1)) % ROLES

    @staticmethod
    def _deploys(number: int) -> bool:
        return number % 5 == 0

    def teams(self, number: int) -> list[str]:
        """Their directory groups."""
        teams = [f"team-{r * TEAMS_PER_ROLE + k:03d}" for r in self._roles(number) for k in range(TEAMS_PER_ROLE)]
        return ["staff", *teams, *(["deployers"] if self._deploys(number) else [])]

    def squads(self, number: int) -> list[str]:
        """Their IAM groups."""
        squads = [f"Squad-{role:02d}" for role in self._roles(number)]
        return ["Staff", *squads, *(["Deployers"] if self._deploys(number) else [])]

    @cached_property
    def members(self) -> dict[str, list[int]]:
        """The directory's groups."""
        found: dict[str, list[int]] = {}
        for number in range(self.people):
            for team in self.teams(number):
                found.setdefault(team, []).append(number)
        return found

    # The files

    def write(self, top: Path, journal: str) -> None:
        """`top/access`, one file a person."""
        access = top / "access"
        for shard in range(min(SHARDS, self.people)):
            (access / "people" / f"{shard:02x}").mkdir(parents=True, exist_ok=True)
        for number in range(self.people):
            path = access / "people" / f"{number % SHARDS:02x}" / f"{self.login(number)}.yaml"
            path.write_text(self._person(number), encoding="utf-8")
        roles = "\n".join(self._role(number) for number in range(ROLES))
        common = COMMON.format(roles=roles, suffix=self.suffix, account=ACCOUNT, owner=OWNER, journal=journal)
        (access / "company.yaml").write_text(common, encoding="utf-8")

    @staticmethod
    def _role(number: int) -> str:
        teams = ", ".join(f"team-{number * TEAMS_PER_ROLE + k:03d}" for k in range(TEAMS_PER_ROLE))
        return f"""\
  role-{number:02d}:
    environments: [staging]
    grants:
      corp-ldap: {{groups: [{teams}]}}
      aws: {{groups: [Squad-{number:02d}]}}"""

    def _person(self, number: int) -> str:
        first, second = self._roles(number)
        lines = [
            f"# {number}: joined the company as its number {number}",
            "people:",
            f"  {self.login(number)}:",
            f"    name: Person Number {number}",
            f"    email: {self.login(number)}@example.com",
        ]
        if number % 7 == 0:
            lines.append(f"    until: 2999-01-{1 + number % 28:02d}T17:00:00Z")
        if number % 3 == 0:
            lines += ["    accounts:", f"      aws: {{login: {self.login(number)}}}"]
        lines += ["    roles:", "      - everyone", f"      - role-{first:02d}", f"      - role-{second:02d}"]
        if self._deploys(number):
            lines += [
                "      - role: deployer",
                "        environments: [production]",
                f"        from: 2020-02-0{1 + number % 6}T08:00:00Z",
                f"        until: 2999-02-0{1 + number % 6}T18:00:00Z",
                f"        reason: CHG-{number}",
            ]
        return "\n".join(lines) + "\n"

    # The systems

    def ldif(self) -> Iterator[str]:
        """The directory's entries, with our marks."""
        dns = [f"uid={self.login(number)},ou=people,{self.suffix}" for number in range(self.people)]
        for number, dn in enumerate(dns):
            login = self.login(number)
            values = {"uid": [login], "cn": [f"Person Number {number}"], "sn": [str(number)]}
            more = {"mail": [f"{login}@example.com"], "description": [_MARK + login]}
            yield entry(dn, {"objectClass": ["inetOrgPerson"], **values, **more})
        for name, members in sorted(self.members.items()):
            dn = f"cn={name},ou=groups,{self.suffix}"
            yield entry(dn, {"objectClass": ["groupOfNames"], "cn": [name], "member": [dns[m] for m in members]})

    def seed(self, backend: Any) -> int:
        """Fills moto's backend of one account, with our marks. How many users and groups there are then."""
        for name in sorted({squad for number in range(self.people) for squad in self.squads(number)}):
            backend.create_group(name)
        for number in range(self.people):
            login = self.login(number)
            tags = [{"Key": "provision", "Value": _MARK + login}, {"Key": "email", "Value": f"{login}@example.com"}]
            user = backend.create_user("us-east-1", login, "/", tags)
            for squad in self.squads(number):
                backend.groups[squad].users.append(user)
        return len(backend.users) + len(backend.groups)
