"""Runs of workflows of the embedded GitHub, and the artifacts that they left. Nothing is run here: runs are seeded.

An artifact is fetched in two steps, as from GitHub: its address answers with one on another host, signed and for a
minute, which wants no token.
"""

from __future__ import annotations

import hashlib
from typing import Any

from provisioner.sandbox.github.answers import Refused, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply
from provisioner.sandbox.github.repo_shapes import minimal_repo
from provisioner.sandbox.github.shapes import HTML, node_id, stamp
from provisioner.sandbox.github.things import Artifact, Repo, Run
from provisioner.sandbox.wire import Answer

Json = dict[str, Any]
READ = "actions:read"
AT = "/repos/{owner}/{repo}/actions"
NOBODY = {"name": "nobody", "email": "nobody@example.org"}


def run_shape(call: Call, repo: Repo, one: Run) -> Json:
    """A run, as its newest attempt is."""
    full = f"{call.world.orgs[repo.org].login}/{repo.name}"
    at = f"{call.shapes.api}/repos/{full}/actions"
    source = None if one.source is None else call.world.repos.get(one.source, repo)
    workflow = _number(one.path)
    return {
        "id": one.id,
        "name": one.path,
        "node_id": node_id(one),
        "head_branch": one.head_ref,
        "head_sha": one.head,
        "path": one.path,
        "display_title": "a change",
        "run_number": one.id,
        "run_attempt": one.attempt,
        "event": one.event,
        "status": status_of(one),
        "conclusion": one.conclusion,
        "workflow_id": workflow,
        "url": f"{at}/runs/{one.id}",
        "html_url": f"{HTML}/{full}/actions/runs/{one.id}",
        "pull_requests": [],
        "created_at": stamp(one.created),
        "updated_at": stamp(one.created),
        "run_started_at": stamp(one.created),
        "actor": call.shapes.user(call.world.users[one.actor]),
        "triggering_actor": call.shapes.user(call.world.users[one.triggering or one.actor]),
        "jobs_url": f"{at}/runs/{one.id}/jobs",
        "logs_url": f"{at}/runs/{one.id}/logs",
        "check_suite_url": f"{call.shapes.api}/repos/{full}/check-suites/{one.id}",
        "artifacts_url": f"{at}/runs/{one.id}/artifacts",
        "cancel_url": f"{at}/runs/{one.id}/cancel",
        "rerun_url": f"{at}/runs/{one.id}/rerun",
        "workflow_url": f"{at}/workflows/{workflow}",
        "head_commit": {
            "id": one.head,
            "tree_id": one.head,
            "message": "a change",
            "timestamp": stamp(one.created),
            "author": NOBODY,
            "committer": NOBODY,
        },
        "repository": minimal_repo(call.shapes, repo),
        "head_repository": None if source is None else minimal_repo(call.shapes, source),
    }


def status_of(one: Run) -> str:
    return "completed" if one.conclusion else "waiting" if one.waiting else "in_progress"


def _number(path: str) -> int:
    return int(hashlib.sha256(path.encode()).hexdigest()[:6], 16)


@ROUTES.add(f"GET {AT}/workflows/{{workflow_id}}/runs")
def list_runs(call: Call, owner: str, name: str, workflow: str) -> Reply:
    """Newest first; a workflow is named by its number or its file's name."""
    repo = call.repo(owner, name, READ)
    found = [r for r in repo.runs.values() if workflow in (r.path.rpartition("/")[2], str(_number(r.path)))]
    if not found and not any(path.rpartition("/")[2] == workflow for path in repo.files):
        raise not_found()
    for argument, attribute in (("head_sha", "head"), ("event", "event"), ("branch", "head_ref")):
        if argument in call.args:
            found = [r for r in found if getattr(r, attribute) == call.args[argument]]
    if wanted := call.args.get("status"):
        found = [r for r in found if wanted in (r.conclusion, status_of(r))]
    found.sort(key=lambda r: r.id, reverse=True)
    _, page = call.page(found, lambda one: run_shape(call, repo, one))
    return 200, {"total_count": len(found), "workflow_runs": page}


@ROUTES.add(f"GET {AT}/runs/{{run_id}}")
def get_run(call: Call, owner: str, name: str, number: str) -> Reply:
    repo = call.repo(owner, name, READ)
    run = repo.runs.get(int(number)) if number.isdigit() else None
    if run is None:
        raise not_found()
    return 200, run_shape(call, repo, run)


@ROUTES.add(f"GET {AT}/artifacts")
def list_all_artifacts(call: Call, owner: str, name: str) -> Reply:
    """Of every run, newest first."""
    repo, wanted = call.repo(owner, name, READ), call.args.get("name")
    found = [(run, one) for run in repo.runs.values() for one in run.artifacts.values() if wanted in (None, one.name)]
    found.sort(key=lambda pair: pair[1].id, reverse=True)
    _, page = call.page(found, lambda pair: _artifact(call, repo, *pair))
    return 200, {"total_count": len(found), "artifacts": page}


def _artifact(call: Call, repo: Repo, run: Run, one: Artifact) -> Json:
    at = f"{call.shapes.api}/repos/{call.world.orgs[repo.org].login}/{repo.name}/actions/artifacts/{one.id}"
    return {
        "id": one.id,
        "node_id": node_id(one),
        "name": one.name,
        "size_in_bytes": len(one.archive),
        "url": at,
        "archive_download_url": f"{at}/zip",
        "expired": one.expires <= call.world.now(),
        "digest": f"sha256:{hashlib.sha256(one.archive).hexdigest()}",
        "created_at": stamp(one.created),
        "expires_at": stamp(one.expires),
        "updated_at": stamp(one.created),
        "workflow_run": {
            "id": run.id,
            "repository_id": repo.id,
            "head_repository_id": run.source,
            "head_branch": run.head_ref,
            "head_sha": run.head,
        },
    }


@ROUTES.add(f"GET {AT}/runs/{{run_id}}/artifacts")
def list_artifacts(call: Call, owner: str, name: str, number: str) -> Reply:
    repo = call.repo(owner, name, READ)
    run = repo.runs.get(int(number)) if number.isdigit() else None
    if run is None:
        raise not_found()
    wanted = call.args.get("name")
    found = [one for one in run.artifacts.values() if wanted in (None, one.name)]
    _, page = call.page(found, lambda one: _artifact(call, repo, run, one))
    return 200, {"total_count": len(found), "artifacts": page}


@ROUTES.add(f"GET {AT}/artifacts/{{artifact_id}}/{{archive_format}}")
def download(call: Call, owner: str, name: str, number: str, archive_format: str) -> Reply:
    repo = call.repo(owner, name, READ)
    found = next((a for run in repo.runs.values() for a in run.artifacts.values() if str(a.id) == number), None)
    if found is None or archive_format != "zip":
        raise not_found()
    if found.expires <= call.world.now():
        raise Refused(410, "Artifact has expired")
    host = call.shapes.api.replace("127.0.0.1", "localhost")  # another origin, as GitHub's storage is
    call.headers.append(("Location", f"{host}/_storage/{_signature(found)}"))
    return 302, None


def _signature(one: Artifact) -> str:
    return hashlib.sha256(f"signed {one.id}".encode()).hexdigest()


def stored(repos: list[Repo], signature: str, authorization: str) -> Answer:
    """What lies behind a signed address. The storage takes no other credential beside the signature."""
    if authorization:
        return 403, [("Content-Type", "application/xml")], b"<Error><Code>AuthenticationFailed</Code></Error>"
    for repo in repos:
        for run in repo.runs.values():
            for one in run.artifacts.values():
                if _signature(one) == signature:
                    return 200, [("Content-Type", "application/zip")], one.archive
    return 404, [("Content-Type", "application/xml")], b"<Error><Code>BlobNotFound</Code></Error>"
