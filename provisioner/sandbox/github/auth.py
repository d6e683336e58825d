"""Who calls the embedded GitHub, and what their token lets them do.

Tokens: a classic one of a user (scopes), a fine-grained one of a user (permissions), an installation's (permissions,
one hour), and an App's own JWT, whose RS256 signature and times are checked. A user's token never lets more than the
user may. It refuses to issue tokens but for a seed and for `POST /app/installations/{id}/access_tokens`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from provisioner.sandbox.github.answers import Refused, not_found
from provisioner.sandbox.github.things import Org, Repo, User
from provisioner.sandbox.github.world import World

LEVELS = ("read", "write", "admin")
LIFE = timedelta(hours=1)
REPOSITORY = frozenset(
    {
        "administration",
        "actions",
        "contents",
        "environments",
        "metadata",
        "issues",
        "pull_requests",
        "checks",
        "secrets",
        "actions_variables",
        "deployments",
        "workflows",
        "statuses",
    }
)
_SCOPES = {
    ("members", "read"): ("read:org", "write:org", "admin:org"),
    ("members", "write"): ("write:org", "admin:org"),
    ("organization_administration", "read"): ("admin:org",),
    ("organization_administration", "write"): ("admin:org",),
    ("organization_custom_org_roles", "read"): ("admin:org",),
    ("organization_custom_org_roles", "write"): ("admin:org",),
    ("organization_custom_roles", "read"): ("admin:org",),
    ("organization_secrets", "read"): ("admin:org",),
    ("organization_secrets", "write"): ("admin:org",),
    ("organization_actions_variables", "read"): ("admin:org",),
    ("organization_actions_variables", "write"): ("admin:org",),
}


@dataclass(eq=False, slots=True)
class App:
    """A GitHub App; `public_key` checks its JWTs."""

    id: int
    client_id: str
    slug: str
    name: str
    owner: User | Org
    public_key: bytes
    permissions: dict[str, str]
    created: datetime


@dataclass(eq=False, slots=True)
class Installation:
    """An App in an organisation; `repos` None means all of them, also those that come later."""

    id: int
    app: App
    org: Org
    permissions: dict[str, str]
    created: datetime
    repos: set[int] | None = None
    suspended: datetime | None = None
    bot: User | None = None


@dataclass(eq=False, slots=True)
class Token:
    """A secret and what it stands for. `permissions` None means classic: `scopes` count."""

    secret: str
    user: User | None
    scopes: tuple[str, ...] = ()
    permissions: dict[str, str] | None = None
    installation: Installation | None = None
    repos: set[int] | None = None
    expires: datetime | None = None


@dataclass(slots=True)
class Caller:
    """Whose call this is. `app` alone is an App by its JWT; nobody at all is an anonymous call."""

    token: Token | None = None
    app: App | None = None

    @property
    def user(self) -> User | None:
        return self.token.user if self.token else None

    @property
    def installation(self) -> Installation | None:
        return self.token.installation if self.token else None

    @property
    def name(self) -> str:
        """Whose budget is counted."""
        if self.token and self.token.installation:
            return f"installation {self.token.installation.id}"
        if self.token and self.token.user:
            return f"user {self.token.user.id}"
        return f"app {self.app.id}" if self.app else "nobody"

    @property
    def actor(self) -> User:
        """Who did it, where an account has to stand: the user, or the App's bot."""
        if self.token and self.token.user:
            return self.token.user
        if self.token and self.token.installation and self.token.installation.bot:
            return self.token.installation.bot
        raise Refused(401, "Requires authentication")


@dataclass(slots=True)
class Keys:
    """Every token, App and installation."""

    world: World
    tokens: dict[str, Token] = field(default_factory=dict)
    apps: dict[int, App] = field(default_factory=dict)
    installations: dict[int, Installation] = field(default_factory=dict)

    def classic(self, user: User, scopes: Iterable[str]) -> Token:
        return self._keep(Token(f"ghp_{secrets.token_hex(18)}", user, scopes=tuple(scopes)))

    def fine_grained(self, user: User, permissions: Mapping[str, str]) -> Token:
        return self._keep(Token(f"github_pat_{secrets.token_hex(30)}", user, permissions=dict(permissions)))

    def of_installation(self, one: Installation, permissions: Mapping[str, str], repos: set[int] | None) -> Token:
        token = Token(f"ghs_{secrets.token_hex(18)}", None, permissions=dict(permissions), installation=one)
        token.repos, token.expires = repos, self.world.now() + LIFE
        return self._keep(token)

    def _keep(self, token: Token) -> Token:
        self.tokens[token.secret] = token
        return token

    # Who calls

    def caller(self, header: str) -> Caller:
        """The caller that an `Authorization` header stands for; 401 for a secret that counts for nothing."""
        kind, _, secret = header.partition(" ")
        if not header:
            return Caller()
        if kind.lower() not in ("token", "bearer") or not secret.strip():
            raise Refused(401, "Bad credentials")
        secret = secret.strip()
        if secret.count(".") == 2:
            return Caller(app=self._app_of(secret))
        token = self.tokens.get(secret)
        if token is None or (token.expires is not None and token.expires <= self.world.now()):
            raise Refused(401, "Bad credentials")
        if token.installation is not None and token.installation.suspended is not None:
            raise Refused(403, "This installation has been suspended")
        return Caller(token)

    def _app_of(self, encoded: str) -> App:
        import jwt

        late = "A JSON web token could not be decoded"
        try:
            claims: dict[str, Any] = jwt.decode(encoded, options={"verify_signature": False})
            if jwt.get_unverified_header(encoded).get("alg") != "RS256":
                raise Refused(401, late)
        except jwt.PyJWTError:
            raise Refused(401, late) from None
        issuer = str(claims.get("iss", ""))
        app = next((a for a in self.apps.values() if issuer in (str(a.id), a.client_id)), None)
        if app is None:
            raise Refused(404, "Integration not found")
        try:
            times: Any = dict.fromkeys(("verify_exp", "verify_iat", "verify_nbf", "verify_aud"), False)
            jwt.decode(encoded, app.public_key, algorithms=["RS256"], options=times)
        except jwt.PyJWTError:
            raise Refused(401, late) from None
        self._check_times(claims)
        return app

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self.world.clock.now().timestamp()
        issued, expires = claims.get("iat"), claims.get("exp")
        if not isinstance(issued, int | float) or issued > now + 1:
            text = "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
            raise Refused(401, text)
        if not isinstance(expires, int | float) or expires <= now:
            text = "'Expiration time' claim ('exp') must be a numeric value representing the future time"
            raise Refused(401, f"{text} at which the assertion expires")
        if expires > now + 601 or expires - issued > 661:
            raise Refused(401, "'Expiration time' claim ('exp') is too far in the future")


# What a caller may


def has(caller: Caller, what: str, level: str) -> bool:
    """Whether the token itself lets it; what its user may is another question."""
    token = caller.token
    if token is None:
        return False
    if token.permissions is not None:
        given = token.permissions.get(what)
        return given is not None and LEVELS.index(given) >= LEVELS.index(level)
    if what in REPOSITORY:
        return "repo" in token.scopes
    return any(scope in token.scopes for scope in _SCOPES.get((what, level), ("admin:org",)))


def lacking(caller: Caller) -> Refused:
    """403 in the words that GitHub has for a token without the permission."""
    if caller.installation is not None:
        return Refused(403, "Resource not accessible by integration")
    if caller.token is not None and caller.token.permissions is not None:
        return Refused(403, "Resource not accessible by personal access token")
    return Refused(403, "Must have admin rights to Repository.")


def is_owner(caller: Caller, org: Org) -> bool:
    """Whether the caller counts as an owner: one, or an installation there (its permissions were asked before)."""
    if caller.installation is not None:
        return caller.installation.org is org
    return caller.user is not None and org.members.get(caller.user.id) == "admin"


def belongs(caller: Caller, org: Org) -> bool:
    if caller.installation is not None:
        return caller.installation.org is org
    return caller.user is not None and caller.user.id in org.members


def require_org(caller: Caller, org: Org, needs: str, *, owner: bool = False) -> None:
    """Refuse a caller who is not of the organisation (404), lacks the permission (403) or has to be an owner (403)."""
    what, level = needs.split(":")
    if caller.token is None:
        raise Refused(401, "Requires authentication")
    if not belongs(caller, org):
        raise not_found() if level == "read" else lacking(caller)
    if not has(caller, what, level):
        raise lacking(caller)
    if owner and not is_owner(caller, org):
        raise Refused(403, "You must be an organization owner to do this.")


def sees_repo(caller: Caller, repo: Repo, base: str | None) -> bool:
    """Whether the repository exists for the caller. `base` is the user's own right on it."""
    if not repo.private:
        return True
    token = caller.token
    if token is None:
        return False
    if token.installation is not None:
        picked = token.repos if token.repos is not None else token.installation.repos
        return repo.org == token.installation.org.id and (picked is None or repo.id in picked)
    return base is not None and (token.permissions is not None or "repo" in token.scopes)
