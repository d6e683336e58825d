"""Where a pull request is: which forge, at which address, by which number. From what the CI system says.

A token is sent to the forge's own address alone: never to a host that a pull request's address merely names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.ci.context import CiRun
from provisioner.ci.forge import PUBLIC_API, REPOSITORY, TOKENS, is_safe

TOKEN = TOKENS[0]
_API = "GITHUB_API_URL"
_PULL = re.compile(r"https://([^/\s]+)/([A-Za-z0-9_.-]+)/([A-Za-z0-9_.-]+)/pull/([1-9][0-9]{0,9})\Z")


@dataclass(frozen=True, slots=True)
class Place:
    """`forge` is `github` or `gitlab`; `project` is `owner/name`, or the number that GitLab has for it. `number` is
    empty where a commit has to tell it."""

    forge: str
    api: str
    project: str
    number: str


def place_of(run: CiRun, environ: Mapping[str, str]) -> Place | str:
    """Where the pull request of this run is, or why that cannot be told."""
    number = run.pull_request.number if run.pull_request is not None else ""
    url = run.pull_request.url if run.pull_request is not None else ""
    if run.system == "GitLab CI":
        return _gitlab(number, environ)
    if run.system == "GitHub Actions":
        project = environ.get("GITHUB_REPOSITORY", "")
        if not number:
            return "this run is not of a pull request"
        return _checked(Place("github", environ.get(_API, "") or PUBLIC_API, project, number))
    named = _PULL.match(url)
    if named:
        api = environ.get(_API, "") or (PUBLIC_API if named[1] == "github.com" else "")
        if not api:
            return f"the pull request is on {named[1]}, and {_API} does not say where its API is"
        return _checked(Place("github", api, f"{named[2]}/{named[3]}", named[4]))
    owner, name = environ.get("CIRCLE_PROJECT_USERNAME", ""), environ.get("CIRCLE_PROJECT_REPONAME", "")
    if run.system == "CircleCI" and owner and name and "github" in environ.get("CIRCLE_REPOSITORY_URL", "github"):
        return _checked(Place("github", environ.get(_API, "") or PUBLIC_API, f"{owner}/{name}", ""))
    return "the CI system does not say which pull request this is; PROVISION_PULL_REQUEST may hold its address"


def _gitlab(number: str, environ: Mapping[str, str]) -> Place | str:
    project = environ.get("CI_MERGE_REQUEST_PROJECT_ID") or environ.get("CI_PROJECT_ID", "")
    if not number:
        return "this pipeline is not of a merge request"
    if not project.isdigit():
        return "CI_MERGE_REQUEST_PROJECT_ID says no project"
    return _checked(Place("gitlab", environ.get("CI_API_V4_URL", ""), project, number))


def _checked(place: Place) -> Place | str:
    if not is_safe(place.api):
        return f"the forge's API is not at an https address: {place.api or 'none is told'}"
    if place.forge == "github" and not REPOSITORY.match(place.project):
        return "the CI system does not say which repository this is"
    return place
