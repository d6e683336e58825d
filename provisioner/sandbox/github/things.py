"""What the embedded GitHub holds: users, organisations, teams, repositories, invitations, and what guards a branch.

Plain values that only point at each other by numeric id; `world.py` keeps them, `rights.py` works out who may do what.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from provisioner.sandbox.github.vault import Vault

ROLES = ("read", "triage", "write", "maintain", "admin")
VERBS = {"pull": "read", "triage": "triage", "push": "write", "maintain": "maintain", "admin": "admin"}
VERB_OF = {role: verb for verb, role in VERBS.items()}


@dataclass(eq=False, slots=True)
class User:
    """Somebody on GitHub. The id stays; the login may change, and another may then take it."""

    id: int
    login: str
    created: datetime
    name: str | None = None
    email: str | None = None
    kind: str = "User"
    two_factor: bool = True
    prefix: str = "U"


@dataclass(eq=False, slots=True)
class Invitation:
    """An invitation to an organisation with its teams: one thing, accepted or cancelled as a whole."""

    id: int
    user: int | None
    email: str | None
    role: str
    inviter: int
    created: datetime
    teams: dict[int, str] = field(default_factory=dict)
    failed: datetime | None = None
    reason: str | None = None
    prefix: str = "OI"


@dataclass(eq=False, slots=True)
class Team:
    """A team. `members` are its own, without those of child teams; `repos` are its own, without its parent's."""

    id: int
    org: int
    name: str
    slug: str
    created: datetime
    updated: datetime
    description: str | None = None
    privacy: str = "closed"
    notifications: str = "notifications_enabled"
    parent: int | None = None
    members: dict[int, str] = field(default_factory=dict)
    repos: dict[int, str] = field(default_factory=dict)
    kind: str = "organization"
    prefix: str = "T"


@dataclass(eq=False, slots=True)
class RepoInvitation:
    """An invitation to one repository."""

    id: int
    repo: int
    user: int
    inviter: int
    role: str
    created: datetime
    prefix: str = "RI"


@dataclass(eq=False, slots=True)
class Role:
    """A custom role: of repositories, or of an organisation. `base` is what it builds on."""

    id: int
    name: str
    base: str | None
    permissions: tuple[str, ...]
    created: datetime
    source: str = "Organization"
    description: str | None = None
    users: set[int] = field(default_factory=set)
    teams: set[int] = field(default_factory=set)


@dataclass(eq=False, slots=True)
class Protection:
    """Classic protection of the branches that match a pattern; `rules` is what the PUT sends, completed."""

    id: int
    repo: int
    pattern: str
    rules: dict[str, Any]
    prefix: str = "BPR"


@dataclass(eq=False, slots=True)
class Ruleset:
    """A ruleset of a repository or an organisation, in the words of the REST API."""

    id: int
    owner: User | Org | Repo
    name: str
    target: str
    enforcement: str
    created: datetime
    updated: datetime
    bypass_actors: list[dict[str, Any]] = field(default_factory=list)
    conditions: dict[str, Any] | None = None
    rules: list[dict[str, Any]] = field(default_factory=list)
    prefix: str = "RRS"


@dataclass(eq=False, slots=True)
class Environment:
    """A deployment environment and what protects it."""

    id: int
    repo: int
    name: str
    created: datetime
    updated: datetime
    wait_timer: int = 0
    prevent_self_review: bool = False
    reviewers: list[tuple[str, int]] = field(default_factory=list)
    branch_policy: dict[str, bool] | None = None
    patterns: dict[int, dict[str, str]] = field(default_factory=dict)
    rule_ids: dict[str, int] = field(default_factory=dict)
    vault: Vault = field(default_factory=Vault)
    prefix: str = "EN"


@dataclass(eq=False, slots=True)
class DeployKey:
    """A key of one repository; `added_by` may have left since."""

    id: int
    title: str
    key: str
    read_only: bool
    added_by: int
    created: datetime


@dataclass(eq=False, slots=True)
class TokenGrant:
    """That a token of somebody reaches an organisation: a fine-grained one, or any that is authorised for SAML."""

    id: int
    org: int
    user: int
    token: int
    name: str
    created: datetime
    permissions: dict[str, str] = field(default_factory=dict)
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as GitHub knows it; `author` and `committer` are accounts, where the e-mail addresses lead to some."""

    sha: str
    at: datetime
    author: int | None = None
    committer: int | None = None
    parents: tuple[str, ...] = ()
    message: str = "change"


@dataclass(frozen=True, slots=True)
class Activity:
    """A branch moved: who moved it, from where to where. `kind` is push, force_push, branch_creation and the like."""

    id: int
    ref: str
    before: str
    after: str
    at: datetime
    kind: str
    actor: int | None
    prefix: str = "PSH"


@dataclass(eq=False, slots=True)
class Review:
    """A review of one state of a pull request, the commit that was its newest when it was given."""

    id: int
    user: int | None
    state: str
    commit: str | None
    at: datetime | None
    body: str = ""
    prefix: str = "PRR"


@dataclass(eq=False, slots=True)
class Pull:
    """A pull request. `source` is the repository that its branch is in, another for a fork's; None where that is gone.
    `commits` are those that were pushed to it, `head` the newest; `landed` those that brought it into its base, and
    `merge_commit` the last of these."""

    id: int
    repo: int
    number: int
    author: int
    title: str
    head: str
    head_ref: str
    source: int | None
    created: datetime
    base_ref: str = "main"
    open: bool = True
    merge_commit: str | None = None
    base: str = ""
    commits: list[str] = field(default_factory=list)
    merged: datetime | None = None
    merged_by: int | None = None
    landed: list[str] = field(default_factory=list)
    reviews: dict[int, Review] = field(default_factory=dict)
    locked: bool = False
    comments: dict[int, Comment] = field(default_factory=dict)
    prefix: str = "PR"


@dataclass(eq=False, slots=True)
class Comment:
    """What somebody said to a pull request."""

    id: int
    author: int
    body: str
    created: datetime
    updated: datetime
    prefix: str = "IC"


@dataclass(eq=False, slots=True)
class Artifact:
    """A file that a run left behind: the bytes of its archive."""

    id: int
    name: str
    archive: bytes
    created: datetime
    expires: datetime
    prefix: str = "A"


@dataclass(eq=False, slots=True)
class Run:
    """One run of a workflow: which file of it, at which event, for which commit of which repository (None: a fork that
    is gone). `actor` caused it at first, `triggering` started this attempt (None: the same), `earlier` has who started
    those before, and how they ended. `approvals` are who let it into which environment, while it was `waiting`."""

    id: int
    repo: int
    path: str
    event: str
    head: str
    head_ref: str
    source: int | None
    actor: int
    created: datetime
    conclusion: str | None = "success"
    attempt: int = 1
    artifacts: dict[int, Artifact] = field(default_factory=dict)
    triggering: int | None = None
    waiting: bool = False
    earlier: list[tuple[int, str]] = field(default_factory=list)
    approvals: list[tuple[int, str, str]] = field(default_factory=list)
    prefix: str = "WFR"


@dataclass(eq=False, slots=True)
class Repo:
    """A repository. `collaborators` holds direct grants alone. `heads` are the newest commits of those branches that
    something was pushed to."""

    id: int
    org: int
    name: str
    created: datetime
    updated: datetime
    private: bool = True
    archived: bool = False
    description: str | None = None
    default_branch: str = "main"
    branches: set[str] = field(default_factory=lambda: {"main"})
    collaborators: dict[int, str] = field(default_factory=dict)
    invitations: dict[int, RepoInvitation] = field(default_factory=dict)
    protections: dict[str, Protection] = field(default_factory=dict)
    rulesets: dict[int, Ruleset] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=OrderedDict)
    files: dict[str, str] = field(default_factory=dict)
    keys: dict[int, DeployKey] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    history: dict[str, Commit] = field(default_factory=dict)
    moves: list[Activity] = field(default_factory=list)
    pulls: dict[int, Pull] = field(default_factory=dict)
    vault: Vault = field(default_factory=Vault)
    runs: dict[int, Run] = field(default_factory=dict)
    prefix: str = "R"


@dataclass(eq=False, slots=True)
class Org:
    """An organisation. `members` maps ids to `admin` (an owner) or `member`; `indirect` are those who are so by a team
    of the enterprise alone."""

    id: int
    login: str
    created: datetime
    updated: datetime
    name: str | None = None
    description: str | None = None
    base_permission: str = "read"
    plan: str = "enterprise"
    two_factor_required: bool = False
    members: dict[int, str] = field(default_factory=dict)
    indirect: set[int] = field(default_factory=set)
    invitations: dict[int, Invitation] = field(default_factory=dict)
    failed: dict[int, Invitation] = field(default_factory=dict)
    repo_roles: dict[int, Role] = field(default_factory=dict)
    org_roles: dict[int, Role] = field(default_factory=dict)
    rulesets: dict[int, Ruleset] = field(default_factory=dict)
    invited_at: list[datetime] = field(default_factory=list)
    grants: dict[int, TokenGrant] = field(default_factory=dict)
    authorized: dict[int, TokenGrant] = field(default_factory=dict)
    saml: bool = False
    vault: Vault = field(default_factory=Vault)
    prefix: str = "O"
