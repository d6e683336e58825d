"""Roles that services have in place of users: readers are asked for them by name, a system has many other roles."""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.coverage import EVERYTHING, Scope
from provisioner.model.identity import Identity, is_keyless
from provisioner.model.past import PastDeclared


def scopes_to_read(
    declared: DeclaredAccess, past: Iterable[PastDeclared], targets: Iterable[str]
) -> dict[str, frozenset[Scope]]:
    """By target: everything, and the roles that the files declare there, or did since it converged: whoever takes the
    mark off a role does not hide it from the plan that its service leaves by."""
    now = _keyless(declared)
    before = [(one.targets, _keyless(one.declared)) for one in past]
    found: dict[str, frozenset[Scope]] = {}
    for target in targets:
        services = [*now, *(i for names, gone in before if target in names for i in gone)]
        logins = {i.login_on(target) for i in services if i.trust_on(target) is not None}
        roles = frozenset(Scope(Kind.ACCOUNT, login) for login in logins if is_keyless(login))
        found[target] = EVERYTHING | roles if roles else EVERYTHING
    return found


def _keyless(declared: DeclaredAccess) -> list[Identity]:
    return [i for i in declared.identities.values() if i.keyless is not None]
