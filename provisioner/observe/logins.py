"""Logins that people changed themselves: found by the immutable id that the files pin, and followed.

Only where logins are not ours to change. Pure; whoever goes on by the new login says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Kind
from provisioner.model.identity import AccountName, Identity
from provisioner.model.state import State
from provisioner.model.target import Target


def renamed_logins(target: Target, live: State, identities: Iterable[Identity]) -> dict[str, str]:
    """By identity: the login that the account of their pinned id has now, where it is another one."""
    by_native = {a.facts.native_id: a.address.object for a in live.of_kind(Kind.ACCOUNT) if a.facts is not None}
    found: dict[str, str] = {}
    for identity in identities:
        pinned = identity.account_on(target.name).id if identity.accounts else None
        now = by_native.get(pinned) if pinned is not None else None
        if now is not None and now.casefold() != identity.login_on(target.name).casefold():
            found[identity.id] = now
    return found


def following(declared: DeclaredAccess, renamed: Mapping[str, Mapping[str, str]]) -> DeclaredAccess:
    """`declared` with the logins of today. `renamed` is by target, then by identity."""
    identities = dict(declared.identities)
    for target, logins in renamed.items():
        for who, login in logins.items():
            identity = identities[who]
            known = identity.account_on(target)
            accounts = {**identity.accounts, target: AccountName(login, known.id, known.location)}
            identities[who] = replace(identity, accounts=accounts)
    return replace(declared, identities=identities)


def told(declared: DeclaredAccess, renamed: Mapping[str, Mapping[str, str]]) -> list[Diagnostic]:
    """What a person should know of it."""
    return [
        Diagnostic(
            "login-renamed",
            f"`{declared.identities[who].login_on(target)}` on {target} is `{login}` now; {who} is followed by id",
            severity=Severity.WARNING,
            location=declared.identities[who].account_on(target).location,
            target=target,
            why="the id is the same, so it is the same person; the old login can be taken by a stranger",
            fix=f"write `login: {login}` under `accounts:`",
        )
        for target, logins in sorted(renamed.items())
        for who, login in sorted(logins.items())
    ]
