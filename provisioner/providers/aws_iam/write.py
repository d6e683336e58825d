"""Writes to one AWS account. Each change may be made twice; what is there already, or gone already, is said so.

It does not decide whose access goes, nor in which order: the plan did. It refuses to touch a user or group that is not
the one that was read (another id, another owner's mark), and never deletes the trace of who somebody was before the
time to delete has come: a leaver's keys stay, inactive, until then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from provisioner.contract import AlreadySo, Done, Failed, Outcome, ProviderError, Refused, Trouble, Unknown
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.mark import owner8
from provisioner.model.principal import PrincipalKind
from provisioner.model.target import Target
from provisioner.model.unit import Unit
from provisioner.providers.aws_iam import convert, documents, names
from provisioner.providers.aws_iam.calls import WriteCalls
from provisioner.providers.aws_iam.connect import Clients
from provisioner.providers.aws_iam.delete import delete_group
from provisioner.providers.aws_iam.identify import Identified
from provisioner.providers.aws_iam.roles import RoleWrites
from provisioner.providers.aws_iam.users import Expect, Stop, UserWrites, unless_gone

SETTLES = 60.0
"""Seconds for which IAM may not know yet what it was told: it is eventually consistent."""


class AwsWriter:
    """The account of `target`. `owner` is `records.owner`."""

    def __init__(self, target: Target, clients: Clients, identified: Identified, owner: str | None) -> None:
        self._target = target
        self._clients = clients
        self._identified = identified
        self._owner = owner8(owner)
        self._own: dict[str, str] | None = None
        self._made: dict[str, float] = {}
        self._users = UserWrites(self._owner, lambda: identified.partition, self._note_made)
        self._roles = RoleWrites(self._owner, identified, lambda login: self._note_made(f"user {login}"))

    def close(self) -> None:
        """Nothing is held open that would outlive the process."""

    def settle(self, receipt: str, deadline: float) -> Outcome:
        return Refused("IAM finishes each call before it answers; there is nothing to wait for")

    def write(
        self,
        unit: Unit,
        changes: Sequence[Change],
        *,
        expect: Expect,
        token: str,
        deadline: float,
    ) -> Sequence[Outcome]:
        calls = WriteCalls(self._clients, deadline)
        trust = [c for c in changes if c.address.kind is Kind.GRANT and c.address.object.startswith(names.ROLE)]
        if trust and len(trust) == len(changes):
            return self._role_grants(calls, changes, expect)
        return [self._guarded(calls, partial(self._one, calls, change, expect), change) for change in changes]

    def cut(self, account: Address, deadline: float) -> Outcome:
        """Denies the user, or the role, everything. AWS looks at their policies on each call, also in sessions made by
        GetSessionToken, and in those of the role; roles that a user assumed before are other principals and go on
        until their session ends."""
        calls = WriteCalls(self._clients, deadline)

        role, said = names.role_of(account.object), names.said(account.object)

        def deny() -> Outcome:
            if role is None:
                self._users.deny(calls, account.object)
            else:
                self._roles.deny(calls, role)
            return Done(f"everything is denied to {said}")

        outcome = self._guarded(calls, deny, None)
        gone = isinstance(outcome, Failed) and outcome.error.trouble is Trouble.GONE
        return AlreadySo(f"there is no {said}") if gone else outcome

    def _guarded(self, calls: WriteCalls, act: Callable[[], Outcome], change: Change | None) -> Outcome:
        try:
            self._identified.check(calls)
            return act()
        except Stop as stop:
            return stop.outcome
        except ProviderError as error:
            return self._failed(error, change)

    def _failed(self, error: ProviderError, change: Change | None) -> Outcome:
        if error.trouble is Trouble.UNKNOWN:
            return Unknown(error=error)
        if error.trouble is Trouble.GONE and change is not None:
            if change.action is Action.REVOKE or change.action is Action.DELETE:
                return AlreadySo("AWS says that it is not there")
            if self._is_new(change):
                told = f"not known everywhere yet: {error.message}"
                return Failed(
                    ProviderError(Trouble.BUSY, told, call=error.call, request_id=error.request_id, code=error.code)
                )
        return Failed(error)

    def _note_made(self, name: str) -> None:
        self._made[name] = time.monotonic()

    def _is_new(self, change: Change) -> bool:
        """Whether the change stands on a user or group that we made moments ago."""
        who = change.address.principal
        stands_on = {f"group {change.address.object}"}
        if who is not None:
            stands_on.add(f"group {who.id}" if who.kind is PrincipalKind.GROUP else f"user {who.id}")
        now = time.monotonic()
        return any(now - self._made.get(name, -SETTLES) < SETTLES for name in stands_on)

    def _one(self, calls: WriteCalls, change: Change, expect: Expect) -> Outcome:
        match change.address.kind:
            case Kind.ACCOUNT:
                role = names.role_of(change.address.object)
                if role is not None:
                    return self._roles.write(calls, change, role, expect)
                return self._users.write(calls, change, expect)
            case Kind.CONTROL if (role := names.role_of(_holder(change))) is not None:
                return self._roles.write_trust(calls, change, role)
            case Kind.GROUP:
                return self._group_change(calls, change, expect)
            case Kind.MEMBERSHIP:
                return self._membership(calls, change)
            case Kind.GRANT:
                return self._grant(calls, change)
            case Kind.CREDENTIAL:
                return self._credential(calls, change)
            case _:
                return Refused(f"IAM has nothing to {change.action.value} there")

    # Groups and memberships

    def _group_change(self, calls: WriteCalls, change: Change, expect: Expect) -> Outcome:
        name = change.address.object
        match change.action:
            case Action.CREATE:
                try:
                    calls.create_group(name, names.group_path(self._owner))
                except ProviderError as error:
                    if error.code != "EntityAlreadyExists":
                        raise
                    return AlreadySo(f"group {name} is there")
                self._note_made(f"group {name}")
                return Done(f"group {name} is made")
            case Action.DELETE:
                found = calls.group(name)
                expected = expect.get(change.address)
                read = expected.facts.native_id if expected is not None and expected.facts is not None else None
                if read is not None and found["GroupId"] != read:
                    return Refused(f"group {name} is another one now (id {found['GroupId']}, it was {read})")
                return Done(delete_group(calls, name))
            case Action.RELEASE:
                return Done(f"group {name} is left as it is")
            case _:
                return Refused("a group's mark is its path, and another path is another ARN: groups are not adopted")

    def _membership(self, calls: WriteCalls, change: Change) -> Outcome:
        name, login = change.address.object, _holder(change)
        if change.action is Action.REVOKE:
            calls.remove_from_group(name, login)
            return Done(f"{login} is out of group {name}")
        calls.add_to_group(name, login)
        return Done(f"{login} is in group {name}")

    # Policies

    def _grant(self, calls: WriteCalls, change: Change) -> Outcome:
        thing = change.address.object
        holder = _holder(change)
        role = names.role_of(holder)
        is_group = change.address.principal is not None and change.address.principal.kind is PrincipalKind.GROUP
        if role is not None:
            self._roles.not_anothers(calls, role)
        if thing.startswith(names.INLINE):
            return self._inline(calls, change, thing.removeprefix(names.INLINE), holder, is_group)
        attach = calls.attach_to_group if is_group else calls.attach_to_user
        detach = calls.detach_from_group if is_group else calls.detach_from_user
        if role is not None:
            attach, detach, holder = calls.attach_to_role, calls.detach_from_role, role
        if change.action is Action.REVOKE:
            arns = [way.native_id for way in change.ways if way.native_id] or [self._arn(calls, change)]
            ended = [unless_gone(partial(detach, holder, arn)) for arn in arns]
            return Done(f"{thing} is off {holder}") if any(ended) else AlreadySo(f"{thing} was not on {holder}")
        arn = self._arn(calls, change)
        attach(holder, arn)
        other = (change.before or {}).get("arn")
        if change.action is Action.UPDATE and other and other != arn:
            unless_gone(partial(detach, holder, other))
        return Done(f"{arn} is on {holder}")

    def _arn(self, calls: WriteCalls, change: Change) -> str:
        """Which managed policy is meant: that of the ARN if one is given, else the account's own by that name, else
        AWS's."""
        thing = change.address.object
        if thing.startswith("arn:"):
            return thing
        if self._own is None:
            self._own = calls.own_policies()
        own = self._own.get(thing)
        given = (change.after or {}).get("arn")
        if given and own and given != own:
            raise Stop(
                Refused(f"{given} cannot be told from the account's own policy {own} by its name; rename that one")
            )
        return given or own or f"arn:{self._identified.partition}:iam::aws:policy/{thing}"

    def _inline(self, calls: WriteCalls, change: Change, policy: str, holder: str, is_group: bool) -> Outcome:
        if change.action is not Action.REVOKE:
            return Refused("inline policies are only ever taken away; declare a managed policy")
        role = names.role_of(holder)
        if is_group:
            calls.delete_group_policy(holder, policy)
        elif role is not None:
            if policy == names.DENY_POLICY and documents.is_deny_all(calls.role_policy(role, policy)):
                return AlreadySo("what stood under that name is our own deny now")
            calls.delete_role_policy(role, policy)
        elif policy == names.DENY_POLICY and documents.is_deny_all(calls.user_policy(holder, policy)):
            return AlreadySo("what stood under that name is our own deny now")
        else:
            calls.delete_user_policy(holder, policy)
        return Done(f"inline policy {policy} of {holder} is deleted")

    def _role_grants(self, calls: WriteCalls, changes: Sequence[Change], expect: Expect) -> Sequence[Outcome]:
        """All changes of who may assume one role. Our own policies are on the users, one call each; names in the role's
        trust policy are taken out together, in one read-modify-write that carries everything else through."""
        role = changes[0].address.object.removeprefix(names.ROLE)
        outcomes = [self._guarded(calls, partial(self._own_assume, calls, c, role, expect), c) for c in changes]
        leaving = {i: gone for i, c in enumerate(changes) if c.action is Action.REVOKE and (gone := _trusted_as(c))}
        if leaving:
            every = set().union(*leaving.values())
            trust = self._guarded(calls, partial(self._leave_trust, calls, role, every), None)
            for index in leaving:
                if isinstance(outcomes[index], Done | AlreadySo):
                    outcomes[index] = trust
        return outcomes

    def _own_assume(self, calls: WriteCalls, change: Change, role: str, expect: Expect) -> Outcome:
        login = _holder(change)
        held_by = names.role_of(login)
        policy = names.ASSUME_PREFIX + role
        if held_by is not None and not (change.action is Action.REVOKE and self._is_our_assume(calls, held_by, role)):
            self._roles.not_anothers(calls, held_by)
        if change.action is not Action.REVOKE:
            arn = calls.role(role)["Arn"]
            document = documents.assume(arn, self._owner, _ends(change, expect))
            if held_by is None:
                calls.put_user_policy(login, policy, document)
            else:
                calls.put_role_policy(held_by, policy, document)
            return Done(f"{login} may assume {arn}")
        ways = {way.native_id for way in change.ways}
        if ways and convert.INLINE_WAY + policy not in ways:
            return AlreadySo(f"{policy} is not on {login}")
        if held_by is None:
            calls.delete_user_policy(login, policy)
        else:
            calls.delete_role_policy(held_by, policy)
        return Done(f"{policy} is off {login}")

    def _is_our_assume(self, calls: WriteCalls, held_by: str, role: str) -> bool:
        """Whether the policy itself says that it is ours: it may go whoever has the role now that it is on."""
        document = calls.role_policy(held_by, names.ASSUME_PREFIX + role)
        found = documents.read_assume(document, self._identified.check(calls), role)
        return found.ours and found.owner == self._owner

    def _leave_trust(self, calls: WriteCalls, role: str, gone: set[str]) -> Outcome:
        # IAM has no version to compare with: what is written is what was read in this very call.
        document = documents.without(calls.role(role)["AssumeRolePolicyDocument"], gone.__contains__)
        if document is None:
            return AlreadySo(f"role {role} does not name them")
        calls.set_trust(role, document)
        return Done(f"role {role} trusts {', '.join(sorted(gone))} no more")

    # Credentials

    def _credential(self, calls: WriteCalls, change: Change) -> Outcome:
        if change.action is not Action.REVOKE:
            return Refused(f"a credential cannot be {change.action.value}d here")
        login, thing = _holder(change), change.address.object
        label, _, named = thing.partition(".")
        for native in [way.native_id for way in change.ways if way.native_id] or [named]:
            self._end_credential(calls, label, login, native)
        return Done(f"{thing} of {login} gives no access any more")

    def _end_credential(self, calls: WriteCalls, label: str, login: str, native: str) -> None:
        match label:
            case "access-key":
                calls.deactivate_key(login, native)
            case "password":
                calls.delete_password(login)
            case "mfa":
                unless_gone(partial(calls.deactivate_mfa, login, native))
                if ":mfa/" in native:  # a virtual device; others are hardware and stay theirs
                    calls.delete_virtual_mfa(native)
            case "ssh-key":
                calls.deactivate_ssh_key(login, native)
            case "service":
                calls.deactivate_service_credential(login, native)
            case "certificate":
                calls.deactivate_certificate(login, native)
            case _:
                raise Stop(Refused(f"IAM knows no credential {label}"))


def _holder(change: Change) -> str:
    who = change.address.principal
    if who is None or not who.id or who.kind is PrincipalKind.UNKNOWN:
        raise Stop(Refused(f"{change.address} names nobody of this account"))
    return who.id


def _ends(change: Change, expect: Expect) -> str | None:
    """When the policy is to end by itself: as the change says, and where it does not change that, as it stands."""
    after = change.after or {}
    if names.ENDS in after:
        ends: str | None = after[names.ENDS]
        return ends
    live = expect.get(change.address)
    return live.attributes.get(names.ENDS) if live is not None else None


def _trusted_as(change: Change) -> set[str]:
    """The principals of the role's trust policy that a REVOKE ends."""
    found = (way.native_id for way in change.ways)
    return {native.removeprefix(convert.TRUST_WAY) for native in found if native.startswith(convert.TRUST_WAY)}
