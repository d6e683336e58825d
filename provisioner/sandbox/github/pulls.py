"""Pull requests of the embedded GitHub: themselves, reviews, merges, of which a commit came, and who moved a branch."""

from __future__ import annotations

from urllib.parse import urlencode

from provisioner.sandbox.github import auth, pushes
from provisioner.sandbox.github.answers import Refused, invalid, not_found, page_of
from provisioner.sandbox.github.call import ROUTES, Call, Reply
from provisioner.sandbox.github.pull_shapes import activity_shape, commit_shape, full_pull, review_shape, simple_pull
from provisioner.sandbox.github.things import Pull, Repo, Review

_KINDS = ("push", "force_push", "branch_creation", "branch_deletion", "pr_merge", "merge_queue_merge")


def _writing(call: Call, owner: str, name: str) -> Repo:
    """The repository, for who may say something about its pull requests: who can read it, with a token for that."""
    repo = call.repo(owner, name, "pull_requests:read")
    if not auth.has(call.caller, "pull_requests", "write"):
        raise auth.lacking(call.caller)
    return repo


def _pull(repo: Repo, number: str) -> Pull:
    found = repo.pulls.get(int(number)) if number.isdigit() else None
    if found is None:
        raise not_found()
    return found


def _review(pull: Pull, number: str) -> Review:
    found = pull.reviews.get(int(number)) if number.isdigit() else None
    if found is None:
        raise not_found()
    return found


@ROUTES.add("GET /repos/{owner}/{repo}/pulls")
def list_pulls(call: Call, owner: str, name: str) -> Reply:
    repo = call.repo(owner, name, "pull_requests:read")
    state = call.option("state", ("open", "closed", "all"))
    kept = [p for p in repo.pulls.values() if state in ("all", "open" if p.open else "closed")]
    kept = [p for p in kept if call.args.get("base") in (None, p.base_ref)]
    return call.page(sorted(kept, key=lambda p: -p.number), lambda pull: simple_pull(call.shapes, pull))


@ROUTES.add("POST /repos/{owner}/{repo}/pulls")
def create_pull(call: Call, owner: str, name: str) -> Reply:
    repo = _writing(call, owner, name)
    head, base = call.given("head", str, required=True), call.given("base", str, required=True)
    for field_name, branch in (("head", head), ("base", base)):
        if branch not in (repo.heads if field_name == "head" else repo.branches):
            raise invalid("PullRequest", field_name)
    if any(p.open and (p.head_ref, p.base_ref) == (head, base) for p in repo.pulls.values()):
        told = f"A pull request already exists for {owner}:{head}."
        raise invalid("PullRequest", "head", "custom", told)
    title = call.given("title", str) or head
    pull = pushes.open_pull(call.world, repo, head, call.caller.actor, title, base)
    return 201, full_pull(call.shapes, pull)


@ROUTES.add("GET /repos/{owner}/{repo}/pulls/{pull_number}")
def get_pull(call: Call, owner: str, name: str, number: str) -> Reply:
    return 200, full_pull(call.shapes, _pull(call.repo(owner, name, "pull_requests:read"), number))


@ROUTES.add("PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge")
def merge_pull(call: Call, owner: str, name: str, number: str) -> Reply:
    repo = call.repo(owner, name, "contents:write")
    pull = _pull(repo, number)
    if not pull.open:
        raise Refused(405, "Pull Request is not mergeable")
    if call.given("sha", str) not in (None, pull.head):
        raise Refused(409, "Head branch was modified. Review and try the merge again.")
    method = call.choice("merge_method", ("merge", "squash", "rebase")) or "merge"
    sha = pushes.merge(call.world, pull, call.caller.actor, method)
    return 200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"}


# Reviews


@ROUTES.add("GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews")
def list_reviews(call: Call, owner: str, name: str, number: str) -> Reply:
    """Oldest first. What nobody submitted yet is its author's alone."""
    pull = _pull(call.repo(owner, name, "pull_requests:read"), number)
    me = call.caller.user.id if call.caller.user else None
    seen = [r for r in pull.reviews.values() if r.state != "PENDING" or r.user == me]
    return call.page(seen, lambda review: review_shape(call.shapes, pull, review))


@ROUTES.add("GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}")
def get_review(call: Call, owner: str, name: str, number: str, review: str) -> Reply:
    pull = _pull(call.repo(owner, name, "pull_requests:read"), number)
    return 200, review_shape(call.shapes, pull, _review(pull, review))


@ROUTES.add("POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews")
def create_review(call: Call, owner: str, name: str, number: str) -> Reply:
    """Nobody approves their own pull request; everybody else who can read it may, whether that counts or not."""
    repo = _writing(call, owner, name)
    pull, who = _pull(repo, number), call.caller.actor
    event, body = call.choice("event", tuple(pushes.OPINIONS)), call.given("body", str) or ""
    commit = call.given("commit_id", str)
    if commit is not None and commit not in repo.history:
        raise Refused(422, "Unprocessable Entity", ["The commit_id is not part of the pull request"])
    if event in ("APPROVE", "REQUEST_CHANGES") and who.id == pull.author:
        word = "approve" if event == "APPROVE" else "request changes on"
        raise Refused(422, "Unprocessable Entity", [f"Can not {word} your own pull request"])
    if event in ("REQUEST_CHANGES", "COMMENT") and not body:
        raise Refused(422, "Unprocessable Entity", ["Body can't be blank"])
    made = pushes.review(call.world, pull, who, event or "COMMENT", body, commit)
    if event is None:
        made.state, made.at = "PENDING", None
    return 200, review_shape(call.shapes, pull, made)


@ROUTES.add("PUT /repos/{owner}/{repo}/pulls/{pull_number}/reviews/{review_id}/dismissals")
def dismiss_review(call: Call, owner: str, name: str, number: str, review: str) -> Reply:
    """By who may push; the review stays, and approves nothing any more."""
    repo = call.repo(owner, name, "pull_requests:write")
    pull = _pull(repo, number)
    found = _review(pull, review)
    call.given("message", str, required=True)
    if found.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise Refused(422, "Unprocessable Entity", ["Can not dismiss a commented pull request review"])
    found.state = "DISMISSED"
    return 200, review_shape(call.shapes, pull, found)


# Commits


@ROUTES.add("GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls")
def pulls_of_commit(call: Call, owner: str, name: str, sha: str) -> Reply:
    repo = call.repo(owner, name, "pull_requests:read")
    if sha not in repo.history:
        raise Refused(422, f"No commit found for SHA: {sha}")
    return call.page(pushes.pulls_with(repo, sha), lambda pull: simple_pull(call.shapes, pull))


@ROUTES.add("GET /repos/{owner}/{repo}/commits/{ref}")
def get_commit(call: Call, owner: str, name: str, ref: str) -> Reply:
    repo = call.repo(owner, name, "contents:read")
    found = repo.history.get(repo.heads.get(ref, ref))
    if found is None:
        raise Refused(422, f"No commit found for SHA: {ref}")
    return 200, commit_shape(call.shapes, repo, found)


@ROUTES.add("GET /repos/{owner}/{repo}/activity")
def list_activity(call: Call, owner: str, name: str) -> Reply:
    """Newest first. Pages go by cursor: `after` in the address of the next one."""
    repo = call.repo(owner, name, "contents:read")
    kept = list(repo.moves) if call.option("direction", ("desc", "asc")) == "asc" else repo.moves[::-1]
    ref = call.args.get("ref")
    if ref is not None:
        kept = [m for m in kept if ref in (m.ref, m.ref.removeprefix("refs/heads/"))]
    if "activity_type" in call.args:
        kind = call.option("activity_type", _KINDS)
        kept = [m for m in kept if m.kind == kind]
    after = call.args.get("after")
    if after is not None:
        places = [place for place, move in enumerate(kept) if str(move.id) == after]
        kept = kept[places[0] + 1 :] if places else []
    shown, _, size, _ = page_of(kept, {**call.args, "page": "1"})
    if len(kept) > size:
        more = urlencode({**call.args, "after": shown[-1].id})
        call.headers.append(("Link", f'<{call.url}?{more}>; rel="next"'))
    return 200, [activity_shape(call.shapes, move) for move in shown]
