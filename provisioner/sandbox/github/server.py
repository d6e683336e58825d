"""The embedded GitHub: its REST and GraphQL API over HTTP on loopback, for `provision sandbox`, `demo` and the tests.

The state is `world`: seed it and look at it directly, `truth()` writes it down. What is answered over the wire is what
the routes make of it for whoever asks. It refuses to know what a test expects, and anything of providers, model and
contract.

What GitHub does and this does not: SAML and SCIM (`samlIdentityProvider` is null), enterprises as such, audit log, git
itself, webhooks, search, and pages of a read that change while they are read. Bodies for GHES (`/api/v3`) are the same;
the address is that of github.com: routes from the root, GraphQL at `/graphql`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from provisioner.sandbox.github.actions import stored
from provisioner.sandbox.github.answers import Refused, encode, json_answer, tag_of
from provisioner.sandbox.github.auth import App, Caller, Installation, Keys
from provisioner.sandbox.github.call import ROUTES, Call, Realm
from provisioner.sandbox.github.limits import LIMIT_DOCS, SECONDARY, Limits
from provisioner.sandbox.github.rights import Rights
from provisioner.sandbox.github.shapes import Shapes
from provisioner.sandbox.github.things import Org, Repo, Role, User
from provisioner.sandbox.github.world import World
from provisioner.sandbox.routes import Route
from provisioner.sandbox.service import Service, path_of
from provisioner.sandbox.wire import Answer, Headers

VERSIONS = ("2022-11-28", "2026-03-10")
OWNER_SCOPES = ("admin:org", "repo", "workflow")
READ_ALL = {
    "members": "read",
    "organization_administration": "read",
    "organization_custom_roles": "read",
    "organization_custom_org_roles": "read",
    "administration": "read",
    "metadata": "read",
    "environments": "read",
    "actions": "read",
    "contents": "read",
    "organization_personal_access_tokens": "read",
    "secrets": "read",
    "actions_variables": "read",
    "organization_secrets": "read",
}
WRITE_ALL = {name: "write" for name in READ_ALL if name != "metadata"} | {"metadata": "read"}


@dataclass(frozen=True, slots=True)
class AppKey:
    """What whoever runs as an App has to know."""

    app_id: int
    client_id: str
    installation_id: int
    private_key: str


class GitHubServer(Service):
    """One emulated GitHub. Start it with `start()` or as a context manager."""

    name = "github"

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """`port` 0 takes a free one."""
        super().__init__(host=host, port=port)
        self.clear()

    def clear(self) -> None:
        """As new, without a new start: nothing and nobody in it, no tokens, full budgets, no faults."""
        with self.lock:
            self.world = World(self.clock)
            self.clock.ahead = timedelta()
            self.keys = Keys(self.world)
            self.limits = Limits(self.world)
            self.rights = Rights(self.world)
            self.heal()
            self.calls.clear()

    def exports(self) -> dict[str, str]:
        """Environment variables of where it is; tokens are made with `token` and its neighbours."""
        return {"GITHUB_API_URL": self.url, "GITHUB_GRAPHQL_URL": f"{self.url}/graphql"}

    def throttle(
        self, call: str | None = None, times: int | None = 1, *, status: int = 403, retry_after: int | None = 60
    ) -> None:
        """The next `times` calls (of the route) are refused by the secondary limit; `retry_after` None says no time."""
        refusal = Refused(status, SECONDARY, docs=LIMIT_DOCS)
        told = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self.fail(call, status, times, body=encode(refusal.body()), headers=told)

    # Credentials

    def token(self, user: User, *scopes: str) -> str:
        """A classic token of a user; without scopes, one with everything that an owner needs."""
        return self.keys.classic(user, scopes or OWNER_SCOPES).secret

    def fine_grained_token(self, user: User, permissions: Mapping[str, str] = READ_ALL) -> str:
        """A fine-grained token of a user; as it is, it only reads."""
        return self.keys.fine_grained(user, permissions).secret

    def actions_token(self, repo: Repo, **permissions: str) -> str:
        """What a job of GitHub Actions is given: a token of the App `github-actions`, for this repository alone."""
        with self.lock:
            world, slug = self.world, "github-actions"
            org = world.orgs[repo.org]
            app = next((one for one in self.keys.apps.values() if one.slug == slug), None)
            if app is None:
                app = App(world.new_id("app"), "Iv1.actions", slug, "GitHub Actions", org, b"", {}, world.now())
                self.keys.apps[app.id] = app
            bot = world.user(f"{slug}[bot]") or world.create_user(f"{slug}[bot]", kind="Bot")
            given = {"metadata": "read", **permissions}
            one = Installation(world.new_id("installation"), app, org, given, world.now(), {repo.id}, bot=bot)
            return self.keys.of_installation(one, given, {repo.id}).secret

    def create_app(
        self,
        org: Org,
        name: str = "Provision",
        permissions: Mapping[str, str] = WRITE_ALL,
        repos: list[Repo] | None = None,
    ) -> AppKey:
        """A GitHub App with an RSA key of its own, installed in the organisation."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa

        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        plain = serialization.NoEncryption()
        form = serialization.PrivateFormat.TraditionalOpenSSL
        secret = private.private_bytes(serialization.Encoding.PEM, form, plain).decode()
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        with self.lock:
            now = self.world.now()
            slug = name.lower().replace(" ", "-")
            app = App(
                self.world.new_id("app"), f"Iv23{secrets.token_hex(8)}", slug, name, org, public, dict(permissions), now
            )
            self.keys.apps[app.id] = app
            picked = None if repos is None else {repo.id for repo in repos}
            bot = self.world.create_user(f"{slug}[bot]", name, kind="Bot")
            one = Installation(self.world.new_id("installation"), app, org, dict(permissions), now, picked, bot=bot)
            self.keys.installations[one.id] = one
        return AppKey(app.id, app.client_id, one.id, secret)

    def create_repo_role(self, org: Org, name: str, base: str, *permissions: str) -> Role:
        """A custom role for repositories; the API of github.com has no call that makes one."""
        role = Role(self.world.new_id("role"), name, base, permissions, self.world.now())
        org.repo_roles[role.id] = role
        return role

    def create_org_role(self, org: Org, name: str, *permissions: str, base: str | None = None) -> Role:
        """A custom role of the organisation, with nobody in it."""
        role = Role(self.world.new_id("role"), name, base, permissions, self.world.now())
        org.org_roles[role.id] = role
        return role

    # What is really there

    def truth(self, org: Org) -> dict[str, Any]:
        """What the organisation holds, by login, slug and name, from the state itself and not through any answer."""
        with self.lock:
            self.world.lapse()
            who = self.world.users
            open_ones = {
                (who[i.user].login if i.user else i.email): {
                    "role": i.role,
                    "teams": {self.world.teams[t].slug: role for t, role in i.teams.items()},
                }
                for i in org.invitations.values()
            }
            return {
                "members": {who[u].login: role for u, role in org.members.items()},
                "invitations": open_ones,
                "outside": [user.login for user in self.rights.outside(org)],
                "teams": {
                    team.slug: {
                        "members": {who[u].login: role for u, role in team.members.items()},
                        "repos": {self.world.repos[r].name: role for r, role in team.repos.items()},
                        "parent": self.world.teams[team.parent].slug if team.parent else None,
                    }
                    for team in self.world.teams_of(org)
                },
                "repos": {
                    repo.name: {
                        "collaborators": {who[u].login: role for u, role in repo.collaborators.items()},
                        "invitations": {who[i.user].login: i.role for i in repo.invitations.values()},
                    }
                    for repo in self.world.repos_of(org)
                },
                "roles": {role.name: sorted(who[u].login for u in role.users) for role in org.org_roles.values()},
            }

    # Wire

    def error_body(self, status: int) -> bytes:  # noqa: ARG002 - one body for all of them
        return encode({"message": "Server Error", "documentation_url": "https://docs.github.com/rest"})

    def route(self, environ: Mapping[str, Any]) -> tuple[str, Callable[[bytes], Answer]]:
        method, path = str(environ["REQUEST_METHOD"]), path_of(environ)
        if path == ["graphql"] and method == "POST":
            return "POST /graphql", lambda body: self._graphql(environ, body)
        if path[:1] == ["_storage"] and len(path) == 2 and method == "GET":
            repos, told = list(self.world.repos.values()), str(environ.get("HTTP_AUTHORIZATION", ""))
            return "GET /_storage/{signature}", lambda body: stored(repos, path[1], told)
        found = ROUTES.find("GET" if method == "HEAD" else method, path)
        if found is None:
            return f"{method} (unknown)", lambda body: self._refuse(Refused(404, "Not Found"), [])
        route, names = found
        return route.call, lambda body: self._rest(environ, route, names, body)

    def _common(self, environ: Mapping[str, Any]) -> Headers:
        chosen = environ.get("HTTP_X_GITHUB_API_VERSION", VERSIONS[0])
        if chosen not in VERSIONS:
            raise Refused(400, f'API version "{chosen}" is not supported.')
        if not environ.get("HTTP_USER_AGENT"):
            raise Refused(
                403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent."
            )
        return [("X-GitHub-Api-Version-Selected", str(chosen))]

    def _rest(self, environ: Mapping[str, Any], route: Route, names: list[str], body: bytes) -> Answer:
        headers: Headers = [("X-GitHub-Request-Id", secrets.token_hex(8).upper())]
        caller = Caller()
        try:
            headers += self._common(environ)
            self.limits.crowded(environ["sandbox.under_way"])
            self.world.lapse()
            caller = self.keys.caller(str(environ.get("HTTP_AUTHORIZATION", "")))
            free = route.template == "/rate_limit"
            if caller.app is not None and not (
                route.template.startswith("/app") or route.template == "/orgs/{org}/installation"
            ):
                raise Refused(401, "A JSON web token is only for an App's own routes")
            if not free:
                self.limits.check(caller.name, "core", 1 if route.method == "GET" else 5)
            if caller.token is not None and caller.token.permissions is None:
                headers.append(("X-OAuth-Scopes", ", ".join(caller.token.scopes)))
            call = self._call(environ, caller, body)
            status, content = route.serve(call, *names)
        except Refused as refused:
            if refused.status != 401:
                self.limits.spend(caller.name, "core", 0 if self.limits.left(caller.name, "core") <= 0 else 1)
            return self._refuse(refused, headers + self.limits.headers(caller.name, "core"))
        answer = json_answer(status, content, headers + call.headers)
        if route.method == "GET" and status == 200:
            answer = self._tagged(environ, caller, answer)
        self.limits.spend(caller.name, "core", 0 if answer[0] == 304 or free else 1)
        return answer[0], [*answer[1], *self.limits.headers(caller.name, "core")], answer[2]

    def _call(self, environ: Mapping[str, Any], caller: Caller, body: bytes) -> Call:
        realm = Realm(self.world, self.rights, self.keys, self.limits)
        api = f"http://{environ.get('HTTP_HOST') or self.url.partition('://')[2]}"
        path = str(environ["RAW_URI"]).partition("?")[0]
        pairs = parse_qsl(str(environ["QUERY_STRING"]), keep_blank_values=True)
        shapes = Shapes(self.world, self.rights, api)
        method, accept = str(environ["REQUEST_METHOD"]), str(environ.get("HTTP_ACCEPT", ""))
        return Call(realm, caller, shapes, method, api + path, dict(pairs), body, accept, pairs)

    def _tagged(self, environ: Mapping[str, Any], caller: Caller, answer: Answer) -> Answer:
        status, headers, body = answer
        tag = tag_of(body, caller.token.secret if caller.token else "")
        vary = ("Vary", "Accept, Authorization, Cookie, X-GitHub-OTP, Accept-Encoding, Accept, X-Requested-With")
        headers = [*headers, ("ETag", tag), ("Cache-Control", "private, max-age=60, s-maxage=60"), vary]
        wanted = [one.strip() for one in str(environ.get("HTTP_IF_NONE_MATCH", "")).split(",")]
        if tag in wanted or tag.removeprefix("W/") in wanted:
            return 304, [(name, value) for name, value in headers if name != "Content-Type"], b""
        return status, headers, body

    def _refuse(self, refused: Refused, headers: Headers) -> Answer:
        return json_answer(refused.status, refused.body(), [*headers, *refused.headers.items()])

    def _graphql(self, environ: Mapping[str, Any], body: bytes) -> Answer:
        from provisioner.sandbox.github.query import answer_query

        headers: Headers = [("X-GitHub-Request-Id", secrets.token_hex(8).upper())]
        caller = Caller()
        try:
            headers += self._common(environ)
            self.limits.crowded(environ["sandbox.under_way"])
            self.world.lapse()
            caller = self.keys.caller(str(environ.get("HTTP_AUTHORIZATION", "")))
            if caller.token is None:
                raise Refused(
                    403, f"API rate limit exceeded for {caller.name}.", docs="https://docs.github.com/graphql"
                )
            self.limits.check(caller.name, "graphql", 1)
            content = answer_query(self._call(environ, caller, body))
        except Refused as refused:
            return self._refuse(refused, headers + self.limits.headers(caller.name, "graphql"))
        return json_answer(200, content, headers + self.limits.headers(caller.name, "graphql"))
