"""Writing to a world: one method per kind of thing, each safe to run twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from provisioner.contract import Accepted, AlreadySo, Done, Failed, Outcome, ProviderError, Refused, Trouble
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.mark import Mark, owner8
from provisioner.model.resource import Resource
from provisioner.model.unit import Unit
from provisioner.providers.memory.calls import Held, WriteCalls
from provisioner.providers.memory.convert import row


class MemoryWriter:
    def __init__(self, target: str, calls: WriteCalls, owner: str | None) -> None:
        self._target = target
        self._calls = calls
        self._owner = owner8(owner)

    def write(
        self,
        unit: Unit,
        changes: Sequence[Change],
        *,
        expect: Mapping[Address, Resource],
        token: str,
        deadline: float,
    ) -> Sequence[Outcome]:
        if changes[0].address.kind is Kind.GRANT:
            return self._policy(changes)
        return [self._one(change) for change in changes]

    def _one(self, change: Change) -> Outcome:
        try:
            if change.address.kind is Kind.ACCOUNT:
                return self._account(change)
            if change.address.kind is Kind.MEMBERSHIP:
                return self._membership(change)
            if change.address.kind is Kind.GROUP:
                return self._group(change)
            if change.address.kind is Kind.CONTROL:
                self._calls.set_control(change.address.object, (change.after or {}).get("open_to"))
                return Done()
            for way in change.ways:
                self._calls.deactivate_key(change.address.principal.id, way.native_id)  # type: ignore[union-attr]
            return Done()
        except ProviderError as error:
            if error.trouble is Trouble.GONE and change.action in (Action.REVOKE, Action.DELETE):
                return AlreadySo("gone")
            return Failed(error)

    def _mark(self, change: Change, disabled: bool = False) -> str:
        since = datetime.now(UTC).replace(microsecond=0) if disabled else None
        return str(Mark(change.identity or change.address.object, self._owner, since))

    def _account(self, change: Change) -> Outcome:
        login, after = change.address.object, change.after or {}
        calls = self._calls
        match change.action:
            case Action.CREATE:
                calls.create_account(login, str(after.get("name", "")), str(after.get("email", "")), self._mark(change))
                if not after.get("enabled", True):
                    calls.update_account(login, enabled=False, note=self._mark(change, disabled=True))
            case Action.UPDATE:
                calls.update_account(login, **after)
            case Action.RENAME:
                calls.rename_account(str((change.before or {})["login"]), login)
                calls.update_account(login, note=self._mark(change))
            case Action.ADOPT:
                blank = {k: v for k, v in after.items() if k != "mark"}
                calls.update_account(login, note=self._mark(change), **blank)
            case Action.RELEASE:
                calls.update_account(login, note="")
            case Action.ENABLE:
                calls.update_account(login, enabled=True, note=self._mark(change))
            case Action.DISABLE:
                calls.update_account(login, enabled=False, note=self._mark(change, disabled=True))
            case Action.DELETE:
                calls.delete_account(login)
            case _:
                return Refused(f"an account takes no {change.action.value}")
        return Done()

    def _group(self, change: Change) -> Outcome:
        name = change.address.object
        if change.action is Action.RELEASE:
            return Done("left as it is")
        if change.action is Action.DELETE:
            self._calls.delete_group(name)
        elif change.action is Action.CREATE:
            self._calls.create_group(name, str((change.after or {}).get("description", "")))
        else:
            self._calls.update_group(name, str((change.after or {}).get("description", "")))
        return Done()

    def _membership(self, change: Change) -> Outcome:
        name, login = change.address.object, row(change.address.principal)  # type: ignore[arg-type]
        receipt: str | None = None
        if change.action is Action.CREATE:
            receipt = self._calls.add_member(name, login)
        else:
            for way in change.ways:
                receipt = self._calls.remove_member(name, login, way.native_id) or receipt
        return Accepted(receipt) if receipt else Done()

    def _policy(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """One read-modify-write of the whole document; what we did not plan is carried through unchanged."""
        try:
            etag, policy = self._calls.get_policy()
            for change in changes:
                address = change.address
                login = row(address.principal)  # type: ignore[arg-type]
                key = (address.object, address.slot or "")
                holders = policy.setdefault(key, {})
                if change.action is Action.CREATE:
                    holders[login] = [*holders.get(login, []), Held()]
                else:
                    ended = {w.native_id for w in change.ways}
                    left = [h for h in holders.get(login, []) if h.grantor not in ended]
                    if left:
                        holders[login] = left
                    else:
                        holders.pop(login, None)
            self._calls.set_policy(etag, policy)
        except ProviderError as error:
            return [Failed(error) for _ in changes]
        return [Done() for _ in changes]

    def cut(self, account: Address, deadline: float) -> Outcome:
        return Refused("not possible here: the memory world has no sessions")

    def settle(self, receipt: str, deadline: float) -> Outcome:
        try:
            state = self._calls.poll_job(receipt)
        except ProviderError as error:
            return Failed(error)
        if state == "FAILED":
            return Failed(ProviderError(Trouble.INVALID, f"job {receipt} ended FAILED", call="poll_job"))
        return Done(f"job {receipt} {state}")

    def close(self) -> None:
        """Nothing is held open."""
