"""Comments on pull requests of the embedded GitHub: read, written, edited, deleted.

Whoever may read a repository may comment; whoever may write there, and every App that may, edits also what others said.
"""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github import auth
from provisioner.sandbox.github.answers import Refused, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply
from provisioner.sandbox.github.shapes import HTML, node_id, stamp
from provisioner.sandbox.github.things import ROLES, Comment, Pull, Repo

Json = dict[str, Any]
LONGEST = 65_536
OF_ONE = "/repos/{owner}/{repo}/issues/{issue_number}/comments"
ONE = "/repos/{owner}/{repo}/issues/comments/{comment_id}"
LIST = "/repos/{owner}/{repo}/issues/comments"


def pull_url(call: Call, repo: Repo, pull: Pull) -> str:
    return f"{HTML}/{call.world.orgs[repo.org].login}/{repo.name}/pull/{pull.number}"


def comment_url(call: Call, repo: Repo, pull: Pull, comment: Comment) -> str:
    return f"{pull_url(call, repo, pull)}#issuecomment-{comment.id}"


def _may(call: Call, level: str) -> None:
    """Pull requests are issues too: either permission will do."""
    if call.caller.token is None:
        raise Refused(401, "Requires authentication")
    if not any(auth.has(call.caller, what, level) for what in ("pull_requests", "issues")):
        raise auth.lacking(call.caller)


def _writes(call: Call, repo: Repo) -> bool:
    return call.caller.installation is not None or ROLES.index(call.base_on(repo) or "read") >= ROLES.index("write")


def _pull(call: Call, owner: str, name: str, number: str) -> tuple[Repo, Pull]:
    repo = call.repo(owner, name)
    pull = repo.pulls.get(int(number)) if number.isdigit() else None
    if pull is None:
        raise not_found()
    return repo, pull


def _shape(call: Call, repo: Repo, pull: Pull, one: Comment) -> Json:
    author = call.world.users.get(one.author)
    at = f"{call.shapes.api}/repos/{call.world.orgs[repo.org].login}/{repo.name}/issues"
    standing = call.world.orgs[repo.org].members.get(one.author)
    return {
        "id": one.id,
        "node_id": node_id(one),
        "url": f"{at}/comments/{one.id}",
        "html_url": comment_url(call, repo, pull, one),
        "issue_url": f"{at}/{pull.number}",
        "user": call.shapes.user(author) if author is not None else None,
        "created_at": stamp(one.created),
        "updated_at": stamp(one.updated),
        "author_association": "MEMBER" if standing else "NONE",
        "body": one.body,
        "performed_via_github_app": None,
    }


def _body(call: Call) -> str:
    text: str = call.given("body", str, required=True)
    if not text.strip():
        raise _unusable("Body can not be blank")
    if len(text) > LONGEST:
        raise _unusable(f"Body is too long (maximum is {LONGEST} characters)")
    return text


def _unusable(text: str) -> Refused:
    error = {"resource": "IssueComment", "code": "unprocessable", "field": "data", "message": text}
    return Refused(422, "Validation Failed", [error])


@ROUTES.add(f"GET {OF_ONE}")
def list_comments(call: Call, owner: str, name: str, number: str) -> Reply:
    repo, pull = _pull(call, owner, name, number)
    _may(call, "read")
    return call.page(list(pull.comments.values()), lambda one: _shape(call, repo, pull, one))


@ROUTES.add(f"POST {OF_ONE}")
def create_comment(call: Call, owner: str, name: str, number: str) -> Reply:
    repo, pull = _pull(call, owner, name, number)
    _may(call, "write")
    if pull.locked and not _writes(call, repo):
        raise Refused(403, "Unable to create comment because issue is locked.")
    text = _body(call)
    call.realm.limits.content(call.caller.name)
    made = call.world.comment(pull, call.caller.actor, text)
    call.headers.append(("Location", f"{call.shapes.api}{LIST}/{made.id}"))
    return 201, _shape(call, repo, pull, made)


def _comment(call: Call, owner: str, name: str, number: str) -> tuple[Repo, Pull, Comment]:
    repo = call.repo(owner, name)
    wanted = int(number) if number.isdigit() else 0
    for pull in repo.pulls.values():
        if wanted in pull.comments:
            return repo, pull, pull.comments[wanted]
    raise not_found()


def _may_change(call: Call, repo: Repo, one: Comment) -> None:
    _may(call, "write")
    if one.author != call.caller.actor.id and not _writes(call, repo):
        raise Refused(403, "Must have admin rights to Repository.")


@ROUTES.add(f"GET {ONE}")
def get_comment(call: Call, owner: str, name: str, number: str) -> Reply:
    _may(call, "read")
    return 200, _shape(call, *_comment(call, owner, name, number))


@ROUTES.add(f"PATCH {ONE}")
def update_comment(call: Call, owner: str, name: str, number: str) -> Reply:
    repo, pull, one = _comment(call, owner, name, number)
    _may_change(call, repo, one)
    one.body, one.updated = _body(call), call.world.now()
    return 200, _shape(call, repo, pull, one)


@ROUTES.add(f"DELETE {ONE}")
def delete_comment(call: Call, owner: str, name: str, number: str) -> Reply:
    repo, pull, one = _comment(call, owner, name, number)
    _may_change(call, repo, one)
    del pull.comments[one.id]
    return 204, None
