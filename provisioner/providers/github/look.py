"""Point reads of one organization: freshness, read-back, receipts. Each settles its addresses, or says why not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from provisioner.contract import ProviderError, Trouble
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import Scope, ScopeCoverage, Verdict
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.way import Way
from provisioner.providers.github import convert, names, queries
from provisioner.providers.github.calls import ReadCalls
from provisioner.providers.github.controls_read import ControlReader
from provisioner.providers.github.convert import MEMBER, Invitation
from provisioner.providers.github.declare import GithubDeclare
from provisioner.providers.github.lists import Listed

_FATAL = (Trouble.CREDENTIAL, Trouble.UNREACHABLE)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """One point read: the addresses that it settles, and the resources that it finds."""

    settles: tuple[Address, ...]
    run: Callable[[], Iterable[Resource]]


class Looker:
    """Of one target."""

    def __init__(self, target: str, declare: GithubDeclare, calls: ReadCalls, controls: ControlReader) -> None:
        self._target = target
        self._declare = declare
        self._calls = calls
        self._controls = controls
        self._saml = declare.target.settings.data.get("saml") is True
        self._shared: dict[str, dict[str, None]] = {}
        self._was: dict[str, tuple[str, ...]] = {}
        for slug, body in (declare.target.objects.data.get("teams") or {}).items():
            self._was[slug] = tuple((body.get("was") or ()) if isinstance(body, Mapping) else ())
        self.hidden: list[ScopeCoverage] = []

    def run(self, job: Job) -> tuple[Job, list[Resource], ProviderError | None]:
        try:
            return job, list(job.run()), None
        except ProviderError as error:
            if error.trouble is Trouble.GONE:  # what it would hang on is not there
                return job, [], None
            if error.trouble in _FATAL:
                raise
            return job, [], error

    def jobs(self, these: Collection[Address]) -> Iterator[Job]:
        """The least number of reads that settles all."""
        people: dict[str, list[Address]] = {}
        teams: dict[str, list[Address]] = {}
        repositories: dict[str, list[Address]] = {}
        for address in these:
            who = address.principal
            if address.kind is Kind.ACCOUNT:
                people.setdefault(address.object.lower(), []).append(address)
            elif address.kind is Kind.GROUP:
                teams.setdefault(address.object, []).append(address)
            elif address.kind is Kind.CONTROL:
                yield Job((address,), partial(self._control, address))
            elif address.kind is Kind.CREDENTIAL and who is not None:
                fine = address.object.startswith(convert.FINE_GRAINED)
                yield Job((address,), partial(self.tokens if fine else self._credential, who.id))
            elif who is None:
                continue
            elif address.kind is Kind.GRANT and address.object == names.ORGANIZATION:
                people.setdefault(who.id.lower(), []).append(address)
            elif address.kind is Kind.MEMBERSHIP:
                yield Job((address,), partial(self._membership, address.object, who.id))
            elif address.kind is Kind.GRANT and address.object.startswith(names.ROLE):
                yield Job((address,), partial(self._role, address.object.removeprefix(names.ROLE), who.id))
            elif address.kind is Kind.GRANT and who.kind is PrincipalKind.GROUP:
                teams.setdefault(who.id, []).append(address)
            elif address.kind is Kind.GRANT:
                repositories.setdefault(address.object, []).append(address)
                # Kept: a later look may be of the account alone.
                self._shared.setdefault(who.id.lower(), {})[address.object] = None
        for login, addresses in people.items():
            yield Job(tuple(addresses), partial(self._person, login, tuple(self._shared.get(login, ()))))
        for slug, addresses in teams.items():
            yield Job(tuple(addresses), partial(self._team, slug, tuple(addresses)))
        for name, addresses in repositories.items():
            yield Job(tuple(addresses), partial(self._repository, name))

    # People

    def _person(self, login: str, repositories: Iterable[str]) -> list[Resource]:
        """Their place in the organization, or else what they have as an outside collaborator, or are invited to in one
        of `repositories`."""
        target = self._target
        if "@" in login:
            return self._invited_by_mail(login)
        try:
            row = self._calls.membership(login)
        except ProviderError as error:
            if error.trouble is not Trouble.GONE:
                raise
            return self._outside(login, repositories)
        if row.get("state") != "pending":
            return convert.place(target, row)
        user = row.get("user") or {}
        name, native, role = str(user.get("login") or login), str(user.get("id")), str(row.get("role"))
        invitation = self._invitation(name)
        way = invitation.way if invitation is not None else Way(f"{MEMBER}{native}")
        if invitation is not None:
            role = invitation.org_role
        return [
            convert.account(target, name, native, way),
            convert.organization_grant(target, name, role, way),
        ]

    def _invitation(self, login: str) -> Invitation | None:
        for row in self._calls.invitations():
            found = Invitation.of(row)
            if (found.login or "").lower() == login.lower():
                return found
        return None

    def _invited_by_mail(self, email: str) -> list[Resource]:
        for row in self._calls.invitations():
            found = Invitation.of(row)
            if found.object.lower() == email:
                return [
                    convert.account(self._target, found.object, None, found.way, email=found.email or ""),
                    convert.organization_grant(self._target, found.object, found.org_role, found.way),
                ]
        return []

    def _outside(self, login: str, repositories: Iterable[str]) -> list[Resource]:
        for row in self._calls.outside_collaborators():
            if str(row.get("login")).lower() == login:
                native = str(row["id"])
                way = Way(f"{convert.COLLABORATOR}{native}")
                return [convert.account(self._target, str(row["login"]), native, way)]
        for name in repositories:
            for row in self._calls.repository_invitations(name):
                invitee = row.get("invitee") or {}
                waiting = convert.repository_invitation(self._target, name, row)
                if waiting is not None and str(invitee.get("login")).lower() == login:
                    native = str(invitee["id"])
                    return [convert.account(self._target, str(invitee["login"]), native, waiting.ways[0])]
        return []

    # Teams

    def native_team(self, slug: str) -> Row:
        """The team that the files call `slug`, also under an earlier slug. ProviderError (gone) where there is none."""
        for name in (slug, *self._was.get(slug, ())):
            try:
                return self._calls.team(name)
            except ProviderError as error:
                if error.trouble is not Trouble.GONE:
                    raise
        raise ProviderError(Trouble.GONE, f"there is no team {slug}", call=f"GET {self._calls.team_path(slug)}")

    def _slug(self, slug: str) -> str:
        return str(self.native_team(slug)["slug"]) if self._was.get(slug) else slug

    def _team(self, slug: str, asked: Collection[Address]) -> Iterator[Resource]:
        row = self.native_team(slug)
        parent = row.get("parent") or {}
        shape = {
            "databaseId": row["id"],
            "description": row.get("description"),
            "name": row.get("name"),
            "privacy": row.get("privacy"),
            "parentTeam": {"slug": self._declared_slug(str(parent["slug"]))} if parent else None,
        }
        yield convert.team(self._target, shape, slug)
        if any(a.kind is Kind.GRANT for a in asked):
            for repository in self._calls.team_repositories(str(row["slug"])):
                permission = str(repository.get("role_name") or _strongest(repository.get("permissions")))
                name = str(repository["name"]).lower()
                yield convert.team_grant(self._target, slug, name, permission, Way("repository"))

    def _declared_slug(self, native: str) -> str:
        return next((slug for slug, was in self._was.items() if native in was), native)

    def _membership(self, team: str, login: str) -> Iterator[Resource]:
        slug = self._slug(team)
        if "@" in login:
            yield from self._invited_to(team, slug, login)
            return
        row = self._calls.team_membership(slug, login)
        target = self._target
        if row.get("state") == "pending":
            invitation = self._invitation(login)
            way = invitation.way if invitation is not None else Way(f"{MEMBER}pending")
            yield convert.membership(target, team, login, "member", (way,), owner=False)
            return
        if convert.is_of_enterprise(slug):
            way, role = convert.by_enterprise(slug), str(row.get("role") or "member")
            yield convert.membership(target, team, login, role, (way,), owner=False)
            return
        edge = self._immediate(slug, login)
        if edge is None:  # by way of a team below
            through = Way("team", via=Address(target, Kind.GROUP, team))
            yield convert.membership(target, team, login, "member", (through,), owner=False)
            return
        native, role = str(edge["node"]["databaseId"]), str(edge["role"])
        owner = role == "MAINTAINER" and self._is_owner(login)
        yield convert.membership(target, team, login, role, (Way(f"{MEMBER}{native}"),), owner=owner)

    def _invited_to(self, team: str, slug: str, email: str) -> Iterator[Resource]:
        for row in self._calls.invitations():
            found = Invitation.of(row)
            if found.object.lower() != email.lower():
                continue
            if any(t.get("slug") == slug for t in self._calls.invitation_teams(found.number)):
                yield convert.membership(self._target, team, found.object, "member", (found.way,), owner=False)

    def _is_owner(self, login: str) -> bool:
        return str(self._calls.membership(login).get("role")) == "admin"

    def _immediate(self, slug: str, login: str) -> Row | None:
        """Their own place in the team, not one by way of a team below."""
        members = Listed(f"members of {slug}")
        after: str | None = None
        while True:
            variables = {"login": self._calls.organization, "slug": slug, "after": after, "query": login}
            data, errors = self._calls.graphql(queries.TEAM_MEMBERS, variables)
            if errors:
                raise errors[0]
            team = (data.get("organization") or {}).get("team")
            if not isinstance(team, Mapping):
                raise ProviderError(Trouble.GONE, f"there is no team {slug}", call="graphql")
            rows, after = members.take(team.get("members"))
            for edge in rows:
                if str(edge["node"]["login"]).lower() == login.lower():
                    return edge
            if after is None:
                if members.error is not None:
                    raise members.error
                return None

    # Repositories

    def _repository(self, name: str) -> Iterator[Resource]:
        collaborators = Listed(f"collaborators of {name}")
        after: str | None = None
        while True:
            variables = {"login": self._calls.organization, "name": name, "after": after}
            data, errors = self._calls.graphql(queries.COLLABORATORS, variables)
            if errors:
                raise errors[0]
            repository = (data.get("organization") or {}).get("repository")
            if not isinstance(repository, Mapping):
                raise ProviderError(Trouble.GONE, f"there is no repository {name}", call="graphql")
            _, after = collaborators.take(repository.get("collaborators"))
            if after is None:
                break
        if collaborators.error is not None:
            raise collaborators.error
        for edge in collaborators.rows:
            if edge.get("permissionSources") is None:
                words = f"by what way people have {name} is not shown"
                raise ProviderError(Trouble.DENIED, words, call="graphql")
            found = convert.collaborator(self._target, edge, name, {})
            if found is not None:
                yield found
        for row in self._calls.repository_invitations(name):
            waiting = convert.repository_invitation(self._target, name, row)
            if waiting is not None:
                yield waiting

    def _control(self, address: Address) -> list[Resource]:
        found = self._controls.control(address)
        return [] if found is None else [found]

    # Credentials

    def credentials(self, login: str) -> tuple[list[Resource], ScopeCoverage]:
        """What somebody authorized for a SAML organization; elsewhere GitHub tells nobody of others' tokens."""
        scope = Scope(Kind.CREDENTIAL, login)
        if not self._saml or "@" in login:
            proof = "tokens and keys are the person's own and end with their membership; none is listed without SAML"
            return [], ScopeCoverage(scope, Verdict.COMPLETE, proof)
        try:
            found = list(self._credential(login))
        except ProviderError as error:
            verdict = Verdict.DENIED if error.trouble is Trouble.DENIED else Verdict.PARTIAL
            return [], ScopeCoverage(scope, verdict, str(error))
        return found, ScopeCoverage(scope, Verdict.COMPLETE, "the list of credential authorizations to its end")

    def _role(self, name: str, login: str) -> Iterator[Resource]:
        for role in self._calls.organization_roles():
            if role.get("name") == name:
                for row in self._calls.holders_of_role(str(role["id"])):
                    if str(row["login"]).lower() == login.lower():
                        yield convert.role_held(self._target, role, row)

    def tokens(self, login: str) -> Iterator[Resource]:
        """Fine-grained tokens that may reach the organization. None where nobody lets us see them."""
        if self._calls.as_user or "@" in login:
            return
        for row in self._calls.fine_grained_tokens(login):
            yield convert.fine_grained(self._target, login, row)

    def _credential(self, login: str) -> Iterator[Resource]:
        if not self._saml:
            return
        who = Principal(self._target, PrincipalKind.PERSON, login)
        for row in self._calls.credential_authorizations(login):
            native = str(row["credential_id"])
            kind = str(row.get("credential_type") or "credential").lower().replace(" ", "-")
            address = Address(self._target, Kind.CREDENTIAL, f"{kind}.{native}", who)
            yield Resource(address, ways=(Way(f"credential:{native}"),))


def _strongest(permissions: object) -> str:
    """The strongest of `{admin: true, push: true, ...}`."""
    held = permissions if isinstance(permissions, Mapping) else {}
    return next((p for p in reversed(names.LADDER) if held.get(p)), "pull")
