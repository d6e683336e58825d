"""Jenkins: variables. Only its plugin build-user-vars says who triggered, and any parameter may have that name too.

Change requests come from multibranch projects (`CHANGE_ID`), and from a fork where `CHANGE_FORK` is set.
"""

from __future__ import annotations

from collections.abc import Mapping

from provisioner.ci.context import CiRun, address, plain, pull_request


def recognise(environ: Mapping[str, str]) -> CiRun | None:
    if not environ.get("JENKINS_URL") or not environ.get("BUILD_URL"):
        return None
    return CiRun(
        system="Jenkins",
        who=plain(environ.get("BUILD_USER_ID") or environ.get("BUILD_USER")),
        commit=plain(environ.get("GIT_COMMIT")),
        url=address(environ.get("BUILD_URL")),
        pull_request=pull_request(environ.get("CHANGE_ID", ""), environ.get("CHANGE_URL")),
        trusted=not environ.get("CHANGE_FORK"),
        head=plain(environ.get("GIT_COMMIT")),
        fork=bool(environ.get("CHANGE_FORK")),
    )
