"""GitHub Actions: who caused a run at first, who started this attempt, and whose code it is.

A run that is started again keeps its first actor, and runs with that actor's name: both must be allowed. The address of
the API and the organization are those of a target that the applied files declare; variables say only which run it is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from provisioner.actor.calls import Api, open_api, text, unreadable, variable, wrong
from provisioner.actor.decide import Hand
from provisioner.actor.declared import api_url, pipeline_of
from provisioner.actor.found import Aborted, Account, Found, Part, Sign
from provisioner.model.access import DeclaredAccess
from provisioner.model.target import Target

SYSTEM = "GitHub Actions"
DEFAULT_API = "https://api.github.com"
_MERGED = frozenset({"push", "workflow_dispatch", "repository_dispatch", "release", "deployment", "schedule"})
"""Events whose code is on a branch of the repository itself, put there by somebody who may write to it."""
_OF_A_CHANGE = frozenset({"pull_request", "pull_request_review", "pull_request_review_comment"})
_STRANGERS = {
    "pull_request_target": "pull_request_target runs with secrets for what anybody may have sent",
    "workflow_run": "workflow_run follows another run, whoever started that one",
    "issue_comment": "anybody may write a comment",
    "merge_group": "the merge queue tries what is not merged yet, and nobody's rights stand behind it",
}
_SHA = re.compile(r"[0-9a-f]{40}\Z")


@dataclass
class GitHubRun:
    """One run, to be asked about and to be stopped."""

    api: Api
    declared: DeclaredAccess
    target: Target
    repository: str
    number: str
    environ: Mapping[str, str] = field(repr=False)

    @property
    def _at(self) -> str:
        owner, _, name = self.repository.partition("/")
        return f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}"

    def found(self, environment: str, approver_not: Collection[Hand]) -> Found:
        run = self.api.get(f"{self._at}/actions/runs/{self.number}")
        if not isinstance(run, Mapping):
            raise unreadable(SYSTEM, "the answer is no run")
        attempt = text(run, "run_attempt")
        event = text(run, "event")
        schedule = event == "schedule" and attempt == "1"
        starters = self._starters(run, event, attempt)
        told = Found(
            SYSTEM,
            f"{self.repository} run {self.number}, attempt {attempt}",
            text(run, "html_url"),
            event,
            starters,
            self._pipeline(run),
            schedule,
            tuple(self._bad(run, event, attempt)),
            f"this run is of a change that is not merged ({event})" if event in _OF_A_CHANGE else "",
        )
        return self._with_hands(told, run, environment, attempt) if approver_not else told

    def abort(self) -> Aborted:
        path = f"{self._at}/actions/runs/{self.number}/cancel"
        return self.api.stop("POST", path, over=lambda answer: answer.status == 409)

    def _starters(self, run: Mapping[str, Any], event: str, attempt: str) -> tuple[Part, ...]:
        """Whoever caused it and whoever started this attempt. A schedule's first actor only edited its line once."""
        first = self._part("started it", run.get("actor"))
        again = self._part("started it again", run.get("triggering_actor"))
        if event == "schedule":
            return () if attempt == "1" else (again,)
        return (first,) if again.who == first.who else (first, again)

    def _part(self, did: str, user: Any) -> Part:
        login, number = text(user, "login"), text(user, "id")
        if not login or not number:
            raise unreadable(SYSTEM, f"the answer does not say who {did}")
        bot = text(user, "type") != "User" or login.endswith("[bot]")
        return Part(did, Account(self.target.family, login, number, bot))

    def _bad(self, run: Mapping[str, Any], event: str, attempt: str) -> list[Sign]:
        """What rules the run out, whoever started it."""
        said = []
        if text(run, "status") == "completed" or not text(run, "status"):
            said.append(Sign("run-over", "it has ended, so it is not the one that asks"))
        if attempt != self.environ.get("GITHUB_RUN_ATTEMPT", ""):
            said.append(Sign("another-run", f"the job says that it is another attempt than {attempt}"))
        here = text(run, "repository", "full_name")
        if here.casefold() != self.repository.casefold():
            said.append(Sign("another-run", f"it is of the repository {here}"))
        home, away = text(run, "repository", "id"), text(run, "head_repository", "id")
        if not away or away != home:
            where = text(run, "head_repository", "full_name") or "a fork that is gone"
            said.append(Sign("fork", f"its code comes from {where}"))
        if event in _STRANGERS:
            said.append(Sign("event", _STRANGERS[event]))
        elif event not in _MERGED and event not in _OF_A_CHANGE:
            said.append(Sign("event", f"nobody has decided what `{event}` may do"))
        if event in _MERGED and self.environ.get("GITHUB_SHA", "") != text(run, "head_sha"):
            said.append(Sign("another-run", "it is of another commit than the job's"))
        return said

    def _pipeline(self, run: Mapping[str, Any]) -> str:
        names = (self.repository.partition("/")[2], self.repository)
        path = text(run, "path").partition("@")[0]
        workflow = (path.rpartition("/")[2], path) if path else ()
        return pipeline_of(self.declared, "github", self.target, names, workflow)

    # Who else had a hand in it

    def _with_hands(self, told: Found, run: Mapping[str, Any], environment: str, attempt: str) -> Found:
        if attempt != "1":
            late = Sign(
                "approved-before", "it was started again, and GitHub does not say for which attempt it was approved"
            )
            return replace(told, bad=(*told.bad, late))
        authors, mergers = self._wrote_and_merged(text(run, "head_sha"))
        names = self._environments(told.pipeline, environment)
        return replace(told, approvers=self._approvers(names), authors=authors, mergers=mergers)

    def _approvers(self, names: Collection[str]) -> tuple[Part, ...]:
        found = []
        for one in self.api.pages(f"{self._at}/actions/runs/{self.number}/approvals"):
            into = {text(e, "name") for e in one.get("environments") or ()}
            if one.get("state") == "approved" and into & set(names):
                found.append(self._part("approved it", one.get("user")))
        return tuple(found)

    def _environments(self, pipeline: str, environment: str) -> set[str]:
        """The repository's environments that are meant by one of the files."""
        said: Any = self.declared.pipelines.data.get(pipeline, {})
        listed = said.get("deploys", {}).get(environment, {}).get("environments", ())
        return {environment, *listed}

    def _wrote_and_merged(self, commit: str) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        """The author of the commit, and of the pull request that it came of; and who merged that."""
        if _SHA.match(commit) is None:
            raise unreadable(SYSTEM, "the answer names no commit")
        author = self.api.get(f"{self._at}/commits/{commit}").get("author")
        authors = [self._part("wrote the change", author)] if author else []
        mergers = []
        for one in self.api.pages(f"{self._at}/commits/{commit}/pulls"):
            if one.get("merged_at") and one.get("merge_commit_sha") == commit:
                pull = self.api.get(f"{self._at}/pulls/{int(one['number'])}")
                authors.append(self._part("wrote the change", pull.get("user")))
                mergers.append(self._part("merged the change", pull.get("merged_by")))
        return tuple(dict.fromkeys(authors)), tuple(dict.fromkeys(mergers))


def open_run(declared: DeclaredAccess, environ: Mapping[str, str]) -> GitHubRun:
    """The run that we are in. ProvisionError where the files declare no target for it, or a variable is missing."""
    repository = variable(environ, "GITHUB_REPOSITORY", "the repository, as OWNER/NAME")
    number = variable(environ, "GITHUB_RUN_ID", "the number of the run")
    token = variable(environ, "GITHUB_TOKEN", "a token that may read this run and cancel it (actions: write)")
    owner = repository.partition("/")[0]
    if not re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", repository) or not number.isdigit():
        raise wrong(SYSTEM, "GITHUB_REPOSITORY or GITHUB_RUN_ID is not what GitHub writes there")
    target = _target(declared, owner)
    base = api_url(target, DEFAULT_API, environ, "the address of GitHub's API")
    name = repository.partition("/")[2]
    stop = ("POST", f"/repos/{owner}/{name}/actions/runs/{number}/cancel")
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    return GitHubRun(open_api(SYSTEM, base, headers, token, stop), declared, target, repository, number, environ)


def _target(declared: DeclaredAccess, owner: str) -> Target:
    for target in declared.targets.values():
        organization = target.settings.data.get("organization")
        if target.provider == "github" and str(organization).casefold() == owner.casefold():
            return target
    raise wrong(SYSTEM, f"no target of the provider `github` is declared for the organization {owner}")
