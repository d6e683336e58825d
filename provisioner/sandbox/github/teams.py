"""Teams of the embedded GitHub: themselves, their members and invitations, their repositories, their children.

Every route is there three times, as in life: by slug, by the numbers of organisation and team, and by the team's number
alone.
"""

from __future__ import annotations

from collections.abc import Callable

from provisioner.sandbox.github import auth
from provisioner.sandbox.github.answers import Refused, invalid, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply, unprocessable
from provisioner.sandbox.github.repo_shapes import team_repo
from provisioner.sandbox.github.rights import line
from provisioner.sandbox.github.things import Org, Repo, Team, User
from provisioner.sandbox.github.world import slug_of

PRIVACY = ("secret", "closed")
NOTIFY = ("notifications_enabled", "notifications_disabled")
Serve = Callable[..., Reply]


def of_team(method: str, rest: str = "", needs: str = "members:read") -> Callable[[Serve], Serve]:
    """Decorator: serves a route below a team under each of its three addresses, with the team found and allowed."""

    def keep(serve: Serve) -> Serve:
        def by_slug(call: Call, org: str, slug: str, *names: str) -> Reply:
            found = call.org(org, needs)
            return serve(call, found, call.team(found, slug), *names)

        def by_ids(call: Call, org_id: str, team_id: str, *names: str) -> Reply:
            found = call.world.orgs.get(int(org_id)) if org_id.isdigit() else None
            team = call.world.teams.get(int(team_id)) if team_id.isdigit() else None
            if found is None or team is None or team.org != found.id:
                raise not_found()
            auth.require_org(call.caller, found, needs)
            return serve(call, found, call.team(found, team.slug), *names)

        def by_id(call: Call, team_id: str, *names: str) -> Reply:
            team = call.world.teams.get(int(team_id)) if team_id.isdigit() else None
            if team is None:
                raise not_found()
            return by_ids(call, str(team.org), team_id, *names)

        ROUTES.add(f"{method} /orgs/{{org}}/teams/{{team_slug}}{rest}")(by_slug)
        ROUTES.add(f"{method} /organizations/{{org_id}}/team/{{team_id}}{rest}")(by_ids)
        ROUTES.add(f"{method} /teams/{{team_id}}{rest}")(by_id)
        return serve

    return keep


# Teams themselves


@ROUTES.add("GET /orgs/{org}/teams")
def list_teams(call: Call, org: str) -> Reply:
    found = call.org(org, "members:read")
    kind = call.option("team_type", ("all", "enterprise", "organization"))
    teams = [team for team in call.world.teams_of(found) if call.sees(team) and kind in ("all", team.kind)]
    return call.page(teams, call.shapes.team)


@ROUTES.add("POST /orgs/{org}/teams")
def create_team(call: Call, org: str) -> Reply:
    found = call.org(org, "members:write")
    name = call.given("name", str, required=True)
    description, privacy = call.given("description", str), call.choice("privacy", PRIVACY)
    notify = call.choice("notification_setting", NOTIFY)
    maintainers = [_member(call, found, login) for login in call.given("maintainers", list) or ()]
    repos = [_repo_named(call, found, full) for full in call.given("repo_names", list) or ()]
    parent = _parent(call, found)
    privacy = privacy or ("closed" if parent else "secret")
    _named(call, found, name, None)
    _nestable(call, privacy, parent, None)
    team = call.world.create_team(found, name, parent=parent, privacy=privacy)
    team.description, team.notifications = description, notify or NOTIFY[0]
    if call.caller.user is not None:
        team.members[call.caller.user.id] = "maintainer"
    team.members.update({user.id: "maintainer" for user in maintainers})
    team.repos.update({repo.id: "read" for repo in repos})
    call.world.version += 1
    return 201, call.shapes.full_team(team)


def _member(call: Call, org: Org, login: object) -> User:
    user = call.world.user(login) if isinstance(login, str) else None
    if user is None or user.id not in org.members:
        raise invalid("Team", "maintainers")
    return user


def _repo_named(call: Call, org: Org, full: object) -> Repo:
    owner, _, name = str(full).partition("/")
    repo = call.world.repo(org, name)
    if owner.casefold() != org.login.casefold() or repo is None:
        raise invalid("Team", "repo_names")
    return repo


def _parent(call: Call, org: Org) -> Team | None:
    number, slug = call.given("parent_team_id", int, nullable=True), call.given("parent_team_slug", str, nullable=True)
    if number is None and slug is None:
        return None
    parent = call.world.teams.get(number) if number is not None else call.world.team(org, slug)
    if parent is None or parent.org != org.id or not call.sees(parent):
        raise not_found()
    return parent


def _named(call: Call, org: Org, name: str, team: Team | None) -> None:
    if not slug_of(name):
        raise invalid("Team", "name", "missing_field")
    other = call.world.team(org, slug_of(name))
    if other is not None and other is not team:
        raise invalid("Team", "name", "already_exists", "Name must be unique for this org")


def _nestable(call: Call, privacy: str, parent: Team | None, team: Team | None) -> None:
    children = call.rights.children(team) if team else []
    if privacy == "secret" and (parent or children):
        raise invalid("Team", "privacy", "custom", "Nested teams cannot be secret")
    if parent is not None and parent.privacy == "secret":
        raise invalid("Team", "parent_team_id", "custom", "Parent team cannot be secret")
    if parent is not None and team is not None and team in line(call.world, parent):
        raise invalid("Team", "parent_team_id", "custom", "Parent team cannot be one of its own descendants")


@of_team("GET")
def get_team(call: Call, org: Org, team: Team) -> Reply:
    return 200, call.shapes.full_team(team)


@of_team("PATCH", needs="members:write")
def update_team(call: Call, org: Org, team: Team) -> Reply:
    """201 where something changed, 200 where nothing did."""
    _may_change(call, team)
    before = (team.name, team.description, team.privacy, team.notifications, team.parent)
    name, description = call.given("name", str), call.given("description", str)
    privacy, notify = call.choice("privacy", PRIVACY), call.choice("notification_setting", NOTIFY)
    moves = "parent_team_id" in call.body or "parent_team_slug" in call.body
    parent = _parent(call, org) if moves else call.world.teams.get(team.parent or 0)
    if name is not None:
        _named(call, org, name, team)
    _nestable(call, privacy or team.privacy, parent, team)
    if name is not None:
        call.world.rename_team(team, name)
    team.description = team.description if description is None else description
    team.privacy, team.notifications = privacy or team.privacy, notify or team.notifications
    team.parent = parent.id if parent else None
    changed = before != (team.name, team.description, team.privacy, team.notifications, team.parent)
    if changed:
        team.updated = call.world.now()
        call.world.version += 1
    return 201 if changed else 200, call.shapes.full_team(team)


def _may_change(call: Call, team: Team) -> None:
    if team.kind == "enterprise":
        raise Refused(403, "This team is managed by the enterprise.")
    if not call.maintains(team):
        raise Refused(403, "You must be an organization owner or team maintainer to do this.")


@of_team("DELETE", needs="members:write")
def delete_team(call: Call, org: Org, team: Team) -> Reply:
    if team.kind == "enterprise":
        raise invalid("Team", "base", "custom", "Enterprise teams cannot be deleted by an organization")
    _may_change(call, team)
    call.world.delete_team(team)
    return 204, None


@of_team("GET", "/teams")
def list_children(call: Call, org: Org, team: Team) -> Reply:
    return call.page(call.rights.children(team), call.shapes.team)


# Members


@of_team("GET", "/members")
def list_members(call: Call, org: Org, team: Team) -> Reply:
    """Its members and those of the teams below it; `inherited` tells them apart."""
    role = call.option("role", ("all", "member", "maintainer"))
    within = call.rights.within(team)
    ids = sorted(user_id for user_id, has in within.items() if role in ("all", has))
    return call.page(
        ids,
        lambda user_id: {
            **call.shapes.user(call.world.users[user_id]),
            "role": within[user_id],
            "inherited": user_id not in team.members,
        },
    )


@of_team("GET", "/invitations")
def list_invitations(call: Call, org: Org, team: Team) -> Reply:
    open_ones = [i for i in org.invitations.values() if team.id in i.teams]
    return call.page(open_ones, call.shapes.invitation)


@of_team("GET", "/memberships/{username}")
def get_membership(call: Call, org: Org, team: Team, username: str) -> Reply:
    """Also who is only in a team below is answered for, as a member."""
    user = call.user(username)
    role = call.rights.team_role(team, user.id) or call.rights.within(team).get(user.id)
    if role is not None:
        return 200, call.shapes.team_membership(team, user, role, "active")
    pending = call.world.pending(org, user)
    if pending is None or team.id not in pending.teams:
        raise not_found()
    return 200, call.shapes.team_membership(team, user, pending.teams[team.id], "pending")


@of_team("PUT", "/memberships/{username}", needs="members:write")
def set_membership(call: Call, org: Org, team: Team, username: str) -> Reply:
    """Somebody who is not of the organisation is invited to it, with this team."""
    _may_change(call, team)
    role = call.choice("role", ("member", "maintainer")) or "member"
    if call.world.org(username) is not None:
        raise unprocessable("Cannot add an organization as a member.")
    user = call.user(username)
    if user.id in org.members:
        team.members[user.id] = role
        call.world.version += 1
        shown = call.rights.team_role(team, user.id) or role
        return 200, call.shapes.team_membership(team, user, shown, "active")
    pending = call.world.pending(org, user)
    if pending is None:
        if not auth.is_owner(call.caller, org):
            raise Refused(403, "You must be an organization owner to invite somebody.")
        call.realm.limits.content(call.caller.name)
        call.realm.limits.invitation(org)
        pending = call.world.invite(org, call.caller.actor, user=user)
    pending.teams[team.id] = role
    call.world.version += 1
    return 200, call.shapes.team_membership(team, user, role, "pending")


@of_team("DELETE", "/memberships/{username}", needs="members:write")
def remove_membership(call: Call, org: Org, team: Team, username: str) -> Reply:
    """Out of the team, or the team out of the invitation. Who is only in a team below is not in this one: 404."""
    user = call.user(username)
    if call.caller.user is not user:
        _may_change(call, team)
    pending = call.world.pending(org, user)
    if user.id in team.members:
        del team.members[user.id]
    elif pending is not None and team.id in pending.teams:
        del pending.teams[team.id]
    else:
        raise not_found()
    call.world.version += 1
    return 204, None


# Repositories


@of_team("GET", "/repos")
def list_repos(call: Call, org: Org, team: Team) -> Reply:
    """What the team has a right on, also from the teams above it, as far as the caller sees the repositories."""
    roles = call.rights.team_repos(team)
    repos = [call.world.repos[number] for number in sorted(roles)]
    seen = [repo for repo in repos if auth.sees_repo(call.caller, repo, call.base_on(repo))]
    return call.page(seen, lambda repo: team_repo(call.shapes, repo, roles[repo.id]))


@of_team("GET", "/repos/{owner}/{repo}")
def check_repo(call: Call, org: Org, team: Team, owner: str, name: str) -> Reply:
    """204, or the repository with the team's right where that is asked for by its media type."""
    repo = call.repo(owner, name)
    role = call.rights.team_repos(team).get(repo.id)
    if role is None:
        raise not_found()
    if "repository+json" in call.accept:
        return 200, team_repo(call.shapes, repo, role)
    return 204, None


@of_team("PUT", "/repos/{owner}/{repo}", needs="members:read")
def set_repo(call: Call, org: Org, team: Team, owner: str, name: str) -> Reply:
    repo = call.repo(owner, name, "administration:write")
    if repo.org != org.id:
        raise invalid("TeamMember", "repository", "unprocessable", "Repository is not owned by the organization")
    given = call.given("permission", str)
    team.repos[repo.id] = call.role_named(org, given, "TeamMember") if given else "read"
    call.world.version += 1
    return 204, None


@of_team("DELETE", "/repos/{owner}/{repo}", needs="members:read")
def remove_repo(call: Call, org: Org, team: Team, owner: str, name: str) -> Reply:
    """Takes the team's own grant; a right that comes from a team above stays."""
    repo = call.repo(owner, name, "administration:write")
    team.repos.pop(repo.id, None)
    call.world.version += 1
    return 204, None
