"""Small CI servers for `gate`: GitLab, Jenkins, Bamboo and CD/RO, as far as they tell who started a run, and stop one.

Stateful, strict about credentials, paths and methods; written from the vendors' documents alone, and knowing nothing of
what a test expects. A run that was stopped stays stopped.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from provisioner.sandbox.service import Service, path_of
from provisioner.sandbox.wire import Answer

Json = dict[str, Any]
Reply = tuple[int, Any]


class _No(Exception):  # noqa: N818 - an answer
    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class Small(Service):
    """`serve(method, path, query, header, body)` is what differs from one to the next."""

    def error_body(self, status: int) -> bytes:
        return json.dumps({"message": f"{status}"}).encode()

    def route(self, environ: Mapping[str, Any]) -> tuple[str, Callable[[bytes], Answer]]:
        method, path = str(environ["REQUEST_METHOD"]), path_of(environ)
        return f"{method} /{'/'.join(path)}", lambda body: self._answer(environ, method, path, body)

    def _answer(self, environ: Mapping[str, Any], method: str, path: list[str], body: bytes) -> Answer:
        query = {name: values[0] for name, values in parse_qs(str(environ["QUERY_STRING"])).items()}
        try:
            status, content = self.serve(method, path, query, environ, body)
        except _No as no:
            status, content = no.status, no.body
        if status == 302:
            return status, [("Location", f"{self.url}/")], b""
        kind = ("Content-Type", "application/json")
        return status, [kind], b"" if content is None else json.dumps(content).encode()

    def serve(
        self, method: str, path: list[str], query: Mapping[str, str], env: Mapping[str, Any], body: bytes
    ) -> Reply:
        raise NotImplementedError


@dataclass
class Job:
    """A GitLab job, in a pipeline of its own."""

    id: int
    pipeline: int
    user: Json
    pipeline_user: Json
    source: str
    ref: str
    token: str
    status: str = "running"


class GitLab(Small):
    """The project `acme/site`, number 42."""

    name = "gitlab"
    project = 42

    def __init__(self) -> None:
        super().__init__()
        self.jobs: list[Job] = []
        self.tokens: dict[str, str] = {}
        self.requests: dict[str, Json] = {}

    def user(self, number: int, login: str, *, bot: bool = False) -> Json:
        return {"id": number, "username": login, "name": login.title(), "state": "active", "bot": bot}

    def begin(self, user: Json, *, source: str = "push", ref: str = "main", retried_by: Json | None = None) -> Job:
        number = 100 + len(self.jobs)
        token = f"glcbt-{secrets.token_hex(8)}"
        self.jobs.append(Job(number, 7000 + number, retried_by or user, user, source, ref, token))
        return self.jobs[-1]

    def serve(
        self, method: str, path: list[str], query: Mapping[str, str], env: Mapping[str, Any], body: bytes
    ) -> Reply:
        if path[:2] != ["api", "v4"]:
            raise _No(404, {"message": "404 Not Found"})
        rest = path[2:]
        if rest == ["job"] and method == "GET":
            job = next((j for j in self.jobs if j.token == env.get("HTTP_JOB_TOKEN") and j.status == "running"), None)
            if job is None:
                raise _No(401, {"message": "401 Unauthorized"})
            pipeline = {"id": job.pipeline, "project_id": self.project, "ref": job.ref, "source": job.source}
            return 200, {
                "id": job.id,
                "status": job.status,
                "user": job.user,
                "pipeline": pipeline,
                "web_url": "https://x/1",
            }
        scope = self.tokens.get(str(env.get("HTTP_PRIVATE_TOKEN", "")))
        if scope is None:
            raise _No(401, {"message": "401 Unauthorized"})
        if rest[:2] not in (["projects", str(self.project)], ["projects", "acme/site"]):
            raise _No(404, {"message": "404 Project Not Found"})
        return self._project(method, rest[2:], scope)

    def _project(self, method: str, rest: list[str], scope: str) -> Reply:
        if rest[:1] == ["merge_requests"] and len(rest) == 2 and rest[1] in self.requests:
            return 200, self.requests[rest[1]]
        job = next((j for j in self.jobs if rest[:2] == ["pipelines", str(j.pipeline)]), None)
        if job is None:
            raise _No(404, {"message": "404 Not Found"})
        if method == "POST" and rest[2:] == ["cancel"]:
            if scope != "api":
                raise _No(403, {"error": "insufficient_scope"})
            job.status = "canceled" if job.status == "running" else job.status
            return 200, self._pipeline(job)
        if method == "GET" and len(rest) == 2:
            return 200, self._pipeline(job)
        raise _No(404, {"message": "404 Not Found"})

    def _pipeline(self, job: Job) -> Json:
        told = {"id": job.pipeline, "project_id": self.project, "ref": job.ref, "source": job.source}
        return {**told, "status": job.status, "user": job.pipeline_user}


@dataclass
class Build:
    """A Jenkins build: its job's path, its number, why it began."""

    job: str
    number: int
    causes: list[Json]
    result: str | None = None


class Jenkins(Small):
    """Jenkins below `/ci`, with two users: one who may cancel, one who only reads."""

    name = "jenkins"

    def __init__(self) -> None:
        super().__init__()
        self.builds: list[Build] = []
        self.last = 0
        self.tokens: dict[str, bool] = {}

    def begin(self, *causes: Json, job: str = "job/acme/job/site") -> Build:
        self.last += 1
        self.builds.append(Build(job, self.last, list(causes)))
        return self.builds[-1]

    def by(self, user: str | None) -> Json:
        said = {"_class": "hudson.model.Cause$UserIdCause", "shortDescription": f"Started by user {user}"}
        return {**said, "userId": user, "userName": (user or "anonymous").title()}

    def after(self, build: Build) -> Json:
        told = {"_class": "hudson.model.Cause$UpstreamCause", "shortDescription": "Started by upstream project"}
        return {**told, "upstreamProject": "acme/lib", "upstreamBuild": build.number, "upstreamUrl": f"{build.job}/"}

    def timer(self) -> Json:
        return {"_class": "hudson.triggers.TimerTrigger$TimerTriggerCause", "shortDescription": "Started by timer"}

    def other(self, name: str) -> Json:
        return {"_class": name, "shortDescription": "Started by something"}

    def url_of(self, build: Build) -> str:
        return f"{self.url}/ci/{build.job}/{build.number}/"

    def serve(
        self, method: str, path: list[str], query: Mapping[str, str], env: Mapping[str, Any], body: bytes
    ) -> Reply:
        kind, _, value = str(env.get("HTTP_AUTHORIZATION", "")).partition(" ")
        who = base64.b64decode(value).decode() if kind == "Basic" else ""
        if who not in self.tokens:
            raise _No(401, None)
        at = "/".join(path).removeprefix("ci/")
        for build in self.builds:
            below = at.removeprefix(f"{build.job}/{build.number}/") if path[0] == "ci" else at
            if below == "api/json" and below != at and method == "GET" and "tree" in query:
                return 200, self._told(build)
            if below == "stop" and below != at and method == "POST":
                if not self.tokens[who]:
                    raise _No(403, None)
                build.result = build.result or "ABORTED"
                return 302, None
        raise _No(404, None)

    def _told(self, build: Build) -> Json:
        causes = {"_class": "hudson.model.CauseAction", "causes": build.causes}
        told = {"_class": "org.jenkinsci.plugins.workflow.job.WorkflowRun", "actions": [causes, {}, {"_class": "x"}]}
        return {**told, "building": build.result is None, "number": build.number, "url": self.url_of(build)}


@dataclass
class PlanResult:
    key: str
    reason: str
    state: str = "InProgress"


class Bamboo(Small):
    """Bamboo below `/bamboo`, with the plan ACME-SITE."""

    name = "bamboo"

    def __init__(self) -> None:
        super().__init__()
        self.builds: list[PlanResult] = []
        self.tokens: dict[str, bool] = {}

    def begin(self, reason: str, plan: str = "ACME-SITE") -> PlanResult:
        self.builds.append(PlanResult(f"{plan}-{len(self.builds) + 1}", reason))
        return self.builds[-1]

    def by(self, user: str, name: str = "Somebody") -> str:
        return f'Manual run by <a href="{self.url}/bamboo/browse/user/{user}">{name}</a>'

    def serve(
        self, method: str, path: list[str], query: Mapping[str, str], env: Mapping[str, Any], body: bytes
    ) -> Reply:
        token = str(env.get("HTTP_AUTHORIZATION", "")).removeprefix("Bearer ")
        if token not in self.tokens:
            raise _No(401, {"message": "Client must be authenticated to access this resource.", "status-code": 401})
        found = next((b for b in self.builds if path[-1] == b.key), None)
        if path[:4] != ["bamboo", "rest", "api", "latest"] or found is None or len(path) != 6:
            raise _No(404, {"message": "Not found", "status-code": 404})
        if (method, path[4]) == ("GET", "result"):
            plan = {"key": found.key.rpartition("-")[0], "shortKey": "SITE", "type": "chain"}
            told = {"buildResultKey": found.key, "key": found.key, "lifeCycleState": found.state, "plan": plan}
            return 200, {**told, "buildReason": found.reason, "state": "Unknown"}
        if (method, path[4]) == ("DELETE", "queue"):
            if not self.tokens[token]:
                raise _No(403, {"message": "no permission", "status-code": 403})
            found.state = "NotBuilt" if found.state == "InProgress" else found.state
            return 204, None
        raise _No(405, {"message": "method", "status-code": 405})


@dataclass
class Launch:
    """A job of CD/RO, or a run of a pipeline."""

    id: str
    by: str
    flow: bool
    schedule: str = ""
    project: str = "Acme"
    status: str = "running"
    outcome: str | None = None


class CloudBees(Small):
    """A CD/RO server; `sessions` maps session ids to whether they may abort."""

    name = "cloudbees"

    def __init__(self) -> None:
        super().__init__()
        self.launches: list[Launch] = []
        self.sessions: dict[str, bool] = {}

    def begin(self, by: str, *, flow: bool = False, schedule: str = "", project: str = "Acme") -> Launch:
        number = f"aaaaaaaa-0000-11ee-8000-{len(self.launches):012x}"
        self.launches.append(Launch(number, by, flow, schedule, project))
        return self.launches[-1]

    def serve(
        self, method: str, path: list[str], query: Mapping[str, str], env: Mapping[str, Any], body: bytes
    ) -> Reply:
        session = str(env.get("HTTP_COOKIE", "")).removeprefix("sessionId=")
        if session not in self.sessions:
            raise _No(401, {"error": {"code": "NotLoggedIn", "message": "no session"}})
        asked = query.get("request", "")
        given = json.loads(body or b"{}")
        if (method, path[2:], asked) == ("PUT", ["pipelineRuntimeDetails"], "getPipelineRuntimeDetails"):
            found = self._find(str(given.get("flowRuntimeId")), True)
            return 200, {"flowRuntime": [{"flowRuntimeId": found.id, **self._told(found)}]}
        if path[:3] == ["rest", "v1.0", "jobs"] and len(path) == 4:
            found = self._find(path[3], False)
            if (method, asked) == ("GET", "getJobDetails"):
                return 200, {"job": {"jobId": found.id, **self._told(found)}}
            if (method, asked) == ("PUT", "abortJob"):
                return self._abort(found, session)
        if path[:3] == ["rest", "v1.0", "flowRuntimes"] and (method, asked) == ("PUT", "abortPipelineRun"):
            return self._abort(self._find(path[3], True), session)
        raise _No(404, {"error": {"code": "InvalidRequest", "message": "no such request"}})

    def _find(self, number: str, flow: bool) -> Launch:
        found = next((one for one in self.launches if one.id == number and one.flow is flow), None)
        if found is None:
            raise _No(404, {"error": {"code": "NoSuchJob", "message": "no such job"}})
        return found

    def _told(self, found: Launch) -> Json:
        told = {"launchedByUser": found.by, "projectName": found.project, "status": found.status}
        return {**told, "scheduleName": found.schedule} if found.schedule else told

    def _abort(self, found: Launch, session: str) -> Reply:
        if not self.sessions[session]:
            raise _No(403, {"error": {"code": "AccessDenied", "message": "execute privilege"}})
        if found.status == "running":
            found.status, found.outcome = "completed", "aborted"
        return 200, {"jobId": found.id}
