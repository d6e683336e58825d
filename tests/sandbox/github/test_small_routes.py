"""Smaller routes of the embedded GitHub: what is looked at, cancelled and taken back one by one."""

from __future__ import annotations

from tests.sandbox.github.acme import Acme, as_app, installed
from tests.sandbox.github.test_guards import OFF

AT = "/repos/acme/app/branches/main/protection"


def test_whether_somebody_is_a_member(acme: Acme) -> None:
    acme.owner("GET", "/orgs/acme/members/ada", 204)
    acme.owner("GET", "/orgs/acme/members/eve", 404)
    acme.member(acme.eve)("GET", "/orgs/acme/members/ada", 302)


def test_an_invitation_is_cancelled_by_its_number(acme: Acme) -> None:
    made = acme.owner("POST", "/orgs/acme/invitations", 201, json={"email": "new@example.org"})
    acme.reader()("DELETE", f"/orgs/acme/invitations/{made['id']}", 403)
    acme.owner("DELETE", f"/orgs/acme/invitations/{made['id']}", 204)
    acme.owner("DELETE", f"/orgs/acme/invitations/{made['id']}", 404)


def test_what_somebody_sees_of_their_own_invitations(acme: Acme) -> None:
    acme.repo("app")
    acme.owner("PUT", "/orgs/acme/memberships/eve", json={"role": "admin"})
    made = acme.owner("PUT", "/repos/acme/app/collaborators/eve", 201, json={"permission": "pull"})
    eve = acme.member(acme.eve)
    assert [(one["state"], one["role"]) for one in eve("GET", "/user/memberships/orgs")] == [("pending", "admin")]
    assert eve("GET", "/user/memberships/orgs/acme")["state"] == "pending"
    assert acme.owner("GET", "/user/memberships/orgs/acme")["state"] == "active"
    assert [one["id"] for one in eve("GET", "/user/repository_invitations")] == [made["id"]]
    eve("DELETE", f"/user/repository_invitations/{made['id']}", 204)
    assert eve("GET", "/user/repository_invitations") == []


def test_repositories_come_and_go(acme: Acme) -> None:
    acme.owner("POST", "/orgs/acme/repos", 201, json={"name": "new", "private": True})
    acme.owner("POST", "/orgs/acme/repos", 422, json={"name": "NEW"})
    acme.owner("DELETE", "/repos/acme/new", 204)
    acme.owner("GET", "/repos/acme/new", 404)


def test_switches_and_parts_of_protection_are_looked_at_and_taken_off(acme: Acme) -> None:
    acme.repo("app")
    checks = {"strict": True, "contexts": ["build"]}
    reviews = {"require_code_owner_reviews": True}
    body = {**OFF, "enforce_admins": True, "required_status_checks": checks, "required_pull_request_reviews": reviews}
    acme.owner("PUT", AT, json=body)
    assert acme.owner("GET", f"{AT}/enforce_admins")["enabled"] is True
    acme.owner("POST", f"{AT}/required_signatures")
    acme.owner("DELETE", f"{AT}/required_signatures", 204)
    assert acme.owner("GET", f"{AT}/required_signatures")["enabled"] is False
    assert acme.owner("GET", f"{AT}/required_status_checks")["strict"] is True
    assert acme.owner("GET", f"{AT}/required_pull_request_reviews")["require_code_owner_reviews"] is True
    acme.owner("DELETE", f"{AT}/required_status_checks", 204)
    acme.owner("PATCH", f"{AT}/required_status_checks", 404, json={"strict": True})


def test_teams_and_apps_that_may_push(acme: Acme) -> None:
    team, repo = acme.team("Leads"), acme.repo("app")
    acme.world.grant_team(team, [repo], "write")
    acme.server.create_app(acme.org, "Release")
    acme.owner("PUT", AT, json={**OFF, "restrictions": {"users": [], "teams": []}})
    assert len(acme.owner("PUT", f"{AT}/restrictions/teams", json={"teams": ["leads"]})) == 1
    assert [one["slug"] for one in acme.owner("GET", f"{AT}/restrictions/teams")] == ["leads"]
    assert acme.owner("DELETE", f"{AT}/restrictions/teams", json={"teams": ["leads"]}) == []
    assert [one["slug"] for one in acme.owner("POST", f"{AT}/restrictions/apps", json={"apps": ["release"]})] == [
        "release"
    ]
    assert len(acme.owner("GET", f"{AT}/restrictions/apps")) == 1
    assert acme.owner("PUT", f"{AT}/restrictions/apps", json={"apps": []}) == []
    acme.owner("DELETE", f"{AT}/restrictions/apps", 422, json={"apps": ["none"]})


def test_a_ruleset_of_a_repository_changes_and_goes(acme: Acme) -> None:
    acme.repo("app")
    made = acme.owner("POST", "/repos/acme/app/rulesets", 201, json={"name": "one", "enforcement": "disabled"})
    at = f"/repos/acme/app/rulesets/{made['id']}"
    assert acme.owner("PUT", at, json={"enforcement": "active"})["enforcement"] == "active"
    acme.member(acme.ada)("DELETE", at, 403)
    acme.owner("DELETE", at, 204)
    acme.owner("PUT", at, 404, json={})


def test_a_policy_of_an_environment_is_looked_at(acme: Acme) -> None:
    acme.repo("app")
    at = "/repos/acme/app/environments/prod"
    acme.owner(
        "PUT", at, json={"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}
    )
    made = acme.owner("POST", f"{at}/deployment-branch-policies", json={"name": "v*", "type": "tag"})
    assert acme.owner("GET", f"{at}/deployment-branch-policies/{made['id']}")["type"] == "tag"
    assert acme.owner("GET", f"{at}/deployment_protection_rules")["total_count"] == 0


def test_roles_of_the_organisation_are_listed_and_taken(acme: Acme) -> None:
    acme.team("Guards")
    role = acme.server.create_org_role(acme.org, "auditor", "read_audit_log")
    found = {one["name"]: one["source"] for one in acme.owner("GET", "/orgs/acme/organization-roles")["roles"]}
    assert (found["auditor"], found["all_repo_read"]) == ("Organization", "Predefined")
    at = f"/orgs/acme/organization-roles/{role.id}"
    assert acme.owner("GET", at)["permissions"] == ["read_audit_log"]
    acme.owner("PUT", f"/orgs/acme/organization-roles/users/ada/{role.id}", 204)
    acme.owner("PUT", f"/orgs/acme/organization-roles/teams/guards/{role.id}", 204)
    acme.owner("DELETE", f"/orgs/acme/organization-roles/users/ada/{role.id}", 204)
    acme.owner("DELETE", "/orgs/acme/organization-roles/teams/guards", 204)
    assert acme.owner("GET", f"{at}/users") == [] and acme.owner("GET", f"{at}/teams") == []
    acme.member(acme.ada)("PUT", f"/orgs/acme/organization-roles/users/ada/{role.id}", 403)


def test_one_token_is_revoked_by_its_number(acme: Acme) -> None:
    key = acme.server.create_app(acme.org)
    assert [one["id"] for one in as_app(acme, key)("GET", "/app/installations")] == [key.installation_id]
    one, acme.org.saml = acme.world.grant_token(acme.org, acme.ada, "laptop"), True
    app = installed(acme, key)
    app("POST", f"/orgs/acme/personal-access-tokens/{one.id}", 204, json={"action": "revoke"})
    app("POST", f"/orgs/acme/personal-access-tokens/{one.id}", 404, json={"action": "revoke"})
    two = acme.world.grant_token(acme.org, acme.ada, "key", saml=True)
    acme.owner("DELETE", f"/orgs/acme/credential-authorizations/{two.id}", 204)
    acme.owner("DELETE", f"/orgs/acme/credential-authorizations/{two.id}", 404)
