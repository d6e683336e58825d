"""Commits and pull requests of the embedded GitHub, as far as they tell who wrote and who merged what.

There is no git behind it: a commit is a name and its author, a pull request what came of it. None is made by a call.
"""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github.answers import Refused, not_found
from provisioner.sandbox.github.call import ROUTES, Call, Reply
from provisioner.sandbox.github.repo_shapes import full_repo
from provisioner.sandbox.github.shapes import HTML, Json, node_id, stamp
from provisioner.sandbox.github.things import Pull, Repo, User
from provisioner.sandbox.github.world import World

_LINKS = ("comments", "commits", "statuses", "html", "issue", "review_comments", "review_comment", "self")


def merge(world: World, repo: Repo, author: User, by: User, sha: str, *, written_by: User | None = None) -> Pull:
    """A pull request of `author` is merged by somebody; the commit that comes of it is `sha`."""
    number = len(repo.pulls) + 1
    made = Pull(world.new_id("pull"), number, repo.id, author.id, "A change", "1" * 40, world.now(), by.id, sha)
    repo.pulls[number] = made
    repo.commits[sha] = (written_by or author).id
    return made


@ROUTES.add("GET /repos/{owner}/{repo}/commits/{ref}")
def get_commit(call: Call, owner: str, name: str, ref: str) -> Reply:
    repo = call.repo(owner, name, "contents:read")
    if ref not in repo.commits:
        raise Refused(422, f"No commit found for SHA: {ref}")
    author = call.world.users.get(repo.commits[ref] or 0)
    at = f"{call.shapes.api}/repos/{call.world.orgs[repo.org].login}/{repo.name}"
    who = {"name": author.login if author else "nobody", "email": "x@example.com", "date": stamp(repo.created)}
    return 200, {
        "url": f"{at}/commits/{ref}",
        "sha": ref,
        "node_id": "C_kwDOAAAA",
        "html_url": f"{HTML}/{repo.name}/commit/{ref}",
        "comments_url": f"{at}/commits/{ref}/comments",
        "commit": {
            "url": f"{at}/git/commits/{ref}",
            "author": who,
            "committer": who,
            "message": "A change",
            "comment_count": 0,
            "tree": {"sha": ref, "url": f"{at}/git/trees/{ref}"},
        },
        "author": call.shapes.user(author) if author else None,
        "committer": call.shapes.user(author) if author else None,
        "parents": [],
    }


@ROUTES.add("GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls")
def pulls_of_commit(call: Call, owner: str, name: str, sha: str) -> Reply:
    repo = call.repo(owner, name, "pull_requests:read")
    found = [pull for pull in repo.pulls.values() if sha in (pull.merge_sha, pull.head_sha)]
    return call.page(found, lambda pull: _simple(call, repo, pull))


@ROUTES.add("GET /repos/{owner}/{repo}/pulls/{pull_number}")
def get_pull(call: Call, owner: str, name: str, number: str) -> Reply:
    repo = call.repo(owner, name, "pull_requests:read")
    pull = repo.pulls.get(int(number)) if number.isdigit() else None
    if pull is None:
        raise not_found()
    by = call.world.users.get(pull.merged_by or 0)
    counts = ("additions", "changed_files", "comments", "commits", "deletions", "review_comments")
    more = {"mergeable": None, "mergeable_state": "unknown", "merged": by is not None, "maintainer_can_modify": False}
    return 200, {
        **_simple(call, repo, pull),
        **more,
        **dict.fromkeys(counts, 0),
        "merged_by": call.shapes.user(by) if by else None,
    }


def _simple(call: Call, repo: Repo, pull: Pull) -> Json:
    full = f"{call.world.orgs[repo.org].login}/{repo.name}"
    at = f"{call.shapes.api}/repos/{full}/pulls/{pull.number}"
    page = f"{HTML}/{full}/pull/{pull.number}"
    user = call.shapes.user(call.world.users[pull.user])
    merged = stamp(pull.created) if pull.merged_by else None

    def side(ref: str, sha: str) -> dict[str, Any]:
        whole = full_repo(call.shapes, repo, "read")
        return {"label": f"acme:{ref}", "ref": ref, "sha": sha, "user": user, "repo": whole}

    return {
        "url": at,
        "id": pull.id,
        "node_id": node_id(pull),
        "html_url": page,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": f"{call.shapes.api}/repos/{full}/issues/{pull.number}",
        "commits_url": f"{at}/commits",
        "review_comments_url": f"{at}/comments",
        "review_comment_url": f"{at}/comments{{/number}}",
        "comments_url": f"{call.shapes.api}/repos/{full}/issues/{pull.number}/comments",
        "statuses_url": f"{call.shapes.api}/repos/{full}/statuses/{pull.head_sha}",
        "number": pull.number,
        "state": "closed" if merged else "open",
        "locked": False,
        "title": pull.title,
        "user": user,
        "body": None,
        "labels": [],
        "milestone": None,
        "created_at": stamp(pull.created),
        "updated_at": stamp(pull.created),
        "closed_at": merged,
        "merged_at": merged,
        "merge_commit_sha": pull.merge_sha,
        "assignee": None,
        "head": side("change", pull.head_sha),
        "base": side("main", "0" * 40),
        "_links": {name: {"href": at} for name in _LINKS},
        "author_association": "MEMBER",
        "auto_merge": None,
    }
