"""Writing roles that are accounts of services: making, marking, locking, unlocking, deleting them, and whom they trust.

A role is made trusting nobody. Whom it trusts is a change of its own, and is written only where the account has an OIDC
provider for the issuer: that one is the whole account's, and never made here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from provisioner.contract import AlreadySo, Done, Outcome, ProviderError, Refused
from provisioner.model.change import Action, Change
from provisioner.model.identity import KEYLESS
from provisioner.model.mark import Mark
from provisioner.providers.aws_iam import convert, documents, names, trust
from provisioner.providers.aws_iam.calls import Row, WriteCalls
from provisioner.providers.aws_iam.delete import delete_role
from provisioner.providers.aws_iam.identify import Identified
from provisioner.providers.aws_iam.issuers import ISSUER_FIX, issuer_missing
from provisioner.providers.aws_iam.users import (
    Expect,
    Stop,
    is_anothers,
    mark_of,
    same_as_read,
    server_now,
    unless_gone,
)


class RoleWrites:
    """Of one account. `owner` is what of `records.owner` goes into marks; `made` is told each login that is new."""

    def __init__(self, owner: str | None, identified: Identified, made: Callable[[str], None]) -> None:
        self._owner = owner
        self._identified = identified
        self._made = made

    def write(self, calls: WriteCalls, change: Change, role: str, expect: Expect) -> Outcome:
        """A change of the role itself."""
        login = KEYLESS + role
        if change.action is Action.CREATE:
            return self._create(calls, change, role)
        row = calls.role(role)
        same_as_read(f"role {role}", row["RoleId"], row, expect.get(change.address), self._owner)
        match change.action:
            case Action.ADOPT:
                calls.tag_role(role, mark_of(change, login, self._owner))
                return Done(f"tag {names.TAG} is on role {role}")
            case Action.RELEASE:
                calls.untag_role(role, [names.TAG])
                return Done(f"tag {names.TAG} is off role {role}")
            case Action.ENABLE:
                calls.tag_role(role, mark_of(change, login, self._owner))
                unless_gone(partial(calls.delete_role_policy, role, names.DENY_POLICY))
                return Done(f"{names.DENY_POLICY} is off role {role}")
            case Action.DISABLE:
                return self._disable(calls, change, role, row)
            case Action.DELETE:
                return Done(delete_role(calls, role))
            case _:
                return Refused(f"a role cannot be {change.action.value}d")

    def deny(self, calls: WriteCalls, role: str) -> None:
        """AWS looks at a role's policies on each call, also for sessions that were begun before."""
        calls.put_role_policy(role, names.DENY_POLICY, documents.deny_all())

    def not_anothers(self, calls: WriteCalls, role: str) -> None:
        """Stops where the role is another owner's by now. Only of accounts does the executor look at the mark, right
        before: what hangs on one looks the same on a role of that name which somebody made anew."""
        if is_anothers(calls.role(role), self._owner):
            raise Stop(Refused(f"role {role} carries the mark of another owner"))

    def write_trust(self, calls: WriteCalls, change: Change, role: str) -> Outcome:
        """Whom the role trusts, as a whole."""
        account = self._identified.check(calls)
        wanted = [] if change.action is Action.REVOKE else list((change.after or {}).get(trust.TRUSTS, ()))
        for issuer in sorted(trust.issuers(wanted)):
            why = issuer_missing(calls, self._identified, issuer)
            if why is not None:
                fix = ISSUER_FIX.format(issuer=issuer, audience=trust.AUDIENCE)
                return Refused(f"account {account} would take no token of it: {why}; {fix}")
        self.not_anothers(calls, role)
        # IAM has no version to compare with: the executor looked at it right before.
        calls.set_trust(role, trust.document(wanted, account, self._identified.partition))
        return Done(f"role {role} trusts {' and '.join(trust.told(wanted)) or 'nobody'}")

    def _create(self, calls: WriteCalls, change: Change, role: str) -> Outcome:
        tags = mark_of(change, KEYLESS + role, self._owner)
        try:
            calls.create_role(role, trust.document((), self._identified.check(calls), self._identified.partition), tags)
        except ProviderError as error:
            if error.code != "EntityAlreadyExists":
                raise
            if convert.tags_of(calls.role(role)).get(names.TAG, "") != tags[names.TAG]:
                raise
            return AlreadySo(f"role {role} is there and carries our mark")
        self._made(KEYLESS + role)
        return Done(f"role {role} is made, and trusts nobody yet")

    def _disable(self, calls: WriteCalls, change: Change, role: str, row: Row) -> Outcome:
        self.deny(calls, role)
        found = Mark.parse(convert.tags_of(row).get(names.TAG, ""))
        since = found.disabled_since if found else None
        calls.tag_role(role, mark_of(change, KEYLESS + role, self._owner, since or server_now(calls)))
        return Done(f"everything is denied to role {role}, also in sessions that run")
