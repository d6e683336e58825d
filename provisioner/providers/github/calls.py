"""Remote calls, one method each, under the names of GitHub's reference. Decides nothing.

`ReadCalls` stand on a session that cannot write. A 404 is `gone`: that may be "you cannot see it", which only whoever
asks can tell. No call here is repeated but by the transport, and that repeats reads alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from provisioner.contract import ProviderError, Trouble
from provisioner.model.instant import Instant
from provisioner.providers.github.connect import Site
from provisioner.providers.github.errors import graphql_error, refused, translated
from provisioner.transport import Answer, TransportError

Row = Mapping[str, Any]
RATE_LIMITED = "RATE_LIMITED"
_LONGEST = 100
"""Rows of a page, at most."""
_PAGES = 2000
"""More pages than any list has; a list that goes on is a loop."""


def part(name: str) -> str:
    """One segment of a path, whatever the name holds."""
    return quote(name, safe="")


class _Calls:
    def __init__(self, site: Site) -> None:
        self._session = site.session
        self._site = site
        self.organization = site.organization
        self.org_path = f"/orgs/{part(site.organization)}"
        self.server_time: Instant | None = None
        self.sent = 0
        self._lock = threading.Lock()

    @property
    def as_user(self) -> bool:
        return self._site.as_user

    def repo_path(self, name: str) -> str:
        return f"/repos/{part(self.organization)}/{part(name)}"

    def team_path(self, slug: str) -> str:
        return f"{self.org_path}/teams/{part(slug)}"

    def close(self) -> None:
        self._session.close()

    def _noted(self, answer: Answer) -> Answer:
        with self._lock:
            try:
                when = parsedate_to_datetime(answer.headers.get("date", ""))
            except (TypeError, ValueError):
                return answer
            self.server_time = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
        return answer

    def _read(self, path: str, params: Row | None = None) -> Answer:
        with self._lock:
            self.sent += 1
        try:
            answer = self._noted(self._session.get(path, params))
        except TransportError as error:
            raise translated(error, writing=False) from None
        if not answer.ok:
            raise refused(answer)
        return answer

    def _json(self, answer: Answer) -> Any:
        try:
            return answer.json()
        except TransportError as error:
            raise translated(error, writing=False) from None

    def get(self, path: str, params: Row | None = None, needs: tuple[str, ...] = ()) -> Row:
        """One thing; without what it `needs` it is none."""
        answer = self._read(path, params)
        found = self._json(answer)
        if not isinstance(found, Mapping) or any(found.get(key) is None for key in needs):
            raise _shape(answer.call)
        return found

    def listed(self, path: str, params: Row | None = None, key: str | None = None) -> Iterator[Row]:
        """A list to its end, each row once, or ProviderError: a list that breaks off is never taken for the whole. A
        full page without a word on the next one is no end: the next one is asked for. A page that came before, in place
        of another, is a list that broke off."""
        first: Row = {"per_page": _LONGEST, **(params or {})}
        url: str | None = path
        asked: Row | None = first
        seen: set[str] = set()
        known: set[str] = set()
        for number in range(2, _PAGES):
            assert url is not None
            answer = self._read(url, asked)
            found = self._json(answer)
            rows = found.get(key) if key is not None and isinstance(found, Mapping) else found
            if not isinstance(rows, list) or not all(isinstance(r, Mapping) for r in rows):
                raise _shape(answer.call)
            ids = [str(r.get("id", r.get("credential_id"))) for r in rows]
            if ids and set(ids) <= known:
                raise ProviderError(Trouble.PARTIAL, "a page of the list came twice", call=f"GET {path}")
            for row_id, row in zip(ids, rows, strict=True):
                if row_id not in known:
                    known.add(row_id)
                    yield row
            url, asked = answer.next_url, None
            if url is None and len(rows) >= _LONGEST:
                url, asked = path, {**first, "page": number}
            if url is None:
                return
            if asked is None and url in seen:
                break
            seen.add(url)
        raise ProviderError(Trouble.PARTIAL, "the list of pages has no end", call=f"GET {path}")


class ReadCalls(_Calls):
    """Reads of one organization."""

    def graphql(self, query: str, variables: Row) -> tuple[Row, list[ProviderError]]:
        """(data, the errors beside it). Raises where nothing came. A limit told in a 200 is waited out as any other."""
        for last in (False, False, True):
            try:
                return self._graphql(query, variables)
            except ProviderError as error:
                if last or error.code != RATE_LIMITED:
                    raise
        raise AssertionError("a loop that always returns or raises")

    def _graphql(self, query: str, variables: Row) -> tuple[Row, list[ProviderError]]:
        with self._lock:
            self.sent += 1
        body = {"query": query, "variables": dict(variables)}
        try:
            answer = self._noted(self._session.send("POST", self._site.graphql_url, body=body, reading=True))
        except TransportError as error:
            raise translated(error, writing=False) from None
        if not answer.ok:
            raise refused(answer)
        found = self._json(answer)
        if not isinstance(found, Mapping):
            raise _shape(answer.call)
        told = found.get("errors") or []
        errors = [graphql_error(e, "graphql", answer.request_id) for e in told if isinstance(e, Mapping)]
        limited = next((e for e in errors if e.code == RATE_LIMITED), None)
        if limited is not None:
            self._session.budget.throttled(answer.headers)
            raise limited
        data = found.get("data")
        if not isinstance(data, Mapping):
            raise errors[0] if errors else _shape(answer.call)
        return data, errors

    def organization_row(self) -> Row:
        return self.get(self.org_path, needs=("id",))

    def me(self) -> Row:
        return self.get("/user", needs=("login",))

    def user(self, login: str) -> Row:
        return self.get(f"/users/{part(login)}", needs=("id", "login"))

    def user_by_id(self, native_id: str) -> Row:
        return self.get(f"/user/{part(native_id)}", needs=("id", "login"))

    def membership(self, login: str) -> Row:
        return self.get(f"{self.org_path}/memberships/{part(login)}", needs=("state", "role", "user"))

    def invitations(self) -> Iterator[Row]:
        return self.listed(f"{self.org_path}/invitations")

    def failed_invitations(self) -> Iterator[Row]:
        return self.listed(f"{self.org_path}/failed_invitations")

    def invitation_teams(self, invitation: str) -> Iterator[Row]:
        return self.listed(f"{self.org_path}/invitations/{part(invitation)}/teams")

    def outside_collaborators(self) -> Iterator[Row]:
        return self.listed(f"{self.org_path}/outside_collaborators")

    def team(self, slug: str) -> Row:
        return self.get(self.team_path(slug), needs=("id", "slug"))

    def child_teams(self, slug: str) -> Iterator[Row]:
        return self.listed(f"{self.team_path(slug)}/teams")

    def team_membership(self, slug: str, login: str) -> Row:
        return self.get(f"{self.team_path(slug)}/memberships/{part(login)}", needs=("state", "role"))

    def enterprise_teams(self) -> Iterator[Row]:
        return self.listed(f"{self.org_path}/teams", {"team_type": "enterprise"})

    def team_members(self, slug: str) -> Iterator[Row]:
        return self.listed(f"{self.team_path(slug)}/members")

    def team_repositories(self, slug: str) -> Iterator[Row]:
        return self.listed(f"{self.team_path(slug)}/repos")

    def repository_invitations(self, name: str) -> Iterator[Row]:
        return self.listed(f"{self.repo_path(name)}/invitations")

    def protection(self, repository: str, branch: str) -> Row:
        return self.get(f"{self.repo_path(repository)}/branches/{part(branch)}/protection")

    def environment(self, repository: str, name: str) -> Row:
        return self.get(f"{self.repo_path(repository)}/environments/{part(name)}")

    def deployment_branches(self, repository: str, name: str) -> Iterator[Row]:
        path = f"{self.repo_path(repository)}/environments/{part(name)}/deployment-branch-policies"
        return self.listed(path, key="branch_policies")

    def rulesets(self, repository: str | None) -> Iterator[Row]:
        if repository is None:
            return self.listed(f"{self.org_path}/rulesets")
        return self.listed(f"{self.repo_path(repository)}/rulesets", {"includes_parents": "false"})

    def ruleset(self, repository: str | None, native_id: str) -> Row:
        base = self.org_path if repository is None else self.repo_path(repository)
        return self.get(f"{base}/rulesets/{part(native_id)}")

    def organization_roles(self) -> list[Row]:
        rows = self.get(f"{self.org_path}/organization-roles").get("roles")
        return [r for r in rows if isinstance(r, Mapping)] if isinstance(rows, list) else []

    def holders_of_role(self, number: str) -> Iterator[Row]:
        return self.listed(f"{self.org_path}/organization-roles/{part(number)}/users")

    def fine_grained_tokens(self, login: str) -> Iterator[Row]:
        """Of one person that may reach the organization. For Apps alone."""
        return self.listed(f"{self.org_path}/personal-access-tokens", {"owner[]": login})

    def deploy_keys(self, repository: str) -> Iterator[Row]:
        return self.listed(f"{self.repo_path(repository)}/keys")

    def credential_authorizations(self, login: str) -> Iterator[Row]:
        return self.listed(f"{self.org_path}/credential-authorizations", {"login": login})


class WriteCalls(ReadCalls):
    """Writes to one organization. Each is sent once; `deadline` is on `time.monotonic`."""

    def write(self, method: str, path: str, body: Any = None, *, deadline: float) -> tuple[int, Any]:
        """(status, the answer's body or None). ProviderError for anything that is no success."""
        with self._lock:
            self.sent += 1
        try:
            answer = self._noted(self._session.send(method, path, body=body, deadline=deadline))
            if not answer.ok:
                raise refused(answer)
            return answer.status, answer.json()
        except TransportError as error:
            raise translated(error, writing=True) from None


def _shape(call: str) -> ProviderError:
    return ProviderError(Trouble.PARTIAL, "the answer has another shape than documented", call=call)
