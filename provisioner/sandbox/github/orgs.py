"""Organisations: members, memberships, invitations, outside collaborators, repositories of the embedded GitHub."""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github import auth
from provisioner.sandbox.github.answers import Refused, invalid, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply, unprocessable
from provisioner.sandbox.github.repo_shapes import full_repo, minimal_repo, permissions
from provisioner.sandbox.github.rights import base_of, highest
from provisioner.sandbox.github.things import Invitation, Org, Repo, User

INVITED_AS = {"admin": "admin", "member": "direct_member"}


@ROUTES.add("GET /orgs/{org}")
def get_org(call: Call, org: str) -> Reply:
    found = call.org(org)
    owner = auth.is_owner(call.caller, found) and auth.has(call.caller, "organization_administration", "read")
    return 200, call.shapes.full_org(found, owner=owner)


@ROUTES.add("PATCH /orgs/{org}")
def update_org(call: Call, org: str) -> Reply:
    found = call.org(org, "organization_administration:write", owner=True)
    base = call.choice("default_repository_permission", ("read", "write", "admin", "none"))
    name, description = call.given("name", str), call.given("description", str)
    found.base_permission = base or found.base_permission
    found.name, found.description = name or found.name, found.description if description is None else description
    found.updated = call.world.now()
    call.world.version += 1
    return 200, call.shapes.full_org(found, owner=True)


# Members


def _weak(call: Call) -> bool:
    return call.option("filter", ("all", "2fa_disabled", "2fa_insecure")) != "all"


@ROUTES.add("GET /orgs/{org}/members")
def list_members(call: Call, org: str) -> Reply:
    """Who is a member. A caller without the right to see members gets the public ones, of which there are none here."""
    found = call.org(org)
    role, weak = call.option("role", ("all", "admin", "member")), _weak(call)
    if not (auth.belongs(call.caller, found) and auth.has(call.caller, "members", "read")):
        return call.page([], call.shapes.user)
    if weak and not auth.is_owner(call.caller, found):
        raise Refused(422, "Only owners can use this filter.")
    members = [call.world.users[u] for u, has in found.members.items() if role in ("all", has)]
    picked = [user for user in members if not weak or not user.two_factor]
    return call.page(sorted(picked, key=lambda user: user.id), call.shapes.user)


@ROUTES.add("GET /orgs/{org}/members/{username}")
def check_member(call: Call, org: str, username: str) -> Reply:
    found = call.org(org)
    if not auth.belongs(call.caller, found):
        call.headers.append(("Location", f"{call.shapes.api}/orgs/{found.login}/public_members/{username}"))
        return 302, None
    user = call.world.user(username)
    if user is None or user.id not in found.members:
        raise not_found()
    return 204, None


@ROUTES.add("DELETE /orgs/{org}/members/{username}")
def remove_member(call: Call, org: str, username: str) -> Reply:
    found = call.org(org, "members:write", owner=True)
    user = call.user(username)
    if user.id not in found.members:
        raise not_found()
    _leave(call, found, user)
    return 204, None


def _leave(call: Call, org: Org, user: User) -> None:
    _keep_an_owner(org, user)
    call.world.remove_member(org, user)


def _keep_an_owner(org: Org, user: User) -> None:
    if [u for u, role in org.members.items() if role == "admin"] == [user.id]:
        raise Refused(403, "You can't remove the last owner of an organization.")


@ROUTES.add("GET /orgs/{org}/memberships/{username}")
def get_membership(call: Call, org: str, username: str) -> Reply:
    found = call.org(org)
    auth.require_org(call.caller, found, "members:read")
    return 200, _membership(call, found, call.user(username))


def _membership(call: Call, org: Org, user: User) -> dict[str, Any]:
    role = org.members.get(user.id)
    if role is not None:
        return call.shapes.membership(org, user, role, "active")
    pending = call.world.pending(org, user)
    if pending is None:
        raise not_found()
    role = "member" if pending.role in ("direct_member", "reinstate") else pending.role
    return call.shapes.membership(org, user, role, "pending")


@ROUTES.add("PUT /orgs/{org}/memberships/{username}")
def set_membership(call: Call, org: str, username: str) -> Reply:
    """Invite somebody, change an open invitation, or change a member's role: all of it may run twice."""
    found = call.org(org)
    auth.require_org(call.caller, found, "members:write", owner=True)
    role = call.choice("role", ("admin", "member")) or "member"
    user = call.user(username)
    if user.id in found.members:
        if role == "member":
            _keep_an_owner(found, user)
        call.world.set_member(found, user, role)
    elif (pending := call.world.pending(found, user)) is not None:
        pending.role = INVITED_AS[role]
        call.world.version += 1
    else:
        _count(call, found)
        call.world.invite(found, call.caller.actor, user=user, role=INVITED_AS[role])
    return 200, _membership(call, found, user)


def _count(call: Call, org: Org) -> None:
    call.realm.limits.content(call.caller.name)
    call.realm.limits.invitation(org)


@ROUTES.add("DELETE /orgs/{org}/memberships/{username}")
def remove_membership(call: Call, org: str, username: str) -> Reply:
    """Remove a member, or cancel the invitation of somebody who is none yet."""
    found = call.org(org, "members:write", owner=True)
    user = call.user(username)
    pending = call.world.pending(found, user)
    if user.id in found.members:
        _leave(call, found, user)
    elif pending is not None:
        _cancel(call, found, pending)
    else:
        raise not_found()
    return 204, None


def _cancel(call: Call, org: Org, invitation: Invitation) -> None:
    del org.invitations[invitation.id]
    call.world.version += 1


# Invitations


@ROUTES.add("GET /orgs/{org}/invitations")
def list_invitations(call: Call, org: str) -> Reply:
    found = call.org(org, "members:read", owner=True)
    role = call.option("role", ("all", "admin", "direct_member", "billing_manager", "hiring_manager"))
    source = call.option("invitation_source", ("all", "member", "scim"))
    open_ones = [i for i in found.invitations.values() if role in ("all", i.role) and source != "scim"]
    return call.page(open_ones, call.shapes.invitation)


@ROUTES.add("GET /orgs/{org}/failed_invitations")
def list_failed(call: Call, org: str) -> Reply:
    found = call.org(org, "members:read", owner=True)
    return call.page(list(found.failed.values()), call.shapes.invitation)


@ROUTES.add("POST /orgs/{org}/invitations")
def create_invitation(call: Call, org: str) -> Reply:
    found = call.org(org, "members:write", owner=True)
    user_id, email = call.given("invitee_id", int), call.given("email", str)
    role = call.choice("role", ("admin", "direct_member", "billing_manager", "reinstate")) or "direct_member"
    teams = [_team(call, found, number) for number in call.given("team_ids", list) or ()]
    if user_id is None and email is None:
        raise unprocessable('"invitee_id" or "email" wasn\'t supplied.')
    user = call.world.users.get(user_id) if user_id is not None else None
    if user_id is not None and (user is None or user.kind != "User"):
        raise not_found()
    if user is not None and user.id in found.members:
        message = "Invitee is already a part of this organization"
        raise invalid("OrganizationInvitation", "data", "unprocessable", message)
    again = call.world.pending(found, user) if user else _by_email(found, email or "")
    if again is not None:
        message = "Invitee has already been invited to this organization"
        raise invalid("OrganizationInvitation", "data", "unprocessable", message)
    if email is not None and user is None and "@" not in email:
        raise invalid("OrganizationInvitation", "email", "invalid", "Email is invalid")
    _count(call, found)
    made = call.world.invite(
        found,
        call.caller.actor,
        user=user,
        email=None if user else email,
        role=role,
        teams=dict.fromkeys(teams, "member"),
    )
    return 201, call.shapes.invitation(made)


def _team(call: Call, org: Org, number: object) -> int:
    team = call.world.teams.get(number) if isinstance(number, int) else None
    if team is None or team.org != org.id:
        raise not_found()
    return team.id


def _by_email(org: Org, email: str) -> Invitation | None:
    wanted = email.casefold()
    return next((i for i in org.invitations.values() if i.email and i.email.casefold() == wanted), None)


def _invitation(org: Org, number: str) -> Invitation:
    found = org.invitations.get(int(number)) if number.isdigit() else None
    if found is None:
        raise not_found()
    return found


@ROUTES.add("DELETE /orgs/{org}/invitations/{invitation_id}")
def cancel_invitation(call: Call, org: str, invitation_id: str) -> Reply:
    found = call.org(org, "members:write", owner=True)
    _cancel(call, found, _invitation(found, invitation_id))
    return 204, None


@ROUTES.add("GET /orgs/{org}/invitations/{invitation_id}/teams")
def list_invitation_teams(call: Call, org: str, invitation_id: str) -> Reply:
    found = call.org(org, "members:read", owner=True)
    teams = [call.world.teams[number] for number in _invitation(found, invitation_id).teams]
    return call.page(teams, call.shapes.team)


# Outside collaborators


@ROUTES.add("GET /orgs/{org}/outside_collaborators")
def list_outside(call: Call, org: str) -> Reply:
    found = call.org(org, "members:read")
    weak = _weak(call)
    return call.page([u for u in call.rights.outside(found) if not weak or not u.two_factor], call.shapes.user)


@ROUTES.add("PUT /orgs/{org}/outside_collaborators/{username}")
def convert_member(call: Call, org: str, username: str) -> Reply:
    """A member becomes an outside collaborator: what teams gave them on repositories stays, as grants of their own."""
    found = call.org(org, "members:write", owner=True)
    later = call.given("async", bool) or False
    user = call.user(username)
    if user.id not in found.members:
        raise Refused(403, f"{user.login} is not a member of the {found.login} organization.")
    _keep_an_owner(found, user)
    kept: dict[int, str] = {}
    for repo in call.world.repos_of(found):
        roles = [source.role for source in call.rights.sources(repo, user.id) if source.giver is not found]
        if best := highest(found, roles):
            kept[repo.id] = best
    call.world.remove_member(found, user)
    for repo_id, role in kept.items():
        call.world.repos[repo_id].collaborators[user.id] = role
    call.world.version += 1
    return (202, {}) if later else (204, None)


@ROUTES.add("DELETE /orgs/{org}/outside_collaborators/{username}")
def remove_outside(call: Call, org: str, username: str) -> Reply:
    found = call.org(org, "members:write", owner=True)
    user = call.user(username)
    if user.id in found.members:
        text = "You cannot specify an organization member to remove as an outside collaborator."
        docs = (
            "https://docs.github.com/rest/orgs/outside-collaborators#remove-outside-collaborator-from-an-organization"
        )
        raise Refused(422, text, docs=docs)
    for repo in call.world.repos_of(found):
        repo.collaborators.pop(user.id, None)
        for number in [number for number, one in repo.invitations.items() if one.user == user.id]:
            del repo.invitations[number]
    call.world.version += 1
    return 204, None


# Repositories


@ROUTES.add("GET /orgs/{org}/repos")
def list_repos(call: Call, org: str) -> Reply:
    found = call.org(org)
    kind = call.option("type", ("all", "public", "private", "forks", "sources", "member"))
    sort = call.option("sort", ("created", "updated", "pushed", "full_name"))
    seen = [r for r in call.world.repos_of(found) if auth.sees_repo(call.caller, r, call.base_on(r))]
    if kind in ("public", "private"):
        seen = [repo for repo in seen if repo.private == (kind == "private")]
    seen = [] if kind == "forks" else seen
    by_name = sort == "full_name"
    usual = "asc" if by_name else "desc"
    down = call.option("direction", (usual, "desc" if usual == "asc" else "asc")) == "desc"
    seen.sort(key=lambda repo: repo.name.casefold() if by_name else (repo.created, repo.id), reverse=down)
    return call.page(seen, lambda repo: _with_rights(call, repo))


def _with_rights(call: Call, repo: Repo) -> dict[str, Any]:
    base = call.base_on(repo) or "read"
    return {**minimal_repo(call.shapes, repo), "permissions": permissions(base)}


@ROUTES.add("POST /orgs/{org}/repos")
def create_repo(call: Call, org: str) -> Reply:
    found = call.org(org, "administration:write")
    name = call.given("name", str, required=True)
    private, description = call.given("private", bool), call.given("description", str)
    if call.world.repo(found, name) is not None:
        raise invalid("Repository", "name", "custom", "name already exists on this account")
    repo = call.world.create_repo(found, name, private=bool(private))
    repo.description = description
    if call.caller.user is not None and found.members.get(call.caller.user.id) != "admin":
        repo.collaborators[call.caller.user.id] = "admin"
    call.world.version += 1
    return 201, full_repo(call.shapes, repo, "admin")


# Roles of repositories (GitHub Enterprise Cloud)


@ROUTES.add("GET /orgs/{org}/custom-repository-roles")
def list_repo_roles(call: Call, org: str) -> Reply:
    found = call.org(org, "organization_custom_roles:read")
    if found.plan != "enterprise":
        raise not_found()
    roles = [
        {
            "id": role.id,
            "name": role.name,
            "description": role.description,
            "base_role": base_of(found, role.name),
            "permissions": list(role.permissions),
            "organization": call.shapes.org_as_user(found),
            "created_at": call.shapes.org_role(found, role)["created_at"],
            "updated_at": call.shapes.org_role(found, role)["updated_at"],
        }
        for role in found.repo_roles.values()
    ]
    return 200, {"total_count": len(roles), "custom_roles": roles}
