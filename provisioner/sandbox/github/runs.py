"""What happens to runs of workflows of the embedded GitHub: begun, cancelled, started again, let into an environment.

Nothing runs here: a run goes on until somebody cancels it or `finish` says how it ended. What a cancelled run does
while it ends (steps with `if: always()`) is left out.
"""

from __future__ import annotations

from provisioner.sandbox.github.actions import AT, READ, run_shape
from provisioner.sandbox.github.answers import Refused, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply
from provisioner.sandbox.github.shapes import HTML, Json, node_id, stamp
from provisioner.sandbox.github.things import Commit, Repo, Run, User
from provisioner.sandbox.github.world import World

WRITE = "actions:write"
SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"


def start(
    world: World,
    repo: Repo,
    actor: User,
    *,
    event: str = "push",
    sha: str = SHA,
    branch: str = "main",
    head_repo: Repo | None = None,
    path: str = ".github/workflows/deploy.yml",
    waiting: bool = False,
) -> Run:
    """A run begins, as a push or whatever `event` says would make it. `head_repo` is where its code comes from."""
    number, source = world.new_id("run"), (head_repo or repo).id
    made = Run(number, repo.id, path, event, sha, branch, source, actor.id, world.now(), None, waiting=waiting)
    repo.runs[number] = made
    repo.history.setdefault(sha, Commit(sha, world.now(), actor.id, actor.id))
    return made


def finish(run: Run, conclusion: str) -> None:
    """The run comes to its end; one that was cancelled stays so, whatever its steps came to."""
    run.conclusion = run.conclusion or conclusion


def again(run: Run, who: User) -> None:
    """Somebody starts the run again: the first actor stays, and the commit."""
    run.earlier.append((run.triggering or run.actor, run.conclusion or "failure"))
    run.attempt, run.triggering, run.conclusion = run.attempt + 1, who.id, None


def approve(run: Run, who: User, environment: str, state: str = "approved") -> None:
    """Somebody lets the run into an environment, or not."""
    run.approvals.append((who.id, environment, state))
    run.waiting = run.waiting and state != "approved"


@ROUTES.add(f"GET {AT}/runs/{{run_id}}/attempts/{{attempt_number}}")
def get_attempt(call: Call, owner: str, name: str, number: str, attempt: str) -> Reply:
    repo = call.repo(owner, name, READ)
    run = _run(repo, number)
    if attempt == str(run.attempt):
        return 200, run_shape(call, repo, run)
    if not attempt.isdigit() or not 0 < int(attempt) <= len(run.earlier):
        raise not_found()
    triggering, conclusion = run.earlier[int(attempt) - 1]
    earlier = {"run_attempt": int(attempt), "status": "completed", "conclusion": conclusion}
    who = call.shapes.user(call.world.users[triggering])
    return 200, {**run_shape(call, repo, run), **earlier, "triggering_actor": who}


@ROUTES.add(f"POST {AT}/runs/{{run_id}}/cancel")
def cancel_run(call: Call, owner: str, name: str, number: str) -> Reply:
    run = _run(call.repo(owner, name, WRITE), number)
    if run.conclusion is not None:
        raise Refused(409, "Cannot cancel a workflow run that is completed.")
    finish(run, "cancelled")
    return 202, {}


@ROUTES.add(f"POST {AT}/runs/{{run_id}}/rerun")
def rerun(call: Call, owner: str, name: str, number: str) -> Reply:
    run = _run(call.repo(owner, name, WRITE), number)
    if run.conclusion is None:
        raise Refused(403, "This workflow is already running")
    again(run, call.caller.actor)
    return 201, {}


@ROUTES.add(f"GET {AT}/runs/{{run_id}}/approvals")
def list_approvals(call: Call, owner: str, name: str, number: str) -> Reply:
    repo = call.repo(owner, name, READ)
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
    run = repo.runs.get(int(number)) if number.isdigit() else None
    if run is None:
        raise not_found()
    return run


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
