"""Roles that services have in place of users: readers are asked for them by name, a system has many other roles."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.coverage import EVERYTHING, Scope
from provisioner.model.identity import is_keyless


def scopes_to_read(declared: DeclaredAccess, targets: Iterable[str]) -> dict[str, frozenset[Scope]]:
    """By target: everything, and the roles that the files declare there."""
    services = [i for i in declared.identities.values() if i.keyless is not None]
    found: dict[str, frozenset[Scope]] = {}
    for target in targets:
        logins = (i.login_on(target) for i in services if i.trust_on(target) is not None)
        roles = frozenset(Scope(Kind.ACCOUNT, login) for login in logins if is_keyless(login))
        found[target] = EVERYTHING | roles if roles else EVERYTHING
    return found
