"""CircleCI: who started this workflow, who began its pipeline, and whose code it is.

A workflow that is started again is another one of the same pipeline: whoever began the pipeline and whoever started the
workflow must both be allowed. CircleCI names the first by login alone; the second by an id that stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from provisioner.actor.calls import Api, open_api, text, unreadable, variable, wrong
from provisioner.actor.decide import Hand, known_person
from provisioner.actor.declared import api_url, pipeline_of
from provisioner.actor.found import Aborted, Account, Found, Part, Sign
from provisioner.model.access import DeclaredAccess
from provisioner.model.target import Target

SYSTEM = "CircleCI"
DEFAULT_API = "https://circleci.com/api/v2"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_ENDED = frozenset({"success", "failed", "error", "canceled", "not_run", "unauthorized", ""})
_BY_PEOPLE = frozenset({"webhook", "api", "explicit"})
_SCHEDULED = frozenset({"schedule", "scheduled_pipeline"})


@dataclass
class CircleRun:
    """One workflow, to be asked about and to be stopped."""

    api: Api
    declared: DeclaredAccess
    target: Target
    workflow: str
    environ: Mapping[str, str] = field(repr=False)

    def found(self, environment: str, approver_not: Collection[Hand]) -> Found:  # noqa: ARG002 approvals name none
        flow = self.api.get(f"/workflow/{self.workflow}")
        number = text(flow, "pipeline_id")
        if _UUID.match(number) is None:
            raise unreadable(SYSTEM, "the answer names no pipeline")
        pipeline = self.api.get(f"/pipeline/{number}")
        kind = text(pipeline, "trigger", "type")
        slug = text(pipeline, "project_slug")
        starter = self._person("started it", text(flow, "started_by"))
        first = self._first(text(pipeline, "trigger", "actor", "login"), starter)
        branch, schedule = text(pipeline, "vcs", "branch"), kind in _SCHEDULED and first is None
        starters = (starter,) if first is None else (first, replace(starter, did="started it again"))
        told = Found(
            SYSTEM,
            f"{slug} pipeline {text(pipeline, 'number')}, workflow {self.workflow}",
            f"https://app.circleci.com/pipelines/workflows/{self.workflow}",
            kind,
            () if schedule else starters,
            self._pipeline(slug, text(flow, "name")),
            schedule,
            tuple(self._bad(flow, pipeline, kind, slug)),
            "this run is of a pull request" if branch.startswith("pull/") else "",
        )
        if not approver_not:
            return told
        return replace(told, approvers=self._approvers())

    def abort(self) -> Aborted:
        # A workflow that has ended is refused with 400; nothing else of it is.
        return self.api.stop("POST", f"/workflow/{self.workflow}/cancel", over=lambda answer: answer.status == 400)

    def _pipeline(self, slug: str, workflow: str) -> str:
        names = (slug.rpartition("/")[2], slug)
        return pipeline_of(self.declared, "circleci", self.target, names, (workflow,) if workflow else ())

    def _person(self, did: str, number: str) -> Part:
        if _UUID.match(number) is None:
            raise unreadable(SYSTEM, f"the answer does not say who {did}")
        user = self.api.get(f"/user/{number}")
        if text(user, "id") != number:
            raise unreadable(SYSTEM, f"the answer does not say who {did}")
        return Part(did, Account(self.target.family, text(user, "login"), number))

    def _first(self, login: str, starter: Part) -> Part | None:
        """Who began the pipeline, where that is somebody else: known by their login on the forge, for want of an id."""
        if not login:
            raise unreadable(SYSTEM, "the answer does not say who began the pipeline")
        if login == starter.who.login:
            return None
        forge = self.target.settings.data.get("forge")
        realms = (
            [forge]
            if isinstance(forge, str)
            else [t.family for t in self.declared.targets.values() if t.provider == "github"]
        )
        for realm in (self.target.family, *realms):
            account = Account(realm, login)
            identity = known_person(account, self.declared)
            if identity is not None:
                return Part("began the pipeline", account)
        return Part("began the pipeline", Account(self.target.family, login))

    def _bad(self, flow: Any, pipeline: Any, kind: str, slug: str) -> list[Sign]:
        said = []
        if text(flow, "status") in _ENDED:
            said.append(Sign("run-over", "it has ended, so it is not the one that asks"))
        organization = str(self.target.settings.data.get("organization"))
        if not f"{_short(slug)}/".startswith(f"{_short(organization)}/"):
            said.append(Sign("another-run", f"it is of the project {slug}"))
        origin, home = text(pipeline, "vcs", "origin_repository_url"), text(pipeline, "vcs", "target_repository_url")
        if not origin or origin != home:
            said.append(Sign("fork", f"its code comes from {origin or 'a place that is not told'}"))
        if kind not in _BY_PEOPLE and kind not in _SCHEDULED:
            said.append(Sign("event", f"nobody has decided what a trigger of type `{kind}` may do"))
        if self.environ.get("CIRCLE_SHA1", "") != text(pipeline, "vcs", "revision"):
            said.append(Sign("another-run", "it is of another commit than the job's"))
        return said

    def _approvers(self) -> tuple[Part, ...]:
        """Everybody who approved a job of this workflow."""
        found: list[Part] = []
        token: str | None = None
        while True:
            page = self.api.get(f"/workflow/{self.workflow}/job", {"page-token": token} if token else None)
            if not isinstance(page, Mapping) or not isinstance(page.get("items"), list):
                raise unreadable(SYSTEM, "the answer is no list of jobs")
            given = [text(job, "approved_by") for job in page["items"] if text(job, "type") == "approval"]
            found += [self._person("approved it", who) for who in dict.fromkeys(given) if who]
            token = text(page, "next_page_token") or None
            if token is None:
                return tuple(dict.fromkeys(found))


def open_run(declared: DeclaredAccess, environ: Mapping[str, str]) -> CircleRun:
    """The workflow that we are in. ProvisionError where the files have no target for it, or a variable is missing."""
    workflow = variable(environ, "CIRCLE_WORKFLOW_ID", "the id of the workflow")
    token = variable(environ, "CIRCLE_TOKEN", "a personal token that may read this project and cancel its workflows")
    if _UUID.match(workflow) is None:
        raise wrong(SYSTEM, "CIRCLE_WORKFLOW_ID is not what CircleCI writes there")
    target = _target(declared, environ)
    base = api_url(target, DEFAULT_API, environ, "the address of CircleCI's API")
    stop = ("POST", f"/workflow/{workflow}/cancel")
    api = open_api(SYSTEM, base, {"Circle-Token": token}, token, stop)
    return CircleRun(api, declared, target, workflow, environ)


def _target(declared: DeclaredAccess, environ: Mapping[str, str]) -> Target:
    """The one target there is; of several the one of the organization that the job says it is of, which the API then
    has to confirm."""
    known = [t for t in declared.targets.values() if t.provider == "circleci"]
    owner = environ.get("CIRCLE_PROJECT_USERNAME", "")
    named = [t for t in known if str(t.settings.data.get("organization")).rpartition("/")[2] == owner]
    if len(known) == 1 or named:
        return (named or known)[0]
    raise wrong(
        SYSTEM, f"no target of the provider `circleci` is declared for the organization {owner or '(not told)'}"
    )


def _short(slug: str) -> str:
    return f"gh/{slug.removeprefix('github/')}" if slug.startswith("github/") else slug
