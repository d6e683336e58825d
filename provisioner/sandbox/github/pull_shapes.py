"""How the embedded GitHub's REST API writes pull requests, their reviews, commits and moves of branches down."""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github.repo_shapes import full_repo
from provisioner.sandbox.github.shapes import HTML, Json, Shapes, node_id, stamp
from provisioner.sandbox.github.things import Activity, Commit, Pull, Repo, Review


def _names(shapes: Shapes, repo: Repo) -> tuple[str, str]:
    full = f"{shapes.world.orgs[repo.org].login}/{repo.name}"
    return f"{shapes.api}/repos/{full}", f"{HTML}/{full}"


def _account(shapes: Shapes, number: int | None) -> Json | None:
    """None for an account that is gone."""
    found = shapes.world.users.get(number or 0)
    return shapes.user(found) if found is not None else None


def _side(shapes: Shapes, repo: Repo, branch: str, sha: str) -> Json:
    owner = shapes.world.orgs[repo.org]
    shown = full_repo(shapes, repo, "read")
    return {
        "label": f"{owner.login}:{branch}",
        "ref": branch,
        "sha": sha,
        "user": shapes.org_as_user(owner),
        "repo": shown,
    }


def simple_pull(shapes: Shapes, pull: Pull) -> Json:
    """As it stands in lists."""
    repo = shapes.world.repos[pull.repo]
    source = shapes.world.repos.get(pull.source or 0)
    at, page = _names(shapes, repo)
    here, issue = f"{at}/pulls/{pull.number}", f"{at}/issues/{pull.number}"
    links = {
        "self": here,
        "html": f"{page}/pull/{pull.number}",
        "issue": issue,
        "comments": f"{issue}/comments",
        "review_comments": f"{here}/comments",
        "review_comment": f"{at}/pulls/comments{{/number}}",
        "commits": f"{here}/commits",
        "statuses": f"{at}/statuses/{pull.head}",
    }
    return {
        "url": here,
        "id": pull.id,
        "node_id": node_id(pull),
        "html_url": links["html"],
        "diff_url": f"{links['html']}.diff",
        "patch_url": f"{links['html']}.patch",
        "issue_url": issue,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "comments_url": links["comments"],
        "statuses_url": links["statuses"],
        "number": pull.number,
        "state": "open" if pull.open else "closed",
        "locked": False,
        "title": pull.title,
        "user": _account(shapes, pull.author),
        "body": None,
        "labels": [],
        "milestone": None,
        "active_lock_reason": None,
        "created_at": stamp(pull.created),
        "updated_at": stamp(pull.merged or pull.created),
        "closed_at": stamp(pull.merged) if pull.merged else None,
        "merged_at": stamp(pull.merged) if pull.merged else None,
        "merge_commit_sha": pull.merge_commit,
        "assignee": None,
        "assignees": [],
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _side(shapes, source or repo, pull.head_ref, pull.head) | ({"repo": None} if source is None else {}),
        "base": _side(shapes, repo, pull.base_ref, pull.base),
        "_links": {name: {"href": url} for name, url in links.items()},
        "author_association": "MEMBER",
        "auto_merge": None,
        "draft": False,
    }


def full_pull(shapes: Shapes, pull: Pull) -> Json:
    merged = pull.merged is not None
    counts: Json = dict.fromkeys(("comments", "review_comments", "additions", "deletions", "changed_files"), 0)
    return {
        **simple_pull(shapes, pull),
        **counts,
        "commits": len(pull.commits),
        "merged": merged,
        "mergeable": None if merged else True,
        "rebaseable": None if merged else True,
        "mergeable_state": "unknown" if merged else "clean",
        "merged_by": _account(shapes, pull.merged_by),
        "maintainer_can_modify": pull.source != pull.repo,
    }


def review_shape(shapes: Shapes, pull: Pull, review: Review) -> Json:
    at, page = _names(shapes, shapes.world.repos[pull.repo])
    here, html = f"{at}/pulls/{pull.number}", f"{page}/pull/{pull.number}#pullrequestreview-{review.id}"
    found: Json = {
        "id": review.id,
        "node_id": node_id(review),
        "user": _account(shapes, review.user),
        "body": review.body,
        "state": review.state,
        "html_url": html,
        "pull_request_url": here,
        "author_association": "MEMBER",
        "_links": {"html": {"href": html}, "pull_request": {"href": here}},
        "commit_id": review.commit,
    }
    return found | ({"submitted_at": stamp(review.at)} if review.at else {})


def commit_shape(shapes: Shapes, repo: Repo, commit: Commit) -> Json:
    at, page = _names(shapes, repo)
    here: Any = {"name": "Somebody", "email": "somebody@example.com", "date": stamp(commit.at)}
    return {
        "url": f"{at}/commits/{commit.sha}",
        "sha": commit.sha,
        "node_id": f"C_{commit.sha}",
        "html_url": f"{page}/commit/{commit.sha}",
        "comments_url": f"{at}/commits/{commit.sha}/comments",
        "commit": {
            "url": f"{at}/git/commits/{commit.sha}",
            "author": here,
            "committer": here,
            "message": commit.message,
            "comment_count": 0,
            "tree": {"sha": commit.sha, "url": f"{at}/git/trees/{commit.sha}"},
            "verification": {
                "verified": False,
                "reason": "unsigned",
                "payload": None,
                "signature": None,
                "verified_at": None,
            },
        },
        "author": _account(shapes, commit.author),
        "committer": _account(shapes, commit.committer),
        "parents": [
            {"sha": sha, "url": f"{at}/commits/{sha}", "html_url": f"{page}/commit/{sha}"} for sha in commit.parents
        ],
        "stats": {"additions": 1, "deletions": 0, "total": 1},
        "files": [],
    }


def activity_shape(shapes: Shapes, move: Activity) -> Json:
    return {
        "id": move.id,
        "node_id": node_id(move),
        "before": move.before,
        "after": move.after,
        "ref": move.ref,
        "timestamp": stamp(move.at),
        "activity_type": move.kind,
        "actor": _account(shapes, move.actor),
    }
