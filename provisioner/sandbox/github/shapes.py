"""How the embedded GitHub's REST API writes accounts, teams and invitations down.

Every field that the API's published description calls required is there; what the sandbox has no notion of (followers,
disk usage) has the value of an account that nobody uses. Repositories are in `repo_shapes.py`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from provisioner.sandbox.github.rights import Rights, line
from provisioner.sandbox.github.things import Invitation, Org, Role, Team, User
from provisioner.sandbox.github.world import World

Json = dict[str, Any]
HTML = "https://github.com"


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def node_id(thing: Any) -> str:
    """The GraphQL id of a thing."""
    number = int(thing.id).to_bytes(5, "big")
    return f"{thing.prefix}_{base64.urlsafe_b64encode(b'kg' + number).decode().rstrip('=')}"


class Shapes:
    """Writes things as JSON, with links to `api`."""

    def __init__(self, world: World, rights: Rights, api: str) -> None:
        self.world, self.rights, self.api = world, rights, api

    # Accounts

    def user(self, user: User) -> Json:
        return self._account(user, user.kind)

    def org_as_user(self, org: Org) -> Json:
        return self._account(org, "Organization")

    def _account(self, account: User | Org, kind: str) -> Json:
        at = f"{self.api}/users/{account.login}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node_id(account),
            "avatar_url": f"https://avatars.githubusercontent.com/u/{account.id}?v=4",
            "gravatar_id": "",
            "url": at,
            "html_url": f"{HTML}/{account.login}",
            "followers_url": f"{at}/followers",
            "following_url": f"{at}/following{{/other_user}}",
            "gists_url": f"{at}/gists{{/gist_id}}",
            "starred_url": f"{at}/starred{{/owner}}{{/repo}}",
            "subscriptions_url": f"{at}/subscriptions",
            "organizations_url": f"{at}/orgs",
            "repos_url": f"{at}/repos",
            "events_url": f"{at}/events{{/privacy}}",
            "received_events_url": f"{at}/received_events",
            "type": kind,
            "user_view_type": "public",
            "site_admin": False,
        }

    def full_user(self, user: User) -> Json:
        nothing = {"company": None, "blog": "", "location": None, "hireable": None, "bio": None}
        counts = {"public_repos": 0, "public_gists": 0, "followers": 0, "following": 0}
        times = {"created_at": stamp(user.created), "updated_at": stamp(user.created)}
        return {**self.user(user), "name": user.name, "email": user.email, **nothing, **counts, **times}

    def private_user(self, user: User) -> Json:
        """What somebody is told of themselves."""
        names = ("private_gists", "total_private_repos", "owned_private_repos", "disk_usage", "collaborators")
        own = {**dict.fromkeys(names, 0), "two_factor_authentication": user.two_factor}
        return {**self.full_user(user), **own, "user_view_type": "private"}

    def org(self, org: Org) -> Json:
        at = f"{self.api}/orgs/{org.login}"
        return {
            "login": org.login,
            "id": org.id,
            "node_id": node_id(org),
            "url": at,
            "repos_url": f"{at}/repos",
            "events_url": f"{at}/events",
            "hooks_url": f"{at}/hooks",
            "issues_url": f"{at}/issues",
            "members_url": f"{at}/members{{/member}}",
            "public_members_url": f"{at}/public_members{{/member}}",
            "avatar_url": f"https://avatars.githubusercontent.com/u/{org.id}?v=4",
            "description": org.description,
        }

    def full_org(self, org: Org, *, owner: bool = False) -> Json:
        repos = self.world.repos_of(org)
        found: Json = {
            **self.org(org),
            "name": org.name,
            "is_verified": False,
            "has_organization_projects": True,
            "has_repository_projects": True,
            "public_repos": sum(1 for repo in repos if not repo.private),
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "html_url": f"{HTML}/{org.login}",
            "created_at": stamp(org.created),
            "updated_at": stamp(org.updated),
            "archived_at": None,
            "type": "Organization",
        }
        if not owner:
            return found
        private = sum(1 for repo in repos if repo.private)
        return found | {
            "total_private_repos": private,
            "owned_private_repos": private,
            "collaborators": len(self.rights.outside(org)),
            "billing_email": f"billing@{org.login.lower()}.example",
            "plan": {
                "name": org.plan,
                "space": 976562499,
                "private_repos": 999999,
                "seats": 2000,
                "filled_seats": len(org.members),
            },
            "default_repository_permission": org.base_permission,
            "members_can_create_repositories": True,
            "two_factor_requirement_enabled": org.two_factor_required,
            "members_can_create_teams": True,
            "deploy_keys_enabled_for_repositories": True,
        }

    def membership(self, org: Org, user: User, role: str, state: str) -> Json:
        return {
            "url": f"{self.api}/orgs/{org.login}/memberships/{user.login}",
            "state": state,
            "role": role,
            "direct_membership": user.id not in org.indirect,
            "enterprise_teams_providing_indirect_membership": [
                team.slug for team in self.world.enterprise_teams(org, user)
            ],
            "organization_url": f"{self.api}/orgs/{org.login}",
            "organization": self.org(org),
            "user": self.user(user),
        }

    def invitation(self, invitation: Invitation) -> Json:
        org = next(o for o in self.world.orgs.values() if invitation.id in o.invitations or invitation.id in o.failed)
        invited = self.world.users.get(invitation.user or 0)
        found: Json = {
            "id": invitation.id,
            "node_id": node_id(invitation),
            "login": invited.login if invited else None,
            "email": invitation.email,
            "role": invitation.role,
            "created_at": stamp(invitation.created),
            "failed_at": stamp(invitation.failed) if invitation.failed else None,
            "failed_reason": invitation.reason,
            "inviter": self.user(self.world.users[invitation.inviter]),
            "team_count": len(invitation.teams),
            "invitation_teams_url": f"{self.api}/organizations/{org.id}/invitations/{invitation.id}/teams",
            "invitation_source": "member",
        }
        return found

    # Teams

    def simple_team(self, team: Team) -> Json:
        org = self.world.orgs[team.org]
        at = f"{self.api}/organizations/{org.id}/team/{team.id}"
        return {
            "id": team.id,
            "node_id": node_id(team),
            "name": team.name,
            "slug": team.slug,
            "description": team.description,
            "privacy": team.privacy,
            "notification_setting": team.notifications,
            "permission": "pull",
            "url": at,
            "html_url": f"{HTML}/orgs/{org.login}/teams/{team.slug}",
            "members_url": f"{at}/members{{/member}}",
            "repositories_url": f"{at}/repos",
            "type": team.kind,
            "organization_id": org.id,
        }

    def team(self, team: Team) -> Json:
        above = line(self.world, team)[1:2]
        return {**self.simple_team(team), "parent": self.simple_team(above[0]) if above else None}

    def full_team(self, team: Team) -> Json:
        return {
            **self.team(team),
            "members_count": len(self.rights.within(team)),
            "repos_count": len(self.rights.team_repos(team)),
            "created_at": stamp(team.created),
            "updated_at": stamp(team.updated),
            "organization": self.full_org(self.world.orgs[team.org]),
        }

    def team_membership(self, team: Team, user: User, role: str, state: str) -> Json:
        org = self.world.orgs[team.org]
        at = f"{self.api}/organizations/{org.id}/team/{team.id}/memberships/{user.login}"
        return {"state": state, "role": role, "url": at}

    # Roles

    def org_role(self, org: Org, role: Role) -> Json:
        return {
            "id": role.id,
            "name": role.name,
            "description": role.description,
            "base_role": role.base,
            "source": role.source,
            "permissions": list(role.permissions),
            "organization": self.org_as_user(org) if role.source == "Organization" else None,
            "created_at": stamp(role.created),
            "updated_at": stamp(role.created),
        }


def without(found: Mapping[str, Any], *names: str) -> Json:
    return {name: value for name, value in found.items() if name not in names}
