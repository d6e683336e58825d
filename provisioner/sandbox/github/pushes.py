"""What happens to the branches and pull requests of the embedded GitHub: pushes, reviews, merges.

There is no git behind it: commits are ids that whoever pushes brings along, or that are made up. It refuses to judge
who may do something: that is the routes' part.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from provisioner.sandbox.github.things import Activity, Commit, Pull, Repo, Review, User
from provisioner.sandbox.github.world import World

NOTHING = "0" * 40
OPINIONS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


def push(
    world: World,
    repo: Repo,
    branch: str,
    by: User,
    sha: str | None = None,
    *,
    author: User | None = None,
    force: bool = False,
    kind: str | None = None,
) -> str:
    """`by` pushes a commit that `author` made (or `by`); open pull requests of the branch move on. The commit's id."""
    before = repo.heads.get(branch)
    after = sha or secrets.token_hex(20)
    made_by = (author or by).id
    parents = (before,) if before else ()
    repo.history.setdefault(after, Commit(after, world.now(), made_by, made_by, parents))
    told = kind or ("branch_creation" if before is None else "force_push" if force else "push")
    number = world.new_id("activity")
    repo.moves.append(Activity(number, f"refs/heads/{branch}", before or NOTHING, after, world.now(), told, by.id))
    repo.heads[branch] = after
    repo.branches.add(branch)
    for pull in (p for r in world.repos.values() for p in r.pulls.values()):
        if pull.open and (pull.source, pull.head_ref) == (repo.id, branch):
            pull.head = after
            pull.commits.append(after)
            world.repos[pull.repo].history.setdefault(after, repo.history[after])
    return after


def open_pull(
    world: World,
    repo: Repo,
    head: str,
    by: User,
    title: str = "Change",
    base: str | None = None,
    fork: Repo | None = None,
) -> Pull:
    """A pull request of a branch that something was pushed to, in the repository or a fork."""
    into, source = base or repo.default_branch, fork or repo
    sha = source.heads[head]
    repo.history.setdefault(sha, source.history[sha])
    number = max(repo.pulls, default=0) + 1
    pull = Pull(world.new_id("pull"), repo.id, number, by.id, title, sha, head, source.id, world.now(), into)
    pull.base, pull.commits = repo.heads.get(into, f"{repo.id:040x}"), [sha]
    repo.pulls[number] = pull
    world.version += 1
    return pull


def review(
    world: World, pull: Pull, by: User, event: str = "APPROVE", body: str = "", commit: str | None = None
) -> Review:
    """A review of the newest commit, or of another one."""
    made = Review(world.new_id("review"), by.id, OPINIONS[event], commit or pull.head, world.now(), body)
    pull.reviews[made.id] = made
    world.version += 1
    return made


def merge(world: World, pull: Pull, by: User, method: str = "merge", shas: Sequence[str] = ()) -> str:
    """Into its base. `shas` are the commits that come to be: the merge, the squash, or one for each that is rebased."""
    repo = world.repos[pull.repo]
    made = list(shas) or [secrets.token_hex(20) for _ in (pull.commits if method == "rebase" else [0])]
    for sha in made:
        before = repo.heads.get(pull.base_ref)
        parents = [p for p in (before, pull.head if method == "merge" else None) if p]
        repo.history[sha] = Commit(sha, world.now(), by.id, by.id, tuple(parents), pull.title)
        repo.heads[pull.base_ref] = sha
    number = world.new_id("activity")
    ref = f"refs/heads/{pull.base_ref}"
    repo.moves.append(Activity(number, ref, pull.base, made[-1], world.now(), "pr_merge", by.id))
    pull.open, pull.merged, pull.merged_by = False, world.now(), by.id
    pull.merge_commit = made[-1]
    pull.landed = [*made, *(pull.commits if method == "merge" else [])]
    world.version += 1
    return made[-1]


def pulls_with(repo: Repo, sha: str) -> list[Pull]:
    """The merged pull request that brought a commit in; of one that is in no base yet, all that hold it."""
    landed = [p for p in repo.pulls.values() if sha in p.landed]
    return landed or [p for p in repo.pulls.values() if sha in p.commits]
