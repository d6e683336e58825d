"""One organization on the embedded GitHub, and files about it: plan, apply, look, in a line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from provisioner.apply import Applied, Waits
from provisioner.contract import Connection, Reader
from provisioner.diagnostics import Location
from provisioner.engine import Known, Planned, Situation, make_plan
from provisioner.model.access import DeclaredAccess, Records
from provisioner.model.assignment import Assignment
from provisioner.model.identity import AccountName, Identity
from provisioner.model.past import PastDeclared
from provisioner.model.role import GrantBlock, Role
from provisioner.model.target import AccountsPolicy, Mode, Target
from provisioner.providers.github import Github
from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.github.things import Org, User
from tests.builders import NOW
from tests.runs import QUICK, run
from tests.worlds import OWNER, block, someone

TARGET = "github"


@dataclass
class Hub:
    """`acme`, owned by `boss`, whose token we use. `objects` is what is declared under the target."""

    server: GitHubServer
    objects: Mapping[str, Any] = field(default_factory=dict)
    mode: Mode = Mode.ADD
    accounts: AccountsPolicy = AccountsPolicy.CREATE
    settings: dict[str, Any] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)
    opened: list[Reader] = field(default_factory=list)

    def __post_init__(self) -> None:
        world = self.server.world
        self.boss = world.create_user("boss", "The Boss")
        self.org: Org = world.create_org("acme", self.boss)
        self.settings = {
            "organization": "acme",
            "api_url": {"env": "GITHUB_API_URL"},
            "token": {"plan": {"env": "GITHUB_READ"}, "apply": {"env": "GITHUB_WRITE"}},
        }
        self.environ = {
            "GITHUB_API_URL": self.server.url,
            "GITHUB_READ": self.server.fine_grained_token(self.boss),
            "GITHUB_WRITE": self.server.token(self.boss),
        }
        self.provider = Github()

    # The world

    def user(self, login: str, *, member: bool = False, role: str = "member", email: str | None = None) -> User:
        found = self.server.world.user(login) or self.server.world.create_user(login, login.title(), email)
        if member:
            self.server.world.set_member(self.org, found, role)
        return found

    def team(self, name: str, *logins: str, parent: str | None = None) -> Any:
        world = self.server.world
        above = world.team(self.org, parent) if parent else None
        team = world.create_team(self.org, name, parent=above)
        for login in logins:
            team.members[self.user(login, member=True).id] = "member"
        world.version += 1
        return team

    def repo(self, name: str, *, private: bool = True) -> Any:
        return self.server.world.create_repo(self.org, name, private=private)

    def truth(self) -> dict[str, Any]:
        return self.server.truth(self.org)

    def members_of(self, slug: str) -> dict[str, str]:
        found: dict[str, str] = self.truth()["teams"][slug]["members"]
        return found

    # The files

    def target(self) -> Target:
        return Target(
            TARGET,
            TARGET,
            "github",
            self.mode,
            self.accounts,
            settings=block(self.settings, "access/targets.yaml"),
            objects=block(self.objects, "access/targets.yaml"),
            location=Location("access/targets.yaml", 2, 3),
        )

    def connection(self) -> Connection:
        target = self.target()
        return Connection(target, self.provider, self.provider.declare(target), self.environ, OWNER)

    def person(self, name: str, *roles: str | Assignment, login: str | None = None, pin: int | str = "") -> Identity:
        """Somebody of whom the files know the numeric id; `pin` says another one."""
        known = self.server.world.user(login or name)
        native = str(pin or (known.id if known else "")) or None
        accounts = {TARGET: AccountName(login, native, Location(f"access/people/{name}.yaml", 3, 5))}
        return replace(someone(name, *roles), accounts=accounts)

    def reader(self) -> Reader:
        """One that is closed when the test is over."""
        self.opened.append(self.connection().reader())
        return self.opened[-1]

    def close(self) -> None:
        for reader in self.opened:
            reader.close()

    def files(self, people: Iterable[Identity], roles: Iterable[Role], tree: str = "t1") -> DeclaredAccess:
        return DeclaredAccess(
            {i.id: i for i in people}, {r.id: r for r in roles}, {}, {TARGET: self.target()}, Records(OWNER), tree=tree
        )

    def facing(self, declared: DeclaredAccess, *before: DeclaredAccess, **more: Any) -> Situation:
        declared = replace(declared, targets={TARGET: self.target()})
        past = tuple(PastDeclared(f"rev{i}", d, frozenset({TARGET})) for i, d in enumerate(before))
        return Situation(declared, {TARGET: self.connection()}, NOW, past, {TARGET: Known()}, **more)

    def plan(self, declared: DeclaredAccess, *before: DeclaredAccess, **more: Any) -> Planned:
        return make_plan(self.facing(declared, *before, **more))

    def apply(
        self, folder: Path, declared: DeclaredAccess, *before: DeclaredAccess, waits: Waits = QUICK, **more: Any
    ) -> tuple[Planned, Applied]:
        return run(self.facing(declared, *before, **more), folder, waits=waits)


def role(name: str, **grants: Any) -> Role:
    file = f"access/roles/{name}.yaml"
    return Role(name, (), (), (), (GrantBlock(TARGET, block(grants, file), {}, Location(file, 4, 7)),), Location(file))
