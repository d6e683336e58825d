"""CloudBees CD/RO: who launched a job or a pipeline, as the server says. Properties may be overwritten by the job.

A name that begins with `project:` is the principal that schedules and webhooks run as: nobody. Users have no id beside
their login. The step's own session asks and stops.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from provisioner.actor.calls import Api, open_api, text, unreadable, variable, wrong
from provisioner.actor.decide import Hand
from provisioner.actor.declared import Declared, declared_at, split
from provisioner.actor.found import Aborted, Account, Found, Part, Sign
from provisioner.model.access import DeclaredAccess

SYSTEM = "CloudBees CD/RO"
_ID = re.compile(r"[0-9A-Fa-f-]{8,64}\Z")
_ASK_FLOW = ("PUT", "/rest/v1.0/pipelineRuntimeDetails")
_UNDER_WAY = frozenset({"running", "runnable", "pending", "scheduled"})


@dataclass
class CloudBeesRun:
    """One job, or one run of a pipeline (`flow`), to be asked about and to be stopped."""

    api: Api
    at: Declared
    number: str
    flow: bool

    def found(self, environment: str, approver_not: Collection[Hand]) -> Found:  # noqa: ARG002
        told = self._details()
        who, schedule = text(told, "launchedByUser"), text(told, "scheduleName")
        if not who:
            raise unreadable(SYSTEM, "the answer does not say who launched it")
        bad = []
        if text(told, "status") not in _UNDER_WAY:
            bad.append(Sign("run-over", "it has ended, so it is not the one that asks"))
        if self.at.project and text(told, "projectName") != self.at.project:
            bad.append(Sign("another-run", f"it is of the project {text(told, 'projectName')}"))
        nobody = who.startswith("project:")
        if nobody and not schedule:
            bad.append(Sign("event", "it was launched by a project and by no schedule, so nobody is behind it"))
        return Found(
            SYSTEM,
            f"{'pipeline run' if self.flow else 'job'} {self.number}",
            f"{self.at.url}/commander/link/jobDetails/jobs/{self.number}",
            "schedule" if schedule else "launched",
            () if nobody else (Part("launched it", Account(self.at.realm, who)),),
            self.at.pipeline,
            bool(schedule),
            tuple(bad),
            tells_approvals=False,
        )

    def abort(self) -> Aborted:
        if self.flow:
            path = f"/rest/v1.0/flowRuntimes/{self.number}?request=abortPipelineRun"
        else:
            path = f"/rest/v1.0/jobs/{self.number}?request=abortJob"
        return self.api.stop("PUT", path, over=lambda _: False, body={"force": False, "reason": "refused by gate"})

    def _details(self) -> Mapping[str, Any]:
        if self.flow:
            body = {"flowRuntimeId": self.number}
            told = self.api.ask(*_ASK_FLOW, params={"request": "getPipelineRuntimeDetails"}, body=body)
            found: Any = (told.get("flowRuntime") or [None])[0] if isinstance(told, Mapping) else None
        else:
            told = self.api.get(f"/rest/v1.0/jobs/{self.number}", {"request": "getJobDetails"})
            found = told.get("job") if isinstance(told, Mapping) else None
        if not isinstance(found, Mapping) or self.number not in (text(found, "jobId"), text(found, "flowRuntimeId")):
            raise unreadable(SYSTEM, "the answer is of another run")
        return found


def open_run(declared: DeclaredAccess, environ: Mapping[str, str]) -> CloudBeesRun:
    """The run that we are in. ProvisionError where the files do not have its server, or a variable is missing."""
    host = variable(environ, "COMMANDER_SERVER", "the host of the server")
    session = variable(environ, "COMMANDER_SESSIONID", "the session of the step")
    flow = environ.get("COMMANDER_FLOWRUNTIMEID", "")
    number = flow or variable(environ, "COMMANDER_JOBID", "the id of the job")
    if _ID.match(number) is None:
        raise wrong(SYSTEM, "the id of the run is not what CD/RO writes there")
    at = declared_at(declared, "cloudbees", SYSTEM, _address(declared, host))
    path = f"/rest/v1.0/flowRuntimes/{number}" if flow else f"/rest/v1.0/jobs/{number}"
    headers = {"Cookie": f"sessionId={session}"}
    api = open_api(SYSTEM, split(at.url)[0], headers, session, ("PUT", path), _ASK_FLOW if flow else None)
    return CloudBeesRun(api, at, number, bool(flow))


def _address(declared: DeclaredAccess, host: str) -> str:
    """The declared server of that name: the variable has no scheme and no port."""
    for said in declared.pipelines.data.values():
        block = said.get("cloudbees") if isinstance(said, Mapping) else None
        if isinstance(block, Mapping) and urlsplit(str(block["url"])).hostname == host.casefold():
            return str(block["url"])
    return f"https://{host}"
