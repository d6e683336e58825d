"""CircleCI: variables. Who triggered is told only where the forge's user has an account there."""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.ci.context import CiRun, address, plain, pull_request


def recognise(environ: Mapping[str, str]) -> CiRun | None:
    if environ.get("CIRCLECI") != "true":
        return None
    url = environ.get("CIRCLE_PULL_REQUEST", "")
    fork = bool(environ.get("CIRCLE_PR_REPONAME")) or environ.get("CIRCLE_BRANCH", "").startswith("pull/")
    return CiRun(
        system="CircleCI",
        who=plain(environ.get("CIRCLE_USERNAME") or environ.get("CIRCLE_PR_USERNAME")),
        commit=plain(environ.get("CIRCLE_SHA1")),
        url=address(environ.get("CIRCLE_BUILD_URL")),
        pull_request=pull_request(environ.get("CIRCLE_PR_NUMBER") or url.rpartition("/")[2], url),
        trusted=False if fork else None if url else True,
        head=plain(environ.get("CIRCLE_SHA1")),
        fork=fork,
    )
