"""Runs of workflows of the embedded GitHub: asked for, cancelled, started again, let into an environment.

Nothing runs here: a run is `in_progress` until somebody cancels it or `finish` says how it ended. What a cancelled run
does while it ends (steps with `if: always()`) is left out.
"""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github.answers import Refused, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply, unprocessable
from provisioner.sandbox.github.repo_shapes import minimal_repo
from provisioner.sandbox.github.shapes import HTML, Json, node_id, stamp
from provisioner.sandbox.github.things import Commit, Repo, Run, User
from provisioner.sandbox.github.world import World

_LINKS = ("jobs", "logs", "artifacts", "cancel", "rerun")
SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"


def start(
    world: World,
    repo: Repo,
    actor: User,
    *,
    event: str = "push",
    sha: str = SHA,
    branch: str | None = "main",
    head_repo: Repo | None = None,
    path: str = ".github/workflows/deploy.yml",
    waiting: bool = False,
) -> Run:
    """A run begins, as a push or whatever `event` says would make it. `head_repo` is where its code comes from."""
    number = world.new_id("run")
    made = Run(
        number,
        repo.id,
        len(repo.runs) + 1,
        actor.id,
        actor.id,
        event,
        sha,
        branch,
        path,
        world.now(),
        (head_repo or repo).id,
        status="waiting" if waiting else "in_progress",
    )
    repo.runs[number] = made
    repo.history.setdefault(sha, Commit(sha, world.now(), actor.id, actor.id))
    return made


def finish(run: Run, conclusion: str) -> None:
    """The run comes to its end; one that was cancelled stays so, whatever its steps came to."""
    if run.status != "completed":
        run.status, run.conclusion = "completed", conclusion


def again(run: Run, who: User) -> None:
    """Somebody starts the run again: the first actor stays, and the commit."""
    run.earlier.append((run.triggering, run.conclusion or "failure"))
    run.attempt, run.triggering, run.status, run.conclusion = run.attempt + 1, who.id, "in_progress", None


def approve(run: Run, who: User, environment: str, state: str = "approved") -> None:
    """Somebody lets the run into an environment, or not."""
    run.approvals.append((who.id, environment, state))
    run.status = "in_progress" if run.status == "waiting" and state == "approved" else run.status


@ROUTES.add("GET /repos/{owner}/{repo}/actions/runs/{run_id}")
def get_run(call: Call, owner: str, name: str, number: str) -> Reply:
    repo = call.repo(owner, name, "actions:read")
    return 200, _shape(call, repo, _run(repo, number))


@ROUTES.add("GET /repos/{owner}/{repo}/actions/runs/{run_id}/attempts/{attempt_number}")
def get_attempt(call: Call, owner: str, name: str, number: str, attempt: str) -> Reply:
    repo = call.repo(owner, name, "actions:read")
    run = _run(repo, number)
    if attempt == str(run.attempt):
        return 200, _shape(call, repo, run)
    if not attempt.isdigit() or not 0 < int(attempt) <= len(run.earlier):
        raise not_found()
    triggering, conclusion = run.earlier[int(attempt) - 1]
    found = _shape(call, repo, run)
    earlier = {"run_attempt": int(attempt), "status": "completed", "conclusion": conclusion}
    return 200, {**found, **earlier, "triggering_actor": call.shapes.user(call.world.users[triggering])}


@ROUTES.add("POST /repos/{owner}/{repo}/actions/runs/{run_id}/cancel")
def cancel_run(call: Call, owner: str, name: str, number: str) -> Reply:
    run = _run(call.repo(owner, name, "actions:write"), number)
    if run.status == "completed":
        raise Refused(409, "Cannot cancel a workflow run that is completed.")
    finish(run, "cancelled")
    return 202, {}


@ROUTES.add("POST /repos/{owner}/{repo}/actions/runs/{run_id}/rerun")
def rerun(call: Call, owner: str, name: str, number: str) -> Reply:
    run = _run(call.repo(owner, name, "actions:write"), number)
    if run.status != "completed":
        raise Refused(403, "This workflow is already running")
    again(run, call.caller.actor)
    return 201, {}


@ROUTES.add("GET /repos/{owner}/{repo}/actions/runs/{run_id}/approvals")
def list_approvals(call: Call, owner: str, name: str, number: str) -> Reply:
    repo = call.repo(owner, name, "actions:read")
    return 200, [
        {
            "state": state,
            "comment": "",
            "user": call.shapes.user(call.world.users[who]),
            "environments": [_environment(call, repo, environment)],
        }
        for who, environment, state in _run(repo, number).approvals
    ]


def _run(repo: Repo, number: str) -> Run:
    if not number.isdigit():
        raise unprocessable(f"{number} is not an integer.", "run_id")
    run = repo.runs.get(int(number))
    if run is None:
        raise not_found()
    return run


def _shape(call: Call, repo: Repo, run: Run) -> Json:
    org, users = call.world.orgs[repo.org], call.world.users
    full = f"{org.login}/{repo.name}"
    at = f"{call.shapes.api}/repos/{full}/actions/runs/{run.id}"
    head = call.world.repos.get(run.head_repo or 0)
    found: Json = {
        "id": run.id,
        "name": "deploy",
        "node_id": node_id(run),
        "head_branch": run.branch,
        "head_sha": run.sha,
        "path": run.path,
        "display_title": "Deploy",
        "run_number": run.number,
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": 7,
        "check_suite_id": run.id,
        "check_suite_node_id": "CS_kwDOAAAA",
        "url": at,
        "html_url": f"{HTML}/{full}/actions/runs/{run.id}",
        "pull_requests": [],
        "created_at": stamp(run.created),
        "updated_at": stamp(run.created),
        "actor": call.shapes.user(users[run.actor]),
        "run_attempt": run.attempt,
        "referenced_workflows": [],
        "run_started_at": stamp(run.created),
        "triggering_actor": call.shapes.user(users[run.triggering]),
        "check_suite_url": f"{call.shapes.api}/repos/{full}/check-suites/{run.id}",
        "previous_attempt_url": f"{at}/attempts/{run.attempt - 1}" if run.attempt > 1 else None,
        "workflow_url": f"{call.shapes.api}/repos/{full}/actions/workflows/7",
        "head_commit": _commit(call, run),
        "repository": minimal_repo(call.shapes, repo),
        "head_repository": None if head is None else minimal_repo(call.shapes, head),
    }
    return {**found, **{f"{link}_url": f"{at}/{link}" for link in _LINKS}}


def _commit(call: Call, run: Run) -> Json:
    who: Any = {"name": call.world.users[run.actor].login, "email": "noreply@github.com"}
    told = {"message": "Deploy", "timestamp": stamp(run.created), "author": who, "committer": who}
    return {"id": run.sha, "tree_id": run.sha, **told}


def _environment(call: Call, repo: Repo, name: str) -> Json:
    known = repo.environments.get(name)
    full = f"{call.world.orgs[repo.org].login}/{repo.name}"
    return {
        "id": 1 if known is None else known.id,
        "node_id": "MDExOkVudmlyb25tZW50" if known is None else node_id(known),
        "name": name,
        "url": f"{call.shapes.api}/repos/{full}/environments/{name}",
        "html_url": f"{HTML}/{full}/deployments/activity_log?environments_filter={name}",
        "created_at": stamp(repo.created),
        "updated_at": stamp(repo.updated),
    }
