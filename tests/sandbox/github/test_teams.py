"""Teams of the embedded GitHub: names, nesting, members, repositories."""

from __future__ import annotations

from tests.sandbox.github.acme import Acme


def test_an_owner_is_always_shown_as_a_maintainer(acme: Acme) -> None:
    acme.team("Leads")
    put = acme.owner("PUT", "/orgs/acme/teams/leads/memberships/boss", json={"role": "member"})
    assert put["role"] == "maintainer"
    rows = acme.owner("GET", "/orgs/acme/teams/leads/members?role=maintainer")
    assert [one["login"] for one in rows] == ["boss"]
    acme.world.set_member(acme.org, acme.ada, "admin")
    acme.owner("PUT", "/orgs/acme/memberships/boss", json={"role": "member"})
    assert acme.member(acme.ada)("GET", "/orgs/acme/teams/leads/memberships/boss")["role"] == "member"


def test_members_of_a_team_below_are_listed_as_inherited(acme: Acme) -> None:
    above = acme.team("Above", acme.bob)
    acme.team("Below", acme.ada, parent=above)
    rows = {one["login"]: one["inherited"] for one in acme.owner("GET", "/orgs/acme/teams/above/members")}
    assert rows == {"Bob": False, "ada": True}
    assert acme.owner("GET", "/orgs/acme/teams/above/memberships/ada")["state"] == "active"
    acme.owner("DELETE", "/orgs/acme/teams/above/memberships/ada", 404)


def test_a_new_name_is_a_new_slug_and_the_id_stays(acme: Acme) -> None:
    made = acme.owner("POST", "/orgs/acme/teams", 201, json={"name": "Développeurs & Co", "privacy": "closed"})
    assert made["slug"] == "developpeurs-co"
    assert acme.owner("PATCH", "/orgs/acme/teams/developpeurs-co", 201, json={"name": "Devs"})["slug"] == "devs"
    acme.owner("PATCH", "/orgs/acme/teams/devs", 200, json={"name": "Devs"})
    acme.owner("GET", "/orgs/acme/teams/developpeurs-co", 404)
    assert acme.owner("GET", f"/organizations/{acme.org.id}/team/{made['id']}")["slug"] == "devs"


def test_whoever_makes_a_team_is_in_it_but_for_an_app(acme: Acme) -> None:
    acme.owner("POST", "/orgs/acme/teams", 201, json={"name": "One"})
    assert acme.truth()["teams"]["one"]["members"] == {"boss": "maintainer"}


def test_a_team_moves_below_another_but_not_below_itself(acme: Acme) -> None:
    above, below = acme.team("Above"), acme.team("Below")
    acme.owner("PATCH", "/orgs/acme/teams/below", 201, json={"parent_team_id": above.id})
    assert [one["slug"] for one in acme.owner("GET", "/orgs/acme/teams/above/teams")] == ["below"]
    acme.owner("PATCH", "/orgs/acme/teams/above", 422, json={"parent_team_id": below.id})
    acme.owner("PATCH", "/orgs/acme/teams/below", 201, json={"parent_team_id": None})
    acme.owner("PATCH", "/orgs/acme/teams/below", 200, json={"parent_team_id": None})


def test_nested_teams_cannot_be_secret(acme: Acme) -> None:
    above = acme.team("Above")
    hidden = acme.team("Hidden", privacy="secret")
    body = {"name": "New", "privacy": "secret", "parent_team_id": above.id}
    acme.owner("POST", "/orgs/acme/teams", 422, json=body)
    acme.owner("PATCH", "/orgs/acme/teams/above", 422, json={"parent_team_id": hidden.id})


def test_a_secret_team_is_there_for_its_members_and_owners(acme: Acme) -> None:
    acme.team("Hidden", acme.ada, privacy="secret")
    for who, status in ((acme.ada, 200), (acme.boss, 200), (acme.bob, 404)):
        acme.member(who)("GET", "/orgs/acme/teams/hidden", status)
    assert acme.member(acme.bob)("GET", "/orgs/acme/teams") == []


def test_the_end_of_a_team_is_the_end_of_those_below(acme: Acme) -> None:
    above = acme.team("Above")
    acme.team("Deep", parent=acme.team("Below", parent=above))
    acme.owner("DELETE", "/orgs/acme/teams/above", 204)
    assert acme.truth()["teams"] == {}


def test_a_team_below_shows_what_the_team_above_has(acme: Acme) -> None:
    above = acme.team("Above")
    below, repo = acme.team("Below", parent=above), acme.repo("app")
    acme.world.grant_team(above, [repo], "admin")
    acme.owner("PUT", "/orgs/acme/teams/below/repos/acme/app", 204, json={"permission": "triage"})
    assert below.repos == {repo.id: "triage"}
    rows = acme.owner("GET", "/orgs/acme/teams/below/repos")
    assert (rows[0]["role_name"], rows[0]["permissions"]["admin"]) == ("admin", True)
    teams = {one["slug"]: one["permission"] for one in acme.owner("GET", "/repos/acme/app/teams")}
    assert teams == {"above": "admin", "below": "admin"}
    acme.owner("DELETE", "/orgs/acme/teams/below/repos/acme/app", 204)
    acme.owner("GET", "/orgs/acme/teams/below/repos/acme/app", 204)


def test_a_maintainer_changes_the_team_and_a_member_does_not(acme: Acme) -> None:
    team = acme.team("Leads", acme.bob)
    team.members[acme.ada.id] = "maintainer"
    acme.member(acme.ada)("PUT", "/orgs/acme/teams/leads/memberships/boss", json={"role": "member"})
    acme.member(acme.bob)("DELETE", "/orgs/acme/teams/leads/memberships/boss", 403)
    acme.member(acme.ada)("PUT", "/orgs/acme/teams/leads/memberships/eve", 403, json={"role": "member"})
    acme.member(acme.bob)("DELETE", "/orgs/acme/teams/leads/memberships/bob", 204)


def test_the_three_addresses_of_a_team_are_one_team(acme: Acme) -> None:
    team = acme.team("Leads")
    acme.owner("PUT", f"/organizations/{acme.org.id}/team/{team.id}/memberships/ada", json={"role": "member"})
    acme.owner("PUT", f"/teams/{team.id}/memberships/bob", json={"role": "member"})
    assert len(acme.owner("GET", "/orgs/acme/teams/leads/members")) == 2


def test_names_are_taken_once(acme: Acme) -> None:
    acme.team("Leads")
    wrong = acme.owner("POST", "/orgs/acme/teams", 422, json={"name": "LEADS"})
    assert wrong["errors"][0]["code"] == "already_exists"
    acme.owner("POST", "/orgs/acme/teams", 422, json={"description": "no name"})
