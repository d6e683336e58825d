"""Writing to a directory: each unit to the part that knows it. Neither plans nor retries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from provisioner.contract import AlreadySo, Done, Outcome, ProviderError, Refused, Trouble
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.resource import Resource
from provisioner.model.unit import Unit
from provisioner.providers.ldap import convert, names
from provisioner.providers.ldap.accounts import AccountWriter
from provisioner.providers.ldap.calls import WriteCalls
from provisioner.providers.ldap.connection import LdapResultError
from provisioner.providers.ldap.groups import GroupWriter
from provisioner.providers.ldap.members import MemberWriter
from provisioner.providers.ldap.site import TRIES, Site, outcome_of


class LdapWriter:
    """`provisioner.contract.Writer` for one directory."""

    def __init__(self, target: str, people: str, groups: str, calls: WriteCalls, owner: str | None) -> None:
        self._site = Site(target, people, groups, calls, owner)
        self._members = MemberWriter(self._site)
        self._accounts = AccountWriter(self._site, self._members)
        self._groups = GroupWriter(self._site)

    def close(self) -> None:
        self._site.calls.close()

    def write(
        self,
        unit: Unit,
        changes: Sequence[Change],
        *,
        expect: Mapping[Address, Resource],
        token: str,
        deadline: float,
    ) -> Sequence[Outcome]:
        if not changes:
            return ()
        if all(_is_membership(c) for c in changes):
            return self._members.write(changes, deadline)
        return [self._one(change, expect.get(change.address), deadline) for change in changes]

    def _one(self, change: Change, expect: Resource | None, deadline: float) -> Outcome:
        if _is_membership(change):
            return self._members.write([change], deadline)[0]
        match change.address.kind:
            case Kind.ACCOUNT:
                return self._accounts.write(change, expect, deadline)
            case Kind.GROUP:
                return self._groups.write(change, expect, deadline)
            case Kind.CREDENTIAL:
                return self._credential(change, deadline)
        return Refused(f"a directory holds no {change.address.kind.value} `{change.address.object}`")

    def _credential(self, change: Change, deadline: float) -> Outcome:
        """Take one key or certificate off an account, found again by its hash."""
        who = change.address.principal
        if change.action is not Action.REVOKE or who is None:
            return Refused("keys and certificates are only removed here")
        try:
            for _ in range(TRIES):
                try:
                    entry = self._site.account(who.id)
                except ProviderError as error:
                    if error.trouble is Trouble.GONE and not isinstance(error, LdapResultError):
                        return AlreadySo("the account is not there")
                    raise
                steps = {
                    attribute: [("DELETE", values)]
                    for attribute, prefix in convert.CREDENTIAL_ATTRIBUTES.items()
                    if (
                        values := [
                            v
                            for v in entry.values.get(attribute, ())
                            if change.address.object == prefix + convert.fingerprint(v)
                        ]
                    )
                }
                if not steps:
                    return AlreadySo(f"{entry.dn} does not have it")
                try:
                    self._remove(entry.dn, steps, len(entry.values.get("sshpublickey", ())), deadline)
                except LdapResultError as refusal:
                    if refusal.result == 16:
                        continue
                    raise
                return Done(f"removed from {entry.dn}")
        except ProviderError as error:
            return outcome_of(error)
        return Refused("the account keeps changing")

    def _remove(
        self, where: str, steps: Mapping[str, Sequence[tuple[str, list[bytes]]]], keys: int, deadline: float
    ) -> None:
        try:
            self._site.calls.modify(where, steps, deadline)
        except LdapResultError as refusal:
            if refusal.result != 65 or "sshpublickey" not in steps or keys > 1:
                raise
            # Some schemas demand a key as long as the class is there.
            self._site.calls.modify(where, {**steps, "objectClass": [("DELETE", [b"ldapPublicKey"])]}, deadline)

    def cut(self, account: Address, deadline: float) -> Outcome:
        """LDAP has no way for a client to end another client's connection."""
        return Refused(
            "not possible here: a directory's open connections can only be ended on the server; a lock stops new ones"
        )

    def settle(self, receipt: str, deadline: float) -> Outcome:
        return Refused("a directory answers at once: there is nothing to wait for")


def _is_membership(change: Change) -> bool:
    return change.address.kind is Kind.MEMBERSHIP or (
        change.address.kind is Kind.GRANT and change.address.object.startswith(names.OWNER)
    )
