"""The state of the embedded GitHub, and what happens to it, whether by a call over the wire or by a hand that seeds it.

Ids are numbers, given once and never again. Logins, slugs and repository names are found whatever their case, can
change, and are free for others afterwards. It refuses to judge who may do something: that is `auth.py` and the routes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from provisioner.sandbox.github.things import (
    Artifact,
    Comment,
    Invitation,
    Org,
    Pull,
    Repo,
    RepoInvitation,
    Role,
    Run,
    Team,
    TokenGrant,
    User,
)
from provisioner.sandbox.service import Clock

One = TypeVar("One")
INVITATION_LIFE = timedelta(days=7)
LAPSED = "Invitation expired. User did not accept this invite for 7 days."
PREDEFINED = (
    ("all_repo_read", "read"),
    ("all_repo_triage", "triage"),
    ("all_repo_write", "write"),
    ("all_repo_maintain", "maintain"),
    ("all_repo_admin", "admin"),
    ("security_manager", "read"),
)


class World:
    """Everything there is. `version` goes up with every change, for what is worked out and kept."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.version = 0
        self.users: dict[int, User] = {}
        self.orgs: dict[int, Org] = {}
        self.teams: dict[int, Team] = {}
        self.repos: dict[int, Repo] = {}
        self.moved: dict[tuple[int, str], int] = {}
        self._logins: dict[str, int] = {}
        self._names: dict[tuple[int, str], int] = {}
        self._slugs: dict[tuple[int, str], int] = {}
        self._last: dict[str, int] = {}

    def now(self) -> datetime:
        return self.clock.now().replace(microsecond=0)

    def new_id(self, kind: str) -> int:
        """The next number of a kind: users, organisations and bots share one row, as all accounts do."""
        first = {"account": 583_200, "team": 2_100_400, "repo": 1_296_000, "invitation": 41_000}.get(kind, 8_000)
        self._last[kind] = self._last.get(kind, first) + 17
        self.version += 1
        return self._last[kind]

    # Finding

    def user(self, login: str) -> User | None:
        return self.users.get(self._logins.get(login.casefold(), 0))

    def org(self, login: str) -> Org | None:
        return self.orgs.get(self._logins.get(login.casefold(), 0))

    def team(self, org: Org, slug: str) -> Team | None:
        return self.teams.get(self._slugs.get((org.id, slug.casefold()), 0))

    def repo(self, org: Org, name: str) -> Repo | None:
        return self.repos.get(self._names.get((org.id, name.casefold()), 0))

    def teams_of(self, org: Org) -> list[Team]:
        return sorted((t for t in self.teams.values() if t.org == org.id), key=lambda t: t.slug)

    def repos_of(self, org: Org) -> list[Repo]:
        return [r for r in self.repos.values() if r.org == org.id]

    # Accounts

    def create_user(self, login: str, name: str | None = None, email: str | None = None, kind: str = "User") -> User:
        self._free(login)
        user = User(self.new_id("account"), login, self.now(), name, email, kind)
        self.users[user.id] = user
        self._logins[login.casefold()] = user.id
        return user

    def rename_user(self, user: User, login: str) -> None:
        """Give the account another login; the old one is free at once."""
        if login.casefold() != user.login.casefold():
            self._free(login)
        self._logins.pop(user.login.casefold(), None)
        user.login = login
        self._logins[login.casefold()] = user.id
        self.version += 1

    def delete_user(self, user: User) -> None:
        """The account ends: out of everything it was in."""
        for org in self.orgs.values():
            self.remove_member(org, user)
            for invitation in [i for i in org.invitations.values() if i.user == user.id]:
                del org.invitations[invitation.id]
        self._logins.pop(user.login.casefold(), None)
        del self.users[user.id]
        self.version += 1

    def create_org(self, login: str, owner: User, name: str | None = None, plan: str = "enterprise") -> Org:
        self._free(login)
        now = self.now() - timedelta(days=400)
        org = Org(self.new_id("account"), login, now, now, name or login, plan=plan)
        self.orgs[org.id] = org
        self._logins[login.casefold()] = org.id
        org.members[owner.id] = "admin"
        for role, base in PREDEFINED if plan == "enterprise" else ():
            one = Role(self.new_id("role"), role, base, (), now, "Predefined")
            org.org_roles[one.id] = one
        return org

    def _free(self, login: str) -> None:
        if login.casefold() in self._logins:
            raise ValueError(f"the login {login} is taken")

    # Members and invitations

    def set_member(self, org: Org, user: User, role: str = "member") -> None:
        """Make somebody a member at once, as an enterprise or a test does; calls invite instead."""
        org.members[user.id] = role
        org.indirect.discard(user.id)
        self.version += 1

    def remove_member(self, org: Org, user: User) -> None:
        """Out of the organisation, its teams, repositories and roles; what they offered others is withdrawn.

        Whoever is in a team of the enterprise stays a member by it, whatever the organisation does.
        """
        org.members.pop(user.id, None)
        org.indirect.discard(user.id)
        for team in self.teams_of(org):
            if team.kind == "organization":
                team.members.pop(user.id, None)
            elif user.id in team.members:
                org.members[user.id] = "member"
                org.indirect.add(user.id)
        for repo in self.repos_of(org):
            repo.collaborators.pop(user.id, None)
            _drop(repo.invitations, lambda i: i.user == user.id or i.inviter == user.id)
        for role in org.org_roles.values():
            role.users.discard(user.id)
        _drop(org.invitations, lambda i: i.inviter == user.id)
        _drop(org.grants, lambda grant: grant.user == user.id)
        _drop(org.authorized, lambda grant: grant.user == user.id)
        self.version += 1

    def invite(
        self,
        org: Org,
        inviter: User,
        *,
        user: User | None = None,
        email: str | None = None,
        role: str = "direct_member",
        teams: dict[int, str] | None = None,
    ) -> Invitation:
        made = Invitation(
            self.new_id("invitation"), user.id if user else None, email, role, inviter.id, self.now(), dict(teams or {})
        )
        org.invitations[made.id] = made
        org.invited_at.append(made.created)
        return made

    def pending(self, org: Org, user: User) -> Invitation | None:
        """The open invitation of somebody, by their account."""
        return next((i for i in org.invitations.values() if i.user == user.id), None)

    def accept(self, org: Org, invitation: Invitation, user: User | None = None) -> None:
        """The invited person says yes. An invitation by e-mail is taken up by whoever holds it: name them."""
        who = user or self.users[invitation.user or 0]
        del org.invitations[invitation.id]
        org.members[who.id] = "admin" if invitation.role == "admin" else "member"
        for team_id, role in invitation.teams.items():
            if team_id in self.teams:
                self.teams[team_id].members[who.id] = role
        self.version += 1

    def lapse(self) -> None:
        """Invitations that nobody accepted for seven days become failed ones."""
        limit = self.now() - INVITATION_LIFE
        for org in self.orgs.values():
            for invitation in [i for i in org.invitations.values() if i.created < limit]:
                del org.invitations[invitation.id]
                invitation.failed, invitation.reason = invitation.created + INVITATION_LIFE, LAPSED
                org.failed[invitation.id] = invitation
                self.version += 1

    def grant_token(self, org: Org, user: User, name: str, *, saml: bool = False, **permissions: str) -> TokenGrant:
        """Let a fine-grained token of somebody reach the organisation, or with `saml` authorise one of any kind."""
        number = self.new_id("grant")
        one = TokenGrant(number, org.id, user.id, number + 1, name, self.now(), permissions)
        (org.authorized if saml else org.grants)[one.id] = one
        return one

    # Teams

    def create_team(self, org: Org, name: str, *, parent: Team | None = None, privacy: str = "closed") -> Team:
        slug = slug_of(name)
        if (org.id, slug) in self._slugs:
            raise ValueError(f"the team {slug} is there")
        now = self.now()
        team = Team(self.new_id("team"), org.id, name, slug, now, now, privacy=privacy)
        team.parent = parent.id if parent else None
        self.teams[team.id] = team
        self._slugs[org.id, slug] = team.id
        return team

    def create_enterprise_team(self, org: Org, name: str, members: Iterable[User]) -> Team:
        """A team of the enterprise that the organisation was given: it makes its people members."""
        team = self.create_team(org, name)
        del self._slugs[org.id, team.slug]
        team.slug, team.kind = f"ent:{team.slug}", "enterprise"
        self._slugs[org.id, team.slug] = team.id
        for user in members:
            team.members[user.id] = "member"
            if user.id not in org.members:
                org.members[user.id] = "member"
                org.indirect.add(user.id)
        return team

    def enterprise_teams(self, org: Org, user: User) -> list[Team]:
        """The teams of the enterprise that make somebody a member."""
        return [team for team in self.teams_of(org) if team.kind == "enterprise" and user.id in team.members]

    def rename_team(self, team: Team, name: str) -> None:
        """Another name, and with it another slug."""
        slug = slug_of(name)
        if self._slugs.get((team.org, slug), team.id) != team.id:
            raise ValueError(f"the team {slug} is there")
        del self._slugs[team.org, team.slug]
        team.name, team.slug = name, slug
        self._slugs[team.org, slug] = team.id
        self.version += 1

    def delete_team(self, team: Team) -> None:
        """The team and every team below it."""
        for child in [t for t in self.teams.values() if t.parent == team.id]:
            self.delete_team(child)
        org = self.orgs[team.org]
        for invitation in org.invitations.values():
            invitation.teams.pop(team.id, None)
        for role in org.org_roles.values():
            role.teams.discard(team.id)
        del self._slugs[team.org, team.slug]
        del self.teams[team.id]
        self.version += 1

    # Repositories

    def create_repo(self, org: Org, name: str, *, private: bool = True) -> Repo:
        if (org.id, name.casefold()) in self._names:
            raise ValueError(f"the repository {name} is there")
        now = self.now()
        repo = Repo(self.new_id("repo"), org.id, name, now, now, private)
        self.repos[repo.id] = repo
        self._names[org.id, name.casefold()] = repo.id
        self.moved.pop((org.id, name.casefold()), None)
        return repo

    def rename_repo(self, repo: Repo, name: str) -> None:
        """Another name; the old one answers with a redirect until somebody takes it."""
        if self._names.get((repo.org, name.casefold()), repo.id) != repo.id:
            raise ValueError(f"the repository {name} is there")
        old = (repo.org, repo.name.casefold())
        del self._names[old]
        self.moved[old] = repo.id
        repo.name = name
        self._names[repo.org, name.casefold()] = repo.id
        self.moved.pop((repo.org, name.casefold()), None)
        self.version += 1

    def delete_repo(self, repo: Repo) -> None:
        for team in self.teams.values():
            team.repos.pop(repo.id, None)
        del self._names[repo.org, repo.name.casefold()]
        del self.repos[repo.id]
        self.version += 1

    def invite_to_repo(self, repo: Repo, user: User, inviter: User, role: str) -> RepoInvitation:
        found = next((i for i in repo.invitations.values() if i.user == user.id), None)
        made = found or RepoInvitation(self.new_id("invitation"), repo.id, user.id, inviter.id, role, self.now())
        made.role = role
        repo.invitations[made.id] = made
        self.version += 1
        return made

    def accept_repo(self, repo: Repo, invitation: RepoInvitation) -> None:
        del repo.invitations[invitation.id]
        repo.collaborators[invitation.user] = invitation.role
        self.version += 1

    def expired(self, invitation: RepoInvitation) -> bool:
        return invitation.created < self.now() - INVITATION_LIFE

    def grant_team(self, team: Team, repos: Iterable[Repo], role: str = "write") -> None:
        """A role on repositories for a team: `read` ... `admin`, or a custom one."""
        team.repos.update({repo.id: role for repo in repos})
        self.version += 1

    # What is said to pull requests, and what runs leave behind

    def comment(self, pull: Pull, author: User, body: str) -> Comment:
        made = Comment(self.new_id("comment"), author.id, body, self.now(), self.now())
        pull.comments[made.id] = made
        return made

    def create_run(self, pull: Pull, path: str, event: str, conclusion: str | None = "success") -> Run:
        """A run of the workflow file `path` for the pull request as it stands."""
        repo = self.repos[pull.repo]
        source = pull.source if pull.source is not None else repo.id
        made = Run(
            self.new_id("run"),
            repo.id,
            path,
            event,
            pull.head,
            pull.head_ref,
            source,
            pull.author,
            self.now(),
            conclusion,
        )
        repo.runs[made.id] = made
        return made

    def leave_artifact(self, run: Run, name: str, archive: bytes) -> Artifact:
        """What a run left behind, kept for ninety days."""
        made = Artifact(self.new_id("artifact"), name, archive, self.now(), self.now() + timedelta(days=90))
        run.artifacts[made.id] = made
        return made


def slug_of(name: str) -> str:
    """A team's slug: its name in small ASCII letters, digits and hyphens."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9._]+", "-", plain.lower()).strip("-")


def _drop(invitations: dict[int, One], unwanted: Callable[[One], bool]) -> None:
    for number in [number for number, one in invitations.items() if unwanted(one)]:
        del invitations[number]
