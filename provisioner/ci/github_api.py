"""GitHub's API for one repository and one token: a few listed queries, and what a job of CI writes.

Every failure is a problem with the code of what was wanted. The token goes to the one address, and into no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from provisioner.ci.trouble import ForgeError, refused, unanswered
from provisioner.transport import Answer, Budget, Limits, Pace, Session, TransportError, anything

_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_LIMITS = Limits(connect=5, read=20, whole=30, tries=3)
_WHY = {
    "comment-not-posted": "reviewers would go by an older plan, or by none",
    "no-reviewed-plan": "on a merge, what was reviewed is done; without it nothing new is",
}
_FIX = {
    "comment-not-posted": "give the job the permission `pull-requests: write`, and its token as "
    "PROVISION_FORGE_TOKEN, or leave --comment out",
    "no-reviewed-plan": "look at the run that planned the pull request; to do all that the files say, run "
    "`provision apply` by hand",
}


class GitHubApi:
    """`code` is the problem that a failure is told as."""

    def __init__(self, base: str, project: str, token: str, code: str) -> None:
        self.owner, _, self.name = project.partition("/")
        self._code = code
        self._graphql = _graphql_of(base)
        self._session = Session(
            base,
            lambda: {"Authorization": f"Bearer {token}"},
            anything,
            Budget(Pace(patience=20)),
            _LIMITS,
            _HEADERS,
            conditional=False,
            secrets=lambda: (token,),
        )

    def failed(self, what: str) -> ForgeError:
        host = urlsplit(self._session.base).netloc
        return ForgeError(self._code, f"{host}: {what}", _WHY[self._code], _FIX[self._code])

    def query(self, text: str, **variables: Any) -> Mapping[str, Any]:
        """The data of a GraphQL query about this repository; an answer with errors is none."""
        body = {"query": text, "variables": {"owner": self.owner, "name": self.name, **variables}}
        found = self._json(self._send("POST", self._graphql, body, reading=True))
        errors, data = found.get("errors"), found.get("data")
        if errors or not isinstance(data, Mapping):
            told = [str(e.get("message")) for e in errors if isinstance(e, Mapping)] if isinstance(errors, list) else []
            raise self.failed("; ".join(told)[:500] or "the answer holds no data")
        return data

    def get(self, path: str, **params: Any) -> Mapping[str, Any]:
        """An object below the repository."""
        return self._json(self._send("GET", self._below(path), None, params=params, reading=True))

    def redirect(self, path: str) -> str:
        """Where an address below the repository leads."""
        answer = self._send("GET", self._below(path), None, reading=True, follow=False)
        if answer.status not in (301, 302, 307, 308):
            raise self.failed(refused(answer))
        return str(answer.headers.get("location", ""))

    def write(self, method: str, path: str, body: Any) -> None:
        """One write, sent once."""
        self._send(method, self._below(path), body)

    def _below(self, path: str) -> str:
        return f"/repos/{self.owner}/{self.name}{path}"

    def _send(self, method: str, path: str, body: Any, **more: Any) -> Answer:
        try:
            answer = self._session.send(method, path, body=body, **more)
        except TransportError as error:
            raise self.failed(unanswered(error)) from None
        if answer.status >= 400:
            raise self.failed(refused(answer))
        return answer

    def _json(self, answer: Answer) -> Mapping[str, Any]:
        try:
            found = answer.json()
        except TransportError as error:
            raise self.failed(unanswered(error)) from None
        if not isinstance(found, Mapping):
            raise self.failed(f"{answer.call}: the answer has another shape than documented")
        return found


def _graphql_of(base: str) -> str:
    """Of GitHub Enterprise Server /api/graphql, beside /api/v3."""
    base = base.rstrip("/")
    return base.removesuffix("/v3") + "/graphql" if base.endswith("/api/v3") else base + "/graphql"
