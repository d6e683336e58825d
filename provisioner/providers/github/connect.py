"""Opens an organization: whose credentials, which address; behind a guard that lets readers ask and nothing else.

A GitHub App signs a short token of its own and gets one for the installation, which lives an hour, reads only where it
is for a plan, and is renewed before it ends. Keys and tokens come from the environment and go into no message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from provisioner.contract import ProviderError, Trouble
from provisioner.contract.fields import FromEnvironment, web_address
from provisioner.providers.github import queries
from provisioner.providers.github.errors import translated
from provisioner.providers.github.settings import Settings, Tokens
from provisioner.transport import Answer, Budgets, Limits, Pace, Session, TransportError, anything, read_only

VERSION = "2022-11-28"
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
_WRITE_LIMITS = Limits(connect=5, read=10, whole=12, tries=1)
_BETWEEN_WRITES = 0.8
_RENEW = 300.0
"""Seconds before its end at which an installation's token is renewed."""
_LIVES = 540
"""Seconds that the App's own token lives; GitHub takes at most 600."""

# GitHub docs, "Permissions required for GitHub Apps".
_OF_LEAVERS = ("organization_custom_org_roles", "organization_personal_access_tokens")
_READS = {"members": "read", "administration": "read", "metadata": "read", "environments": "read"}
_READS |= dict.fromkeys(_OF_LEAVERS, "read")
_WRITES = {"members": "write", "administration": "write", "metadata": "read", "environments": "write"}
_WRITES |= dict.fromkeys(_OF_LEAVERS, "write")
_STORES = {
    "metadata": "read",
    "secrets": "write",
    "actions_variables": "write",
    "environments": "write",
    "organization_secrets": "write",
    "organization_actions_variables": "write",
}
"""For delivering credentials, and nothing else."""


@dataclass(frozen=True)
class Site:
    """One organization, opened for reading or writing. `as_user` says that we act as somebody (a token's owner)."""

    session: Session
    graphql_url: str
    organization: str
    as_user: bool


def open_site(settings: Settings, purpose: str, environ: Mapping[str, str], budgets: Budgets) -> Site:
    """`purpose` is `plan`, `apply`, or `store` (delivering credentials). Makes no call yet."""
    base = web_address(settings.api_url, environ, "the address of GitHub's API").rstrip("/")
    graphql_url = graphql_of(base)
    reading = purpose == "plan"
    guard = read_only(query_path=urlsplit(graphql_url).path, queries=queries.ALL) if reading else anything
    limits = Limits() if reading else _WRITE_LIMITS
    host = urlsplit(base).netloc
    if settings.app is not None:
        key = settings.app.private_key.read(environ, "the private key of the GitHub App")
        app = AppToken(settings.app.id, key, base, settings.organization, purpose, budgets)
        budget = budgets.of(host, f"app {settings.app.id} {settings.organization}", pace_of(host))
        session = Session(base, app, guard, budget, limits, _HEADERS, secrets=app.secrets)
        return Site(session, graphql_url, settings.organization, as_user=False)
    token = _token(settings.token, purpose).read(environ, "a GitHub token")
    budget = budgets.of(host, token, pace_of(host))
    session = Session(
        base, lambda: {"Authorization": f"Bearer {token}"}, guard, budget, limits, _HEADERS, secrets=lambda: (token,)
    )
    return Site(session, graphql_url, settings.organization, as_user=True)


def pace_of(host: str) -> Pace:
    """github.com takes about 80 requests a minute that make something and tell somebody of it."""
    public = host == "api.github.com" or host.endswith(".ghe.com")
    return Pace(between_writes=_BETWEEN_WRITES if public else 0.0)


def graphql_of(base: str) -> str:
    """GraphQL's address beside the REST one: of GitHub Enterprise Server /api/graphql, beside /api/v3."""
    return base.removesuffix("/v3") + "/graphql" if base.endswith("/api/v3") else base + "/graphql"


def _token(token: FromEnvironment | Tokens | None, purpose: str) -> FromEnvironment:
    if isinstance(token, Tokens):
        return token.apply if purpose != "plan" and token.apply is not None else token.plan
    assert token is not None
    return token


@dataclass
class AppToken:
    """The headers of an App's installation; called for each request, renewed when it must be."""

    app: str
    key: str = field(repr=False)
    base: str
    organization: str
    purpose: str
    budgets: Budgets
    _token: str | None = field(default=None, repr=False)
    _until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __call__(self) -> Mapping[str, str]:
        with self._lock:
            if self._token is None or time.time() > self._until - _RENEW:
                self._renew()
            return {"Authorization": f"Bearer {self._token}"}

    def secrets(self) -> tuple[str, ...]:
        return (self._token or "", self.key)

    def _signed(self) -> Mapping[str, str]:
        import jwt

        now = int(time.time())
        claims = {"iss": self.app, "iat": now - 60, "exp": now + _LIVES - 60}
        try:
            return {"Authorization": f"Bearer {jwt.encode(claims, self.key, algorithm='RS256')}"}
        except (ValueError, TypeError, jwt.exceptions.PyJWTError):
            raise ProviderError(
                Trouble.CREDENTIAL, "the private key of the GitHub App cannot be read: it must be PEM", call="settings"
            ) from None

    def _renew(self) -> None:
        budget = self.budgets.of(urlsplit(self.base).netloc, f"jwt {self.app}")
        session = Session(self.base, self._signed, _only_token, budget, Limits(tries=2), _HEADERS, conditional=False)
        try:
            found = self._ask(session, "GET", f"/orgs/{self.organization}/installation")
            permissions = {"plan": _READS, "store": _STORES}.get(self.purpose, _WRITES)
            held = found.get("permissions")
            if isinstance(held, Mapping):  # asking for more than the App has is an error
                permissions = {k: _least(v, str(held[k])) for k, v in permissions.items() if k in held}
            path = f"/app/installations/{int(found['id'])}/access_tokens"
            made = self._ask(session, "POST", path, {"permissions": permissions})
        finally:
            session.close()
        self._token = str(made["token"])
        self._until = datetime.fromisoformat(str(made["expires_at"])).timestamp()

    def _ask(self, session: Session, method: str, path: str, body: Any = None) -> Mapping[str, Any]:
        try:
            answer = session.send(method, path, body=body, reading=True)
        except TransportError as error:
            raise translated(error, writing=False) from None
        if not answer.ok:
            raise _refused(answer, self.app, self.organization)
        found = answer.json()
        if not isinstance(found, Mapping):
            raise ProviderError(Trouble.PARTIAL, "the answer has another shape than documented", call=answer.call)
        return found


def _least(wanted: str, held: str) -> str:
    return "read" if "read" in (wanted, held) else wanted


def _only_token(method: str, path: str, _body: Any) -> str | None:
    """The App's own token gets an installation's token, and nothing else."""
    if method == "GET" or (method == "POST" and path.endswith("/access_tokens")):
        return None
    return f"the App's own token is not for {method}"


def _refused(answer: Answer, app: str, organization: str) -> ProviderError:
    words = {
        401: f"GitHub does not take the key of App {app}",
        404: f"App {app} is not installed on {organization}, or there is no such organization",
    }
    message = words.get(answer.status, answer.message())
    return ProviderError(
        Trouble.CREDENTIAL, message, call=answer.call, request_id=answer.request_id, code=str(answer.status)
    )
