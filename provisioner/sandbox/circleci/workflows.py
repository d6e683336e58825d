"""Pipelines and workflows of the embedded CircleCI: who began them, cancelled, started again, approved.

Nothing runs here: a workflow is `running` until somebody cancels it or `finish` says how it ended.
"""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.circleci.call import ROUTES, Call, Refused, Reply, stamp
from provisioner.sandbox.circleci.state import Job, Person, Pipeline, Project, State, Workflow

Json = dict[str, Any]
REVISION = "f454a02b5d10fcccfd7d9dd7608a76d6493a98b4"
_ENDED = ("success", "failed", "error", "canceled", "not_run", "unauthorized")


def start(
    state: State,
    project: Project,
    by: Person,
    *,
    trigger: str = "webhook",
    actor: str | None = None,
    fork: bool = False,
    revision: str = REVISION,
    branch: str = "main",
) -> Workflow:
    """A pipeline begins, with one workflow. `actor` is who the trigger names, by default the same person."""
    here = f"https://github.com/{project.slug.removeprefix('gh/')}"
    pipeline = Pipeline(
        state.new_id(),
        len(state.pipelines) + 1,
        project.id,
        state.now(),
        trigger,
        by.login if actor is None else actor,
        revision,
        branch,
        "https://github.com/mallory/site" if fork else here,
        here,
    )
    state.pipelines[pipeline.id] = pipeline
    return again(state, pipeline, by)


def again(state: State, pipeline: Pipeline, by: Person) -> Workflow:
    """Somebody starts the pipeline's workflow, for the first time or once more."""
    made = Workflow(state.new_id(), pipeline.id, "deploy", state.now(), by.id)
    state.workflows[made.id] = made
    return made


def hold(state: State, workflow: Workflow, name: str = "hold") -> Job:
    """The workflow waits for an approval."""
    job = Job(state.new_id(), name, "approval", state.now())
    workflow.jobs.append(job)
    workflow.status = "on_hold"
    return job


def approve(workflow: Workflow, job: Job, by: Person) -> None:
    job.approved_by = by.id
    workflow.status = "running"


def finish(workflow: Workflow, status: str) -> None:
    """The workflow ends; one that was cancelled stays so."""
    if workflow.status not in _ENDED:
        workflow.status = status


@ROUTES.add("GET /pipeline/{pipeline-id}")
def get_pipeline(call: Call, number: str) -> Reply:
    found = call.state.pipelines.get(number)
    if found is None:
        raise Refused(404, "Pipeline not found")
    project = _project(call, found)
    return 200, {
        "id": found.id,
        "number": found.number,
        "project_slug": project.slug,
        "state": "created",
        "errors": [],
        "created_at": stamp(found.created),
        "updated_at": stamp(found.created),
        "trigger": {
            "type": found.trigger,
            "received_at": stamp(found.created),
            "actor": {"login": found.actor, "avatar_url": None},
        },
        "vcs": {
            "provider_name": "GitHub",
            "origin_repository_url": found.origin,
            "target_repository_url": found.target,
            "revision": found.revision,
            "branch": found.branch,
        },
    }


@ROUTES.add("GET /workflow/{id}")
def get_workflow(call: Call, number: str) -> Reply:
    found, pipeline = _workflow(call, number)
    told = {
        "id": found.id,
        "name": found.name,
        "status": found.status,
        "started_by": found.started_by,
        "created_at": stamp(found.created),
        "stopped_at": stamp(call.state.now()) if found.status in _ENDED else None,
        "pipeline_id": found.pipeline,
        "pipeline_number": pipeline.number,
        "project_slug": _project(call, pipeline).slug,
    }
    return 200, told if found.canceled_by is None else {**told, "canceled_by": found.canceled_by}


@ROUTES.add("POST /workflow/{id}/cancel")
def cancel(call: Call, number: str) -> Reply:
    found, _ = _workflow(call, number)
    if found.status in _ENDED:
        raise Refused(400, "This workflow has ended.")
    found.status, found.canceled_by = "canceled", call.person.id
    return 202, {"message": "Accepted."}


@ROUTES.add("POST /workflow/{id}/rerun")
def rerun(call: Call, number: str) -> Reply:
    _, pipeline = _workflow(call, number)
    return 202, {"workflow_id": again(call.state, pipeline, call.person).id}


@ROUTES.add("GET /workflow/{id}/job")
def jobs(call: Call, number: str) -> Reply:
    found, pipeline = _workflow(call, number)
    slug = _project(call, pipeline).slug
    return call.page(found.jobs, lambda job: _job(job, slug))


def _job(job: Job, slug: str) -> Json:
    told = {
        "id": job.id,
        "name": job.name,
        "type": job.kind,
        "started_at": stamp(job.started),
        "dependencies": [],
        "project_slug": slug,
        "status": "success" if job.approved_by else "on_hold",
        "approval_request_id": job.id,
    }
    return told if job.approved_by is None else {**told, "approved_by": job.approved_by}


def _workflow(call: Call, number: str) -> tuple[Workflow, Pipeline]:
    found = call.state.workflows.get(number)
    if found is None:
        raise Refused(404, "Workflow not found")
    pipeline = call.state.pipelines[found.pipeline]
    _project(call, pipeline)
    return found, pipeline


def _project(call: Call, pipeline: Pipeline) -> Project:
    project = call.state.projects[pipeline.project]
    if call.person.id not in call.state.orgs[project.org].members:
        raise Refused(404, "Pipeline not found")
    return project
