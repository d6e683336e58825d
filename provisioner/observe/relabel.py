"""Live resources under the names that the files use: a service's account becomes a service, a
renamed login the new one.

Readers know logins only. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from provisioner.model.address import Kind
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.match import Matched
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.state import State


def relabel(target: str, live: State, matched: Matched, logins: Mapping[str, Identity]) -> State:
    """`logins` are the desired ones. Accounts keep their live address; what hangs on them is re-addressed."""
    desired = {identity.id: login for login, identity in logins.items()}
    moved: dict[Principal, Principal] = {}
    for live_login, match in matched.by_login.items():
        kind = PrincipalKind.SERVICE if match.identity.kind is IdentityKind.SERVICE else PrincipalKind.PERSON
        blocked = match.identity.id in matched.blocked  # the new login may be somebody else's
        login = live_login if blocked else desired.get(match.identity.id, live_login)
        if kind is not PrincipalKind.PERSON or login != live_login:
            moved[Principal(target, PrincipalKind.PERSON, live_login)] = Principal(target, kind, login)
    if not moved:
        return live
    resources = {}
    for address, resource in live.resources.items():
        principal = moved.get(address.principal) if address.principal is not None else None
        if principal is not None and address.kind is not Kind.ACCOUNT:
            renamed: Resource = replace(resource, address=address._replace(principal=principal))
            resources[renamed.address] = renamed
        else:
            resources[address] = resource
    return State.from_mapping(resources)
