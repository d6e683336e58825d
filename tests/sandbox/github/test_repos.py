"""Repositories of the embedded GitHub: collaborators, their invitations, names, roles of an organisation."""

from __future__ import annotations

from tests.sandbox.github.acme import Acme


def test_a_stranger_is_invited_and_a_member_is_in_at_once(acme: Acme) -> None:
    repo = acme.repo("app")
    invited = acme.owner("PUT", "/repos/acme/app/collaborators/eve", 201, json={"permission": "push"})
    assert (invited["permissions"], invited["invitee"]["id"], invited["expired"]) == ("write", acme.eve.id, False)
    acme.owner("PUT", "/repos/acme/app/collaborators/ada", 204, json={"permission": "maintain"})
    assert repo.collaborators == {acme.ada.id: "maintain"}
    acme.owner("GET", "/repos/acme/app/collaborators/eve", 404)
    acme.member(acme.eve)("PATCH", f"/user/repository_invitations/{invited['id']}", 204)
    acme.owner("PUT", "/repos/acme/app/collaborators/eve", 204, json={"permission": "pull"})
    assert repo.collaborators[acme.eve.id] == "read"


def test_an_invitation_is_changed_in_other_words_than_it_was_made(acme: Acme) -> None:
    acme.repo("app")
    made = acme.owner("PUT", "/repos/acme/app/collaborators/eve", 201, json={"permission": "push"})
    at = f"/repos/acme/app/invitations/{made['id']}"
    acme.owner("PATCH", at, 422, json={"permissions": "push"})
    assert acme.owner("PATCH", at, json={"permissions": "admin"})["permissions"] == "admin"
    again = acme.owner("PUT", "/repos/acme/app/collaborators/eve", 201, json={"permission": "triage"})
    assert again["id"] == made["id"] and len(acme.owner("GET", "/repos/acme/app/invitations")) == 1
    acme.owner("DELETE", at, 204)
    acme.member(acme.eve)("PATCH", f"/user/repository_invitations/{made['id']}", 404)


def test_an_invitation_to_a_repository_expires(acme: Acme) -> None:
    acme.repo("app")
    made = acme.owner("PUT", "/repos/acme/app/collaborators/eve", 201, json={})
    acme.server.clock.advance(days=8)
    assert acme.owner("GET", "/repos/acme/app/invitations")[0]["expired"] is True
    acme.member(acme.eve)("PATCH", f"/user/repository_invitations/{made['id']}", 404)


def test_who_is_shown_for_which_affiliation(acme: Acme) -> None:
    repo, team = acme.repo("app"), acme.team("Leads", acme.bob)
    acme.org.base_permission = "none"
    acme.world.grant_team(team, [repo], "write")
    repo.collaborators.update({acme.ada.id: "read", acme.eve.id: "admin"})
    acme.world.version += 1

    def logins(query: str) -> list[str]:
        return [one["login"] for one in acme.owner("GET", f"/repos/acme/app/collaborators?{query}")]

    assert logins("affiliation=all") == ["boss", "ada", "Bob", "eve"]
    assert logins("affiliation=direct") == ["ada", "eve"]
    assert logins("affiliation=outside") == ["eve"]
    assert logins("permission=push") == ["boss", "Bob", "eve"]


def test_the_legacy_word_stands_beside_the_roles_name(acme: Acme) -> None:
    repo = acme.repo("app")
    acme.server.create_repo_role(acme.org, "deployer", "maintain")
    repo.collaborators.update({acme.ada.id: "triage", acme.bob.id: "deployer"})
    acme.world.version += 1
    found = acme.owner("GET", "/repos/acme/app/collaborators/ada/permission")
    assert (found["permission"], found["role_name"]) == ("read", "triage")
    found = acme.owner("GET", "/repos/acme/app/collaborators/bob/permission")
    assert (found["permission"], found["role_name"]) == ("write", "deployer")
    assert acme.owner("GET", "/orgs/acme/custom-repository-roles")["custom_roles"][0]["base_role"] == "maintain"
    acme.owner("PUT", "/repos/acme/app/collaborators/ada", 204, json={"permission": "deployer"})
    acme.owner("PUT", "/repos/acme/app/collaborators/ada", 422, json={"permission": "write"})


def test_no_less_than_the_base_permission_can_be_given(acme: Acme) -> None:
    acme.repo("app")
    acme.owner("PATCH", "/orgs/acme", json={"default_repository_permission": "write"})
    wrong = acme.owner("PUT", "/repos/acme/app/collaborators/ada", 422, json={"permission": "pull"})
    assert wrong["message"] == "Cannot assign ada permission of read"


def test_the_old_name_of_a_repository_leads_to_the_new_one_until_it_is_taken(acme: Acme) -> None:
    repo = acme.repo("app")
    acme.owner("PATCH", "/repos/acme/app", json={"name": "application"})
    acme.owner("GET", "/repos/acme/app", 301)
    assert acme.owner.last is not None
    to = acme.owner.last.headers["Location"]
    assert acme.owner("GET", to)["id"] == repo.id
    acme.owner("PUT", "/repos/acme/app/collaborators/ada", 307, json={})
    other = acme.repo("app")
    assert acme.owner("GET", "/repos/acme/app")["id"] == other.id


def test_a_private_repository_is_not_there_for_who_has_no_right(acme: Acme) -> None:
    acme.repo("app")
    acme.org.base_permission = "none"
    acme.world.version += 1
    acme.member(acme.ada)("GET", "/repos/acme/app", 404)
    assert acme.member(acme.ada)("GET", "/orgs/acme/repos") == []
    acme.caller(acme.server.token(acme.boss, "admin:org"))("GET", "/repos/acme/app", 404)
    acme.member(acme.ada)("PUT", "/repos/acme/app/collaborators/eve", 404, json={})


def test_who_may_push_sees_collaborators_and_who_administers_changes_them(acme: Acme) -> None:
    repo = acme.repo("app")
    repo.collaborators.update({acme.ada.id: "write"})
    acme.world.version += 1
    acme.member(acme.bob)("GET", "/repos/acme/app/collaborators", 403)
    acme.member(acme.ada)("GET", "/repos/acme/app/collaborators", 200)
    acme.member(acme.ada)("DELETE", "/repos/acme/app/collaborators/bob", 403)


def test_a_role_of_the_organisation_reaches_every_repository(acme: Acme) -> None:
    acme.repo("app")
    team = acme.team("Guards", acme.bob)
    acme.team("Night", acme.ada, parent=team)
    role = next(one for one in acme.org.org_roles.values() if one.name == "all_repo_write")
    acme.owner("PUT", f"/orgs/acme/organization-roles/teams/guards/{role.id}", 204)
    acme.owner("PUT", f"/orgs/acme/organization-roles/users/bob/{role.id}", 204)
    acme.owner("PUT", f"/orgs/acme/organization-roles/users/eve/{role.id}", 404)
    rows = acme.owner("GET", f"/orgs/acme/organization-roles/{role.id}/users")
    assert {one["login"]: one["assignment"] for one in rows} == {"ada": "indirect", "Bob": "mixed"}
    teams = acme.owner("GET", f"/orgs/acme/organization-roles/{role.id}/teams")
    assert {one["slug"]: one["assignment"] for one in teams} == {"guards": "direct", "night": "indirect"}
    assert acme.owner("GET", "/repos/acme/app/collaborators/ada/permission")["role_name"] == "write"
    acme.owner("DELETE", "/orgs/acme/organization-roles/users/bob", 204)
    acme.owner("DELETE", f"/orgs/acme/organization-roles/teams/guards/{role.id}", 204)
    assert acme.owner("GET", f"/orgs/acme/organization-roles/{role.id}/users") == []
