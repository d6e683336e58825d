"""GraphQL of the embedded GitHub: what a query finds, what it may ask for, what it costs."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.sandbox.github.query.resolve import schema
from tests.rigs.specs import missing_reason, public_schema
from tests.sandbox.github.acme import Acme

MEMBERS = """query($after: String) { organization(login: "acme") { membersWithRole(first: 100, after: $after) {
  totalCount pageInfo { hasNextPage endCursor } edges { role hasTwoFactorEnabled node { login databaseId } } } } }"""
TEAMS = """{ organization(login: "ACME") { login samlIdentityProvider { ssoUrl } teams(first: 50) { nodes {
  databaseId slug privacy parentTeam { slug } childTeams(first: 10) { nodes { slug } }
  members(first: 100, membership: IMMEDIATE) { edges { role node { login } } }
  repositories(first: 100) { edges { permission node { name } } }
  invitations(first: 20) { nodes { email role invitationType invitee { login } } } } } } }"""
WHY = """{ repository(owner: "acme", name: "app") { collaborators(first: 50, affiliation: ALL) { edges {
  permission node { login } permissionSources { permission roleName source { __typename
  ... on Team { slug } ... on Organization { login } ... on Repository { name } } } } } } }"""


def test_members_come_with_role_in_pages_that_survive_a_change_between_them(acme: Acme) -> None:
    for number in range(150):
        acme.world.set_member(acme.org, acme.world.create_user(f"u{number}"))
    first = acme.owner.query(MEMBERS)["data"]["organization"]["membersWithRole"]
    assert (first["totalCount"], len(first["edges"]), first["edges"][0]["role"]) == (153, 100, "ADMIN")
    acme.world.remove_member(acme.org, acme.ada)
    again = acme.owner.query(MEMBERS, after=first["pageInfo"]["endCursor"])["data"]["organization"]["membersWithRole"]
    found = {edge["node"]["login"] for edge in first["edges"] + again["edges"]}
    assert len(found) == 153 and not again["pageInfo"]["hasNextPage"]


def test_teams_with_members_repositories_and_invitations(acme: Acme) -> None:
    above = acme.team("Above", acme.boss)
    below, repo = acme.team("Below", acme.ada, parent=above), acme.repo("app")
    acme.world.grant_team(above, [repo], "maintain")
    acme.world.invite(acme.org, acme.boss, email="new@example.org", teams={below.id: "member"})
    organization = acme.owner.query(TEAMS)["data"]["organization"]
    assert organization["samlIdentityProvider"] is None and organization["login"] == "acme"
    one, two = organization["teams"]["nodes"]
    assert one["members"]["edges"] == [{"role": "MAINTAINER", "node": {"login": "boss"}}]
    assert (two["parentTeam"], one["childTeams"]["nodes"]) == ({"slug": "above"}, [{"slug": "below"}])
    assert two["members"]["edges"] == [{"role": "MEMBER", "node": {"login": "ada"}}]
    assert two["repositories"]["edges"] == [{"permission": "MAINTAIN", "node": {"name": "app"}}]
    invited = {"email": "new@example.org", "role": "DIRECT_MEMBER", "invitationType": "EMAIL", "invitee": None}
    assert two["invitations"]["nodes"] == [invited]


def test_a_right_names_every_source_of_it(acme: Acme) -> None:
    above, repo = acme.team("Above"), acme.repo("app")
    acme.team("Below", acme.ada, parent=above)
    acme.world.grant_team(above, [repo], "maintain")
    repo.collaborators[acme.ada.id] = "triage"
    repo.collaborators[acme.eve.id] = "write"
    acme.world.version += 1
    edges = acme.owner.query(WHY)["data"]["repository"]["collaborators"]["edges"]
    found = {edge["node"]["login"]: edge for edge in edges}
    assert found["ada"]["permission"] == "MAINTAIN" and found["boss"]["permission"] == "ADMIN"
    sources = [(s["roleName"], s["permission"], s["source"]["__typename"]) for s in found["ada"]["permissionSources"]]
    assert sources == [
        ("read", "READ", "Organization"),
        ("maintain", "WRITE", "Team"),
        ("triage", "READ", "Repository"),
    ]
    assert [s["source"] for s in found["eve"]["permissionSources"]] == [{"__typename": "Repository", "name": "app"}]


def test_a_custom_role_is_flattened_and_only_a_source_names_it(acme: Acme) -> None:
    team, repo = acme.team("Leads", acme.ada), acme.repo("app")
    acme.server.create_repo_role(acme.org, "deployer", "write")
    acme.world.grant_team(team, [repo], "deployer")
    text = '{ organization(login: "acme") { team(slug: "leads") { repositories(first: 1) { edges { permission } } } } }'
    assert acme.owner.query(text)["data"]["organization"]["team"]["repositories"]["edges"] == [{"permission": "WRITE"}]
    ada = next(
        e for e in acme.owner.query(WHY)["data"]["repository"]["collaborators"]["edges"] if e["node"]["login"] == "ada"
    )
    assert "deployer" in [source["roleName"] for source in ada["permissionSources"]]
    assert acme.owner("GET", "/orgs/acme/teams/leads/repos")[0]["role_name"] == "deployer"


def test_what_is_not_there_is_null_with_an_error_beside_it(acme: Acme) -> None:
    answer = acme.owner.query('{ organization(login: "nobody") { login } viewer { login } }')
    assert answer["data"] == {"organization": None, "viewer": {"login": "boss"}}
    assert (answer["errors"][0]["type"], answer["errors"][0]["path"]) == ("NOT_FOUND", ["organization"])


def test_what_is_not_for_the_caller_is_forbidden_and_never_an_empty_list(acme: Acme) -> None:
    acme.repo("app", private=False)
    text = '{ organization(login: "acme") { login teams(first: 5) { nodes { slug } } } }'
    for token in (acme.server.fine_grained_token(acme.boss, {"metadata": "read"}), acme.server.token(acme.eve)):
        answer = acme.caller(token).query(text)
        assert answer["data"]["organization"] is None and answer["errors"][0]["type"] == "FORBIDDEN"
    hidden = acme.member(acme.eve).query(WHY)
    assert hidden["data"]["repository"]["collaborators"] is None and hidden["errors"][0]["type"] == "FORBIDDEN"


def _wrong(answer: Any) -> str:
    assert "data" not in answer
    return str(answer["errors"][0].get("type") or answer["errors"][0].get("extensions", {}).get("code"))


def test_what_a_query_may_not_ask_for(acme: Acme) -> None:
    def of(inner: str) -> str:
        return _wrong(acme.owner.query('{ organization(login: "acme") { ' + inner + " } }"))

    assert of("teams { totalCount }") == "MISSING_PAGINATION_BOUNDARIES"
    assert of("teams(first: 101) { totalCount }") == "EXCESSIVE_PAGINATION"
    deep = "teams(first: 100) { nodes { members(first: 100) { totalCount } repositories(first: 100) { nodes {"
    deep += "collaborators(first: 50) { totalCount } } } } }"
    assert of(deep) == "MAX_NODE_LIMIT_EXCEEDED"
    assert of("nonsense") == "undefinedField"
    assert "errors" in acme.owner.query("{ organization(")


def test_a_query_costs_what_its_connections_would_need(acme: Acme) -> None:
    text = """query { rateLimit { cost nodeCount limit remaining used } organization(login: "acme") {
      teams(first: 100) { nodes { members(first: 50) { totalCount } repositories(first: 10) { totalCount } } } } }"""
    told = acme.owner.query(text)["data"]["rateLimit"]
    # 1 request for the teams, 100 for their members and 100 for their repositories: 201 / 100, rounded
    assert (told["cost"], told["nodeCount"], told["remaining"]) == (2, 100 + 5000 + 1000, 4998)


def test_a_spent_budget_is_a_200_that_says_so(acme: Acme) -> None:
    acme.server.limits.per_hour["graphql"] = 2
    assert "data" in acme.owner.query(MEMBERS) and "data" in acme.owner.query(MEMBERS)
    answer = acme.owner.query(MEMBERS)
    assert answer["errors"][0]["type"] == "RATE_LIMITED" and "data" not in answer
    acme.server.clock.advance(hours=1, seconds=1)
    assert "data" in acme.owner.query(MEMBERS)


def test_a_node_id_leads_back_to_the_thing(acme: Acme) -> None:
    team = acme.owner("POST", "/orgs/acme/teams", 201, json={"name": "Leads"})
    answer = acme.owner.query(
        "query($id: ID!) { node(id: $id) { __typename ... on Team { slug } } }", id=team["node_id"]
    )
    assert answer["data"]["node"] == {"__typename": "Team", "slug": "leads"}


def test_the_served_schema_is_part_of_the_public_one() -> None:
    if (reason := missing_reason("graphql")) is not None:
        pytest.skip(reason)
    served = [name for name in schema().type_map if not name.startswith("__")]
    assert [text for kind in served for text in _differences(kind)] == []


def _differences(kind: str) -> list[str]:
    ours: Any = schema().type_map[kind]
    theirs: Any = public_schema().type_map.get(kind)
    if type(ours) is not type(theirs):
        return [f"{kind} is not what it is in the public schema"]
    wrong = []
    for many in ("interfaces", "types"):
        extra = {one.name for one in getattr(ours, many, ())} - {one.name for one in getattr(theirs, many, ())}
        wrong += [f"{kind}: {name} is not among its {many}" for name in extra]
    wrong += [
        f"{kind}.{name} is no value" for name in set(getattr(ours, "values", ())) - set(getattr(theirs, "values", ()))
    ]
    for name, field in getattr(ours, "fields", {}).items():
        public = theirs.fields.get(name)
        if public is None or str(field.type) != str(public.type):
            wrong.append(f"{kind}.{name} differs")
            continue
        for argument, given in getattr(field, "args", {}).items():
            told = public.args.get(argument)
            if told is None or (str(given.type), given.default_value) != (str(told.type), told.default_value):
                wrong.append(f"{kind}.{name}({argument}) differs")
    return wrong
