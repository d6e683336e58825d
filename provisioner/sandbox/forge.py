"""The GitHub organization and the CircleCI of the sandbox, as they are before anybody declares anything there.

The people of the sample have GitHub accounts (the ids are the same every time) and none is a member but those who run
it; repositories, a few teams and contexts that nobody declares stand about. A worked example has its own organization,
and no strays. Groups of CircleCI are copies of GitHub's teams: `copy_teams` is what CircleCI does by itself every few
hours. They are listed here, so that whoever plays can name one: there is no web page to read its id from.
"""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.circleci import CircleCiServer
from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.github.things import Repo, User
from provisioner.sandbox.schemes import SAMPLE, Scheme

STRAYS = ("erik-sand", "sana-q", "olga-marin")
FOREIGN_TEAMS, FOREIGN_CONTEXTS = ("alumni", "workshop"), ("legacy",)

_BOT = "provision@example.com"
Truth = dict[str, Any]


class Forge:
    """Both servers. `start` seeds them; `exports` is what a client needs to reach them."""

    def __init__(self, scheme: Scheme = SAMPLE, *, github_port: int = 0, circleci_port: int = 0) -> None:
        self.scheme = scheme
        self.github = GitHubServer(port=github_port)
        self.circleci = CircleCiServer(port=circleci_port)
        self._seed_github()
        self._seed_circleci()

    def start(self) -> Forge:
        self.github.start()
        try:
            self.circleci.start()
        except BaseException:  # no server may outlive a start that failed
            self.github.stop()
            raise
        return self

    def stop(self) -> None:
        self.circleci.stop()
        self.github.stop()

    def exports(self) -> dict[str, str]:
        """Where both are, and a token that reads and one that writes. GitHub Actions keeps names that begin with
        GITHUB_ to itself."""
        return {
            "ACCESS_GITHUB_URL": self.github.url,
            "ACCESS_GITHUB_READ_TOKEN": self._read,
            "ACCESS_GITHUB_WRITE_TOKEN": self._write,
            "ACCESS_CIRCLECI_URL": f"{self.circleci.url}/api/v2",
            "ACCESS_CIRCLECI_TOKEN": self._circleci_token,
        }

    # Before the first plan

    def _seed_github(self) -> None:
        world, scheme = self.github.world, self.scheme
        self.bot = world.create_user(f"{scheme.organization}-provision", "The machine that provisions", _BOT)
        self.people: dict[str, User] = {
            key: world.create_user(login, name, None if key in scheme.late else f"{key}@example.com")
            for key, (login, name) in scheme.people.items()
        }
        strays = [world.create_user(login) for login in STRAYS] if scheme.strays else []
        self.org = world.create_org(scheme.organization, self.bot)
        self.org.base_permission = "none"
        names = (*scheme.private, *scheme.public)
        repos = {name: world.create_repo(self.org, name, private=name in scheme.private) for name in names}
        if strays:
            self._seed_strays(strays, repos)
        for name in scheme.teams:
            world.create_team(self.org, name)
        self._read, self._write = self.github.fine_grained_token(self.bot), self.github.token(self.bot)

    def _seed_strays(self, strays: list[User], repos: dict[str, Repo]) -> None:
        world, (erik, sana, olga) = self.github.world, strays
        for user, role in ((erik, "admin"), (sana, "member"), (self.people["mia"], "member")):
            world.set_member(self.org, user, role)
        for name, members in {"alumni": (erik,), "workshop": (sana, self.people["mia"])}.items():
            team = world.create_team(self.org, name)
            team.members.update({user.id: "member" for user in members})
            world.grant_team(team, [repos["docs"]], "triage")
        repos["docs"].collaborators[olga.id] = "write"
        world.invite(self.org, erik, email="printer@example.org")
        world.invite(self.org, erik, user=self.people["ivan"])

    def _seed_circleci(self) -> None:
        state, scheme = self.circleci.state, self.scheme
        machine = state.create_person(self.bot.login, self.bot.name or "")
        for user in self.people.values():
            state.create_person(user.login, user.name or "")
        self.ci = state.create_org(scheme.organization, machine)
        self.circleci.manners.github_groups = True
        projects = {name: state.create_project(self.ci, name) for name in scheme.private or scheme.public}
        if scheme.strays:
            for login in ("erik-sand", "sana-q"):
                state.create_person(login)
            legacy = state.create_context(self.ci, "legacy")
            state.restrict(legacy, "project", projects["infrastructure"].id)
            state.set_variable(legacy.variables, "OLD_DEPLOY_KEY", "a value that nobody is told")
        self._circleci_token = self.circleci.token(machine, days=365)
        self.copy_teams()

    # While the story goes on

    def accept(self) -> None:
        """Whoever is invited to GitHub says yes, but for those who never do; the next copy takes them to CircleCI."""
        world = self.github.world
        ours = {user.id for key, user in self.people.items() if key not in self.scheme.late}
        with self.github.lock:
            for invitation in [i for i in self.org.invitations.values() if i.user in ours]:
                world.accept(self.org, invitation)
            for repo in world.repos_of(self.org):
                for offered in [i for i in repo.invitations.values() if i.user in ours]:
                    world.accept_repo(repo, offered)

    def copy_teams(self) -> None:
        """What CircleCI does every few hours: members and teams of GitHub become its people and groups."""
        with self.github.lock, self.circleci.lock:
            who = {user.login.casefold(): user.id for user in self.github.world.users.values()}
            known = {person.id: who.get(person.login.casefold()) for person in self.circleci.state.people.values()}
            for person, user in known.items():
                role = self.org.members.get(user or 0)
                self.ci.members.pop(person, None)
                if role is not None:
                    self.ci.members[person] = "admin" if role == "admin" else "contributor"
            teams = {
                team.name: [self.github.world.users[number].login for number in team.members]
                for team in self.github.world.teams_of(self.org)
            }
            self.circleci.state.copy_teams(self.ci, teams)

    # What is really there

    def foreign(self) -> Truth:
        """What nobody of ours made, as the servers hold it."""
        github, circleci = self.github.truth(self.org), self.circleci.truth(self.ci)
        found: Truth = {f"team {name}": github["teams"].get(name) for name in FOREIGN_TEAMS}
        found |= {f"context {name}": circleci["contexts"].get(name) for name in FOREIGN_CONTEXTS}
        found["outside"] = github["outside"]
        found["owners"] = sorted(login for login, role in github["members"].items() if role == "admin")
        found["invited by e-mail"] = sorted(name for name in github["invitations"] if "@" in name)
        return found

    def may_use(self, key: str, context: str = "release-prod", project: str = "payments") -> bool:
        """Whether a job that a person of the sample starts, and that meets what the context's expressions ask for, gets
        the variables of a context of CircleCI."""
        state, login = self.circleci.state, self.people[key].login
        person = next(p for p in state.people.values() if p.login == login)
        contexts = [c for c in state.contexts_of(self.ci) if c.name == context]
        projects = [p for p in state.projects.values() if p.name == project]
        return any(state.may_use(c, person, p, c.values("expression")) for c in contexts for p in projects)

    def left(self, key: str) -> list[str]:
        """What GitHub still gives to a person of the sample, by whatever way."""
        login, truth = self.people[key].login, self.github.truth(self.org)
        found = [f"a member of {self.org.login}"] if login in truth["members"] else []
        found += [f"invited to {self.org.login}"] if login in truth["invitations"] else []
        found += [f"in the team {name}" for name, team in truth["teams"].items() if login in team["members"]]
        for name, repo in truth["repos"].items():
            found += [f"{what} of {name}" for what in ("collaborators", "invitations") if login in repo[what]]
        return found
