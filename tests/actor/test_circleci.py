"""`provision gate` in a job of CircleCI: the workflow's starter and the pipeline's, both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from provisioner.sandbox.circleci import CircleCiServer, workflows
from provisioner.sandbox.circleci.state import Person, Project, Workflow
from tests.actor.conftest import DEPLOYER, LEAD, PLACES, Job
from tests.rigs.specs import Checked

SYSTEM = "d9b3fcaa-a032-405a-8c75-40079ce33c3e"  # who CircleCI says it was where it was nobody who is known to it


@dataclass
class Circle:
    """`gh/acme/site` on the embedded CircleCI; `ada` and `grace` may deploy to production, `bob` may not."""

    server: CircleCiServer
    job: Job
    site: Project
    people: dict[str, Person]

    def start(self, who: str, **more: Any) -> Workflow:
        return self.enter(workflows.start(self.server.state, self.site, self.people[who], **more))

    def again(self, flow: Workflow, who: str) -> Workflow:
        workflows.finish(flow, "failed")
        pipeline = self.server.state.pipelines[flow.pipeline]
        return self.enter(workflows.again(self.server.state, pipeline, self.people[who]))

    def enter(self, flow: Workflow) -> Workflow:
        self.job.environ["CIRCLE_WORKFLOW_ID"] = flow.id
        self.job.environ["CIRCLE_SHA1"] = self.server.state.pipelines[flow.pipeline].revision
        return flow


@pytest.fixture(scope="module")
def circle(applied: Job) -> Iterator[Circle]:
    """Everything is applied; no workflow has begun."""
    with CircleCiServer() as server:
        checked = Checked("circleci").watch(server)
        state, job = server.state, applied
        people = {name: state.create_person(name) for name in ("boss", "ada", "bob", "grace", "mia")}
        org = state.create_org("acme", people["boss"])
        target = (
            "  ci: {provider: circleci, mode: report, organization: gh/acme, api_url: '%s', token: {env: CI_READ}}\n"
        )
        job.files.write("access/common.yaml", (PLACES % job.journal) + target % f"{server.url}/api/v2")
        job.files.env.setenv("CI_READ", server.token(people["boss"]))
        for name, roles in {"ada": LEAD, "bob": "[developer]", "grace": LEAD, "mia": LEAD}.items():
            job.declare(name, roles, accounts=f"{{ci: {{login: {name}, id: {people[name].id}}}}}")
        job.declare("nightly", DEPLOYER, more="    owners: [grace]\n", kind="services")
        job.apply()
        job.environ |= {"CIRCLECI": "true", "CIRCLE_TOKEN": server.token(people["boss"]), "CIRCLE_USERNAME": "ada"}
        yield Circle(server, job, state.create_project(org, "site"), people)
        assert not checked.problems, "\n".join(checked.problems)


def test_whoever_started_the_workflow_may_or_it_is_cancelled(circle: Circle) -> None:
    flow = circle.start("ada")
    assert circle.job.gate().out == "ada\n" and flow.status == "running"
    flow = circle.start("bob")
    assert "bob may not do this" in circle.job.refused("not-held")
    workflows.finish(flow, "failed")
    assert flow.status == "canceled"


def test_starting_a_workflow_again_takes_the_rights_of_both(circle: Circle) -> None:
    again = circle.again(circle.start("ada"), "bob")
    assert "bob may not do this" in circle.job.refused("not-held")
    assert again.status == "canceled"
    circle.again(circle.start("bob"), "ada")
    assert "bob may not do this" in circle.job.refused("not-held")
    circle.again(circle.start("ada"), "grace")
    assert circle.job.gate().out == "ada\ngrace\n"


def test_forks_schedules_and_nobody_known(circle: Circle) -> None:
    circle.start("ada", fork=True)
    assert "https://github.com/mallory/site" in circle.job.refused("fork")
    circle.start("ada", trigger="scheduled_pipeline")
    circle.job.refused("schedule")
    circle.start("ada", branch="pull/7/head")
    circle.job.refused("not-merged")
    state = circle.server.state
    system = circle.people["system"] = Person(SYSTEM, "", "system")
    state.people[SYSTEM] = system
    flow = circle.start("system", actor="ada")
    circle.job.refused("unknown-account")
    assert flow.status == "canceled"


def test_somebody_else_must_have_approved(circle: Circle) -> None:
    flow = circle.start("ada")
    hold = workflows.hold(circle.server.state, flow)
    workflows.approve(flow, hold, circle.people["ada"])
    assert "approved by ada" in circle.job.refused("approver-not-another", "--approver-not", "triggerer")
    flow = circle.start("ada")
    workflows.approve(flow, workflows.hold(circle.server.state, flow), circle.people["grace"])
    assert circle.job.gate("--approver-not", "triggerer").status == 0
    circle.job.refused("hand-not-told", "--approver-not", "author")


def test_what_is_not_ours_or_does_not_answer(circle: Circle) -> None:
    flow = circle.start("ada")
    assert circle.job.gate(CIRCLE_WORKFLOW_ID="../me").status == 7
    assert circle.job.gate(CIRCLE_TOKEN="nonsense").status == 5
    circle.server.fail("GET /user/{id}", 500, times=None)
    assert circle.job.gate().status == 5
    circle.server.heal()
    workflows.finish(flow, "success")
    circle.job.refused("run-over")


def test_whoever_was_cut_off_a_minute_ago_is_out_and_their_run_with_them(circle: Circle) -> None:
    circle.start("mia")
    assert circle.job.gate().out == "mia\n"
    circle.job.cut_off("mia")
    flow = circle.start("mia")
    assert "mia may not do this: cut off by `offboard --now`" in circle.job.refused("offboarded-now")
    workflows.finish(flow, "failed")
    assert flow.status == "canceled"
    circle.again(circle.start("ada"), "mia")
    circle.job.refused("offboarded-now")
