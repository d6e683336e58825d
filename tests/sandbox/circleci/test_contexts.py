"""Contexts of the embedded CircleCI: who may use one, step by step; variables whose values nobody is told."""

from __future__ import annotations

from tests.sandbox.circleci.acme import Acme


def test_a_new_context_is_open_to_every_member(acme: Acme) -> None:
    context = acme.context("release-prod")
    only = acme.admin("GET", f"/context/{context.id}/restrictions")["items"]
    assert [(one["restriction_type"], one["restriction_value"], one["name"]) for one in only] == [
        ("group", acme.org.id, "All members")
    ]
    assert acme.state.may_use(context, acme.bob, acme.app) and not acme.state.may_use(context, acme.eve, acme.app)


def test_a_group_beside_all_members_narrows_nothing_and_the_last_group_gone_leaves_admins(acme: Acme) -> None:
    context = acme.context("release-prod")
    at = f"/context/{context.id}/restrictions"
    everybody = next(iter(context.restrictions))
    body = {"restriction_type": "group", "restriction_value": acme.leads.id}
    added = acme.admin("POST", at, 201, json=body)
    assert added["name"] == "leads" and acme.state.may_use(context, acme.bob, acme.app)
    assert acme.admin("DELETE", f"{at}/{everybody}")["message"] == "Context restriction deleted."
    assert acme.state.may_use(context, acme.ada, acme.app) and not acme.state.may_use(context, acme.bob, acme.app)
    acme.admin("DELETE", f"{at}/{added['id']}")
    assert [acme.state.may_use(context, who, acme.app) for who in (acme.boss, acme.ada)] == [True, False]


def test_a_restriction_twice_is_a_conflict_and_one_that_is_gone_is_not_there(acme: Acme) -> None:
    context = acme.context("release-prod")
    at = f"/context/{context.id}/restrictions"
    body = {"restriction_type": "project", "restriction_value": acme.app.id}
    made = acme.admin("POST", at, 201, json=body)
    assert made["project_id"] == acme.app.id and made["name"] == "app"
    acme.admin("POST", at, 409, json=body)
    acme.admin("POST", at, 409, json={"project_id": acme.app.id})
    acme.admin("DELETE", f"{at}/{made['id']}")
    acme.admin("DELETE", f"{at}/{made['id']}", 404)


def test_projects_groups_and_expressions_have_to_hold_together(acme: Acme) -> None:
    context = acme.context("release-prod")
    other = acme.state.create_project(acme.org, "other")
    rule = 'pipeline.git.branch == "main" and not job.ssh.enabled'
    at = f"/context/{context.id}/restrictions"
    acme.admin("POST", at, 201, json={"restriction_type": "project", "restriction_value": acme.app.id})
    acme.admin("POST", at, 201, json={"restriction_type": "expression", "restriction_value": rule})
    assert acme.state.may_use(context, acme.bob, acme.app, [rule])
    assert not acme.state.may_use(context, acme.bob, acme.app) and not acme.state.may_use(
        context, acme.bob, other, [rule]
    )
    assert acme.state.may_use(context, acme.boss, other, [rule]) and not acme.state.may_use(context, acme.boss, other)
    wrong = {"restriction_type": "expression", "restriction_value": "pipeline.parameters.go"}
    acme.admin("POST", at, 400, json=wrong)


def test_what_a_restriction_cannot_name(acme: Acme) -> None:
    context = acme.context("release-prod")
    at = f"/context/{context.id}/restrictions"
    for body, status in (
        ({"restriction_type": "group", "restriction_value": acme.app.id}, 404),
        ({"restriction_type": "project", "restriction_value": acme.leads.id}, 404),
        ({"restriction_type": "person", "restriction_value": acme.ada.id}, 400),
        ({"restriction_type": "group"}, 400),
    ):
        acme.admin("POST", at, status, json=body)
    acme.server.manners.group_restrictions = False
    acme.admin("POST", at, 400, json={"restriction_type": "group", "restriction_value": acme.leads.id})


def test_only_admins_restrict_but_any_member_makes_a_context(acme: Acme) -> None:
    ada = acme.caller(acme.ada)
    made = ada("POST", "/context", json={"name": "mine", "owner": {"slug": "gh/acme", "type": "organization"}})
    at = f"/context/{made['id']}"
    ada("POST", f"{at}/restrictions", 403, json={"restriction_type": "project", "restriction_value": acme.app.id})
    ada("DELETE", at, 403)
    acme.caller(acme.eve)("GET", at, 404)
    acme.admin("DELETE", at)
    acme.admin("GET", at, 404)


def test_an_organization_that_is_not_githubs_has_no_groups_on_contexts(acme: Acme) -> None:
    org = acme.state.create_org("own", acme.boss, "circleci")
    group = acme.admin("POST", f"/organizations/{org.id}/groups", 201, json={"name": "ops", "description": "x"})
    assert acme.admin.pages(f"/organizations/{org.id}/groups") == [group]
    made = acme.admin("POST", "/context", json={"name": "prod", "owner": {"id": org.id}})
    assert acme.admin("GET", f"/context/{made['id']}/restrictions")["items"] == []
    body = {"restriction_type": "group", "restriction_value": group["id"]}
    acme.admin("POST", f"/context/{made['id']}/restrictions", 400, json=body)
    assert acme.admin("GET", f"/organizations/{org.id}/groups/{group['id']}") == group
    acme.admin("DELETE", f"/organizations/{org.id}/groups/{group['id']}", 204)
    acme.admin("GET", f"/organizations/{org.id}/groups/{group['id']}", 404)


def test_the_groups_of_a_github_organization_are_listed_only_where_that_is_switched_on(acme: Acme) -> None:
    acme.admin("GET", f"/organizations/{acme.org.id}/groups", 404)
    acme.server.manners.github_groups = True
    assert [one["name"] for one in acme.admin.pages(f"/organizations/{acme.org.id}/groups")] == ["leads"]
    acme.admin("POST", f"/organizations/{acme.org.id}/groups", 400, json={"name": "own"})


def test_names_are_unique_to_the_letter(acme: Acme) -> None:
    acme.context("prod"), acme.context("Prod")
    acme.admin("POST", "/context", 409, json={"name": "prod", "owner": {"id": acme.org.id}})
    acme.admin("POST", "/context", 400, json={"name": "x" * 201, "owner": {"id": acme.org.id}})
    acme.admin("POST", "/context", 400, json={"name": "x"})


def test_variables_are_listed_and_their_values_never(acme: Acme) -> None:
    context = acme.context("prod")
    at = f"/context/{context.id}/environment-variable"
    secret = "correct-horse-battery"
    made = acme.admin("PUT", f"{at}/DEPLOY_KEY", json={"value": secret})
    acme.server.clock.advance(minutes=1)
    again = acme.admin("PUT", f"{at}/DEPLOY_KEY", json={"value": secret + "2"})
    assert (again["created_at"], again["updated_at"]) > (made["created_at"], made["updated_at"])
    assert [one["variable"] for one in acme.admin.pages(at)] == ["DEPLOY_KEY"]
    assert acme.admin.last is not None and secret not in acme.admin.last.text
    acme.admin("PUT", f"{at}/1BAD", 400, json={"value": "x"})
    acme.admin("DELETE", f"{at}/DEPLOY_KEY")
    acme.admin("DELETE", f"{at}/DEPLOY_KEY", 404)


def test_only_who_may_use_a_context_sets_its_variables(acme: Acme) -> None:
    context = acme.context("prod")
    everybody = next(iter(context.restrictions))
    acme.state.restrict(context, "group", acme.leads.id)
    del context.restrictions[everybody]
    at = f"/context/{context.id}/environment-variable/KEY"
    acme.caller(acme.bob)("PUT", at, 403, json={"value": "x"})
    acme.caller(acme.ada)("PUT", at, json={"value": "x"})


def test_lists_come_in_pages_by_token(acme: Acme) -> None:
    for number in range(45):
        acme.context(f"c{number:02}")
    found = acme.admin.pages(f"/context?owner-id={acme.org.id}&owner-type=organization")
    assert sorted(one["name"] for one in found) == [f"c{number:02}" for number in range(45)]
    assert len(acme.admin("GET", "/context?owner-slug=gh/acme")["items"]) == 20
    assert len(acme.admin("GET", "/context?owner-slug=github/ACME")["items"]) == 20
    acme.admin("GET", "/context?owner-slug=gh/acme&page-token=nonsense", 400)
    acme.admin("GET", "/context", 400)


def test_one_call_may_bring_the_whole_context(acme: Acme) -> None:
    context = acme.context("prod")
    acme.state.set_variable(context.variables, "KEY", "a-long-enough-value")
    assert set(acme.admin("GET", f"/context/{context.id}")) == {"id", "name", "created_at"}
    acme.server.manners.detailed = True
    whole = acme.admin("GET", f"/context/{context.id}")
    assert whole["org_id"] == acme.org.id and whole["environment_variables"][0]["variable"] == "KEY"
    assert whole["restrictions"] == acme.admin("GET", f"/context/{context.id}/restrictions")["items"]


def test_teams_are_copied_later_and_keep_their_group(acme: Acme) -> None:
    context = acme.context("prod")
    acme.state.restrict(context, "group", acme.leads.id)
    acme.state.copy_teams(acme.org, {"leads": ["BOB"], "new": []})
    assert acme.server.truth(acme.org)["groups"] == {"leads": ["bob"], "new": []}
    assert acme.leads.id in acme.org.groups
    acme.state.copy_teams(acme.org, {})
    assert acme.restrictions("prod") == [("group", "All members")]
