"""People, projects and budgets of the embedded CircleCI."""

from __future__ import annotations

import pytest

from provisioner.sandbox.circleci.state import CheckoutKey
from tests.rigs.specs import Checked, missing_reason
from tests.sandbox.circleci.acme import Acme, Caller


def test_who_one_is_and_where(acme: Acme) -> None:
    assert acme.admin("GET", "/me")["login"] == "boss"
    acme.state.create_org("elsewhere", acme.eve)
    assert [one["slug"] for one in acme.admin("GET", "/me/collaborations")] == ["gh/acme"]
    assert acme.admin("GET", f"/user/{acme.ada.id}")["login"] == "ada"


def test_a_token_in_any_of_three_places_until_it_ends(acme: Acme) -> None:
    token = acme.server.token(acme.boss, days=365)
    nobody = Caller(acme.server.url, None)
    nobody("GET", "/me", 401)
    nobody("GET", "/me", headers={"Authorization": f"Bearer {token}"})
    nobody("GET", "/me", auth=(token, ""))
    nobody("GET", "/me", 401, headers={"Circle-Token": "CCIPAT_nothing"})
    acme.server.clock.advance(days=366)
    nobody("GET", "/me", 401, headers={"Circle-Token": token})


def test_variables_of_a_project_are_masked(acme: Acme) -> None:
    made = acme.admin("POST", "/project/gh/acme/app/envvar", 201, json={"name": "KEY", "value": "abcdefgh1234"})
    assert made["value"] == "xxxx1234"
    assert acme.admin.pages("/project/gh/ACME/app/envvar") == [made]
    assert acme.admin("GET", "/project/github/acme/app/envvar/KEY") == made
    assert acme.admin("GET", "/project/gh%2Facme%2Fapp")["id"] == acme.app.id
    acme.admin("DELETE", "/project/gh/acme/app/envvar/KEY")
    acme.admin("GET", "/project/gh/acme/app/envvar/KEY", 404)
    acme.caller(acme.eve)("GET", "/project/gh/acme/app", 404)


def test_projects_are_found_by_what_ran_lately(acme: Acme) -> None:
    acme.state.create_project(acme.org, "asleep").ran = False
    assert [one["project_slug"] for one in acme.admin.pages("/pipeline?org-slug=gh/acme")] == ["gh/acme/app"]


def test_forks_and_keys_of_a_project(acme: Acme) -> None:
    at = "/project/gh/acme/app"
    advanced = acme.admin("PATCH", f"{at}/settings", json={"advanced": {"build_fork_prs": True}})["advanced"]
    assert (advanced["build_fork_prs"], advanced["forks_receive_secret_env_vars"]) == (True, False)
    assert acme.admin("GET", f"{at}/settings")["advanced"] == advanced
    acme.caller(acme.ada)("PATCH", f"{at}/settings", 403, json={"advanced": {}})
    acme.admin("PATCH", f"{at}/settings", 400, json={"advanced": {"nonsense": True}})
    acme.app.keys["aa:bb"] = CheckoutKey("aa:bb", "github-user-key", acme.state.now())
    assert [one["type"] for one in acme.admin.pages(f"{at}/checkout-key")] == ["github-user-key"]
    acme.admin("DELETE", f"{at}/checkout-key/aa:bb")
    acme.admin("DELETE", f"{at}/checkout-key/aa:bb", 404)


@pytest.mark.parametrize("told", [True, False])
def test_too_many_calls_in_a_minute(acme: Acme, told: bool) -> None:
    acme.server.per_minute, acme.server.retry_after = 3, told
    left = [acme.admin.ask("GET", "/me").headers["RateLimit-Remaining"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    answer = acme.admin.ask("GET", "/me")
    assert answer.status_code == 429 and ("Retry-After" in answer.headers) is told
    assert 0 < int(answer.headers["RateLimit-Reset"]) <= 60
    acme.server.clock.advance(minutes=1, seconds=1)
    acme.admin("GET", "/me")


def test_what_the_specification_of_2023_does_not_know_is_counted_as_unchecked(acme: Acme, checked: Checked) -> None:
    if (reason := missing_reason("circleci")) is not None:
        pytest.skip(reason)
    context = acme.context("prod")
    before = checked.unchecked["GET /context/{context-id}/restrictions"]
    acme.admin("GET", f"/context/{context.id}/restrictions")
    assert checked.unchecked["GET /context/{context-id}/restrictions"] == before + 1
