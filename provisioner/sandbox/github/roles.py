"""Roles of an organisation in the embedded GitHub, and who has them: users, and teams with everybody in them."""

from __future__ import annotations

from provisioner.sandbox.github.answers import not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply
from provisioner.sandbox.github.things import Org, Role, Team, User

READ, WRITE = "organization_custom_org_roles:read", "organization_custom_org_roles:write"


def _role(org: Org, number: str) -> Role:
    found = org.org_roles.get(int(number)) if number.isdigit() else None
    if found is None:
        raise not_found()
    return found


@ROUTES.add("GET /orgs/{org}/organization-roles")
def list_roles(call: Call, org: str) -> Reply:
    found = call.org(org, READ)
    roles = [call.shapes.org_role(found, role) for role in found.org_roles.values()]
    return 200, {"total_count": len(roles), "roles": roles}


@ROUTES.add("GET /orgs/{org}/organization-roles/{role_id}")
def get_role(call: Call, org: str, role_id: str) -> Reply:
    found = call.org(org, READ)
    return 200, call.shapes.org_role(found, _role(found, role_id))


@ROUTES.add("GET /orgs/{org}/organization-roles/{role_id}/users")
def list_users(call: Call, org: str, role_id: str) -> Reply:
    """Who has the role themselves (direct), by a team (indirect), or both (mixed)."""
    found = call.org(org, READ)
    role = _role(found, role_id)
    givers: dict[int, list[Team]] = {user_id: [] for user_id in role.users}
    for team_id in sorted(role.teams):
        for user_id in call.rights.within(call.world.teams[team_id]):
            givers.setdefault(user_id, []).append(call.world.teams[team_id])

    def shape(user_id: int) -> dict[str, object]:
        direct, teams = user_id in role.users, givers[user_id]
        how = "mixed" if direct and teams else "direct" if direct else "indirect"
        inherited = [call.shapes.simple_team(team) for team in teams]
        return {**call.shapes.user(call.world.users[user_id]), "assignment": how, "inherited_from": inherited}

    return call.page(sorted(givers), shape)


@ROUTES.add("GET /orgs/{org}/organization-roles/{role_id}/teams")
def list_teams(call: Call, org: str, role_id: str) -> Reply:
    found = call.org(org, READ)
    role = _role(found, role_id)
    given: dict[int, str] = dict.fromkeys(role.teams, "direct")
    for team_id in role.teams:
        for child in call.rights.below(call.world.teams[team_id]):
            given[child.id] = "mixed" if child.id in role.teams else "indirect"
    return call.page(
        sorted(given), lambda number: {**call.shapes.team(call.world.teams[number]), "assignment": given[number]}
    )


def _user(call: Call, org: Org, login: str) -> User:
    user = call.user(login)
    if user.id not in org.members:
        raise not_found()
    return user


@ROUTES.add("PUT /orgs/{org}/organization-roles/users/{username}/{role_id}")
def assign_user(call: Call, org: str, username: str, role_id: str) -> Reply:
    found = call.org(org, WRITE, owner=True)
    _role(found, role_id).users.add(_user(call, found, username).id)
    call.world.version += 1
    return 204, None


@ROUTES.add("DELETE /orgs/{org}/organization-roles/users/{username}/{role_id}")
def revoke_user(call: Call, org: str, username: str, role_id: str) -> Reply:
    found = call.org(org, WRITE, owner=True)
    _role(found, role_id).users.discard(call.user(username).id)
    call.world.version += 1
    return 204, None


@ROUTES.add("DELETE /orgs/{org}/organization-roles/users/{username}")
def revoke_all_of_user(call: Call, org: str, username: str) -> Reply:
    """Every role of the person at once."""
    found = call.org(org, WRITE, owner=True)
    user = call.user(username)
    for role in found.org_roles.values():
        role.users.discard(user.id)
    call.world.version += 1
    return 204, None


@ROUTES.add("PUT /orgs/{org}/organization-roles/teams/{team_slug}/{role_id}")
def assign_team(call: Call, org: str, slug: str, role_id: str) -> Reply:
    found = call.org(org, WRITE, owner=True)
    _role(found, role_id).teams.add(call.team(found, slug).id)
    call.world.version += 1
    return 204, None


@ROUTES.add("DELETE /orgs/{org}/organization-roles/teams/{team_slug}/{role_id}")
def revoke_team(call: Call, org: str, slug: str, role_id: str) -> Reply:
    found = call.org(org, WRITE, owner=True)
    _role(found, role_id).teams.discard(call.team(found, slug).id)
    call.world.version += 1
    return 204, None


@ROUTES.add("DELETE /orgs/{org}/organization-roles/teams/{team_slug}")
def revoke_all_of_team(call: Call, org: str, slug: str) -> Reply:
    found = call.org(org, WRITE, owner=True)
    team = call.team(found, slug)
    for role in found.org_roles.values():
        role.teams.discard(team.id)
    call.world.version += 1
    return 204, None
