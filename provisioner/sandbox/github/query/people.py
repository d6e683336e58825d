"""GraphQL: organisations, their members and invitations, teams."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from provisioner.sandbox.github import auth
from provisioner.sandbox.github.call import Call
from provisioner.sandbox.github.query.pages import connect
from provisioner.sandbox.github.query.resolve import constant, field, forbidden, missing, need, with_info
from provisioner.sandbox.github.rights import base_of, line
from provisioner.sandbox.github.shapes import HTML, node_id, stamp
from provisioner.sandbox.github.things import Invitation, Org, Team, User

# The root


@field("Query.id")
def query_id(_: Any, call: Call) -> str:
    return "Query"


@field("Query.organization")
def organization(_: Any, call: Call, login: str) -> Org:
    found = call.world.org(login)
    if found is None:
        raise missing("an Organization", f"the login of '{login}'")
    return found


@field("Query.user")
def user(_: Any, call: Call, login: str) -> User:
    found = call.world.user(login)
    if found is None or found.kind != "User":
        raise missing("a User", f"the login of '{login}'")
    return found


@field("User.organization")
def organization_of(thing: User, call: Call, login: str) -> Org | None:
    found = call.world.org(login)
    return found if found is not None and thing.id in found.members else None


@field("Query.viewer")
def viewer(_: Any, call: Call) -> User:
    if call.caller.user is None:
        raise forbidden(call)
    return call.caller.user


@with_info("Query.rateLimit")
def rate_limit(_: Any, info: GraphQLResolveInfo[Any], dryRun: bool = False) -> dict[str, Any]:  # noqa: N803 - GitHub's name
    limits, who, cost = info.context.call.realm.limits, info.context.call.caller.name, info.context.cost
    window = limits.window(who, "graphql")
    return {
        "cost": cost.points,
        "nodeCount": cost.nodes,
        "limit": limits.limit(who, "graphql"),
        "remaining": limits.left(who, "graphql"),
        "used": window.used,
        "resetAt": stamp(window.ends),
    }


@field("Query.node")
def node(_: Any, call: Call, id: str) -> Any:  # noqa: A002 - GitHub's name
    found = _by_node_id(call, id)
    if found is None:
        raise missing("a node", f"the global id of '{id}'")
    return found


@field("Query.nodes")
def nodes(_: Any, call: Call, ids: list[str]) -> list[Any]:
    found = [_by_node_id(call, one) for one in ids]
    return [
        missing("a node", f"the global id of '{one}'") if thing is None else thing
        for one, thing in zip(ids, found, strict=True)
    ]


def _by_node_id(call: Call, wanted: str) -> Any:
    world = call.world
    for thing in (*world.users.values(), *world.orgs.values()):
        if node_id(thing) == wanted:
            return thing
    for team in world.teams.values():
        if node_id(team) == wanted:
            return team if _may_see_teams(call, world.orgs[team.org]) and call.sees(team) else None
    for repo in world.repos.values():
        if node_id(repo) == wanted:
            return repo if auth.sees_repo(call.caller, repo, call.base_on(repo)) else None
    return None


# Accounts


@field("User.url")
def user_url(thing: User, call: Call) -> str:
    return f"{HTML}/{thing.login}"


@field("Bot.url")
def bot_url(thing: User, call: Call) -> str:
    return f"{HTML}/apps/{thing.login.removesuffix('[bot]')}"


@field("Organization.url")
def org_url(thing: Org, call: Call) -> str:
    return f"{HTML}/{thing.login}"


constant("Organization.samlIdentityProvider", None)


@field("Organization.requiresTwoFactorAuthentication")
def two_factor(thing: Org, call: Call) -> bool | None:
    return thing.two_factor_required if auth.is_owner(call.caller, thing) else None


@field("Organization.viewerCanAdminister")
def can_administer(thing: Org, call: Call) -> bool:
    return auth.is_owner(call.caller, thing)


@field("Organization.viewerIsAMember")
def is_a_member(thing: Org, call: Call) -> bool:
    return call.caller.user is not None and call.caller.user.id in thing.members


@field("Organization.membersWithRole")
def members_with_role(thing: Org, call: Call, **args: Any) -> dict[str, Any]:
    need(call, "members")
    inside, owner = auth.belongs(call.caller, thing), auth.is_owner(call.caller, thing)
    members = [call.world.users[number] for number in thing.members] if inside else []

    def more(one: User) -> dict[str, Any]:
        return {"role": thing.members[one.id].upper(), "hasTwoFactorEnabled": one.two_factor if owner else None}

    return connect(members, args, lambda one: one.id, more)


@field("Organization.pendingMembers")
def pending_members(thing: Org, call: Call, **args: Any) -> dict[str, Any]:
    """Accounts alone: who was invited by e-mail is not among them."""
    need(call, "members")
    if not auth.is_owner(call.caller, thing):
        raise forbidden(call)
    users = [call.world.users[one.user] for one in thing.invitations.values() if one.user is not None]
    return connect(users, args, lambda one: one.id)


# Invitations


@field("OrganizationInvitation.invitationSource")
def invitation_source(thing: Invitation, call: Call) -> str:
    return "MEMBER"


@field("OrganizationInvitation.invitationType")
def invitation_type(thing: Invitation, call: Call) -> str:
    return "USER" if thing.user is not None else "EMAIL"


@field("OrganizationInvitation.invitee")
def invitee(thing: Invitation, call: Call) -> User | None:
    return call.world.users.get(thing.user or 0)


@field("OrganizationInvitation.inviter")
def inviter(thing: Invitation, call: Call) -> User:
    return call.world.users[thing.inviter]


@field("OrganizationInvitation.inviterActor")
def inviter_actor(thing: Invitation, call: Call) -> User:
    return call.world.users[thing.inviter]


@field("OrganizationInvitation.organization")
def invitation_org(thing: Invitation, call: Call) -> Org:
    return next(org for org in call.world.orgs.values() if thing.id in org.invitations)


@field("OrganizationInvitation.role")
def invitation_role(thing: Invitation, call: Call) -> str:
    return thing.role.upper()


# Teams


def _may_see_teams(call: Call, org: Org) -> bool:
    return auth.belongs(call.caller, org) and auth.has(call.caller, "members", "read")


@field("Organization.team")
def team_of(thing: Org, call: Call, slug: str) -> Team | None:
    if not _may_see_teams(call, thing):
        raise forbidden(call)
    team = call.world.team(thing, slug)
    return team if team is not None and call.sees(team) else None


@field("Organization.teams")
def teams(thing: Org, call: Call, **args: Any) -> dict[str, Any]:
    if not _may_see_teams(call, thing):
        raise forbidden(call)
    found = [team for team in call.world.teams_of(thing) if call.sees(team) and team.kind == "organization"]
    return _teams(call, found, args)


def _teams(call: Call, found: list[Team], args: dict[str, Any]) -> dict[str, Any]:
    if args.get("rootTeamsOnly"):
        found = [team for team in found if team.parent is None]
    if args.get("privacy"):
        found = [team for team in found if _privacy(team) == args["privacy"]]
    if args.get("query"):
        found = [team for team in found if args["query"].casefold() in team.name.casefold()]
    if args.get("userLogins"):
        users = [call.world.user(login) for login in args["userLogins"]]
        found = [team for team in found if any(one and one.id in team.members for one in users)]
    if args.get("role"):
        mine = call.caller.user.id if call.caller.user else 0
        wanted = "maintainer" if args["role"] == "ADMIN" else "member"
        found = [team for team in found if call.rights.team_role(team, mine) == wanted]
    down = (args.get("orderBy") or {}).get("direction") == "DESC"
    return connect(found, args, lambda team: (team.slug, team.id), down=down)


def _privacy(team: Team) -> str:
    return "SECRET" if team.privacy == "secret" else "VISIBLE"


@field("Team.privacy")
def privacy(thing: Team, call: Call) -> str:
    return _privacy(thing)


@field("Team.combinedSlug")
def combined_slug(thing: Team, call: Call) -> str:
    return f"{call.world.orgs[thing.org].login}/{thing.slug}"


@field("Team.organization")
def team_org(thing: Team, call: Call) -> Org:
    return call.world.orgs[thing.org]


@field("Team.url")
def team_url(thing: Team, call: Call) -> str:
    return f"{HTML}/orgs/{call.world.orgs[thing.org].login}/teams/{thing.slug}"


@field("Team.parentTeam")
def parent_team(thing: Team, call: Call) -> Team | None:
    return call.world.teams.get(thing.parent or 0)


@field("Team.ancestors")
def ancestors(thing: Team, call: Call, **args: Any) -> dict[str, Any]:
    above = line(call.world, thing)[1:]
    order = {team.id: at for at, team in enumerate(reversed(above))}
    return connect(above, args, lambda team: order[team.id])


@field("Team.childTeams")
def child_teams(thing: Team, call: Call, *, immediateOnly: bool = True, **args: Any) -> dict[str, Any]:  # noqa: N803
    found = call.rights.children(thing) if immediateOnly else call.rights.below(thing)
    return _teams(call, found, args)


@field("Team.notificationSetting")
def notification_setting(thing: Team, call: Call) -> str:
    return thing.notifications.upper()


@field("Team.viewerCanAdminister")
def team_administer(thing: Team, call: Call) -> bool:
    return call.maintains(thing)


@field("Team.invitations")
def team_invitations(thing: Team, call: Call, **args: Any) -> dict[str, Any] | None:
    if not call.maintains(thing):
        return None
    org = call.world.orgs[thing.org]
    return connect([one for one in org.invitations.values() if thing.id in one.teams], args, lambda one: one.id)


@field("Team.members")
def team_members(thing: Team, call: Call, *, membership: str = "ALL", **args: Any) -> dict[str, Any]:
    """IMMEDIATE: its own. CHILD_TEAM: those of the teams below. ALL: both."""
    within = call.rights.within(thing)
    own = set(thing.members)
    if membership == "IMMEDIATE":
        ids = own
    elif membership == "CHILD_TEAM":
        ids = {number for child in call.rights.below(thing) for number in child.members}
    else:
        ids = set(within)
    if args.get("role"):
        ids = {number for number in ids if within[number].upper() == args["role"]}
    found = [call.world.users[number] for number in ids]
    if args.get("query"):
        found = [one for one in found if args["query"].casefold() in one.login.casefold()]
    order = args.get("orderBy") or {}
    by_login = order.get("field") == "LOGIN"
    return connect(
        found,
        args,
        lambda one: (one.login.casefold(), one.id) if by_login else one.id,
        lambda one: {"role": within[one.id].upper()},
        down=order.get("direction") == "DESC",
    )


@field("Team.repositories")
def team_repositories(thing: Team, call: Call, **args: Any) -> dict[str, Any]:
    """With those from the teams above; a custom role is shown as the one it builds on."""
    org, roles = call.world.orgs[thing.org], call.rights.team_repos(thing)
    repos = [call.world.repos[number] for number in roles]
    seen = [one for one in repos if auth.sees_repo(call.caller, one, call.base_on(one))]
    if args.get("query"):
        seen = [one for one in seen if args["query"].casefold() in one.name.casefold()]
    order = args.get("orderBy") or {}
    if order.get("field", "NAME") not in ("NAME", "CREATED_AT"):
        raise GraphQLError(f"The sandbox does not sort a team's repositories by {order['field']}.")
    by_name = order.get("field") == "NAME"
    return connect(
        seen,
        args,
        lambda one: (one.name.casefold(), one.id) if by_name else one.id,
        lambda one: {"permission": base_of(org, roles[one.id]).upper()},
        down=order.get("direction") == "DESC",
    )
