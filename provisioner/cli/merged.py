"""`apply --reviewed pull-request`: the plans of pull requests that were merged since the targets were last in order.

Not only of the newest merge: its run may have taken the place of one that waited. A merge whose plan is not to be had
adds nothing to what may be done, and is told; if it is one of this push, the run ends with a failure.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provisioner.ci.recognise import this_run
from provisioner.cli.wiring import Opened
from provisioner.diagnostics import Diagnostic, ProvisionError, Severity
from provisioner.load.history import contains, resolve, revisions
from provisioner.plan.plan import Plan

if TYPE_CHECKING:
    from provisioner.ci.github_api import GitHubApi

WORD = "pull-request"
"""What stands in the place of a file after `--reviewed`."""
MOST = 50
"""Merges that are looked at, the newest; who is further behind runs `provision apply`."""


@dataclass(frozen=True)
class Merges:
    """What was reviewed. `problems` are merges without a plan; `failed` says that one of this push is among them."""

    plans: tuple[Plan, ...]
    problems: tuple[Diagnostic, ...]
    failed: bool


def reviewed_merges(opened: Opened) -> Merges:
    """ProvisionError where nothing can be asked at all."""
    from provisioner.ci.forge import UnreadReviewsError, forge_of
    from provisioner.ci.github_api import GitHubApi

    elsewhere = "only GitHub Actions keeps reviewed plans where a later run finds them; elsewhere name the plan's file"
    if this_run(os.environ).system != "GitHub Actions":
        raise ProvisionError(_none(elsewhere, Severity.ERROR))
    try:
        forge = forge_of(os.environ)
    except UnreadReviewsError as error:
        raise ProvisionError(_none(error.message, Severity.ERROR)) from None
    if forge is None:
        raise ProvisionError(_none("GITHUB_REPOSITORY does not say which repository this is", Severity.ERROR))
    api = GitHubApi(forge.api, forge.repository, forge.token, "no-reviewed-plan")
    branch = os.environ.get("GITHUB_REF_NAME", "")
    plans: dict[str, Plan] = {}
    problems: list[Diagnostic] = []
    failed = False
    for commit, new in _merges(opened):
        try:
            _add_merge(api, commit, branch, plans)
        except ProvisionError as error:
            failed = failed or new
            severity = Severity.ERROR if new else Severity.WARNING
            problems += [replace(d, severity=severity) for d in error.diagnostics]
    return Merges(tuple(plans.values()), tuple(dict.fromkeys(problems)), failed)


def _add_merge(api: GitHubApi, commit: str, branch: str, plans: dict[str, Plan]) -> None:
    """The plan of the pull request that brought `commit`, by its address; a rebase brings several commits."""
    from provisioner import __version__
    from provisioner.ci.reviewed import pull_of, reviewed_plan
    from provisioner.plan.planfile import parse
    from provisioner.plan.validity import reasons_not_to_rest_on

    pull = pull_of(api, commit, branch)
    if pull is None:
        raise ProvisionError(_none(f"commit {commit[:12]} came by no pull request", Severity.ERROR))
    if pull.url in plans:
        return
    plan = parse(reviewed_plan(api, pull))
    if plan.revision != pull.head:
        of = (plan.revision or "nothing committed")[:12]
        told = f"the plan of pull request #{pull.number} is of {of}, and {pull.head[:12]} was merged"
        raise ProvisionError(_none(told, Severity.ERROR))
    reasons = reasons_not_to_rest_on(plan, engine=__version__)
    if reasons:
        raise ProvisionError(*reasons)
    plans[pull.url] = plan


def _merges(opened: Opened) -> Iterator[tuple[str, bool]]:
    """Commits of the branch that changed the access files, newest first, and whether each is of this push."""
    root, folder = opened.files.root, opened.files.loaded.folder
    pushed_on = None if opened.wanted.base is None else resolve(root, opened.wanted.base)
    starts = {
        point.revision for name in opened.targets if (point := opened.journal.chain(name).converged()) is not None
    }
    known = [start for start in starts if start is not None]
    if pushed_on is not None:
        known.append(pushed_on)
    oldest = next((s for s in known if all(contains(root, other, s) for other in known)), pushed_on)
    if oldest is None:
        return
    found = [r.commit for r in revisions(root, folder, oldest) if r.commit != oldest]
    for commit in found[:MOST]:
        yield commit, pushed_on is None or not contains(root, pushed_on, commit)


def _none(message: str, severity: Severity) -> Diagnostic:
    return Diagnostic(
        "no-reviewed-plan",
        message,
        severity,
        why="on a merge, what was reviewed is done; without it nothing new is",
        fix="look at the run that planned the pull request; `provision apply`, by hand, does all that the files say",
    )
