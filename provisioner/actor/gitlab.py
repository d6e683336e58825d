"""GitLab CI: who this job runs for, who the pipeline is of, and whose code it is.

The job's own token says which job it is, so no variable has to be believed. A job that is retried has the retrier as
its user and the pipeline keeps its own: both must be allowed. Child and multi-project pipelines are refused: their user
is that of another pipeline, whose origin is not told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from provisioner.actor.calls import Api, open_api, text, unreadable, variable
from provisioner.actor.decide import Hand
from provisioner.actor.declared import Declared, declared_at, split
from provisioner.actor.found import Aborted, Account, Found, Part, Sign
from provisioner.model.access import DeclaredAccess

SYSTEM = "GitLab CI"
_BY_PEOPLE = frozenset({"push", "web", "api", "trigger", "schedule", "merge_request_event"})
_ENDED = frozenset({"success", "failed", "canceled", "skipped", ""})
_CHANGE = re.compile(r"refs/merge-requests/([1-9][0-9]*)/(?:head|merge|train)\Z")


@dataclass
class GitLabRun:
    """The pipeline that a job is in, to be asked about and to be stopped."""

    own: Api
    api: Api
    at: Declared
    job: Mapping[str, Any]

    @property
    def _project(self) -> str:
        return f"/projects/{quote(self.at.project, safe='')}"

    @property
    def _number(self) -> str:
        return text(self.job, "pipeline", "id")

    def found(self, environment: str, approver_not: Collection[Hand]) -> Found:  # noqa: ARG002
        pipeline = self.api.get(f"{self._project}/pipelines/{self._number}")
        source = text(pipeline, "source")
        job, whole = (
            self._part("started it", self.job.get("user")),
            self._part("is the pipeline's user", pipeline.get("user")),
        )
        schedule = source == "schedule" and job.who == whole.who
        starters = (job,) if job.who == whole.who or source == "schedule" else (whole, job)
        return Found(
            SYSTEM,
            f"{self.at.project} pipeline {self._number}, job {text(self.job, 'id')}",
            text(self.job, "web_url"),
            source,
            () if schedule else starters,
            self.at.pipeline,
            schedule,
            tuple(self._bad(pipeline, source)),
            "this pipeline is of a merge request" if source == "merge_request_event" else "",
            tells_approvals=False,
        )

    def abort(self) -> Aborted:
        return self.api.stop("POST", f"{self._project}/pipelines/{self._number}/cancel", over=lambda _: False)

    def _part(self, did: str, user: Any) -> Part:
        number, login = text(user, "id"), text(user, "username")
        if not number or not login:
            raise unreadable(SYSTEM, f"the answer does not say who {did}")
        bot = user.get("bot") is True or re.match(r"(group|project)_[0-9]+_bot", login) is not None
        return Part(did, Account(self.at.realm, login, number, bot))

    def _bad(self, pipeline: Mapping[str, Any], source: str) -> list[Sign]:
        said = []
        if text(self.job, "status") in _ENDED or text(pipeline, "status") in _ENDED:
            said.append(Sign("run-over", "it has ended, so it is not the one that asks"))
        if text(pipeline, "project_id") != text(self.job, "pipeline", "project_id"):
            said.append(Sign("another-run", "its pipeline is not of the declared project"))
        if source not in _BY_PEOPLE:
            said.append(Sign("event", f"nobody has decided what a pipeline of source `{source}` may do"))
        change = _CHANGE.match(text(pipeline, "ref"))
        if source == "merge_request_event" and change is None:
            said.append(Sign("fork", "it is not told where its code comes from"))
        elif change is not None:
            request = self.api.get(f"{self._project}/merge_requests/{change[1]}")
            theirs, ours = text(request, "source_project_id"), text(request, "target_project_id")
            if not theirs or theirs != ours:
                said.append(Sign("fork", f"its code comes from project {theirs or 'unknown'}"))
        return said


def open_run(declared: DeclaredAccess, environ: Mapping[str, str]) -> GitLabRun:
    """The pipeline that we are in; asks which job this is. ProvisionError where that does not come out."""
    here = variable(environ, "CI_PROJECT_URL", "the address of the project")
    own_token = variable(environ, "CI_JOB_TOKEN", "the job's own token")
    token = variable(environ, "GITLAB_TOKEN", "a token with `api` that may read this project and cancel its pipelines")
    at = declared_at(declared, "gitlab", SYSTEM, here)
    origin, path = split(at.url)
    at = Declared(at.pipeline, at.url, at.realm, at.project or path.strip("/"))
    base = f"{origin}/api/v4"
    own = open_api(SYSTEM, base, {"JOB-TOKEN": own_token}, own_token, ("", ""))
    job = own.get("/job")
    number = text(job, "pipeline", "id")
    if not isinstance(job, Mapping) or not number.isdigit():
        raise unreadable(SYSTEM, "the answer is no job")
    stop = ("POST", f"/projects/{quote(at.project, safe='')}/pipelines/{number}/cancel")
    return GitLabRun(own, open_api(SYSTEM, base, {"PRIVATE-TOKEN": token}, token, stop), at, job)
