"""Members, invitations and outside collaborators of the embedded GitHub."""

from __future__ import annotations

from datetime import timedelta

from tests.sandbox.github.acme import Acme


def test_members_come_in_pages_and_say_no_role(acme: Acme) -> None:
    for number in range(120):
        acme.world.set_member(acme.org, acme.world.create_user(f"u{number}"))
    assert len(acme.owner.pages("/orgs/acme/members?per_page=50")) == 123
    assert len(acme.owner("GET", "/orgs/acme/members")) == 30
    assert len(acme.owner("GET", "/orgs/acme/members?per_page=1000")) == 100
    assert [one["login"] for one in acme.owner("GET", "/orgs/acme/members?role=admin")] == ["boss"]
    assert "role" not in acme.owner("GET", "/orgs/acme/members")[0]


def test_logins_are_found_whatever_their_case_and_shown_as_written(acme: Acme) -> None:
    assert acme.owner("GET", "/orgs/ACME/memberships/BOB")["user"]["login"] == "Bob"


def test_an_invitation_is_pending_until_it_is_accepted(acme: Acme) -> None:
    assert acme.owner("PUT", "/orgs/acme/memberships/eve", json={"role": "member"})["state"] == "pending"
    assert acme.owner("GET", "/orgs/acme/memberships/eve")["state"] == "pending"
    assert "eve" not in [one["login"] for one in acme.owner.pages("/orgs/acme/members")]
    eve = acme.member(acme.eve)
    assert eve("PATCH", "/user/memberships/orgs/acme", json={"state": "active"})["state"] == "active"
    assert acme.owner("GET", "/orgs/acme/invitations") == []
    assert acme.truth()["members"]["eve"] == "member"


def test_an_invitation_with_its_teams_is_one_thing(acme: Acme) -> None:
    leads, inner = acme.team("Leads"), acme.team("Inner")
    body = {"invitee_id": acme.eve.id, "role": "direct_member", "team_ids": [leads.id]}
    made = acme.owner("POST", "/orgs/acme/invitations", 201, json=body)
    assert (made["login"], made["email"], made["team_count"]) == ("eve", None, 1)
    joined = acme.owner("PUT", "/orgs/acme/teams/inner/memberships/eve", json={"role": "maintainer"})
    assert joined["state"] == "pending"
    assert acme.owner("GET", "/orgs/acme/teams/inner/memberships/eve")["role"] == "maintainer"
    teams = acme.owner("GET", f"/orgs/acme/invitations/{made['id']}/teams")
    assert [team["slug"] for team in teams] == ["leads", "inner"]
    assert [one["login"] for one in acme.owner("GET", "/orgs/acme/teams/leads/invitations")] == ["eve"]
    assert acme.owner("GET", "/orgs/acme/teams/leads/members") == []
    acme.member(acme.eve)("PATCH", "/user/memberships/orgs/acme", json={"state": "active"})
    assert (leads.members[acme.eve.id], inner.members[acme.eve.id]) == ("member", "maintainer")


def test_putting_somebody_into_a_team_invites_them_to_the_organisation(acme: Acme) -> None:
    acme.team("Leads")
    acme.owner("PUT", "/orgs/acme/teams/leads/memberships/eve", json={"role": "member"})
    assert acme.truth()["invitations"] == {"eve": {"role": "direct_member", "teams": {"leads": "member"}}}
    acme.owner("DELETE", "/orgs/acme/teams/leads/memberships/eve", 204)
    assert acme.truth()["invitations"] == {"eve": {"role": "direct_member", "teams": {}}}


def test_who_is_invited_by_mail_has_no_login(acme: Acme) -> None:
    made = acme.owner("POST", "/orgs/acme/invitations", 201, json={"email": "New@example.org", "role": "admin"})
    assert made["login"] is None and made["email"] == "New@example.org"
    again = acme.owner("POST", "/orgs/acme/invitations", 422, json={"email": "new@Example.org"})
    assert again["errors"][0]["message"] == "Invitee has already been invited to this organization"
    acme.world.accept(acme.org, acme.org.invitations[made["id"]], acme.eve)
    assert acme.truth()["members"]["eve"] == "admin"


def test_an_invitation_lapses_after_a_week_and_is_a_failed_one_then(acme: Acme) -> None:
    acme.owner("PUT", "/orgs/acme/memberships/eve", json={"role": "member"})
    acme.server.clock.advance(days=6, hours=23)
    assert len(acme.owner("GET", "/orgs/acme/invitations")) == 1
    acme.server.clock.advance(hours=2)
    assert acme.owner("GET", "/orgs/acme/invitations") == []
    failed = acme.owner("GET", "/orgs/acme/failed_invitations")
    assert failed[0]["login"] == "eve" and failed[0]["failed_reason"].startswith("Invitation expired")
    acme.owner("GET", "/orgs/acme/memberships/eve", 404)
    acme.member(acme.eve)("PATCH", "/user/memberships/orgs/acme", 404, json={"state": "active"})


def test_a_membership_and_an_invitation_end_by_the_same_call(acme: Acme) -> None:
    acme.owner("PUT", "/orgs/acme/memberships/eve", json={})
    for login in ("eve", "ada"):
        acme.owner("DELETE", f"/orgs/acme/memberships/{login}", 204)
        acme.owner("DELETE", f"/orgs/acme/memberships/{login}", 404)
    assert acme.truth()["members"] == {"boss": "admin", "Bob": "member"} and not acme.truth()["invitations"]


def test_who_leaves_is_out_of_everything_and_what_they_offered_is_withdrawn(acme: Acme) -> None:
    team, repo = acme.team("Leads", acme.ada), acme.repo("app")
    repo.collaborators[acme.ada.id] = "admin"
    acme.world.set_member(acme.org, acme.ada, "admin")
    acme.member(acme.ada)("PUT", "/orgs/acme/memberships/eve", json={"role": "member"})
    acme.owner("DELETE", "/orgs/acme/members/ada", 204)
    assert not team.members and not repo.collaborators and not acme.org.invitations


def test_the_last_owner_stays(acme: Acme) -> None:
    acme.owner("DELETE", "/orgs/acme/memberships/boss", 403)
    acme.owner("PUT", "/orgs/acme/memberships/boss", 403, json={"role": "member"})
    acme.owner("PUT", "/orgs/acme/outside_collaborators/boss", 403, json={})
    acme.owner("PUT", "/orgs/acme/memberships/ada", json={"role": "admin"})
    acme.owner("DELETE", "/orgs/acme/memberships/boss", 204)


def test_a_renamed_account_keeps_its_id_and_its_old_login_is_free(acme: Acme) -> None:
    acme.world.rename_user(acme.ada, "lovelace")
    acme.owner("GET", "/users/ada", 404)
    assert acme.owner("GET", f"/user/{acme.ada.id}")["login"] == "lovelace"
    stranger = acme.world.create_user("ADA")
    assert acme.owner("GET", "/users/ada")["id"] == stranger.id
    assert acme.owner("PUT", "/orgs/acme/memberships/ada", json={"role": "member"})["user"]["id"] == stranger.id


def test_a_member_becomes_an_outside_collaborator_and_keeps_what_teams_gave(acme: Acme) -> None:
    team, repo = acme.team("Leads", acme.ada), acme.repo("app")
    acme.repo("other")
    acme.world.grant_team(team, [repo], "maintain")
    acme.owner("DELETE", "/orgs/acme/outside_collaborators/ada", 422)
    acme.owner("PUT", "/orgs/acme/outside_collaborators/ada", 204, json={})
    assert acme.truth()["repos"]["app"]["collaborators"] == {"ada": "maintain"}
    assert acme.truth()["repos"]["other"]["collaborators"] == {}
    assert [one["login"] for one in acme.owner("GET", "/orgs/acme/outside_collaborators")] == ["ada"]
    acme.owner("DELETE", "/orgs/acme/outside_collaborators/ada", 204)
    assert acme.owner("GET", "/orgs/acme/outside_collaborators") == []


def test_members_without_rights_are_told_no_and_strangers_see_nothing(acme: Acme) -> None:
    acme.member(acme.ada)("PUT", "/orgs/acme/memberships/eve", 403, json={"role": "member"})
    assert acme.member(acme.eve)("GET", "/orgs/acme/members") == []
    acme.member(acme.eve)("GET", "/orgs/acme/teams", 404)
    acme.caller("ghp_nothing")("GET", "/orgs/acme", 401)
    refused = acme.reader()("PUT", "/orgs/acme/memberships/eve", 403, json={"role": "member"})
    assert refused["message"] == "Resource not accessible by personal access token"


def test_only_so_many_invitations_a_day(acme: Acme) -> None:
    acme.server.limits.content_per_minute = acme.server.limits.per_minute = None
    acme.org.plan, acme.org.created = "free", acme.world.now() - timedelta(days=3)
    for number in range(50):
        acme.owner("POST", "/orgs/acme/invitations", 201, json={"email": f"p{number}@example.org"})
    acme.owner("POST", "/orgs/acme/invitations", 422, json={"email": "one@example.org"})
    acme.server.clock.advance(days=1, minutes=1)
    acme.owner("POST", "/orgs/acme/invitations", 201, json={"email": "one@example.org"})


def test_a_request_that_makes_no_sense_is_told_why(acme: Acme) -> None:
    wrong = acme.owner("PUT", "/orgs/acme/memberships/eve", 422, json={"role": "king"})
    assert "king" in wrong["message"] and not acme.org.invitations
    acme.owner("POST", "/orgs/acme/invitations", 422, json={})
    acme.owner("POST", "/orgs/acme/invitations", 404, json={"invitee_id": 1})
    assert acme.owner("PUT", "/orgs/acme/memberships/eve", 400, data=b"{")["message"] == "Problems parsing JSON"


def test_who_is_a_member_by_the_enterprise_stays_one_whatever_the_organisation_does(acme: Acme) -> None:
    acme.world.create_enterprise_team(acme.org, "Auditors", [acme.eve, acme.ada])
    eve = acme.owner("GET", "/orgs/acme/memberships/eve")
    assert (eve["state"], eve["direct_membership"]) == ("active", False)
    assert eve["enterprise_teams_providing_indirect_membership"] == ["ent:auditors"]
    assert acme.owner("GET", "/orgs/acme/memberships/ada")["direct_membership"] is True
    acme.team("Leads", acme.ada)
    for login in ("ada", "eve"):
        acme.owner("DELETE", f"/orgs/acme/memberships/{login}", 204)
        assert acme.owner("GET", f"/orgs/acme/memberships/{login}")["direct_membership"] is False
    assert acme.truth()["teams"]["leads"]["members"] == {}
    assert [team["type"] for team in acme.owner("GET", "/orgs/acme/teams?team_type=enterprise")] == ["enterprise"]
    acme.owner("DELETE", "/orgs/acme/teams/ent:auditors/memberships/eve", 403)
    acme.owner("DELETE", "/orgs/acme/teams/ent:auditors", 422)
