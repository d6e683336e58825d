"""Who may do what to a repository of the embedded GitHub, and why.

A right is the highest of its sources: being an owner, the organisation's base permission, an organisation role, a team
(with what it has from the teams above it), and a direct grant. It refuses to change anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from provisioner.sandbox.github.things import ROLES, Org, Repo, Team, User
from provisioner.sandbox.github.world import World


@dataclass(frozen=True, slots=True)
class Source:
    """One reason for a right: the role's name, what it amounts to, and who gives it."""

    role: str
    base: str
    giver: Org | Team | Repo


def base_of(org: Org, role: str) -> str:
    """The built-in role that a role amounts to; custom ones build on one."""
    if role in ROLES:
        return role
    return next((one.base or "read" for one in org.repo_roles.values() if one.name == role), "read")


def highest(org: Org, roles: Iterable[str]) -> str | None:
    """The strongest of some roles. A custom role stands above the built-in one that it builds on."""
    ranked = sorted(roles, key=lambda role: (ROLES.index(base_of(org, role)), role not in ROLES))
    return ranked[-1] if ranked else None


def line(world: World, team: Team) -> list[Team]:
    """The team and the teams above it, from below."""
    found = [team]
    while found[-1].parent is not None:
        found.append(world.teams[found[-1].parent])
    return found


class Rights:
    """What the world says, worked out once for each of its versions."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._version = -1
        self._children: dict[int, list[Team]] = {}
        self._teams_with: dict[int, list[Team]] = {}
        self._within: dict[int, dict[int, str]] = {}
        self._outside: dict[int, list[User]] = {}

    def _fresh(self) -> None:
        if self._version == self.world.version:
            return
        self._version = self.world.version
        self._within.clear()
        self._outside.clear()
        self._children = {}
        self._teams_with = {}
        for team in self.world.teams.values():
            if team.parent is not None:
                self._children.setdefault(team.parent, []).append(team)
            for repo_id in team.repos:
                self._teams_with.setdefault(repo_id, []).append(team)

    def children(self, team: Team) -> list[Team]:
        """The teams right below, by slug."""
        self._fresh()
        return sorted(self._children.get(team.id, []), key=lambda t: t.slug)

    def below(self, team: Team) -> list[Team]:
        """Every team below, at any depth."""
        found: list[Team] = []
        for child in self.children(team):
            found += [child, *self.below(child)]
        return found

    def team_role(self, team: Team, user_id: int) -> str | None:
        """The role in the team itself. Owners of the organisation are always shown as maintainers."""
        role = team.members.get(user_id)
        if role is None:
            return None
        return "maintainer" if self.world.orgs[team.org].members.get(user_id) == "admin" else role

    def within(self, team: Team) -> dict[int, str]:
        """Everybody in the team or below it; to who is only below it, the role is `member`."""
        self._fresh()
        if team.id not in self._within:
            found = {user_id: self.team_role(team, user_id) or "member" for user_id in team.members}
            admins = self.world.orgs[team.org].members
            for child in self.below(team):
                for user_id in child.members:
                    found.setdefault(user_id, "maintainer" if admins.get(user_id) == "admin" else "member")
            self._within[team.id] = found
        return self._within[team.id]

    def team_repos(self, team: Team) -> dict[int, str]:
        """The team's roles on repositories, with those from the teams above."""
        org = self.world.orgs[team.org]
        found: dict[int, str] = {}
        for one in line(self.world, team):
            for repo_id, role in one.repos.items():
                found[repo_id] = highest(org, [r for r in (found.get(repo_id), role) if r]) or role
        return found

    def sources(self, repo: Repo, user_id: int) -> list[Source]:
        """Why somebody may do something to a repository; empty where only its being public lets them read."""
        self._fresh()
        org = self.world.orgs[repo.org]
        found: list[Source] = []
        standing = org.members.get(user_id)
        if standing == "admin":
            found.append(Source("admin", "admin", org))
        elif standing is not None and org.base_permission != "none":
            found.append(Source(org.base_permission, org.base_permission, org))
        for role in org.org_roles.values():
            by_team = any(user_id in self.within(self.world.teams[t]) for t in role.teams)
            if role.base is not None and (user_id in role.users or by_team):
                found.append(Source(role.base, role.base, org))
        found += [
            Source(team.repos[repo.id], base_of(org, team.repos[repo.id]), team)
            for team in self._teams_with.get(repo.id, [])
            if user_id in self.within(team)
        ]
        if user_id in repo.collaborators:
            found.append(Source(repo.collaborators[user_id], base_of(org, repo.collaborators[user_id]), repo))
        return found

    def role_on(self, repo: Repo, user_id: int) -> str | None:
        """The role that counts, or None; of a public repository everybody may read."""
        found = highest(self.world.orgs[repo.org], [s.role for s in self.sources(repo, user_id)])
        return found or (None if repo.private else "read")

    def base_on(self, repo: Repo, user_id: int) -> str | None:
        role = self.role_on(repo, user_id)
        return base_of(self.world.orgs[repo.org], role) if role else None

    def collaborators(self, repo: Repo, affiliation: str = "all") -> list[int]:
        """Ids of who has a right: `all`, `direct` (a grant of their own), `outside` (that, and no member)."""
        self._fresh()
        org = self.world.orgs[repo.org]
        if affiliation == "outside":
            return sorted(user_id for user_id in repo.collaborators if user_id not in org.members)
        if affiliation == "direct":
            return sorted(repo.collaborators)
        found = {*repo.collaborators, *(u for u, role in org.members.items() if role == "admin")}
        if org.base_permission != "none":
            found.update(org.members)
        for team in self._teams_with.get(repo.id, []):
            found.update(self.within(team))
        for role in org.org_roles.values():
            if role.base is not None:
                found |= role.users
                for team_id in role.teams:
                    found.update(self.within(self.world.teams[team_id]))
        return sorted(found)

    def outside(self, org: Org) -> list[User]:
        """Who is no member and has a direct grant on a repository."""
        self._fresh()
        if org.id not in self._outside:
            ids = {u for repo in self.world.repos_of(org) for u in repo.collaborators if u not in org.members}
            self._outside[org.id] = [self.world.users[u] for u in sorted(ids)]
        return self._outside[org.id]
