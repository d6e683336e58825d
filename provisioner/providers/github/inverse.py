"""From what is live back to blocks of access files: for adopting an organization. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.model.address import Address, Kind
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.providers.github import names


def unsayable(resource: Resource) -> str | None:
    """Why no grants block can give this."""
    address = resource.address
    if address.kind is Kind.MEMBERSHIP:
        return names.why_not_team(address.object)
    if address.kind is not Kind.GRANT:
        return f"a {address.kind.value} is not given by a role"
    if address.object.startswith(names.ROLE):
        return "roles of the organization are not given by files"
    return None if address.object == names.ORGANIZATION else names.why_not_repository(address.object)


def grants_for(things: Iterable[Resource]) -> dict[str, Any]:
    """The block that gives exactly these. `teams` imply membership of the organization, which is then not said."""
    organization: str | None = None
    teams: dict[str, str] = {}
    repositories: dict[str, list[str]] = {}
    for resource in things:
        thing, attributes = resource.address.object, resource.attributes
        if resource.address.kind is Kind.MEMBERSHIP:
            told = "role" not in resource.hides and attributes.get("role") == "maintainer"
            teams[thing] = "maintainer" if told or teams.get(thing) == "maintainer" else "member"
        elif thing == names.ORGANIZATION:
            organization = "admin" if "admin" in (organization, attributes.get("role")) else "member"
        else:
            repositories[thing] = [names.permission(str(attributes.get("permission", "pull")))]
    block: dict[str, Any] = {}
    if organization == "admin" or (organization is not None and not teams):
        block["organization"] = organization
    if teams:
        plain = all(role == "member" for role in teams.values())
        block["teams"] = sorted(teams) if plain else dict(sorted(teams.items()))
    if repositories:
        block["repositories"] = dict(sorted(repositories.items()))
    return block


def objects_for(target: str, live: State) -> tuple[dict[str, dict[str, Any]], list[tuple[Address, str]]]:
    """Teams with what is above them and the repositories that they have themselves."""
    teams: dict[str, Any] = {}
    unsaid: list[tuple[Address, str]] = []
    for team in live.of_kind(Kind.GROUP):
        slug = team.address.object
        why = names.why_not_team(slug)
        if why is not None:
            unsaid.append((team.address, why))
            continue
        held = live.held_by(Principal(target, PrincipalKind.GROUP, slug))
        own = [r for r in held if r.address.kind is Kind.GRANT and any(w.via is None for w in r.ways)]
        body: dict[str, Any] = {}
        if team.attributes.get("parent"):
            body["parent"] = team.attributes["parent"]
        if own:
            body["repositories"] = {r.address.object: r.attributes["permission"] for r in _sorted(own)}
        if body:
            teams[slug] = body
    return {"teams": teams}, unsaid


def _sorted(resources: Iterable[Resource]) -> list[Resource]:
    return sorted(resources, key=lambda r: r.address.object)
