"""Jenkins: the causes of a build, up to the build that began it all; every one of them must be acceptable.

Core sets no variable that says who started a build, and any parameter may have the name of one. Users have no id beside
their login: whoever manages the directory behind Jenkins answers for who has it. A build whose pipeline text somebody
edited for this once (replay) is refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from provisioner.actor.calls import Api, open_api, text, unreadable, variable, wrong
from provisioner.actor.decide import Hand
from provisioner.actor.declared import Declared, declared_at, split
from provisioner.actor.found import Aborted, Account, Found, Part, Sign
from provisioner.model.access import DeclaredAccess

SYSTEM = "Jenkins"
_CAUSES = "causes[_class,shortDescription,userId,upstreamProject,upstreamBuild,upstreamUrl]"
_TREE = {"tree": f"building,number,url,actions[_class,{_CAUSES}]"}
_USER, _UPSTREAM = "hudson.model.Cause$UserIdCause", "hudson.model.Cause$UpstreamCause"
_TIMER = "hudson.triggers.TimerTrigger$TimerTriggerCause"
_BUILD = re.compile(r"/(?:job/[^/]+/)+[1-9][0-9]*/\Z")
_JOB = re.compile(r"(?:job/[^/.][^/]*/)+\Z")
_DEEPEST = 6
_REQUEST = re.compile(r"(?:PR|MR)-[0-9]+(?:-[a-z]+)?\Z", re.IGNORECASE)
"""How branch sources name the job of a change that somebody sent."""


@dataclass
class JenkinsRun:
    """One build, to be asked about and to be stopped. `build` is its path below the host."""

    api: Api
    at: Declared
    root: str
    build: str

    def found(self, environment: str, approver_not: Collection[Hand]) -> Found:  # noqa: ARG002
        here = self.api.get(f"{self.build}api/json", _TREE)
        bad: list[Sign] = []
        if not isinstance(here, Mapping) or here.get("building") is not True:
            bad.append(Sign("run-over", "it is not being built, so it is not the one that asks"))
        if any(_REQUEST.match(unquote(part)) for part in self.build.removeprefix(split(self.at.url)[1]).split("/")):
            bad.append(Sign("fork", "it is of a pull request, and Jenkins does not say where its code comes from"))
        starters: list[Part] = []
        kinds: list[str] = []
        for cause in self._causes(here, 0):
            kind = text(cause, "_class")
            kinds.append(kind.rpartition(".")[2].rpartition("$")[2])
            if kind == _USER:
                who = text(cause, "userId")
                starters.append(Part("started it", Account(self.at.realm, who or "somebody who was not signed in")))
            elif kind != _TIMER:
                bad.append(_sign(kind))
        return Found(
            SYSTEM,
            f"build {self.build.strip('/')}",
            text(here, "url"),
            " and ".join(dict.fromkeys(kinds)),
            tuple(dict.fromkeys(starters)),
            self.at.pipeline,
            "TimerTriggerCause" in kinds,
            tuple(dict.fromkeys(bad)),
            tells_approvals=False,
        )

    def abort(self) -> Aborted:
        return self.api.stop("POST", f"{self.build}stop", over=lambda _: False, moved=True)

    def _causes(self, build: Any, depth: int) -> Iterator[Mapping[str, Any]]:
        """Those of the build, and in the place of a build that began it, those of that one."""
        causes = [
            cause
            for action in (build.get("actions") if isinstance(build, Mapping) else None) or ()
            if isinstance(action, Mapping)
            for cause in action.get("causes") or ()
        ]
        if not causes:
            raise unreadable(SYSTEM, "the answer names no cause of the build")
        for cause in causes:
            if text(cause, "_class") != _UPSTREAM:
                yield cause
                continue
            job, number = text(cause, "upstreamUrl"), text(cause, "upstreamBuild")
            if depth >= _DEEPEST or _JOB.match(job) is None or not number.isdigit():
                raise unreadable(SYSTEM, "the build that began it all cannot be told")
            yield from self._causes(self.api.get(f"{self.root}{job}{number}/api/json", _TREE), depth + 1)


def _sign(kind: str) -> Sign:
    name = kind.rpartition(".")[2].rpartition("$")[2] or "of no kind"
    if name == "ReplayCause":
        return Sign("replayed", "somebody edited its pipeline for this once")
    return Sign("event", f"Jenkins does not say which person is behind its cause ({name})")


def open_run(declared: DeclaredAccess, environ: Mapping[str, str]) -> JenkinsRun:
    """The build that we are in. ProvisionError where the files do not have its job, or a variable is missing."""
    here = variable(environ, "BUILD_URL", "the address of the build")
    user = variable(environ, "JENKINS_USER", "whose token JENKINS_API_TOKEN is")
    token = variable(environ, "JENKINS_API_TOKEN", "an API token of a user who may read the job and cancel its builds")
    at = declared_at(declared, "jenkins", SYSTEM, here)
    origin, path = split(here.rstrip("/") + "/")
    root = split(at.url)[1].partition("/job/")[0] + "/"
    if split(at.url)[0] != origin or not path.startswith(root) or _BUILD.match("/" + path.removeprefix(root)) is None:
        raise wrong(SYSTEM, "BUILD_URL is not what Jenkins writes there")
    if any(part in (".", "..", "%2e%2e") for part in path.casefold().split("/")):
        raise wrong(SYSTEM, "BUILD_URL is not what Jenkins writes there")
    basic = base64.b64encode(f"{user}:{token}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    return JenkinsRun(open_api(SYSTEM, origin, headers, token, ("POST", f"{path}stop")), at, root, path)
