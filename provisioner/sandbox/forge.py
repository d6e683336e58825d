"""The sample company's GitHub organisation and its CircleCI, as they are before anybody declares anything there.

The people of the sample have GitHub accounts (the ids are the same every time) and none is a member but those who run
it; repositories, a few teams and contexts that nobody declares stand about. Groups of CircleCI are copies of GitHub's
teams: `copy_teams` is what CircleCI does by itself every few hours. They are listed here, so that whoever plays can
name one: there is no web page to read its id from.
"""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.circleci import CircleCiServer
from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.github.things import User

ORGANIZATION = "acme"
PEOPLE = {
    "ada": "Ada Moreau", "ben": "Ben Adeyemi", "chiara": "Chiara Rossi", "diego": "Diego Álvarez",
    "fatima": "Fatima El Amrani", "grace": "Grace Okafor", "ivan": "Ivan Petrov", "linus": "Linus Berg",
    "mia": "Mia Lindqvist", "noor": "Noor Haddad", "tomas": "Tomás Silva", "yuki": "Yuki Tanaka",
}  # fmt: skip
PRIVATE, PUBLIC = ("payments", "ledger", "infrastructure"), ("docs",)
FOREIGN_TEAMS, FOREIGN_CONTEXTS = ("alumni", "workshop"), ("legacy",)
MANAGED_TEAMS = ("payments", "release-managers")
"""The sample declares them and they are there already: CircleCI has copied them before the first apply."""

Truth = dict[str, Any]


class Forge:
    """Both servers. `start` seeds them; `exports` is what a client needs to reach them."""

    def __init__(self, *, github_port: int = 0, circleci_port: int = 0) -> None:
        self.github = GitHubServer(port=github_port)
        self.circleci = CircleCiServer(port=circleci_port)
        self._seed_github()
        self._seed_circleci()

    def start(self) -> Forge:
        self.github.start()
        try:
            self.circleci.start()
        except BaseException:
            self.github.stop()
            raise
        return self

    def stop(self) -> None:
        self.circleci.stop()
        self.github.stop()

    def exports(self) -> dict[str, str]:
        """Where both are, and a token that reads and one that writes."""
        return {
            "GITHUB_API_URL": self.github.url,
            "GITHUB_READ_TOKEN": self._read,
            "GITHUB_WRITE_TOKEN": self._write,
            "CIRCLECI_API_URL": f"{self.circleci.url}/api/v2",
            "CIRCLECI_TOKEN": self._circleci_token,
        }

    # Before the first plan

    def _seed_github(self) -> None:
        world = self.github.world
        self.bot = world.create_user("acme-provision", "The machine that provisions", "provision@example.com")
        self.people: dict[str, User] = {
            key: world.create_user(f"{key}-acme", name, None if key == "ivan" else f"{key}@example.com")
            for key, name in PEOPLE.items()
        }
        erik, sana, olga = (world.create_user(login) for login in ("erik-sand", "sana-q", "olga-marin"))
        self.org = world.create_org(ORGANIZATION, self.bot, "Acme payments")
        self.org.base_permission = "none"
        for user, role in ((erik, "admin"), (sana, "member"), (self.people["mia"], "member")):
            world.set_member(self.org, user, role)
        repos = {name: world.create_repo(self.org, name, private=name in PRIVATE) for name in (*PRIVATE, *PUBLIC)}
        for name, members in {"alumni": (erik,), "workshop": (sana, self.people["mia"])}.items():
            team = world.create_team(self.org, name)
            team.members.update({user.id: "member" for user in members})
            world.grant_team(team, [repos["docs"]], "triage")
        for name in MANAGED_TEAMS:
            world.create_team(self.org, name)
        repos["docs"].collaborators[olga.id] = "write"
        world.invite(self.org, erik, email="printer@example.org")
        world.invite(self.org, erik, user=self.people["ivan"])
        self._read, self._write = self.github.fine_grained_token(self.bot), self.github.token(self.bot)

    def _seed_circleci(self) -> None:
        state = self.circleci.state
        machine = state.create_person(self.bot.login, self.bot.name or "")
        for user in self.people.values():
            state.create_person(user.login, user.name or "")
        for login in ("erik-sand", "sana-q"):
            state.create_person(login)
        self.ci = state.create_org(ORGANIZATION, machine)
        projects = {name: state.create_project(self.ci, name) for name in PRIVATE}
        self.circleci.manners.github_groups = True
        legacy = state.create_context(self.ci, "legacy")
        state.restrict(legacy, "project", projects["infrastructure"].id)
        state.set_variable(legacy.variables, "OLD_DEPLOY_KEY", "a value that nobody is told")
        self._circleci_token = self.circleci.token(machine, days=365)
        self.copy_teams()

    # While the story goes on

    def accept(self, *but: str) -> None:
        """Whoever of the sample is invited to GitHub says yes, except these; the next copy takes them to CircleCI."""
        world, waiting = self.github.world, {self.people[key].id for key in but}
        ours = {user.id for user in self.people.values()} - waiting
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
        found = [f"a member of {ORGANIZATION}"] if login in truth["members"] else []
        found += [f"invited to {ORGANIZATION}"] if login in truth["invitations"] else []
        found += [f"in the team {name}" for name, team in truth["teams"].items() if login in team["members"]]
        for name, repo in truth["repos"].items():
            found += [f"{what} of {name}" for what in ("collaborators", "invitations") if login in repo[what]]
        return found
