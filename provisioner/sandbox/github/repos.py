"""Repositories of the embedded GitHub: themselves, collaborators, invitations and teams."""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github import auth
from provisioner.sandbox.github.answers import Refused, invalid, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply
from provisioner.sandbox.github.repo_shapes import collaborator, full_repo, permissions, repo_invitation
from provisioner.sandbox.github.rights import base_of
from provisioner.sandbox.github.things import ROLES, VERBS, Org, Repo, RepoInvitation, Team, User


@ROUTES.add("GET /repos/{owner}/{repo}")
def get_repo(call: Call, owner: str, name: str) -> Reply:
    repo = call.repo(owner, name)
    return 200, full_repo(call.shapes, repo, call.base_on(repo) or "read")


@ROUTES.add("GET /repositories/{repository_id}")
def get_by_id(call: Call, number: str) -> Reply:
    repo = call.world.repos.get(int(number)) if number.isdigit() else None
    if repo is None or not auth.sees_repo(call.caller, repo, call.base_on(repo)):
        raise not_found()
    return 200, full_repo(call.shapes, repo, call.base_on(repo) or "read")


@ROUTES.add("PATCH /repos/{owner}/{repo}")
def update_repo(call: Call, owner: str, name: str) -> Reply:
    repo = call.repo(owner, name, "administration:write")
    org = call.world.orgs[repo.org]
    new, description = call.given("name", str), call.given("description", str)
    private, archived = call.given("private", bool), call.given("archived", bool)
    visibility = call.choice("visibility", ("public", "private", "internal"))
    if new is not None and call.world.repo(org, new) not in (None, repo):
        raise invalid("Repository", "name", "custom", "name already exists on this account")
    if new is not None and new != repo.name:
        call.world.rename_repo(repo, new)
    repo.description = repo.description if description is None else description
    repo.archived = repo.archived if archived is None else archived
    if visibility is not None:
        private = visibility != "public"
    repo.private = repo.private if private is None else private
    repo.updated = call.world.now()
    call.world.version += 1
    return 200, full_repo(call.shapes, repo, "admin")


@ROUTES.add("DELETE /repos/{owner}/{repo}")
def delete_repo(call: Call, owner: str, name: str) -> Reply:
    call.world.delete_repo(call.repo(owner, name, "administration:write"))
    return 204, None


# Collaborators


def _readable(call: Call, owner: str, name: str) -> tuple[Repo, Org]:
    """The repository, for who may see its people: any installation with metadata, users who may push."""
    repo = call.repo(owner, name, "metadata:read")
    if call.caller.user is not None and ROLES.index(call.base_on(repo) or "read") < ROLES.index("write"):
        raise Refused(403, "Must have push access to view repository collaborators.")
    return repo, call.world.orgs[repo.org]


@ROUTES.add("GET /repos/{owner}/{repo}/collaborators")
def list_collaborators(call: Call, owner: str, name: str) -> Reply:
    repo, _ = _readable(call, owner, name)
    affiliation = call.option("affiliation", ("all", "direct", "outside"))
    wanted = call.option("permission", ("", *VERBS)) if "permission" in call.args else ""
    ids = call.rights.collaborators(repo, affiliation)
    if wanted:
        least = ROLES.index(VERBS[wanted])
        ids = [u for u in ids if ROLES.index(call.rights.base_on(repo, u) or "read") >= least]
    return call.page(ids, lambda user_id: collaborator(call.shapes, repo, call.world.users[user_id]))


@ROUTES.add("GET /repos/{owner}/{repo}/collaborators/{username}")
def check_collaborator(call: Call, owner: str, name: str, username: str) -> Reply:
    repo, _ = _readable(call, owner, name)
    user = call.user(username)
    if user.id not in call.rights.collaborators(repo):
        raise not_found()
    return 204, None


@ROUTES.add("GET /repos/{owner}/{repo}/collaborators/{username}/permission")
def get_permission(call: Call, owner: str, name: str, username: str) -> Reply:
    """The legacy word (maintain is write, triage is read) beside the role's name."""
    repo, org = _readable(call, owner, name)
    user = call.user(username)
    role = call.rights.role_on(repo, user.id) or "none"
    legacy = {"maintain": "write", "triage": "read"}
    base = "none" if role == "none" else base_of(org, role)
    shown = {**call.shapes.user(user), "permissions": permissions(None if base == "none" else base), "role_name": role}
    return 200, {"permission": legacy.get(base, base), "role_name": role, "user": shown}


@ROUTES.add("PUT /repos/{owner}/{repo}/collaborators/{username}")
def add_collaborator(call: Call, owner: str, name: str, username: str) -> Reply:
    """204 for members and who has a grant already; others are invited: 201 with the invitation."""
    repo = call.repo(owner, name, "administration:write")
    org = call.world.orgs[repo.org]
    role = call.role_named(org, call.given("permission", str) or "push", "Repository")
    user = call.user(username)
    _above_base(org, user, role)
    if user.id in org.members or user.id in repo.collaborators:
        repo.collaborators[user.id] = role
        call.world.version += 1
        return 204, None
    call.realm.limits.content(call.caller.name)
    return 201, repo_invitation(call.shapes, call.world.invite_to_repo(repo, user, call.caller.actor, role))


def _above_base(org: Org, user: User, role: str) -> None:
    standing = org.members.get(user.id)
    base = "admin" if standing == "admin" else org.base_permission if standing else "none"
    if base != "none" and ROLES.index(base_of(org, role)) < ROLES.index(base):
        raise Refused(422, f"Cannot assign {user.login} permission of {role}")


@ROUTES.add("DELETE /repos/{owner}/{repo}/collaborators/{username}")
def remove_collaborator(call: Call, owner: str, name: str, username: str) -> Reply:
    """Takes the person's own grant, and cancels the invitations that they sent or that wait for them here."""
    repo = call.repo(owner, name, "administration:write")
    user = call.user(username)
    repo.collaborators.pop(user.id, None)
    for number in [number for number, one in repo.invitations.items() if user.id in (one.user, one.inviter)]:
        del repo.invitations[number]
    call.world.version += 1
    return 204, None


# Invitations


@ROUTES.add("GET /repos/{owner}/{repo}/invitations")
def list_invitations(call: Call, owner: str, name: str) -> Reply:
    repo = call.repo(owner, name, "administration:read")
    return call.page(list(repo.invitations.values()), lambda one: repo_invitation(call.shapes, one))


def _invitation(repo: Repo, number: str) -> RepoInvitation:
    found = repo.invitations.get(int(number)) if number.isdigit() else None
    if found is None:
        raise not_found()
    return found


@ROUTES.add("PATCH /repos/{owner}/{repo}/invitations/{invitation_id}")
def update_invitation(call: Call, owner: str, name: str, number: str) -> Reply:
    """In other words than PUT: read, write, maintain, triage, admin."""
    repo = call.repo(owner, name, "administration:write")
    found = _invitation(repo, number)
    found.role = call.choice("permissions", ROLES) or found.role
    call.world.version += 1
    return 200, repo_invitation(call.shapes, found)


@ROUTES.add("DELETE /repos/{owner}/{repo}/invitations/{invitation_id}")
def delete_invitation(call: Call, owner: str, name: str, number: str) -> Reply:
    repo = call.repo(owner, name, "administration:write")
    del repo.invitations[_invitation(repo, number).id]
    call.world.version += 1
    return 204, None


# Teams


@ROUTES.add("GET /repos/{owner}/{repo}/teams")
def list_teams(call: Call, owner: str, name: str) -> Reply:
    """Teams with a right here, those below a team with one as well; the right is what it comes to, not their own."""
    repo = call.repo(owner, name, "administration:read")
    org = call.world.orgs[repo.org]
    roles = {team.id: call.rights.team_repos(team).get(repo.id) for team in call.world.teams_of(org) if call.sees(team)}
    teams = [call.world.teams[number] for number, role in roles.items() if role is not None]

    def shape(team: Team) -> dict[str, Any]:
        role = roles[team.id] or "read"
        shown = call.verb(org, role) if role in ROLES else role
        return {**call.shapes.team(team), "permission": shown, "permissions": permissions(base_of(org, role))}

    return call.page(teams, shape)
