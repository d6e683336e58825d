"""What the embedded CircleCI holds: organisations, people, groups, projects, contexts; and who may use a context.

Groups of a `github` organisation are copies of GitHub teams, made when CircleCI gets round to it: `copy_teams` is that
moment. A context that is new is open to every member, by a group restriction whose value is the organisation's id.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from provisioner.sandbox.service import Clock

EVERYBODY = "All members"
MOST_CONTEXTS, MOST_VARIABLES, LONGEST_NAME, LONGEST_VALUE = 500, 100, 200, 32_768


@dataclass(eq=False, slots=True)
class Person:
    """Somebody on CircleCI."""

    id: str
    login: str
    name: str


@dataclass(eq=False, slots=True)
class Group:
    """A security group: a copied GitHub team, or one of CircleCI's own."""

    id: str
    name: str
    description: str = ""
    members: set[str] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class Organization:
    """An organisation of type `github` or `circleci`; `members` maps people to `admin` or `contributor`."""

    id: str
    name: str
    kind: str
    slug: str
    members: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Variable:
    """A secret value, which is never told; `updated` is."""

    value: str
    created: datetime
    updated: datetime


@dataclass(eq=False, slots=True)
class CheckoutKey:
    """A key that fetches the code: the repository's, or a person's own."""

    fingerprint: str
    kind: str
    created: datetime
    preferred: bool = True


@dataclass(eq=False, slots=True)
class Project:
    """A project. `ran` is whether a pipeline ran lately, which is how one can be found."""

    id: str
    name: str
    slug: str
    org: str
    variables: dict[str, Variable] = field(default_factory=dict)
    keys: dict[str, CheckoutKey] = field(default_factory=dict)
    settings: dict[str, bool] = field(default_factory=dict)
    ran: bool = True


@dataclass(eq=False, slots=True)
class Restriction:
    """Who or what may use a context."""

    id: str
    kind: str
    value: str


@dataclass(eq=False, slots=True)
class Context:
    """Variables that jobs may use, and the restrictions on that."""

    id: str
    org: str
    name: str
    created: datetime
    restrictions: dict[str, Restriction] = field(default_factory=dict)
    variables: dict[str, Variable] = field(default_factory=dict)

    def values(self, kind: str) -> list[str]:
        """The values of its restrictions of a kind."""
        return [one.value for one in self.restrictions.values() if one.kind == kind]


@dataclass(eq=False, slots=True)
class Pipeline:
    """What a trigger began: `webhook`, `api`, `explicit` or `scheduled_pipeline`. `actor` is a login of the forge, who
    need not be anybody here. `origin` and `target` are repositories: of a fork's change they differ."""

    id: str
    number: int
    project: str
    created: datetime
    trigger: str
    actor: str
    revision: str
    branch: str
    origin: str
    target: str


@dataclass(eq=False, slots=True)
class Job:
    """A job of a workflow. One of type `approval` has nobody's id in `approved_by` while it waits."""

    id: str
    name: str
    kind: str
    started: datetime
    approved_by: str | None = None


@dataclass(eq=False, slots=True)
class Workflow:
    """One start of a workflow: a second start is another one of the same pipeline, by whoever pressed the button."""

    id: str
    pipeline: str
    name: str
    created: datetime
    started_by: str
    status: str = "running"
    canceled_by: str | None = None
    jobs: list[Job] = field(default_factory=list)


class State:
    """Everything there is."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.people: dict[str, Person] = {}
        self.orgs: dict[str, Organization] = {}
        self.projects: dict[str, Project] = {}
        self.contexts: dict[str, Context] = {}
        self.pipelines: dict[str, Pipeline] = {}
        self.workflows: dict[str, Workflow] = {}
        self._made = 0

    def new_id(self) -> str:
        """The next id. In the same order of events they are the same ones."""
        self._made += 1
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{self._made}.sandbox.example"))

    def now(self) -> datetime:
        return self.clock.now().replace(microsecond=0)

    # Making things

    def create_person(self, login: str, name: str = "") -> Person:
        person = Person(self.new_id(), login, name or login)
        self.people[person.id] = person
        return person

    def create_org(self, name: str, admin: Person, kind: str = "github") -> Organization:
        """`kind` is `github` (people and groups come from there) or `circleci` (they are its own)."""
        number = self.new_id()
        slug = f"gh/{name}" if kind == "github" else f"circleci/{self.new_id()}"
        org = Organization(number, name, kind, slug, {admin.id: "admin"})
        self.orgs[number] = org
        return org

    def create_group(self, org: Organization, name: str, members: Iterable[Person] = (), text: str = "") -> Group:
        group = Group(self.new_id(), name, text, {person.id for person in members})
        org.groups[group.id] = group
        return group

    def copy_teams(self, org: Organization, teams: Mapping[str, Iterable[str]]) -> None:
        """Make the groups what the GitHub teams are: names to logins. A group keeps its id while its name stays; one
        whose team is gone goes, and with it the restrictions that name it."""
        by_name = {group.name: group for group in org.groups.values()}
        logins = {person.login.casefold(): person.id for person in self.people.values()}
        for name, members in teams.items():
            group = by_name.pop(name, None) or self.create_group(org, name)
            group.members = {logins[login.casefold()] for login in members if login.casefold() in logins}
        for group in by_name.values():
            del org.groups[group.id]
            for context in self.contexts.values():
                for one in [r for r in context.restrictions.values() if r.value == group.id]:
                    del context.restrictions[one.id]

    def create_project(self, org: Organization, name: str) -> Project:
        slug = f"{org.slug}/{name}" if org.kind == "github" else f"{org.slug}/{self.new_id()}"
        project = Project(self.new_id(), name, slug, org.id)
        self.projects[project.id] = project
        return project

    def create_context(self, org: Organization, name: str) -> Context:
        """As the API and the web page do: open to every member, where the organisation has groups for contexts."""
        context = Context(self.new_id(), org.id, name, self.now())
        if org.kind == "github":
            self.restrict(context, "group", org.id)
        self.contexts[context.id] = context
        return context

    def restrict(self, context: Context, kind: str, value: str) -> Restriction:
        one = Restriction(self.new_id(), kind, value)
        context.restrictions[one.id] = one
        return one

    def set_variable(self, held: dict[str, Variable], name: str, value: str) -> Variable:
        now = self.now()
        held[name] = Variable(value, held[name].created if name in held else now, now)
        return held[name]

    # Finding

    def org_of(self, number: str | None = None, slug: str | None = None) -> Organization | None:
        if number is not None:
            return self.orgs.get(number)
        wanted = _short(slug or "").casefold()
        return next((org for org in self.orgs.values() if org.slug.casefold() == wanted), None)

    def project_of(self, slug: str) -> Project | None:
        wanted = _short(slug).casefold()
        return next((one for one in self.projects.values() if one.slug.casefold() == wanted), None)

    def contexts_of(self, org: Organization) -> list[Context]:
        return [context for context in self.contexts.values() if context.org == org.id]

    # Who may

    def may_use(self, context: Context, person: Person, project: Project, true_expressions: Iterable[str] = ()) -> bool:
        """Whether a job of the project, started by the person, gets the context's variables.

        Admins pass groups and projects by. Groups count as one of them, projects too; all three kinds have to hold. A
        context of a `github` organisation without any group left is for admins alone. Expressions are not worked out:
        `true_expressions` are those that hold.
        """
        org = self.orgs[context.org]
        standing = org.members.get(person.id)
        if standing is None or project.org != org.id:
            return False
        if not all(one in set(true_expressions) for one in context.values("expression")):
            return False
        if standing == "admin":
            return True
        projects = context.values("project")
        if projects and project.id not in projects:
            return False
        if org.kind != "github":
            return True
        groups = context.values("group")
        return org.id in groups or any(person.id in org.groups[g].members for g in groups if g in org.groups)


def _short(slug: str) -> str:
    """`github/acme` is another way to write `gh/acme`."""
    return f"gh/{slug.removeprefix('github/')}" if slug.startswith("github/") else slug
