"""GitLab CI: variables. Whoever may start a pipeline can set most of them, so they say what was claimed."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.ci.context import CiRun, PullRequest, address, plain, pull_request


def recognise(environ: Mapping[str, str]) -> CiRun | None:
    if environ.get("GITLAB_CI") != "true":
        return None
    event, who = plain(environ.get("CI_PIPELINE_SOURCE")), plain(environ.get("GITLAB_USER_LOGIN"))
    if event == "schedule":
        who = f"a schedule ({who} owns it)" if who else "a schedule"
    return CiRun(
        system="GitLab CI",
        who=who,
        commit=plain(environ.get("CI_COMMIT_SHA")),
        event=event,
        url=address(environ.get("CI_JOB_URL")),
        pull_request=_pull_request(environ),
        trusted=_trusted(environ),
        head=plain(environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA")),
        fork=_fork(environ),
    )


def _pull_request(environ: Mapping[str, str]) -> PullRequest | None:
    number, project = environ.get("CI_MERGE_REQUEST_IID", ""), environ.get("CI_MERGE_REQUEST_PROJECT_URL", "")
    return pull_request(number, f"{project}/-/merge_requests/{number}" if number and project else "")


def _trusted(environ: Mapping[str, str]) -> bool | None:
    fork = _fork(environ)
    return None if fork is None else not fork


def _fork(environ: Mapping[str, str]) -> bool | None:
    if not environ.get("CI_MERGE_REQUEST_IID"):
        return False
    source, here = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"), environ.get("CI_MERGE_REQUEST_PROJECT_ID")
    return source != here if source and here else None
