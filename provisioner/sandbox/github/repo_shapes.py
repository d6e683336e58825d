"""How the embedded GitHub's REST API writes repositories, collaborators and their invitations down."""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github.rights import base_of
from provisioner.sandbox.github.shapes import HTML, Json, Shapes, node_id, stamp
from provisioner.sandbox.github.things import ROLES, VERBS, Repo, RepoInvitation, User

_LINKS = [
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "hooks",
    "languages",
    "merges",
    "stargazers",
    "subscribers",
    "subscription",
    "tags",
    "teams",
]
_PATTERNS = {
    "archive": "{archive_format}{/ref}",
    "assignees": "{/user}",
    "blobs": "{/sha}",
    "branches": "{/branch}",
    "collaborators": "{/collaborator}",
    "comments": "{/number}",
    "commits": "{/sha}",
    "compare": "{base}...{head}",
    "contents": "{+path}",
    "git_commits": "{/sha}",
    "git_refs": "{/sha}",
    "git_tags": "{/sha}",
    "issue_comment": "{/number}",
    "issue_events": "{/number}",
    "issues": "{/number}",
    "keys": "{/key_id}",
    "labels": "{/name}",
    "milestones": "{/number}",
    "notifications": "{?since,all,participating}",
    "pulls": "{/number}",
    "releases": "{/id}",
    "statuses": "{sha}",
    "trees": "{/sha}",
}


def permissions(base: str | None) -> Json:
    """The five flags of a right, as `permissions` writes them."""
    rank = ROLES.index(base) if base else -1
    return {verb: ROLES.index(role) <= rank for verb, role in reversed(VERBS.items())}


def minimal_repo(shapes: Shapes, repo: Repo) -> Json:
    org = shapes.world.orgs[repo.org]
    full = f"{org.login}/{repo.name}"
    at = f"{shapes.api}/repos/{full}"
    found: Json = {
        "id": repo.id,
        "node_id": node_id(repo),
        "name": repo.name,
        "full_name": full,
        "private": repo.private,
        "owner": shapes.org_as_user(org),
        "html_url": f"{HTML}/{full}",
        "description": repo.description,
        "fork": False,
        "url": at,
        "git_url": f"git://github.com/{full}.git",
        "ssh_url": f"git@github.com:{full}.git",
        "clone_url": f"{HTML}/{full}.git",
        "svn_url": f"{HTML}/{full}",
        "homepage": None,
        "mirror_url": None,
        "language": None,
        "archived": repo.archived,
        "disabled": False,
        "visibility": "private" if repo.private else "public",
        "default_branch": repo.default_branch,
        "pushed_at": stamp(repo.created),
        "created_at": stamp(repo.created),
        "updated_at": stamp(repo.updated),
    }
    found |= {f"{name}_url": f"{at}/{name}" for name in _LINKS}
    found |= {f"{name}_url": f"{at}/{name.replace('_', '/')}{pattern}" for name, pattern in _PATTERNS.items()}
    counts = (
        "forks_count",
        "stargazers_count",
        "watchers_count",
        "size",
        "open_issues_count",
        "forks",
        "open_issues",
        "watchers",
    )
    found |= dict.fromkeys(counts, 0)
    flags = {"has_issues": True, "has_projects": True, "has_wiki": True, "has_pages": False, "has_downloads": True}
    return {**found, **flags, "has_discussions": False, "is_template": False, "topics": [], "license": None}


def team_repo(shapes: Shapes, repo: Repo, role: str) -> Json:
    """A repository as a team has it: with the team's right."""
    org = shapes.world.orgs[repo.org]
    return {**minimal_repo(shapes, repo), "permissions": permissions(base_of(org, role)), "role_name": role}


def full_repo(shapes: Shapes, repo: Repo, base: str | None) -> Json:
    found = {**minimal_repo(shapes, repo), "permissions": permissions(base), "subscribers_count": 0, "network_count": 0}
    return {**found, "organization": shapes.org_as_user(shapes.world.orgs[repo.org]), "allow_forking": False}


def collaborator(shapes: Shapes, repo: Repo, user: User) -> Json:
    role = shapes.rights.role_on(repo, user.id) or "read"
    base = base_of(shapes.world.orgs[repo.org], role)
    return {**shapes.user(user), "permissions": permissions(base), "role_name": role}


def repo_invitation(shapes: Shapes, invitation: RepoInvitation) -> Json:
    repo = shapes.world.repos[invitation.repo]
    full = f"{shapes.world.orgs[repo.org].login}/{repo.name}"
    inviter: Any = shapes.world.users.get(invitation.inviter)
    return {
        "id": invitation.id,
        "node_id": node_id(invitation),
        "repository": minimal_repo(shapes, repo),
        "invitee": shapes.user(shapes.world.users[invitation.user]),
        "inviter": shapes.user(inviter) if inviter else None,
        "permissions": base_of(shapes.world.orgs[repo.org], invitation.role),
        "created_at": stamp(invitation.created),
        "expired": shapes.world.expired(invitation),
        "url": f"{shapes.api}/user/repository_invitations/{invitation.id}",
        "html_url": f"{HTML}/{full}/invitations",
    }
