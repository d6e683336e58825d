"""Who could use a secret of GitHub Actions: whoever may write to a repository whose workflows get it. Pure.

A workflow can print what it is given, so writing is reading. Rules of an environment (reviewers, branches) may have
stood against it; that is not decided here.
"""

from __future__ import annotations

from provisioner.model.address import Address, Kind
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.providers.github import names

BASE = "base"
"""The organization's base permission, in `Facts.more` of an account."""
_BASE_WRITES = ("write", "admin")
_WRITES = names.LADDER.index("push")


def opens(place: str, held: Resource, state: State) -> str | None:
    """As `Readers.opens`, of things that are held on this target."""
    address = held.address
    if address.kind is Kind.MEMBERSHIP:
        return _through_team(place, address, state)
    if address.kind is not Kind.GRANT:
        return None
    if address.object == names.ORGANIZATION:
        return _as_member(held, state)
    permission = str(held.attributes.get("permission", ""))
    if address.object.startswith(names.ROLE) or not _writes(permission) or not _concerns(place, address.object):
        return None
    return f"{permission or 'access'} on {address.object}"


def _as_member(held: Resource, state: State) -> str | None:
    if held.attributes.get("role") == "admin":
        return "an owner of the organization"
    login = held.address.principal.id if held.address.principal is not None else ""
    account = state.get(Address(held.address.target, Kind.ACCOUNT, login))
    base = account.facts.more.get(BASE) if account is not None and account.facts is not None else None
    return f"{base} on every repository, as all members have" if base in _BASE_WRITES else None


def _through_team(place: str, membership: Address, state: State) -> str | None:
    """What the team has, and the teams above it."""
    slug: str | None = membership.object
    seen: set[str] = set()
    while slug is not None and slug not in seen:
        seen.add(slug)
        for grant in state.held_by(Principal(membership.target, PrincipalKind.GROUP, slug)):
            how = opens(place, grant, state) if grant.address.kind is Kind.GRANT else None
            if how is not None:
                return f"the team {membership.object}, {how}"
        team = state.get(Address(membership.target, Kind.GROUP, slug))
        parent = team.attributes.get("parent") if team is not None else None
        slug = parent if isinstance(parent, str) else None
    return None


def _writes(permission: str) -> bool:
    """A role of the organization's own may be any."""
    return permission not in names.LADDER or names.LADDER.index(permission) >= _WRITES


def _concerns(place: str, repository: str) -> bool:
    """Whether workflows of the repository get what is kept at `place`. What is for all private ones may be for it."""
    kind, _, rest = place.lower().partition("/")
    if kind == "repositories":
        return rest.partition("/")[0] == repository
    return not rest.startswith("selected/") or repository in rest.removeprefix("selected/").split(",")
