"""Runs of workflows: who started them, who started them again, cancelled once, and let into an environment."""

from __future__ import annotations

from provisioner.sandbox.github import pushes, runs
from tests.sandbox.github.acme import Acme, installed


def test_a_run_names_who_caused_it_and_who_started_this_attempt(acme: Acme) -> None:
    repo = acme.repo("site")
    run = runs.start(acme.world, repo, acme.ada)
    at = f"/repos/acme/site/actions/runs/{run.id}"
    first = acme.owner("GET", at)
    assert first["actor"]["id"] == first["triggering_actor"]["id"] == acme.ada.id
    assert first["head_repository"]["id"] == first["repository"]["id"] == repo.id
    runs.finish(run, "failure")
    acme.world.repos[repo.id].collaborators[acme.bob.id] = "write"
    acme.member(acme.bob)("POST", f"{at}/rerun", 201)
    again = acme.owner("GET", at)
    assert (again["run_attempt"], again["actor"]["login"], again["triggering_actor"]["login"]) == (2, "ada", "Bob")
    assert acme.owner("GET", f"{at}/attempts/1")["triggering_actor"]["login"] == "ada"
    acme.owner("GET", f"{at}/attempts/3", 404)


def test_a_run_is_cancelled_once_and_a_cancelled_run_stays_so(acme: Acme) -> None:
    run = runs.start(acme.world, acme.repo("site"), acme.ada)
    at = f"/repos/acme/site/actions/runs/{run.id}"
    acme.owner("POST", f"{at}/cancel", 202)
    runs.finish(run, "failure")
    assert acme.owner("GET", at)["conclusion"] == "cancelled"
    acme.owner("POST", f"{at}/cancel", 409)


def test_cancelling_takes_a_token_that_may(acme: Acme) -> None:
    run = runs.start(acme.world, acme.repo("site"), acme.ada)
    key = acme.server.create_app(acme.org, permissions={"actions": "read", "metadata": "read"})
    job = installed(acme, key)
    at = f"/repos/acme/site/actions/runs/{run.id}"
    assert job("GET", at)["status"] == "in_progress"
    job("POST", f"{at}/cancel", 403)
    acme.caller(acme.server.token(acme.eve))("GET", at, 404)


def test_who_let_a_run_of_a_merged_change_into_an_environment(acme: Acme) -> None:
    repo = acme.repo("site")
    pushes.push(acme.world, repo, "change", acme.ada)
    pushes.merge(acme.world, pushes.open_pull(acme.world, repo, "change", acme.ada), acme.boss, "squash", [runs.SHA])
    run = runs.start(acme.world, repo, acme.boss, waiting=True)
    assert acme.owner("GET", f"/repos/acme/site/actions/runs/{run.id}/approvals") == []
    runs.approve(run, acme.bob, "production")
    (one,) = acme.owner("GET", f"/repos/acme/site/actions/runs/{run.id}/approvals")
    assert (one["state"], one["user"]["login"], one["environments"][0]["name"]) == ("approved", "Bob", "production")
    assert not run.waiting
    (pull,) = acme.owner("GET", f"/repos/acme/site/commits/{runs.SHA}/pulls")
    assert pull["user"]["login"] == "ada" and pull["merge_commit_sha"] == runs.SHA
