"""Somebody leaves who could have used a bot's secret: said in the plan, with what to renew."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from provisioner.sandbox.github import GitHubServer
from tests.credentials.rig import Company

LOCAL, SITE, OTHER = (
    "{to: local/bot.json}",
    "{to: github/repositories/site/environments/production, as: AWS_KEY}",
    "{to: github/repositories/other, as: AWS_KEY}",
)
GITHUB = """\
  github:
    provider: github
    organization: acme
    api_url: {env: GITHUB_API}
    token: {env: GITHUB_STORE_TOKEN}
"""
NOTED = "they may have used the access-key of"
PERSON = """\
people:
  {who}: {{name: Somebody, email: {who}@example.com, accounts: {{github: {{login: {who}, id: "{id}"}}}}}}
"""


def test_a_leaver_who_could_write_where_a_secret_lies_is_told_with_what_to_renew(
    acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ada writes to it through a team, ben himself to another one, cy may only read, and dan stays."""
    with GitHubServer() as github:
        world = github.world
        boss, *people = (world.create_user(n) for n in ("boss", "ada", "ben", "cy", "dan"))
        org = world.create_org("acme", boss)
        site, other = world.create_repo(org, "site"), world.create_repo(org, "other")
        team = world.create_team(org, "builders")
        world.grant_team(team, [site])
        for user in people:
            world.set_member(org, user)
        ada, ben, cy, dan = people
        for user in (ada, dan):
            team.members[user.id] = "member"
        other.collaborators[ben.id] = "write"
        site.collaborators[cy.id] = other.collaborators[cy.id] = "read"
        monkeypatch.setenv("GITHUB_API", github.url)
        monkeypatch.setenv("GITHUB_STORE_TOKEN", github.token(boss))
        for user in people:
            path = acme.root / "access" / "people" / f"{user.login}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(PERSON.format(who=user.login, id=user.id), encoding="utf-8")
        acme.declare(LOCAL, SITE, OTHER, more=GITHUB)
        assert told(acme) == []
        for user in (ada, ben, cy):
            (acme.root / "access" / "people" / f"{user.login}.yaml").unlink()
        acme.declare(LOCAL, SITE, more=GITHUB)
        (found,) = told(acme)
        assert found["message"] == (
            "ada could have used the access-key of deploy-bot on aws: "
            "it lies in github/repositories/site/environments/production"
        )
        assert "the team builders, push on site" in found["why"] and "rotate deploy-bot" in found["fix"]
        acme.declare(LOCAL, SITE, OTHER, more=GITHUB)
        assert told(acme)[0]["message"].startswith("ada, ben could have used")
        org.base_permission = "write"
        world.version += 1
        (found,) = told(acme)
        assert found["message"].startswith("ada, ben, cy could have used"), "every member may write"


def test_a_receipt_says_what_to_renew_until_it_is(acme: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    with GitHubServer() as github:
        world = github.world
        boss, ada = world.create_user("boss"), world.create_user("ada")
        org = world.create_org("acme", boss)
        site = world.create_repo(org, "site")
        world.set_member(org, ada)
        site.collaborators[ada.id] = "write"
        monkeypatch.setenv("GITHUB_API", github.url)
        monkeypatch.setenv("GITHUB_STORE_TOKEN", github.token(boss))
        path = acme.root / "access" / "people" / "ada.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(PERSON.format(who="ada", id=ada.id), encoding="utf-8")
        acme.declare(LOCAL, "{to: github/repositories/site, as: AWS_KEY}", more=GITHUB)
        ran = acme.run("apply")
        assert ran.status == 0, ran.out + ran.err
        path.unlink()
        acme.declare(LOCAL, "{to: github/repositories/site, as: AWS_KEY}", more=GITHUB)
        ran = acme.run("apply")
        assert ran.status == 0, ran.out + ran.err
        assert ada.id not in site.collaborators
        assert f"{NOTED} deploy-bot" in " ".join(acme.run("receipt", "ada").out.split())
        time.sleep(1 - time.time() % 1)  # what was made in the second of the revocation may have been made before it
        assert acme.run("rotate", "deploy-bot").status == 0
        assert NOTED not in acme.run("receipt", "ada").out


def told(acme: Company) -> list[dict[str, Any]]:
    ran = acme.run("plan", "--target", "github", "--format", "json")
    assert ran.status == 0, ran.err
    return [d for d in json.loads(ran.out)["diagnostics"] if d["code"] == "secret-readable"]
