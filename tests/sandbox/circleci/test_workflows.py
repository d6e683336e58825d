"""Pipelines and workflows: who began them, who started them again, who approved, and cancelled once."""

from __future__ import annotations

from provisioner.sandbox.circleci import workflows
from tests.sandbox.circleci.acme import Acme


def test_a_second_start_is_another_workflow_of_the_same_pipeline(acme: Acme) -> None:
    first = workflows.start(acme.state, acme.app, acme.ada)
    found = acme.admin("GET", f"/workflow/{first.id}")
    assert found["started_by"] == acme.ada.id and found["status"] == "running"
    pipeline = acme.admin("GET", f"/pipeline/{found['pipeline_id']}")
    assert pipeline["trigger"]["actor"]["login"] == "ada"
    assert pipeline["vcs"]["origin_repository_url"] == pipeline["vcs"]["target_repository_url"]
    made = acme.caller(acme.bob)("POST", f"/workflow/{first.id}/rerun", 202)
    again = acme.admin("GET", f"/workflow/{made['workflow_id']}")
    assert (again["started_by"], again["pipeline_id"]) == (acme.bob.id, found["pipeline_id"])


def test_a_workflow_is_cancelled_once(acme: Acme) -> None:
    flow = workflows.start(acme.state, acme.app, acme.ada)
    acme.admin("POST", f"/workflow/{flow.id}/cancel", 202)
    workflows.finish(flow, "failed")
    found = acme.admin("GET", f"/workflow/{flow.id}")
    assert (found["status"], found["canceled_by"]) == ("canceled", acme.boss.id)
    acme.admin("POST", f"/workflow/{flow.id}/cancel", 400)
    acme.caller(acme.eve)("GET", f"/workflow/{flow.id}", 404)


def test_an_approval_names_who_gave_it(acme: Acme) -> None:
    flow = workflows.start(acme.state, acme.app, acme.ada)
    job = workflows.hold(acme.state, flow)
    assert "approved_by" not in acme.admin.pages(f"/workflow/{flow.id}/job")[0]
    workflows.approve(flow, job, acme.bob)
    assert acme.admin.pages(f"/workflow/{flow.id}/job")[0]["approved_by"] == acme.bob.id
