"""What guards a repository on the embedded GitHub: classic protection, rulesets, environments, CODEOWNERS."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.sandbox.github.protection import protect
from tests.sandbox.github.acme import Acme

AT = "/repos/acme/app/branches/main/protection"
OFF: dict[str, Any] = {
    "required_status_checks": None,
    "enforce_admins": None,
    "required_pull_request_reviews": None,
    "restrictions": None,
}
REVIEWS = {
    "dismiss_stale_reviews_on_push": True,
    "require_code_owner_review": True,
    "require_last_push_approval": False,
    "required_approving_review_count": 2,
    "required_review_thread_resolution": False,
}


@pytest.fixture
def app(acme: Acme) -> Acme:
    """With the repository `app` and the team `leads`, which may write to it."""
    repo = acme.repo("app")
    acme.world.grant_team(acme.team("Leads", acme.ada), [repo], "write")
    return acme


# Classic protection


def test_protection_is_put_in_one_form_and_got_in_another(app: Acme) -> None:
    app.owner("GET", AT, 404)
    body = {
        **OFF,
        "required_status_checks": {"strict": True, "contexts": ["build"]},
        "required_pull_request_reviews": {
            "required_approving_review_count": 2,
            "bypass_pull_request_allowances": {"teams": ["leads"]},
        },
        "restrictions": {"users": ["boss"], "teams": ["leads"]},
        "required_linear_history": True,
    }
    app.owner("PUT", AT, json=body)
    found = app.owner("GET", AT)
    assert found["required_linear_history"] == {"enabled": True} and found["enforce_admins"]["enabled"] is False
    assert found["required_status_checks"]["checks"] == [{"context": "build", "app_id": None}]
    assert [team["slug"] for team in found["restrictions"]["teams"]] == ["leads"]
    reviews = found["required_pull_request_reviews"]
    assert [team["slug"] for team in reviews["bypass_pull_request_allowances"]["teams"]] == ["leads"]
    assert reviews["required_approving_review_count"] == 2 and "dismissal_restrictions" not in reviews


def test_a_put_takes_away_what_it_leaves_out_but_signatures(app: Acme) -> None:
    app.owner("PUT", AT, json={**OFF, "lock_branch": True, "restrictions": {"users": [], "teams": []}})
    app.owner("POST", f"{AT}/required_signatures")
    assert app.owner("GET", AT)["restrictions"]["users"] == []
    app.owner("PUT", AT, json=OFF)
    found = app.owner("GET", AT)
    assert "restrictions" not in found and found["lock_branch"] == {"enabled": False}
    assert found["required_signatures"]["enabled"] is True


def test_the_four_that_matter_have_to_be_said(app: Acme) -> None:
    for name in OFF:
        app.owner("PUT", AT, 422, json={key: value for key, value in OFF.items() if key != name})
    app.owner("PUT", AT.replace("main", "nowhere"), 404, json=OFF)
    app.owner("DELETE", AT, 404)


def test_who_may_push_is_changed_one_by_one(app: Acme) -> None:
    app.owner("PUT", AT, json={**OFF, "restrictions": {"users": ["boss"], "teams": []}})
    assert len(app.owner("POST", f"{AT}/restrictions/teams", json={"teams": ["leads"]})) == 1
    assert len(app.owner("POST", f"{AT}/restrictions/users", json={"users": ["ada"]})) == 2
    assert [one["login"] for one in app.owner("DELETE", f"{AT}/restrictions/users", json={"users": ["boss"]})] == [
        "ada"
    ]
    assert app.owner("PUT", f"{AT}/restrictions/users", json={"users": []}) == []
    app.owner("POST", f"{AT}/restrictions/users", 422, json={"users": ["nobody"]})
    app.owner("DELETE", f"{AT}/restrictions", 204)
    app.owner("GET", f"{AT}/restrictions", 404)


def test_who_may_not_write_is_left_out_of_a_restriction(app: Acme) -> None:
    app.owner("PUT", AT, json={**OFF, "restrictions": {"users": ["bob", "ada"], "teams": []}})
    assert [one["login"] for one in app.owner("GET", f"{AT}/restrictions/users")] == ["ada"]


def test_protection_is_for_who_administers_the_repository(app: Acme) -> None:
    app.owner("PUT", AT, json=OFF)
    app.member(app.ada)("GET", AT, 403)
    assert app.reader()("GET", AT)["enforce_admins"]["enabled"] is False
    app.reader()("DELETE", AT, 403)
    app.owner("POST", f"{AT}/enforce_admins")
    app.owner("DELETE", f"{AT}/enforce_admins", 204)
    app.owner("DELETE", AT, 204)


def test_parts_of_protection_change_alone(app: Acme) -> None:
    app.owner("PUT", AT, json={**OFF, "required_status_checks": {"strict": False, "contexts": ["build"]}})
    assert app.owner("PATCH", f"{AT}/required_status_checks", json={"strict": True})["contexts"] == ["build"]
    told = app.owner("PATCH", f"{AT}/required_pull_request_reviews", json={"require_code_owner_reviews": True})
    assert (told["require_code_owner_reviews"], told["required_approving_review_count"]) == (True, 1)
    app.owner("DELETE", f"{AT}/required_pull_request_reviews", 204)


def test_a_pattern_is_seen_by_graphql_and_protects_what_it_matches(app: Acme) -> None:
    repo = app.world.repos_of(app.org)[0]
    repo.branches.add("release/1.0")
    named = {"users": [app.ada.id], "teams": [], "apps": []}
    protect(app.world, repo, "release/*", restrictions=named, enforce_admins=True)
    assert app.owner("GET", AT.replace("main", "release%2F1.0"))["restrictions"]["users"][0]["login"] == "ada"
    text = """{ repository(owner: "acme", name: "app") { branchProtectionRules(first: 10) { nodes { pattern
      restrictsPushes isAdminEnforced requiresApprovingReviews requiredApprovingReviewCount
      pushAllowances(first: 10) { nodes { actor { __typename ... on User { login } ... on Team { slug } } } }
      bypassPullRequestAllowances(first: 10) { totalCount } } } } }"""
    rule = app.owner.query(text)["data"]["repository"]["branchProtectionRules"]["nodes"][0]
    assert (rule["pattern"], rule["restrictsPushes"], rule["isAdminEnforced"]) == ("release/*", True, True)
    assert rule["pushAllowances"]["nodes"] == [{"actor": {"__typename": "User", "login": "ada"}}]
    assert app.member(app.ada).query(text)["errors"][0]["type"] == "FORBIDDEN"
    names = [one["name"] for one in app.owner("GET", "/repos/acme/app/branches?protected=true")]
    assert names == ["release/1.0"]
    branch = app.member(app.ada)("GET", "/repos/acme/app/branches/release%2F1.0")
    assert branch["protected"] is True and branch["protection_url"].endswith("/protection")
    app.owner("GET", "/repos/acme/app/branches/none", 404)


# Rulesets


def _ruleset(acme: Acme, **more: Any) -> dict[str, Any]:
    team = acme.world.team(acme.org, "leads")
    assert team is not None
    return {
        "name": "main is reviewed",
        "enforcement": "active",
        "target": "branch",
        "bypass_actors": [{"actor_type": "Team", "actor_id": team.id, "bypass_mode": "always"}],
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": [{"type": "deletion"}, {"type": "pull_request", "parameters": REVIEWS}],
        **more,
    }


def test_who_passes_a_ruleset_by_is_hidden_from_who_only_reads(app: Acme) -> None:
    made = app.owner("POST", "/repos/acme/app/rulesets", 201, json=_ruleset(app))
    at = f"/repos/acme/app/rulesets/{made['id']}"
    assert app.owner("GET", at)["bypass_actors"][0]["actor_type"] == "Team"
    for caller in (app.reader(), app.member(app.ada)):
        seen = caller("GET", at)
        assert "bypass_actors" not in seen and seen["rules"] == made["rules"]
    text = """{ repository(owner: "acme", name: "app") { rulesets(first: 5) { nodes { name enforcement
      bypassActors(first: 5) { nodes { bypassMode actor { ... on Team { slug } } } }
      rules(first: 5) { nodes { type parameters { ... on PullRequestParameters { requiredApprovingReviewCount } } } }
      conditions { refName { include } } source { __typename } } } } }"""
    one = app.owner.query(text)["data"]["repository"]["rulesets"]["nodes"][0]
    assert one["bypassActors"]["nodes"] == [{"bypassMode": "ALWAYS", "actor": {"slug": "leads"}}]
    assert one["rules"]["nodes"][1]["parameters"] == {"requiredApprovingReviewCount": 2}
    hidden = app.reader().query(text)["data"]["repository"]["rulesets"]["nodes"][0]
    assert hidden["bypassActors"] is None


def test_lists_of_rulesets_have_no_rules(app: Acme) -> None:
    app.owner("POST", "/orgs/acme/rulesets", 201, json=_ruleset(app, conditions=_everywhere()))
    for path in ("/orgs/acme/rulesets", "/repos/acme/app/rulesets"):
        row = app.owner("GET", path)[0]
        assert row["source_type"] == "Organization" and "rules" not in row and "bypass_actors" not in row
    assert app.owner("GET", "/repos/acme/app/rulesets?includes_parents=false") == []


def _everywhere() -> dict[str, Any]:
    names = {"include": ["~ALL"], "exclude": ["sandbox-*"]}
    return {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}, "repository_name": names}


def test_what_counts_for_a_branch_comes_from_both_levels(app: Acme) -> None:
    app.repo("sandbox-1")
    app.owner("POST", "/orgs/acme/rulesets", 201, json=_ruleset(app, conditions=_everywhere()))
    app.owner("POST", "/repos/acme/app/rulesets", 201, json=_ruleset(app, rules=[{"type": "non_fast_forward"}]))
    app.owner("POST", "/repos/acme/app/rulesets", 201, json=_ruleset(app, name="tried", enforcement="evaluate"))
    rules = app.owner("GET", "/repos/acme/app/rules/branches/main")
    found = [(rule["type"], rule["ruleset_source_type"]) for rule in rules]
    assert found == [("non_fast_forward", "Repository"), ("deletion", "Organization"), ("pull_request", "Organization")]
    assert app.owner("GET", "/repos/acme/app/rules/branches/other") == []
    assert app.owner("GET", "/repos/acme/sandbox-1/rules/branches/main") == []


def test_a_put_of_a_ruleset_replaces_the_lists_that_it_has(app: Acme) -> None:
    made = app.owner("POST", "/orgs/acme/rulesets", 201, json=_ruleset(app, conditions=_everywhere()))
    at = f"/orgs/acme/rulesets/{made['id']}"
    changed = app.owner("PUT", at, json={"bypass_actors": []})
    assert changed["bypass_actors"] == [] and changed["rules"] == made["rules"]
    app.reader()("PUT", at, 403, json={"enforcement": "disabled"})
    app.owner("PUT", at, 422, json={"rules": [{"type": "pull_request", "parameters": {}}]})
    app.owner("PUT", at, 422, json={"bypass_actors": [{"actor_type": "Team", "actor_id": 1}]})
    app.owner("POST", "/orgs/acme/rulesets", 422, json=_ruleset(app))
    app.owner("DELETE", at, 204)
    app.owner("GET", at, 404)


def test_what_a_rule_is_silent_about_is_filled_in(app: Acme) -> None:
    made = app.owner("POST", "/repos/acme/app/rulesets", 201, json=_ruleset(app))
    assert made["rules"][1]["parameters"]["allowed_merge_methods"] == ["merge", "squash", "rebase"]


# Environments


def test_an_environment_with_reviewers_and_a_timer(app: Acme) -> None:
    team = app.world.team(app.org, "leads")
    assert team is not None
    at = "/repos/acme/app/environments/prod%2Feu"
    body = {"wait_timer": 30, "prevent_self_review": True, "reviewers": [{"type": "Team", "id": team.id}]}
    made = app.owner("PUT", at, json=body)
    assert made["name"] == "prod/eu"
    rules = {rule["type"]: rule for rule in app.member(app.ada)("GET", at)["protection_rules"]}
    assert rules["wait_timer"]["wait_timer"] == 30 and rules["required_reviewers"]["prevent_self_review"] is True
    assert rules["required_reviewers"]["reviewers"][0]["reviewer"]["slug"] == "leads"
    text = """{ repository(owner: "acme", name: "app") { environments(first: 5) { nodes { name databaseId
      protectionRules(first: 5) { nodes { type timeout
      reviewers(first: 6) { nodes { ... on Team { slug } } } } } } } } }"""
    node = app.owner.query(text)["data"]["repository"]["environments"]["nodes"][0]
    assert [rule["type"] for rule in node["protectionRules"]["nodes"]] == ["WAIT_TIMER", "REQUIRED_REVIEWERS"]
    app.owner(
        "PUT", at, json={"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": False}}
    )
    found = app.owner("GET", "/repos/acme/app/environments")["environments"][0]
    assert [rule["type"] for rule in found["protection_rules"]] == ["branch_policy"]
    app.member(app.ada)("PUT", at, 403, json={})
    app.owner("DELETE", at, 204)


def test_patterns_need_a_policy_that_takes_them(app: Acme) -> None:
    at = "/repos/acme/app/environments/prod"
    app.owner("PUT", at, json={})
    app.owner("POST", f"{at}/deployment-branch-policies", 404, json={"name": "release/*"})
    app.owner(
        "PUT", at, json={"deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True}}
    )
    made = app.owner("POST", f"{at}/deployment-branch-policies", json={"name": "release/*"})
    app.owner("POST", f"{at}/deployment-branch-policies", 303, json={"name": "release/*"})
    assert app.owner("GET", f"{at}/deployment-branch-policies")["total_count"] == 1
    app.owner("PUT", f"{at}/deployment-branch-policies/{made['id']}", json={"name": "main"})
    app.owner("DELETE", f"{at}/deployment-branch-policies/{made['id']}", 204)


def test_what_an_environment_cannot_be(app: Acme) -> None:
    at = "/repos/acme/app/environments/prod"
    app.owner("PUT", at, 422, json={"wait_timer": 50_000})
    app.owner("PUT", at, 422, json={"reviewers": [{"type": "User", "id": app.eve.id}]})
    app.owner("PUT", at, 422, json={"reviewers": [{"type": "User", "id": app.ada.id}] * 7})
    both = {"protected_branches": True, "custom_branch_policies": True}
    app.owner("PUT", at, 422, json={"deployment_branch_policy": both})
    app.owner("GET", at, 404)


def test_owners_of_code_who_may_not_write_are_reported(app: Acme) -> None:
    app.owner("GET", "/repos/acme/app/codeowners/errors", 404)
    repo = app.world.repos_of(app.org)[0]
    repo.files[".github/CODEOWNERS"] = "* @acme/leads\n/docs @eve @ada\n# @nobody\n/x @acme/none\n"
    errors = app.owner("GET", "/repos/acme/app/codeowners/errors")["errors"]
    assert [(error["line"], error["column"]) for error in errors] == [(2, 7), (4, 4)]
