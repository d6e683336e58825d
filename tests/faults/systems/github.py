"""The embedded GitHub: one organization with teams, repositories and invitations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from provisioner.sandbox.github import GitHubServer
from provisioner.sandbox.github.things import VERB_OF, Org, Team, User
from provisioner.sandbox.service import Exchange
from tests.faults.story import ROLES, Story
from tests.faults.systems.base import GONE
from tests.faults.systems.github_wire import GithubWire

ORGANIZATION = "acme"
_TEAMS: tuple[Mapping[str, Mapping[str, Any]], ...] = (
    {
        "developers": {"repositories": {"site": "push", "tools": "pull"}},
        "operators": {"repositories": {"site": "maintain"}},
        "web": {},
        "everyone": {},
    },
    {
        "developers": {"repositories": {"site": "triage"}},
        "operators": {"repositories": {"site": "admin", "tools": "push"}},
        "web": {"parent": "everyone"},
        "everyone": {},
        "releases": {"repositories": {"tools": "maintain"}},
    },
)
"""Before and after: a permission falls, one rises, one comes, one goes; a team moves below another; a team comes."""
_REPOSITORIES = ("site", "tools", "theirs")
_STRANGERS = 120
"""Invitations by hand where pages are to be short: of these REST has no shorter pages than are asked for."""


class GithubSystem:
    """`tests.faults.systems.base.System`. The state lives in this process; a case runs in a fork of it."""

    name = "github"

    def __init__(self) -> None:
        self.server = GitHubServer()
        self.server.limits.per_minute = self.server.limits.content_per_minute = None
        self.wire = GithubWire(self)
        self.silent = self.wire.silent
        self._seen: list[tuple[str, frozenset[str]]] = []
        self._logins: frozenset[str] = frozenset()
        self._ids: dict[str, int] = {}
        self.bot: User
        self.org: Org

    # Life

    def start(self, folder: Path) -> None:
        self.server.start()

    def seed(self, story: Story) -> None:
        world = self.server.world
        self._logins = story.logins
        self.bot = world.create_user("acme-bot")
        self.org = world.create_org(ORGANIZATION, self.bot)
        self.org.base_permission = "none"
        self._read, self._write = self.server.fine_grained_token(self.bot), self.server.token(self.bot)
        people = {name: world.create_user(name) for name in (*sorted(story.logins), "stranger", "theirs", "outsider")}
        self._ids = {name: user.id for name, user in people.items()}
        names = (*_REPOSITORIES, *(_repository(p) for p in story.names("policies")))
        repos = {name: world.create_repo(self.org, name) for name in names}
        for slug in _TEAMS[0]:
            world.create_team(self.org, slug)
        handmade = world.create_team(self.org, "handmade")
        for slug, body in _TEAMS[0].items():
            for repository, permission in body.get("repositories", {}).items():
                world.grant_team(self._team(slug), [repos[repository]], _role(permission))
        for person in story.people:
            if person.before is not None:
                self._place(people[person.name], [ROLES[r] for r in person.before])
        for name in ("stranger", "theirs"):
            world.set_member(self.org, people[name])
        for team in (*(self._team(slug) for slug in _TEAMS[0]), handmade):
            team.members[people["stranger"].id] = "member"
        world.grant_team(handmade, [repos["theirs"]], "write")
        repos["theirs"].collaborators |= {people["outsider"].id: "write", people["theirs"].id: "admin"}
        invited = _STRANGERS if self.wire.page is not None else 1
        for number in range(invited):
            world.invite(self.org, self.bot, email=f"guest{number}@example.org")
        world.version += 1

    def _place(self, user: User, roles: list[Mapping[str, tuple[str, ...]]]) -> None:
        world = self.server.world
        world.set_member(self.org, user)
        for slug in {g for role in roles for g in role["groups"]}:
            self._team(slug).members[user.id] = "member"
        for policy in {p for role in roles for p in role["policies"]}:
            found = world.repo(self.org, _repository(policy))
            assert found is not None
            found.collaborators[user.id] = "write"

    def _team(self, slug: str) -> Team:
        found = self.server.world.team(self.org, slug)
        assert found is not None, slug
        return found

    def save(self) -> None:
        self.server.stop()

    def restore(self) -> None:
        """Each case is forked from what was saved."""

    def serve(self) -> None:
        self._seen = []
        self.server.watchers = [self._watch]
        self.server.start()

    def stop(self) -> None:
        self.server.stop()

    @property
    def upstream(self) -> tuple[str, int]:
        where = urlparse(self.server.url)
        return (str(where.hostname), int(where.port or 0))

    def plant(self, secret: Iterator[str], logins: frozenset[str]) -> list[str]:
        """Our tokens; GitHub shows nothing else that is secret. They become what `secret` gives."""
        planted = []
        tokens = self.server.keys.tokens
        for kind in ("_read", "_write"):
            old, new = getattr(self, kind), next(secret).encode("ascii", "ignore").decode()
            tokens[new] = tokens.pop(old)
            tokens[new].secret = new
            setattr(self, kind, new)
            planted.append(new)
        return planted

    def small_pages(self) -> None:
        self.wire.page = 15

    def environment(self, port: int) -> dict[str, str]:
        url = f"http://127.0.0.1:{port}"
        return {"GITHUB_API_URL": url, "GITHUB_READ": self._read, "GITHUB_WRITE": self._write}

    def broken(self, wrong: str) -> list[dict[str, str]]:
        plain = wrong.encode("ascii", "ignore").decode()
        return [
            {"GITHUB_READ": plain, "GITHUB_WRITE": plain},
            {"GITHUB_READ": wrong},
            {"GITHUB_API_URL": f"http://user:{wrong}@127.0.0.1:1"},
        ]

    # The files

    def target(self, *, after: bool) -> str:
        lines = [f"{self.name}:", "  provider: github", f"  organization: {ORGANIZATION}"]
        lines += ["  api_url: {env: GITHUB_API_URL}"]
        lines += ["  token: {plan: {env: GITHUB_READ}, apply: {env: GITHUB_WRITE}}", "  teams:"]
        for slug, body in _TEAMS[after].items():
            given = ", ".join(f"{r}: {p}" for r, p in body.get("repositories", {}).items())
            said = [f"parent: {body['parent']}"] if "parent" in body else []
            said += [f"repositories: {{{given}}}"] if given else []
            lines.append(f"    {slug}: {{{', '.join(said)}}}")
        return "\n".join(lines)

    def grants(self, role: Mapping[str, tuple[str, ...]]) -> str:
        repositories = ", ".join(f"{_repository(p)}: [push]" for p in role["policies"])
        return f"{{teams: [{', '.join(role['groups'])}], repositories: {{{repositories}}}}}"

    def account(self, login: str) -> str:
        return f'{{login: {login}, id: "{self._ids[login]}"}}'

    def wanted(self, login: str, roles: Iterable[Mapping[str, tuple[str, ...]]]) -> frozenset[str]:
        roles = list(roles)
        found = {f"account/{login}", f"grant/~organization/{login}"}
        found |= {f"membership/{g}/{login}" for role in roles for g in role["groups"]}
        for name in (_repository(p) for role in roles for p in role["policies"]):
            found |= {f"grant/{name}/{login}", f"level.push/{name}/{login}"}
        return frozenset(found)

    def standing(self, *, after: bool) -> frozenset[str]:
        found = set()
        for slug, body in _TEAMS[after].items():
            found |= {f"group/{slug}"} | ({f"parent.{body['parent']}/{slug}"} if "parent" in body else set())
            for repository, permission in body.get("repositories", {}).items():
                found |= {f"grant/{repository}/group:{slug}", f"level.{permission}/{repository}/group:{slug}"}
        return frozenset(found)

    # The truth

    def held(self, logins: frozenset[str]) -> frozenset[str]:
        """An invitation counts: whoever has one can come in at any moment."""
        truth, found = self.server.truth(self.org), set[str]()
        for login, role in truth["members"].items():
            if login in logins:
                found |= {f"account/{login}", f"grant/~organization/{login}"}
                found |= {f"owner/{login}"} if role == "admin" else set()
        for login, invitation in truth["invitations"].items():
            if login in logins:
                found |= {f"account/{login}", f"grant/~organization/{login}"}
                found |= {f"membership/{slug}/{login}" for slug in invitation["teams"]}
                found |= {f"owner/{login}"} if invitation["role"] != "direct_member" else set()
        for name, repo in truth["repos"].items():
            for login, role in (*repo["collaborators"].items(), *repo["invitations"].items()):
                if login in logins:
                    found |= {f"account/{login}", f"grant/{name}/{login}", f"level.{_word(role)}/{name}/{login}"}
        for slug, team in truth["teams"].items():
            for login, role in team["members"].items():
                if login in logins:
                    found |= {f"membership/{slug}/{login}"} | ({f"lead/{login}"} if role != "member" else set())
            if slug in _TEAMS[0] or slug in _TEAMS[1]:
                found |= {f"group/{slug}"} | ({f"parent.{team['parent']}/{slug}"} if team["parent"] else set())
                for name, role in team["repos"].items():
                    found |= {f"grant/{name}/group:{slug}", f"level.{_word(role)}/{name}/group:{slug}"}
        return frozenset(found)

    def foreign(self, logins: frozenset[str]) -> Mapping[str, Any]:
        """Ours is a team's name and what it has, where the files declare it; of the rest, all there is, by number."""
        org, world = self.org, self.server.world
        ours = {user.id for user in world.users.values() if user.login in logins}
        bot = self.bot.id
        found: dict[str, Any] = {f"user {u.id}": asdict(u) for u in world.users.values()}
        found["organization"] = (org.name, org.description, org.base_permission)
        found["members"] = {u: role for u, role in org.members.items() if u not in ours}
        found["invitations"] = {i.id: asdict(i) for i in org.invitations.values() if i.user not in ours}
        for team in world.teams_of(org):
            members = {u: role for u, role in team.members.items() if u not in ours}
            if team.slug in _TEAMS[0]:
                found[f"team {team.slug}"] = (team.id, team.name, team.description, team.privacy, members)
            elif team.slug in _TEAMS[1]:  # made meanwhile: where its making was cut short, its maker is left in it
                found |= {f"team {team.slug}": members} if set(members) - {bot} else {}
            else:
                found[f"team {team.slug}"] = asdict(team)
        for repo in world.repos_of(org):
            theirs = {u: role for u, role in repo.collaborators.items() if u not in ours}
            offered = {i.id: asdict(i) for i in repo.invitations.values() if i.user not in ours}
            found[f"repository {repo.name}"] = (repo.id, repo.private, theirs, offered, len(repo.protections))
        return found

    def accounts(self, logins: frozenset[str]) -> Mapping[str, int]:
        """A membership, and each invitation: who is sent two has two."""
        who, found = self.server.world.users, Counter[str]()
        found.update(who[u].login for u in self.org.members if who[u].login in logins)
        invited = (i.user for i in self.org.invitations.values() if i.user is not None)
        found.update(who[u].login for u in invited if who[u].login in logins)
        return found

    def _watch(self, exchange: Exchange) -> None:
        if exchange.environ["REQUEST_METHOD"] != "GET" and not exchange.call.endswith("/graphql"):
            self._seen.append((exchange.call, self.held(self._logins)))

    def moments(self, story: Story) -> list[str]:
        """After each change nobody holds what was neither held before nor asked for."""
        allowed = story.things(self, after=False) | story.things(self, after=True)
        return [f"there was {', '.join(sorted(h - allowed))} after {call}" for call, h in self._seen if h - allowed]

    def rests_on(self, action: str, thing: str, damaged: frozenset[str]) -> bool:
        """Accounts rest on all: whoever is short of a place may be outside, or invited."""
        kind = thing.partition("/")[0]
        needs = {
            "group": {"teams"},
            "membership": {"teams", "members", "team-members", "invitations"},
            "grant": {"members", "teams", "repositories", "team-repositories", "collaborators", "invitations"},
        }.get(kind)
        parts = {p for scope in damaged for p in scope.split("/")[0].split("+")}
        if kind == "grant" and "~organization" not in thing:
            parts = {"repositories" if p == "repository-invitations" else p for p in parts}
        touched = bool(parts) if needs is None else bool(parts & needs)
        return touched and (action in GONE or (action == "create" and kind == "account"))

    # `tests.faults.systems.github_wire.Names`

    def login(self, user: int) -> str:
        return self.server.world.users[user].login

    def slug(self, team: int) -> str:
        return self.server.world.teams[team].slug

    def invited(self, invitation: int) -> str:
        whole = self.org.invitations.get(invitation)
        if whole is not None:
            return self.login(whole.user) if whole.user is not None else str(whole.email)
        offered = (repo.invitations.get(invitation) for repo in self.server.world.repos_of(self.org))
        found = next((one for one in offered if one is not None), None)
        return self.login(found.user) if found is not None else f"nobody-{invitation}"

    def has(self, team: str, repository: str) -> bool:
        found, repo = self.server.world.team(self.org, team), self.server.world.repo(self.org, repository)
        return found is not None and repo is not None and repo.id in found.repos

    def is_ours(self, login: str) -> bool:
        return login == self.bot.login


def _repository(policy: str) -> str:
    return policy.lower()


def _role(permission: str) -> str:
    return next(role for role, verb in VERB_OF.items() if verb == permission)


def _word(role: str) -> str:
    return VERB_OF.get(role, role)
