"""Branches of the embedded GitHub: their names, and whether they are protected. There is no git behind them: one that
nothing was pushed to has one commit, which nobody made.
"""

from __future__ import annotations

from typing import Any

from provisioner.sandbox.github.answers import Refused
from provisioner.sandbox.github.call import ROUTES, Call, Reply
from provisioner.sandbox.github.protection import protection_of
from provisioner.sandbox.github.shapes import HTML
from provisioner.sandbox.github.things import Repo

Json = dict[str, Any]


@ROUTES.add("GET /repos/{owner}/{repo}/branches")
def list_branches(call: Call, owner: str, name: str) -> Reply:
    repo = call.repo(owner, name, "contents:read")
    kept = sorted(repo.branches)
    if "protected" in call.args:
        wanted = call.args["protected"] == "true"
        kept = [branch for branch in kept if (protection_of(repo, branch) is not None) == wanted]
    return call.page(kept, lambda branch: _short(call, repo, branch))


def _at(call: Call, repo: Repo) -> str:
    return f"{call.shapes.api}/repos/{call.world.orgs[repo.org].login}/{repo.name}"


def _sha(repo: Repo, branch: str) -> str:
    return repo.heads.get(branch) or f"{repo.id:040x}"


def _short(call: Call, repo: Repo, branch: str) -> Json:
    sha = _sha(repo, branch)
    commit = {"sha": sha, "url": f"{_at(call, repo)}/commits/{sha}"}
    return {"name": branch, "commit": commit, "protected": protection_of(repo, branch) is not None}


@ROUTES.add("GET /repos/{owner}/{repo}/branches/{branch}")
def get_branch(call: Call, owner: str, name: str, branch: str) -> Reply:
    """How it is protected in full stands at the address of the protection, for who administers the repository."""
    repo = call.repo(owner, name, "contents:read")
    if branch not in repo.branches:
        raise Refused(404, "Branch not found")
    at, sha = _at(call, repo), _sha(repo, branch)
    page = f"{HTML}/{call.world.orgs[repo.org].login}/{repo.name}"
    protected = protection_of(repo, branch) is not None
    inner: Json = {
        "url": f"{at}/git/commits/{sha}",
        "author": None,
        "committer": None,
        "message": "The first commit",
        "comment_count": 0,
        "tree": {"sha": sha, "url": f"{at}/git/trees/{sha}"},
    }
    commit: Json = {
        "url": f"{at}/commits/{sha}",
        "sha": sha,
        "node_id": f"C_{sha}",
        "html_url": f"{page}/commit/{sha}",
        "comments_url": f"{at}/commits/{sha}/comments",
        "commit": inner,
        "author": {},
        "committer": {},
        "parents": [],
    }
    return 200, {
        "name": branch,
        "commit": commit,
        "_links": {"self": f"{at}/branches/{branch}", "html": f"{page}/tree/{branch}"},
        "protected": protected,
        "protection": {"enabled": protected},
        "protection_url": f"{at}/branches/{branch}/protection",
    }
