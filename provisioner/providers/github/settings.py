"""What a GitHub target's block may say: its settings, a role's grants, and what is declared under it."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from provisioner.contract.fields import FromEnvironment, Strict

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
DEFAULT_API = "https://api.github.com"


class Tokens(Strict):
    """One token for reading, one for writing."""

    plan: FromEnvironment = Field(description="for plans, receipts and all else that only looks")
    apply: FromEnvironment | None = Field(None, description="for apply; absent: the one of `plan`")


class App(Strict):
    """A GitHub App, which gets tokens that live an hour: reading ones for plans, writing ones for apply."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.]{1,40}$")] = Field(
        description="the App's client id (or its number, as text)"
    )
    private_key: FromEnvironment = Field(description="its private key, PEM")


class Settings(Strict):
    """The organization and how to get at it."""

    organization: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,38}$")]
    api_url: str | FromEnvironment = Field(
        DEFAULT_API, description="of GitHub Enterprise Server: https://HOST/api/v3; or {env: NAME}"
    )
    token: FromEnvironment | Tokens | None = Field(
        None, description="{env: NAME} of a token, or {plan: {env: ...}, apply: {env: ...}}"
    )
    app: App | None = None
    saml: bool = Field(
        False,
        description="whether members sign in by SAML (Enterprise Cloud): the tokens and keys they authorized are then "
        "read and revoked",
    )

    @field_validator("api_url")
    @classmethod
    def _is_url(cls, value: str | FromEnvironment) -> str | FromEnvironment:
        if isinstance(value, str):
            parts = urlsplit(value)
            if parts.scheme not in ("https", "http") or not parts.netloc or parts.query or parts.username:
                raise ValueError("not an address such as https://api.github.com")
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> Settings:
        if (self.token is None) is (self.app is None):
            raise ValueError("give either `token` or `app`")
        return self


TeamRole = Literal["member", "maintainer"]
Permissions = dict[str, list[Name]]


class Grants(Strict):
    """What a role gives its holders in an organization."""

    organization: Literal["member", "admin"] | None = Field(
        None, description="membership itself; `teams` imply `member`. `admin` is an owner"
    )
    teams: list[Name] | dict[str, TeamRole] = Field(default_factory=list, description="slugs, or {slug: maintainer}")
    repositories: Permissions = Field(
        default_factory=dict,
        description="{name: [permission]}; without `organization` or `teams` they are outside collaborators",
    )


class Team(Strict):
    """A declared team, by its slug."""

    name: Name | None = Field(None, description="as it is shown; its slug must be the key")
    was: list[Name] = Field(default_factory=list, description="earlier slugs of the same team")
    description: str | None = None
    parent: Name | None = Field(None, description="slug of the team that it is below; absent: not managed")
    privacy: Literal["closed", "secret"] | None = Field(None, description="`closed`: seen by all members")
    repositories: dict[str, Name] | None = Field(
        None, description="{name: permission}, all that the team has; absent: not managed, {}: none"
    )
    environment: str | None = None


class Who(Strict):
    """Who is let in, written out."""

    teams: list[Name] = Field(default_factory=list)
    people: list[Name] = Field(default_factory=list, description="logins")
    apps: list[Name] = Field(default_factory=list, description="slugs")

    @model_validator(mode="after")
    def _somebody(self) -> Who:
        if not (self.teams or self.people or self.apps):
            raise ValueError("an empty list lets nobody in or everybody, depending on who reads it: say who")
        return self


class Protection(Strict):
    """Protection of one branch. A key that is absent is not managed."""

    reviews: Annotated[int, Field(ge=0, le=6)] | None = Field(
        None, description="approving reviews that a change needs; 0: none, but a pull request"
    )
    code_owners: bool | None = Field(None, description="whether a code owner must be among them")
    dismiss_stale: bool | None = None
    last_push_approval: bool | None = Field(None, description="not by whoever pushed last")
    checks: list[Name] | None = Field(None, description="status checks that must pass; []: none")
    strict_checks: bool | None = Field(None, description="on the newest state of the branch")
    administrators: bool | None = Field(None, description="whether it holds for administrators too")
    push: Literal["everyone"] | Who | None = Field(
        None, description="who may push: `everyone` with write access, or who"
    )
    force_pushes: bool | None = None
    deletions: bool | None = None
    linear_history: bool | None = None
    conversations: bool | None = Field(None, description="whether all conversations must be resolved")


class Ruleset(Strict):
    """A ruleset. A key that is absent is not managed."""

    enforcement: Literal["active", "evaluate", "disabled"] = "active"
    target: Literal["branch", "tag", "push"] = "branch"
    include: list[Name] | None = Field(None, description="refs, such as ~DEFAULT_BRANCH or refs/heads/release/*")
    exclude: list[Name] | None = None
    rules: dict[str, dict[str, object]] | None = Field(
        None, description="{type: parameters}, as GitHub names them, such as {deletion: {}}"
    )
    bypass: Literal["nobody"] | Bypass | None = Field(None, description="who may go round it: `nobody`, or who")


class Bypass(Strict):
    """Who may go round a ruleset; each {name: always or pull_request}."""

    teams: dict[str, Literal["always", "pull_request"]] = Field(default_factory=dict)
    people: dict[str, Literal["always", "pull_request"]] = Field(default_factory=dict)
    organization_admins: Literal["always", "pull_request"] | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Bypass:
        if not (self.teams or self.people or self.organization_admins):
            raise ValueError("write `nobody`")
        return self


class Reviewers(Strict):
    """Who must approve a deployment; one approval suffices."""

    teams: list[Name] = Field(default_factory=list)
    people: list[Name] = Field(default_factory=list, description="logins")

    @model_validator(mode="after")
    def _few(self) -> Reviewers:
        if not 1 <= len(self.teams) + len(self.people) <= 6:
            raise ValueError("GitHub takes one to six reviewers; write `none` for no review")
        return self


class DeployEnvironment(Strict):
    """An environment of a repository. A key that is absent is not managed."""

    reviewers: Literal["none"] | Reviewers | None = None
    wait_minutes: Annotated[int, Field(ge=0, le=43200)] | None = None
    prevent_self_review: bool | None = None
    branches: Literal["all", "protected"] | list[Name] | None = Field(
        None, description="what may be deployed: `all`, `protected` branches, or name patterns"
    )

    @field_validator("branches")
    @classmethod
    def _some(cls, value: object) -> object:
        if value == []:
            raise ValueError(
                "an empty list would let nothing or everything through: write `all`, `protected` or patterns"
            )
        return value


class Repository(Strict):
    """What guards a repository."""

    was: list[Name] = Field(default_factory=list, description="earlier names of the same repository")
    branches: dict[str, Protection] = Field(default_factory=dict)
    rulesets: dict[str, Ruleset] = Field(default_factory=dict)
    environments: dict[str, DeployEnvironment] = Field(default_factory=dict)
    environment: str | None = None


class Objects(Strict):
    """What a GitHub target itself declares."""

    teams: dict[str, Team] = Field(default_factory=dict)
    repositories: dict[str, Repository] = Field(default_factory=dict)
    rulesets: dict[str, Ruleset] = Field(default_factory=dict, description="of the organization")


Ruleset.model_rebuild()
