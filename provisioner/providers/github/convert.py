"""GitHub's answers -> resources. Pure; knows shapes, makes no calls, and decides nothing.

`Gathered` takes the pages of a bulk read; the functions turn single answers into the very same resources, so that a
point read and a bulk read of one thing are equal. Native ids of ways are `member:USER`, `collaborator:USER`,
`invitation:NUMBER`, `repository-invitation:NUMBER`, `organization-role:ROLE:USER` and `token:NUMBER`: what ends them,
by a number that no renaming changes.

`enterprise:TEAM` is a way by a team of the enterprise: locked, because an organization cannot end it. No list says of a
member whether they are one by their own besides; who is in such a team and no owner counts as being there by it alone,
and of a leaver the reader asks for more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from provisioner.model.address import Address, Kind
from provisioner.model.instant import Instant
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Facts, Resource
from provisioner.model.way import Phase, Way
from provisioner.providers.github import names

Row = Mapping[str, Any]

MEMBER, COLLABORATOR, INVITATION, REPOSITORY_INVITATION = (
    "member:",
    "collaborator:",
    "invitation:",
    "repository-invitation:",
)
LAPSES = timedelta(days=7)
"""How long an invitation waits. GitHub docs, "Inviting users to join your organization"."""
ROLE = frozenset({"role"})
ORGANIZATION_ROLE, TOKEN, FINE_GRAINED = "organization-role:", "token:", "fine-grained."
ENTERPRISE, ENTERPRISE_TEAM = "enterprise:", "ent:"
"""What begins the native id of a locked way, and the slug of a team of the enterprise (no other slug has a colon)."""


def person(target: str, login: str) -> Principal:
    return Principal(target, PrincipalKind.PERSON, login)


def team_principal(target: str, slug: str) -> Principal:
    return Principal(target, PrincipalKind.GROUP, slug)


def is_of_enterprise(slug: str) -> bool:
    return slug.startswith(ENTERPRISE_TEAM)


def by_enterprise(slug: str) -> Way:
    """By a team of the enterprise, which makes its people members whatever the organization does."""
    return Way(f"{ENTERPRISE}{slug}", locked_by=f"the enterprise's team {slug}, in the settings of the enterprise")


def account(target: str, login: str, native: str | None, *ways: Way, name: str = "", email: str = "") -> Resource:
    """Somebody whom the organization knows: a member, an outside collaborator, or somebody invited."""
    attributes: dict[str, Any] = {"enabled": True}
    if native:
        attributes["id"] = native
    hides = frozenset[str]() if native else frozenset({"id"})
    facts = Facts(native or None, email or None, name or None)
    return Resource(Address(target, Kind.ACCOUNT, login), attributes, ways, facts=facts, hides=hides)


def organization_grant(target: str, login: str, role: str, *ways: Way) -> Resource:
    address = Address(target, Kind.GRANT, names.ORGANIZATION, person(target, login))
    return Resource(address, {"role": "admin" if role.lower() == "admin" else "member"}, ways)


def membership(target: str, slug: str, login: str, role: str, ways: tuple[Way, ...], *, owner: bool) -> Resource:
    """Of an owner GitHub always says `maintainer`, and of an invitation nothing: their role is then not compared."""
    address = Address(target, Kind.MEMBERSHIP, slug, person(target, login))
    told = not owner and any(w.via is None and w.phase is Phase.ACTIVE for w in ways)
    return Resource(address, {"role": role.lower()}, ways, hides=frozenset() if told else ROLE)


def team(target: str, row: Row, slug: str) -> Resource:
    """`row` as GraphQL has it; `slug` as the files call the team."""
    parent = row.get("parentTeam") or {}
    privacy = str(row.get("privacy") or "").lower()
    attributes: dict[str, Any] = {
        "description": row.get("description") or "",
        "name": row.get("name") or slug,
        "privacy": {"visible": "closed"}.get(privacy, privacy),
        "parent": parent.get("slug"),
    }
    address, facts = Address(target, Kind.GROUP, slug), Facts(str(row["databaseId"]))
    if is_of_enterprise(slug):
        return Resource(address, attributes, (by_enterprise(slug),), facts=facts)
    return Resource(address, attributes, facts=facts)


def place(target: str, row: Row) -> list[Resource]:
    """Account and membership of somebody who is in, from the answer about their membership: each way that they have."""
    user = row["user"]
    login, native = str(user["login"]), str(user["id"])
    locked = [by_enterprise(str(slug)) for slug in row.get("enterprise_teams_providing_indirect_membership") or ()]
    own = () if row.get("direct_membership") is False and locked else (Way(f"{MEMBER}{native}"),)
    return [
        account(target, login, native, *(locked or own)),
        organization_grant(target, login, str(row.get("role")), *own, *locked),
    ]


def team_grant(target: str, slug: str, repository: str, permission: str, way: Way) -> Resource:
    address = Address(target, Kind.GRANT, repository.lower(), team_principal(target, slug))
    return Resource(address, {"permission": names.permission(permission)}, (way,))


def repository_grant(target: str, repository: str, login: str, permission: str, ways: tuple[Way, ...]) -> Resource:
    address = Address(target, Kind.GRANT, repository.lower(), person(target, login))
    return Resource(address, {"permission": names.permission(permission)}, ways)


def role_held(target: str, role: Row, row: Row) -> Resource:
    """A role of the organization, of one of its holders: their own, by teams, or both."""
    who = person(target, str(row["login"]))
    ways = [
        Way(f"team:{team['slug']}", via=Address(target, Kind.MEMBERSHIP, str(team["slug"]).lower(), who))
        for team in row.get("inherited_from") or ()
    ]
    if row.get("assignment") != "indirect":
        ways.insert(0, Way(f"{ORGANIZATION_ROLE}{role['id']}:{row['id']}"))
    return Resource(Address(target, Kind.GRANT, f"{names.ROLE}{role['name']}", who), ways=tuple(ways))


def fine_grained(target: str, login: str, row: Row) -> Resource:
    """Somebody's fine-grained token that may reach the organization."""
    address = Address(target, Kind.CREDENTIAL, f"{FINE_GRAINED}{row['id']}", person(target, login))
    return Resource(address, ways=(Way(f"{TOKEN}{row['id']}"),))


def invited(number: object, created: object, prefix: str = INVITATION) -> Way:
    since = instant(created)
    return Way(f"{prefix}{number}", Phase.PENDING, until=since + LAPSES if since else None)


def collaborator(target: str, edge: Row, repository: str, aliases: Mapping[str, str]) -> Resource | None:
    """What one edge of `collaborators` says: what was given to the person itself, and what they have otherwise."""
    node = edge["node"]
    login, native = str(node["login"]), str(node["databaseId"])
    direct: str | None = None
    ways: list[Way] = []
    for source in edge.get("permissionSources") or ():
        kind = (source.get("source") or {}).get("__typename")
        told = str(source.get("roleName") or source.get("permission") or edge["permission"])
        if kind == "Repository":
            direct = told if direct is None else names.stronger(direct, names.permission(told))
        elif kind == "Team":
            slug = str(source["source"].get("slug") or "").lower()
            via = Address(target, Kind.MEMBERSHIP, aliases.get(slug, slug), person(target, login))
            ways.append(Way(f"team:{slug}", via=via))
        elif kind == "Organization":
            via = Address(target, Kind.GRANT, names.ORGANIZATION, person(target, login))
            ways.append(Way("organization", via=via))
    if direct is not None:
        ways.insert(0, Way(f"{COLLABORATOR}{native}"))
    if not ways:
        return None
    found = dict.fromkeys(ways)
    return repository_grant(target, repository, login, direct or str(edge["permission"]), tuple(found))


@dataclass(frozen=True)
class Invitation:
    """A pending invitation to the organization; `login` is None for one by e-mail."""

    number: str
    login: str | None
    email: str | None
    role: str
    created: object
    native: str | None = None

    @property
    def object(self) -> str:
        """What stands for whoever is invited in addresses."""
        return self.login or self.email or f"invitation-{self.number}"

    @classmethod
    def of(cls, row: Row) -> Invitation:
        login, email = row.get("login"), row.get("email")
        return cls(
            str(row["id"]),
            str(login) if login else None,
            str(email) if email else None,
            str(row.get("role") or "direct_member"),
            row.get("created_at"),
        )

    @property
    def way(self) -> Way:
        return invited(self.number, self.created)

    @property
    def org_role(self) -> str:
        return "admin" if self.role == "admin" else "member"


@dataclass
class Gathered:
    """One organization, from its pages. `aliases` has the declared slug of teams (and name of repositories) that were
    called otherwise; `declared` the grants that files give teams, for what GitHub cannot tell from inheritance."""

    target: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    declared: frozenset[Address] = frozenset()
    members: dict[str, Row] = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)
    pending: dict[str, Row] = field(default_factory=dict)
    invitations: list[Invitation] = field(default_factory=list)
    teams: dict[str, Row] = field(default_factory=dict)
    team_members: dict[str, list[Row]] = field(default_factory=dict)
    team_grants: dict[str, list[Row]] = field(default_factory=dict)
    team_invited: dict[str, list[Row]] = field(default_factory=dict)
    collaborators: dict[str, list[Row]] = field(default_factory=dict)
    repositories: dict[str, Row] = field(default_factory=dict)
    repository_invitations: dict[str, list[Row]] = field(default_factory=dict)

    def slug(self, native: str) -> str:
        """A team's slug as the files have it."""
        return self.aliases.get(native, native)

    def resources(self) -> dict[Address, Resource]:
        found: dict[Address, Resource] = {}
        for resource in (*self._people(), *self._teams(), *self._repositories()):
            known = found.get(resource.address)
            if known is not None:
                resource = _merged(known, resource)
            found[resource.address] = resource
        for resource in list(self._outsiders(found)):
            found[resource.address] = resource
        return found

    def _people(self) -> Iterator[Resource]:
        enterprise = self._by_enterprise()
        for login, row in self.members.items():
            native = str(row["databaseId"])
            own, locked = Way(f"{MEMBER}{native}"), enterprise.get(login, ())
            yield account(self.target, login, native, *(locked or (own,)), name=str(row.get("name") or ""))
            if login in self.owners:  # whom no team makes one
                yield organization_grant(self.target, login, "admin", own, *locked)
            else:
                yield organization_grant(self.target, login, "member", *(locked or (own,)))
        for invitation in self.invitations:
            row = self.pending.get((invitation.login or "").lower(), {})
            known = invitation.native or (str(row["databaseId"]) if row else None)
            yield account(self.target, invitation.object, known, invitation.way, email=invitation.email or "")
            yield organization_grant(self.target, invitation.object, invitation.org_role, invitation.way)

    def _by_enterprise(self) -> dict[str, tuple[Way, ...]]:
        """By login, the ways by teams of the enterprise."""
        found: dict[str, tuple[Way, ...]] = {}
        for slug in sorted(s for s in self.teams if is_of_enterprise(s)):
            for edge in self.team_members.get(slug, ()):
                login = str(edge["node"]["login"])
                found[login] = (*found.get(login, ()), by_enterprise(slug))
        return found

    def _teams(self) -> Iterator[Resource]:
        parents = {slug: (row.get("parentTeam") or {}).get("slug") for slug, row in self.teams.items()}
        for native, row in self.teams.items():
            slug = self.slug(native)
            parent = parents[native]
            shown = {**row, "parentTeam": {"slug": self.slug(parent)}} if parent else row
            yield team(self.target, shown, slug)
            yield from self._members_of(native, slug, parents)
            yield from self._grants_of(native, slug, parents)

    def _members_of(self, native: str, slug: str, parents: Mapping[str, str | None]) -> Iterator[Resource]:
        for edge in self.team_members.get(native, ()):
            node, role = edge["node"], str(edge["role"])
            login = str(node["login"])
            owner = login in self.owners
            way = by_enterprise(native) if is_of_enterprise(native) else Way(f"{MEMBER}{node['databaseId']}")
            mine = membership(self.target, slug, login, role, (way,), owner=owner)
            yield mine
            for above in _ancestors(native, parents):
                through = Way(f"team:{slug}", via=mine.address)
                yield membership(self.target, self.slug(above), login, "member", (through,), owner=owner)
        for row in self.team_invited.get(native, ()):
            invitation = self._invitation_of(row)
            if invitation is not None:
                yield membership(self.target, slug, invitation.object, "member", (invitation.way,), owner=False)

    def _invitation_of(self, row: Row) -> Invitation | None:
        """The organization's invitation that a team's list means: by login, or by e-mail."""
        login = str((row.get("invitee") or {}).get("login") or "").lower()
        email = str(row.get("email") or "").lower()
        for invitation in self.invitations:
            if login and (invitation.login or "").lower() == login:
                return invitation
            if not login and email and (invitation.email or "").lower() == email:
                return invitation
        return None

    def _grants_of(self, native: str, slug: str, parents: Mapping[str, str | None]) -> Iterator[Resource]:
        """GitHub lists what a team inherits as its own: no stronger than above and not declared is inherited."""
        for edge in self.team_grants.get(native, ()):
            repository, permission = self.slug(str(edge["node"]["name"]).lower()), str(edge["permission"])
            mine = team_grant(self.target, slug, repository, permission, Way("repository"))
            if mine.address not in self.declared:
                for above in _ancestors(native, parents):
                    given = self._given(above, str(edge["node"]["name"]))
                    if given is not None and names.rank(given) >= names.rank(permission):
                        holder = team_principal(self.target, self.slug(above))
                        via = Address(self.target, Kind.GRANT, repository, holder)
                        mine = team_grant(self.target, slug, repository, permission, Way(f"team:{above}", via=via))
                        break
            yield mine

    def _given(self, native: str, repository: str) -> str | None:
        for edge in self.team_grants.get(native, ()):
            if edge["node"]["name"] == repository:
                return str(edge["permission"])
        return None

    def _repositories(self) -> Iterator[Resource]:
        for name, edges in self.collaborators.items():
            repository = self.slug(name.lower())
            for edge in edges:
                found = collaborator(self.target, edge, repository, self.aliases)
                if found is not None and any(w.via is None for w in found.ways):
                    yield found
        for name, rows in self.repository_invitations.items():
            for row in rows:
                found = repository_invitation(self.target, self.slug(name.lower()), row)
                if found is not None:
                    yield found

    def _outsiders(self, found: Mapping[Address, Resource]) -> Iterator[Resource]:
        """Who has something here without being a member: an outside collaborator, or somebody invited to be one."""
        for resource in list(found.values()):
            who = resource.address.principal
            if resource.address.kind is not Kind.GRANT or who is None or who.kind is not PrincipalKind.PERSON:
                continue
            address = Address(self.target, Kind.ACCOUNT, who.id)
            if address not in found:
                way = resource.ways[0]
                native = way.native_id.removeprefix(COLLABORATOR) if way.native_id.startswith(COLLABORATOR) else None
                native = native or self._native_of_invitee(who.id)
                yield account(self.target, who.id, native, way)

    def _native_of_invitee(self, login: str) -> str | None:
        for rows in self.repository_invitations.values():
            for row in rows:
                invitee = row.get("invitee") or {}
                if invitee.get("login") == login:
                    return str(invitee["id"])
        return None


def repository_invitation(target: str, repository: str, row: Row) -> Resource | None:
    """A pending invitation to a repository; a lapsed one gives nothing and counts as none."""
    invitee = row.get("invitee")
    if row.get("expired") or not isinstance(invitee, Mapping) or not invitee.get("login"):
        return None
    way = invited(row["id"], row.get("created_at"), REPOSITORY_INVITATION)
    return repository_grant(target, repository, str(invitee["login"]), str(row.get("permissions")), (way,))


def _ancestors(native: str, parents: Mapping[str, str | None]) -> Iterator[str]:
    seen = {native}
    above = parents.get(native)
    while above is not None and above not in seen:
        yield above
        seen.add(above)
        above = parents.get(above)


def _merged(one: Resource, other: Resource) -> Resource:
    """One address that holds in several ways: what it is, the direct and active one says."""
    first, second = (one, other) if _direct(one) >= _direct(other) else (other, one)
    ways = tuple(dict.fromkeys((*first.ways, *second.ways)))
    return Resource(first.address, first.attributes, ways, facts=first.facts or second.facts, hides=first.hides)


def _direct(resource: Resource) -> int:
    return max(2 * (w.via is None) + (w.phase is Phase.ACTIVE) for w in resource.ways)


def instant(text: object) -> datetime | None:
    """A time as GitHub writes it, or None where there is none."""
    if not isinstance(text, str) or not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def lapse_of(ways: Iterable[Way]) -> Instant | None:
    return min((w.until for w in ways if w.until is not None), default=None)
