"""Roles that services have in place of users: readers are asked for them by name, a system has many other roles."""

from __future__ import annotations

from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.coverage import Scope
from provisioner.model.identity import is_keyless


def roles_to_read(declared: DeclaredAccess, target: str) -> frozenset[Scope]:
    """Those that the files declare there."""
    logins = {i.login_on(target) for i in declared.identities.values() if i.trust_on(target) is not None}
    return frozenset(Scope(Kind.ACCOUNT, login) for login in logins if is_keyless(login))
