"""The pure side for one organization: blocks of access files into resources, effects, units, words. No SDK, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from provisioner.contract import Capabilities
from provisioner.diagnostics import Diagnostic, Location
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block
from provisioner.model.change import Change
from provisioner.model.effect import Direction, Effect, Level
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.model.target import Target
from provisioner.model.unit import Unit, UnitMode
from provisioner.providers.github import controls, inverse, names, readers
from provisioner.providers.github.wording import describe

PLACEHOLDER = "{environment}"
_LEVELS = (Level.ORDINARY, Level.ELEVATED, Level.ADMIN)
Control = tuple[Address, dict[str, Any], Location]


class GithubDeclare:
    """The organization of `target`."""

    def __init__(self, target: Target, capabilities: Capabilities) -> None:
        self.target = target
        self.capabilities = capabilities

    # Checks

    def check(self) -> Iterator[Diagnostic]:
        teams = self._section("teams")
        was: dict[str, str] = {}
        for slug, body in teams.items():
            place = self._at("teams", slug)
            yield from self._told(names.why_not_team(slug), slug, place)
            name = body.get("name")
            if isinstance(name, str) and names.slug_of(name) != slug:
                yield self._problem(
                    "github-team-slug",
                    f"a team called `{name}` has the slug `{names.slug_of(name)}`, not `{slug}`",
                    self._at("teams", slug, "name"),
                    why="GitHub makes the slug from the name",
                    fix=f"write `{names.slug_of(name)}` as the key, or another name",
                )
            for index, old in enumerate(body.get("was") or ()):
                if old in teams or old in was:
                    how = "declared" if old in teams else "said twice"
                    yield self._problem(
                        "github-team-was",
                        f"team `{slug}` says that it was `{old}`, which is {how}",
                        self._at("teams", slug, "was", index),
                        why="one team cannot be two",
                        fix="take it out where it is not meant",
                    )
                was[old] = slug
            for repository in body.get("repositories") or ():
                place = self._at("teams", slug, "repositories", repository)
                yield from self._told(names.why_not_repository(repository), repository, place)
        yield from self._check_nesting(teams)
        for repository in self._section("repositories"):
            yield from self._told(
                names.why_not_repository(repository), repository, self._at("repositories", repository)
            )

    def _check_nesting(self, teams: Mapping[str, Mapping[str, Any]]) -> Iterator[Diagnostic]:
        for slug, body in teams.items():
            parent, seen = body.get("parent"), [slug]
            while isinstance(parent, str) and parent not in seen:
                seen.append(parent)
                parent = teams.get(parent, {}).get("parent")
            if parent == slug:
                yield self._problem(
                    "github-team-circle",
                    f"teams are below each other in a circle: {' -> '.join([*seen, slug])}",
                    self._at("teams", slug, "parent"),
                    why="each team has one place below another",
                    fix="take one `parent` out",
                )
            elif isinstance(body.get("parent"), str) and body.get("privacy") == "secret":
                yield self._problem(
                    "github-team-nested-secret",
                    f"team `{slug}` is secret and below another",
                    self._at("teams", slug, "privacy"),
                    why="GitHub nests only teams that all members see",
                    fix="write `privacy: closed`, or take `parent` out",
                )

    def check_grants(self, block: Block) -> Iterator[Diagnostic]:
        for slug, _, path in _teams(block):
            if PLACEHOLDER not in slug:
                yield from self._told(names.why_not_team(slug.lower()), slug, block.at(*path))
        for repository, permissions in _mapping(block.data.get("repositories")).items():
            if PLACEHOLDER not in repository:
                why = names.why_not_repository(repository)
                yield from self._told(why, repository, block.at("repositories", repository))
            if not permissions:
                yield self._problem(
                    "github-no-permission",
                    f"no permission is named on repository `{repository}`",
                    block.at("repositories", repository),
                    why="an empty list gives nothing",
                    fix="write one of pull, triage, push, maintain, admin, or take the line out",
                )

    def _told(self, why: str | None, name: str, place: Location) -> Iterator[Diagnostic]:
        if why is not None:
            yield self._problem(
                "github-name", f"`{name}` cannot be a name there", place, why=why, fix="write it as GitHub shows it"
            )

    def _problem(self, code: str, message: str, place: Location, **more: Any) -> Diagnostic:
        return Diagnostic(code, message, location=place, target=self.target.name, **more)

    def check_login(self, login: str) -> str | None:
        return names.why_not_login(login)

    def unsupported(self, resource: Resource) -> Diagnostic | None:
        address = resource.address
        place = resource.sources[0] if resource.sources else Location("-")
        if address.kind is Kind.ACCOUNT and "id" not in resource.attributes:
            return self._problem(
                "github-no-id",
                f"the numeric id of `{address.object}` is not said: nothing is given to them on {self.target.name}",
                place,
                why="a login can be renamed, and the old one be taken by a stranger; only the id says who is meant",
                fix=f"add `accounts: {{{self.target.family}: {{login: {address.object}, id: ...}}}}`, the `id` as "
                f"https://api.github.com/users/{address.object} shows",
            )
        if address.kind in (Kind.GROUP, Kind.MEMBERSHIP):
            return next(self._told(names.why_not_team(address.object), address.object, place), None)
        if address.kind is Kind.GRANT and address.object != names.ORGANIZATION:
            return next(self._told(names.why_not_repository(address.object), address.object, place), None)
        return None

    # From blocks to resources

    def declared(self) -> Iterator[Resource]:
        for slug, body in self._section("teams").items():
            attributes = {k: body[k] for k in ("description", "parent", "privacy", "name") if body.get(k) is not None}
            if body.get("was"):
                attributes.setdefault("name", slug)
            yield Resource(self._team(slug), attributes, sources=(self._at("teams", slug),))
            holder = self._holder(slug)
            for repository, permission in _mapping(body.get("repositories")).items():
                place = (self._at("teams", slug, "repositories", repository),)
                address = Address(self.target.name, Kind.GRANT, repository.lower(), holder)
                yield Resource(address, {"permission": names.permission(permission)}, sources=place)
        for address, attributes, at in self.controls():
            yield Resource(address, attributes, sources=(at,))

    def controls(self) -> Iterator[Control]:
        """What guards repositories and the organization, as declared: readers look at these and no others."""
        for repository, body in self._section("repositories").items():
            for section, prefix, convert in (
                ("branches", names.BRANCH, controls.branch),
                ("rulesets", names.RULESET, controls.ruleset),
                ("environments", names.ENVIRONMENT, controls.environment),
            ):
                for name, entry in _mapping(body.get(section)).items():
                    place = self._at("repositories", repository, section, name)
                    yield self._control(repository.lower(), prefix + name), convert(_mapping(entry)), place
        for name, entry in self._section("rulesets").items():
            address = self._control(names.ORGANIZATION, names.RULESET + name)
            yield address, controls.ruleset(entry), self._at("rulesets", name)

    def complete(self) -> Iterator[tuple[Kind, Principal]]:
        """Teams whose `repositories` are declared: what else they have is to go."""
        for slug, body in self._section("teams").items():
            if body.get("repositories") is not None:
                yield Kind.GRANT, self._holder(slug)

    def account(self, identity: Identity, login: str) -> Resource:
        attributes: dict[str, Any] = {"enabled": True}
        pinned = identity.account_on(self.target.name).id
        if pinned is not None:
            attributes["id"] = pinned
        return Resource(Address(self.target.name, Kind.ACCOUNT, login), attributes, sources=(identity.location,))

    def expand(self, block: Block, who: Principal) -> Iterator[Resource]:
        data = block.data
        role = data.get("organization")
        teams = list(_teams(block))
        if role or teams:
            path = ("organization",) if role else teams[0][2]
            address = Address(self.target.name, Kind.GRANT, names.ORGANIZATION, who)
            yield Resource(address, {"role": role or "member"}, sources=(block.at(*path),))
        for slug, team_role, path in teams:
            place = (block.at(*path),)
            yield Resource(self._team(slug.lower()), sources=place)
            address = Address(self.target.name, Kind.MEMBERSHIP, slug.lower(), who)
            yield Resource(address, {"role": team_role}, sources=place)
        for repository, permissions in _mapping(data.get("repositories")).items():
            given = [names.permission(p) for p in permissions or ()]
            if given:
                best = given[0]
                for other in given[1:]:
                    best = names.stronger(best, other)
                place = (block.at("repositories", repository, given.index(best)),)
                address = Address(self.target.name, Kind.GRANT, repository.lower(), who)
                yield Resource(address, {"permission": best}, sources=place)

    def unsayable(self, resource: Resource) -> str | None:
        return inverse.unsayable(resource)

    def grants_for(self, things: Iterable[Resource]) -> dict[str, Any]:
        return inverse.grants_for(things)

    def objects_for(self, live: State) -> tuple[dict[str, dict[str, Any]], list[tuple[Address, str]]]:
        return inverse.objects_for(self.target.name, live)

    def names(self, block: Block) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
        """As they are declared, whatever the case: a label is not got round by another spelling."""
        for slug, _, path in _teams(block):
            yield "teams", self._spelled("teams", slug), path
        for repository in _mapping(block.data.get("repositories")):
            yield "repositories", self._spelled("repositories", repository), ("repositories", repository)

    def _spelled(self, section: str, name: str) -> str:
        declared = {n.lower(): n for n in _mapping(self.target.objects.data.get(section))}
        return declared.get(name.lower(), name)

    def canonical(self, resource: Resource) -> Resource:
        """Already so: `expand` and `declared` fold case and sort."""
        return resource

    def combine(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
        """Two roles that give the same thing at different levels give the stronger."""
        if "permission" in one and "permission" in other:
            return {**one, "permission": names.stronger(one["permission"], other["permission"])}
        if "role" in one and "role" in other:
            return one if _strong(one["role"]) or not _strong(other["role"]) else other
        return one

    # What a change is

    def unit(self, address: Address) -> Unit:
        """Everything of one person is one sequence: an invitation goes out with its teams. A control is a document."""
        if address.kind is Kind.ACCOUNT:
            return Unit(f"{address.target}:person/{address.object.lower()}", UnitMode.SEQUENCE)
        if address.principal is not None and address.principal.is_account:
            return Unit(f"{address.target}:person/{address.principal.id.lower()}", UnitMode.SEQUENCE)
        return Unit(str(address), UnitMode.DOCUMENT if address.kind is Kind.CONTROL else UnitMode.CALL)

    def effect(self, before: Resource | None, after: Resource | None, around: State) -> Effect:
        resource = after or before
        if resource is None:
            return Effect(Direction.NEUTRAL)
        level = max((self._level(r, around) for r in (before, after) if r is not None), key=_LEVELS.index)
        kind = resource.address.kind
        if kind is Kind.CONTROL:
            was = before.attributes if before is not None else None
            return Effect(controls.direction(was, after.attributes if after is not None else None), Level.ELEVATED)
        if kind is Kind.GROUP and after is not None:
            was = before.attributes if before is not None else {}
            moves = "parent" in after.attributes and was.get("parent") != after.attributes["parent"] and before
            return Effect(Direction.BOTH if moves else Direction.NEUTRAL, level)
        if before is not None and after is not None:
            return Effect(_of_attributes(before.attributes, after.attributes), level)
        return Effect(Direction.NARROWS if after is None else Direction.WIDENS, level)

    def _level(self, resource: Resource, around: State) -> Level:
        address, attributes = resource.address, resource.attributes
        if address.kind is Kind.GRANT and address.object == names.ORGANIZATION:
            return Level.ADMIN if attributes.get("role") == "admin" else Level.ORDINARY
        if address.kind is Kind.GRANT and address.object.startswith(names.ROLE):
            return Level.ELEVATED
        if address.kind is Kind.GRANT:
            return _level_of(str(attributes.get("permission", "")))
        if address.kind in (Kind.MEMBERSHIP, Kind.GROUP):
            strong = self._level_of_team(address.object, around, set())
            if strong is Level.ORDINARY and attributes.get("role") == "maintainer":
                return Level.ELEVATED
            return strong
        if address.kind is Kind.ACCOUNT:
            who = Principal(self.target.name, PrincipalKind.PERSON, address.object)
            held = (*around.held_by(who), *around.held_by(who._replace(kind=PrincipalKind.SERVICE)))
            return max((self._level(r, around) for r in held), key=_LEVELS.index, default=Level.ORDINARY)
        return Level.ORDINARY

    def _level_of_team(self, slug: str, around: State, seen: set[str]) -> Level:
        """By the repositories that it has, and those of the teams above it, which its members have too."""
        if slug in seen:
            return Level.ORDINARY
        seen.add(slug)
        held = (_level_of(str(r.attributes.get("permission", ""))) for r in around.held_by(self._holder(slug)))
        found = max(held, key=_LEVELS.index, default=Level.ORDINARY)
        for source in (around.get(self._team(slug)),):
            parent = source.attributes.get("parent") if source is not None else None
            if isinstance(parent, str):
                found = max(found, self._level_of_team(parent, around, seen), key=_LEVELS.index)
        return found

    def needs(self, resource: Resource) -> Iterator[Address]:
        address, attributes = resource.address, resource.attributes
        if address.kind is Kind.MEMBERSHIP:
            yield self._team(address.object)
        elif address.kind is Kind.GROUP and isinstance(attributes.get("parent"), str):
            yield self._team(attributes["parent"])
        elif address.kind is Kind.CONTROL:
            for slug in sorted(controls.teams_in(address.slot or "", attributes)):
                yield self._team(slug)
                yield Address(self.target.name, Kind.GRANT, address.object, self._holder(slug))
        elif address.principal is not None and address.principal.kind is PrincipalKind.GROUP:
            yield self._team(address.principal.id)

    def words(self, change: Change) -> str:
        return describe(change)

    def reversible(self, resource: Resource) -> bool:
        """Who is removed loses private forks and must accept an invitation to return; a deleted team loses all; an
        environment's secrets go with it."""
        address = resource.address
        if address.kind in (Kind.ACCOUNT, Kind.GROUP):
            return False
        if address.kind is Kind.GRANT and address.principal is not None and address.principal.is_account:
            return False
        return not (address.kind is Kind.CONTROL and (address.slot or "").startswith(names.ENVIRONMENT))

    def holds_until(self, resource: Resource) -> Instant | None:
        """GitHub ends nothing by itself but invitations."""
        return None

    # Parts

    def _team(self, slug: str) -> Address:
        return Address(self.target.name, Kind.GROUP, slug)

    def opens(self, place: str, held: Resource, states: Mapping[str, State]) -> str | None:
        """As `Readers.opens`."""
        mine = held.address.target == self.target.name
        return readers.opens(place, held, states[self.target.name]) if mine else None

    def _holder(self, slug: str) -> Principal:
        return Principal(self.target.name, PrincipalKind.GROUP, slug)

    def _control(self, thing: str, slot: str) -> Address:
        return Address(self.target.name, Kind.CONTROL, thing, None, slot)

    def _at(self, *path: str | int) -> Location:
        return self.target.objects.at(*path)

    def _section(self, name: str) -> Mapping[str, Mapping[str, Any]]:
        return {key: _mapping(body) for key, body in _mapping(self.target.objects.data.get(name)).items()}


def _teams(block: Block) -> Iterator[tuple[str, str, tuple[str | int, ...]]]:
    """(slug, role, path) of a grants block, in either of its two forms."""
    listed = block.data.get("teams")
    if isinstance(listed, Mapping):
        for slug, role in listed.items():
            yield str(slug), str(role), ("teams", str(slug))
    elif isinstance(listed, list | tuple):
        for index, slug in enumerate(listed):
            if isinstance(slug, str):
                yield slug, "member", ("teams", index)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _strong(role: Any) -> bool:
    return role in ("admin", "maintainer")


def _level_of(permission: str) -> Level:
    """Administrators are the owners; whoever may change a repository's settings is above the ordinary."""
    strong = bool(permission) and names.rank(permission) >= names.rank("maintain")
    return Level.ELEVATED if strong else Level.ORDINARY


def _of_attributes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Direction:
    """A change of one level, of a team role, of the organization role."""
    if "permission" in after and "permission" in before:
        was, becomes = names.rank(before["permission"]), names.rank(after["permission"])
        if was == becomes:
            same = names.permission(before["permission"]) == names.permission(after["permission"])
            return Direction.NEUTRAL if same else Direction.BOTH
        return Direction.WIDENS if becomes > was else Direction.NARROWS
    if "role" in after and before.get("role") != after["role"]:
        return Direction.WIDENS if _strong(after["role"]) else Direction.NARROWS
    return Direction.NEUTRAL
