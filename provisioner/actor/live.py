"""Is somebody in a group right now, as the target itself says? Asked by name, with a reader's credential.

Refuses to take a short answer for a yes: what cannot be read is not held.
"""

from __future__ import annotations

from collections.abc import Iterable

from provisioner.contract import Connection, ProviderError
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.model.address import Address, Kind
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.principal import Principal, PrincipalKind


def missing(connection: Connection, group: str, people: Iterable[Identity]) -> str:
    """Who is not in the group, or has no enabled account there, in a sentence; empty where all are. ProvisionError
    where the target does not answer."""
    target = connection.target.name
    wanted = {i.id: _addresses(target, group, i) for i in people}
    try:
        reader = connection.reader()
        try:
            found = reader.look([a for pair in wanted.values() for a in pair])
        finally:
            reader.close()
    except ProviderError as error:
        raise _unreadable(target, str(error)) from None
    for who, (account, membership) in wanted.items():
        for address in (account, membership):
            if address not in found.looked:
                raise _unreadable(target, f"whether {address} is there did not come out")
        there, member = found.state.get(account), found.state.get(membership)
        if there is None or there.attributes.get("enabled") is False:
            return f"{who} may not do this: their account on {target} is {'disabled' if there else 'not there'}"
        if member is None or not member.gives_access:
            return f"{who} may not do this: they are not in the group {group} of {target} now"
    return ""


def _addresses(target: str, group: str, who: Identity) -> tuple[Address, Address]:
    login = who.login_on(target)
    kind = PrincipalKind.SERVICE if who.kind is IdentityKind.SERVICE else PrincipalKind.PERSON
    return (
        Address(target, Kind.ACCOUNT, login),
        Address(target, Kind.MEMBERSHIP, group, Principal(target, kind, login)),
    )


def _unreadable(target: str, told: str) -> ProvisionError:
    return ProvisionError(
        Diagnostic(
            "live-unreadable",
            f"{target} could not be asked who is in the group: {told}",
            why="without an answer nobody counts as a member, and nobody is let in",
            fix="see that the job has the target's credential for reading, and start the run again",
            target=target,
        )
    )
