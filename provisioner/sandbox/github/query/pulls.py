"""GraphQL: pull requests, what is said to them, and which pull request a commit came by."""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github.call import Call
from provisioner.sandbox.github.comments import comment_url, pull_url
from provisioner.sandbox.github.pushes import pulls_with
from provisioner.sandbox.github.query.pages import connect
from provisioner.sandbox.github.query.resolve import field, missing, need
from provisioner.sandbox.github.shapes import node_id, stamp
from provisioner.sandbox.github.things import Comment, Pull, Repo, User


@field("Repository.pullRequest")
def pull_request(thing: Repo, call: Call, number: int) -> Pull:
    need(call, "pull_requests")
    if number not in thing.pulls:
        raise missing("a PullRequest", f"the number of {number}")
    return thing.pulls[number]


@field("Repository.object")
def git_object(thing: Repo, call: Call, oid: str | None = None, expression: str | None = None) -> dict[str, Any] | None:
    need(call, "contents")
    wanted = oid or expression or ""
    return _commit(thing, wanted) if wanted in thing.history else None


def _commit(repo: Repo, oid: str) -> dict[str, Any]:
    return {"__typename": "Commit", "oid": oid, "repo": repo}


@field("Commit.id")
def commit_id(thing: dict[str, Any], call: Call) -> str:
    return f"C_{thing['oid']}"


@field("Commit.associatedPullRequests")
def pulls_of(thing: dict[str, Any], call: Call, **args: Any) -> dict[str, Any]:
    """The one that brought the commit in, and open ones that have it."""
    need(call, "pull_requests")
    return connect(pulls_with(thing["repo"], thing["oid"]), args, lambda one: one.number)


# A pull request


for _name, _attribute in {
    "baseRefName": "base_ref",
    "headRefName": "head_ref",
    "headRefOid": "head",
}.items():
    field(f"PullRequest.{_name}")(lambda thing, call, _attribute=_attribute: getattr(thing, _attribute))


@field("PullRequest.id")
def pull_id(thing: Pull, call: Call) -> str:
    return node_id(thing)


@field("PullRequest.fullDatabaseId")
def pull_number(thing: Pull, call: Call) -> str:
    return str(thing.id)


@field("PullRequest.author")
def pull_author(thing: Pull, call: Call) -> User | None:
    return call.world.users.get(thing.author)


@field("PullRequest.headRepository")
def source(thing: Pull, call: Call) -> Repo | None:
    return call.world.repos.get(thing.source or 0)


@field("PullRequest.isCrossRepository")
def is_from_elsewhere(thing: Pull, call: Call) -> bool:
    return thing.source != thing.repo


@field("PullRequest.merged")
def is_merged(thing: Pull, call: Call) -> bool:
    return thing.merge_commit is not None


@field("PullRequest.mergeCommit")
def merge_commit(thing: Pull, call: Call) -> dict[str, Any] | None:
    return _commit(call.world.repos[thing.repo], thing.merge_commit) if thing.merge_commit else None


@field("PullRequest.state")
def state(thing: Pull, call: Call) -> str:
    return "MERGED" if thing.merge_commit else "OPEN" if thing.open else "CLOSED"


@field("PullRequest.url")
def url_of_pull(thing: Pull, call: Call) -> str:
    return pull_url(call, call.world.repos[thing.repo], thing)


@field("PullRequest.comments")
def comments(thing: Pull, call: Call, **args: Any) -> dict[str, Any]:
    found = connect(list(thing.comments.values()), args, lambda one: one.id)
    return {**found, "nodes": [(thing, one) for one in found["nodes"]]}


# A comment: with the pull request that it is of


@field("IssueComment.id")
def comment_id(thing: tuple[Pull, Comment], call: Call) -> str:
    return node_id(thing[1])


@field("IssueComment.fullDatabaseId")
def comment_number(thing: tuple[Pull, Comment], call: Call) -> str:
    return str(thing[1].id)


@field("IssueComment.body")
def comment_body(thing: tuple[Pull, Comment], call: Call) -> str:
    return thing[1].body


@field("IssueComment.author")
def comment_author(thing: tuple[Pull, Comment], call: Call) -> User | None:
    return call.world.users.get(thing[1].author)


@field("IssueComment.createdAt")
def comment_created(thing: tuple[Pull, Comment], call: Call) -> str:
    return stamp(thing[1].created)


@field("IssueComment.updatedAt")
def comment_updated(thing: tuple[Pull, Comment], call: Call) -> str:
    return stamp(thing[1].updated)


@field("IssueComment.url")
def url_of_comment(thing: tuple[Pull, Comment], call: Call) -> str:
    pull, comment = thing
    return comment_url(call, call.world.repos[pull.repo], pull, comment)


@field("IssueComment.viewerDidAuthor")
def viewer_did_author(thing: tuple[Pull, Comment], call: Call) -> bool:
    return call.caller.token is not None and call.caller.actor.id == thing[1].author
