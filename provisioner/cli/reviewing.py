"""Reviews of pull requests for commands: whom to ask, about which pull request, and that the files here are its own.

The token goes to the forge alone that GITHUB_API_URL names, and is never written anywhere.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.load import git
from provisioner.load.history import head
from provisioner.model.target import Target

if TYPE_CHECKING:
    from provisioner.ask.reviewers import Known
    from provisioner.ci.forge import Forge
    from provisioner.ci.reviews import Reviews
    from provisioner.model.access import DeclaredAccess
    from provisioner.model.review import PullRequestReviews

_PUBLIC = "api.github.com"
_NUMBER = re.compile(r"/pull/([1-9][0-9]{0,9})\Z")


def pull_request_here(environ: Mapping[str, str], number: int | None, repository: str | None) -> int | None:
    """The number of the pull request that this run is about: as it is said, or as the CI system says."""
    from provisioner.ci.recognise import this_run

    if number is not None:
        return number
    run = this_run(environ)
    told = run.pull_request
    found = _NUMBER.search(f"/pull/{told.number}" if told.number else told.url) if told is not None else None
    known = bool(repository or environ.get("GITHUB_REPOSITORY"))
    if found is not None and known:
        return int(found[1])
    if run.system == "GitHub Actions" and (run.event.startswith("pull_request") or run.event == "merge_group"):
        missing = "its number" if found is None else "its repository"
        raise ProvisionError(unread("the pull request that this job is for", f"{missing} is not told"))
    return None


def read_reviews(environ: Mapping[str, str], number: int, repository: str | None) -> tuple[PullRequestReviews, Forge]:
    """The reviews of one pull request. ProvisionError where they cannot be read whole."""
    from provisioner.ci.forge import UnreadReviewsError, forge_of

    try:
        forge = forge_of(environ, repository)
        if forge is None:
            raise UnreadReviewsError("no repository is named")
        with reviews_of(forge) as reviews:
            return reviews.of(number), forge
    except UnreadReviewsError as error:
        raise ProvisionError(unread(f"the reviews of pull request {number}", error.message)) from None


def reviews_of(forge: Forge) -> Reviews:
    """What reads from the forge; its library is loaded here. UnreadReviewsError where that is not installed."""
    from provisioner.ci.forge import UnreadReviewsError

    try:
        from provisioner.ci.reviews import Reviews
    except ImportError as error:
        if (error.name or "").partition(".")[0] != "requests":
            raise
        told = "that needs further packages: pip install 'provision-access[github]'"
        raise UnreadReviewsError(told) from error
    return Reviews(forge)


def unread(what: str, message: str) -> Diagnostic:
    """GitHub did not tell all of it."""
    return Diagnostic(
        "reviews-unread",
        f"{what} could not be read: {message}",
        why="who approved is only known from the forge; what it does not say counts as not approved",
        fix="give the step `PROVISION_FORGE_TOKEN: ${{ github.token }}`, and the job `pull-requests: read` and "
        "`contents: read`; outside of GitHub Actions name the repository too (`--repository OWNER/NAME`, or "
        "GITHUB_REPOSITORY)",
    )


def known_people(declared: DeclaredAccess, host: str, environ: Mapping[str, str]) -> Known:
    """Who is who on the forge at `host`, by the accounts that `declared` pins on its organizations."""
    from provisioner.ask.reviewers import known_on

    return known_on(declared, _targets_at(declared.targets.values(), host, environ))


def _targets_at(targets: Iterable[Target], host: str, environ: Mapping[str, str]) -> list[str]:
    """The targets of GitHub at `host`: an id means another account elsewhere."""
    found = []
    for target in targets:
        if target.provider == "github":
            url = _address(target.settings.data.get("api_url"), environ)
            if (urlsplit(url).netloc.lower() if url else _PUBLIC) == host:
                found.append(target.name)
    return found


def _address(said: Any, environ: Mapping[str, str]) -> str:
    if isinstance(said, Mapping):
        return environ.get(str(said.get("env", "")), "") or "unknown://unknown"
    return said if isinstance(said, str) else ""


def check_head(access: Path, root: Path, found: PullRequestReviews) -> None:
    """ProvisionError unless the files here are those of the pull request's newest commit: reviews of one state say
    nothing about another."""
    from provisioner.ci.recognise import this_run

    folder = os.path.relpath(access.absolute(), root.absolute())
    here = head(root, folder)
    if here.revision is not None and not here.uncommitted:
        if found.head in (here.revision, *_parents(root, here.revision)[1:2]):
            return  # it, or what it comes to when it is merged (refs/pull/N/merge)
        if this_run(os.environ).event == "merge_group":
            return  # GitHub made this commit of it
    what = "uncommitted changes" if here.uncommitted else f"commit {(here.revision or 'none')[:12]}"
    raise ProvisionError(
        Diagnostic(
            "reviews-of-other-commit",
            f"the access files here are of {what}, and the newest commit of {found} is {found.head[:12]}",
            why="a review counts for what was reviewed, so both must be the same",
            fix="check out the pull request as it is now, and run again",
        )
    )


def _parents(root: Path, commit: str) -> list[str]:
    """Of a commit as it is, also where a shallow clone does not have them."""
    raw = (git.run(root, "cat-file", "commit", commit) or "").partition("\n\n")[0]
    return [line.removeprefix("parent ") for line in raw.split("\n") if line.startswith("parent ")]
