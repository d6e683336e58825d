"""Writing to a cluster: one transaction for each database, in which one failed change does not take the others along.

Neither plans nor retries. A connection that is lost on the way to COMMIT leaves the outcome unknown.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from provisioner.contract import AlreadySo, Done, Failed, Outcome, ProviderError, Refused, Trouble, Unknown
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.mark import owner8
from provisioner.model.resource import Resource
from provisioner.model.unit import Unit
from provisioner.providers.postgresql import logins, names
from provisioner.providers.postgresql.accounts import change_account, shut
from provisioner.providers.postgresql.calls import Session, WriteCalls
from provisioner.providers.postgresql.grants import change_grant, change_group, change_membership
from provisioner.providers.postgresql.owned import drop_account, hand_on, site_of
from provisioner.providers.postgresql.runs import end_runs_of
from provisioner.providers.postgresql.site import Rules, Site

_TOGETHER = 50
"""Changes in one savepoint, until one of them fails."""
_SPARE = 0.2
"""The share of a call's time that is kept for COMMIT."""


class PostgresWriter:
    """`provisioner.contract.Writer` for one cluster."""

    def __init__(self, calls: WriteCalls, rules: Rules) -> None:
        self._calls, self._rules = calls, rules

    def close(self) -> None:
        self._calls.close()

    def write(
        self,
        unit: Unit,
        changes: Sequence[Change],
        *,
        expect: Mapping[Address, Resource],
        token: str,
        deadline: float,
    ) -> Sequence[Outcome]:
        database = unit.key.partition(":")[2]
        found: dict[str, Outcome] = {}
        drops = [c for c in changes if _is_drop(c)]
        rest = sorted((c for c in changes if not _is_drop(c)), key=lambda c: not c.narrows)
        if rest:
            found.update(self._transaction(database, rest, deadline))
        for change in drops:
            found[change.id] = self._drop(change, deadline)
        return [found[c.id] for c in changes]

    def _transaction(self, database: str, changes: Sequence[Change], deadline: float) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}
        last = deadline - _SPARE * max(0.0, deadline - time.monotonic())
        try:
            with self._calls.transaction(database, deadline) as session:
                site = site_of(self._calls, session, self._rules, database)
                for several in _batched(changes, _TOGETHER):
                    found.update(self._several(site, several, last))
                if all(isinstance(o, Failed | Refused) for o in found.values()):
                    session.rollback()
        except ProviderError as error:
            # Nothing of it was done; or, where the connection went, nobody knows.
            unknown = error.trouble is Trouble.UNKNOWN
            lost: Outcome = Unknown(error=error) if unknown else Failed(error)
            return {c.id: o if isinstance(o := found.get(c.id), Refused) else lost for c in changes}
        for change in changes:
            if change.action is Action.DISABLE and isinstance(found[change.id], Done):
                found[change.id] = self._end_sessions(change.address.object, deadline, found[change.id])
        return found

    def _several(self, site: Site, changes: Sequence[Change], last: float) -> dict[str, Outcome]:
        """In one savepoint; where one of them fails, each in its own: what fails is as if it had not been tried. After
        `last` none is begun, or what was done would not be committed in time either."""
        if time.monotonic() >= last:
            return {c.id: Failed(_late()) for c in changes}
        try:
            with site.session.savepoint():
                return {c.id: self._change(site, c) if time.monotonic() < last else Failed(_late()) for c in changes}
        except ProviderError as error:
            if not site.session.usable:
                raise
            site.forget()
            if len(changes) > 1:
                alone = [self._several(site, [c], last) for c in changes]
                return {i: outcome for one in alone for i, outcome in one.items()}
            absent = error.trouble is Trouble.GONE and changes[0].action is Action.REVOKE
            return {changes[0].id: AlreadySo(error.message) if absent else Failed(error)}

    def _change(self, site: Site, change: Change) -> Outcome:
        match change.address.kind:
            case Kind.ACCOUNT:
                return change_account(site, change)
            case Kind.GROUP:
                return change_group(site, change)
            case Kind.MEMBERSHIP:
                return change_membership(site, change)
            case Kind.GRANT if change.address.slot == names.OWNER:
                return hand_on(site, change)
            case Kind.GRANT:
                return change_grant(site, change)
        return Refused(f"there is no {change.address.kind.value} to change here")

    def _drop(self, change: Change, deadline: float) -> Outcome:
        try:
            return drop_account(self._calls, self._rules, change, deadline)
        except ProviderError as error:
            return Unknown(error=error) if error.trouble is Trouble.UNKNOWN else Failed(error)

    # Sessions

    def cut(self, account: Address, deadline: float) -> Outcome:
        """No new sessions from here on, and the open ones ended. The login itself goes with the account's change."""
        login = account.object
        try:
            with self._calls.transaction(self._rules.main, deadline) as session:
                site = site_of(self._calls, session, self._rules, self._rules.main)
                role = site.role(login)
                if role is None:
                    return AlreadySo("the role is not there")
                shut(site, role)
        except ProviderError as error:
            return Unknown(error=error) if error.trouble is Trouble.UNKNOWN else Failed(error)
        return self._end_sessions(login, deadline, Done("no session is open"))

    def _end_sessions(self, login: str, deadline: float, otherwise: Outcome) -> Outcome:
        """Those of the account and of its logins; by their ids, because a dropped or renamed role's sessions are not
        found by name."""
        try:
            end_runs_of(self._calls, self._rules, login, deadline)
            session = self._calls.session(self._rules.main)
            with session.within(deadline):
                ended = self._terminate(session, login, deadline)
        except ProviderError as error:
            return Unknown(error=error) if error.trouble is Trouble.UNKNOWN else Failed(error)
        return Done(f"{ended} sessions ended") if ended else otherwise

    def _terminate(self, session: Session, login: str, deadline: float) -> int:
        try:
            rows = session.rows("select oid::int8 from pg_roles where rolname = %s", (login,))
            if not rows:
                return 0
            theirs = logins.logins(session.rows(logins.OF, {"name": login}), owner8(self._rules.owner))
            return session.terminate([rows[0][0], *(role.oid for role in theirs)], login, deadline)
        finally:
            session.rollback()

    def settle(self, receipt: str, deadline: float) -> Outcome:
        return Refused("the server answers at once: there is nothing to wait for")


def _batched(changes: Sequence[Change], size: int) -> Iterator[Sequence[Change]]:
    """`changes` in runs of at most `size`."""
    return (changes[i : i + size] for i in range(0, len(changes), size))


def _is_drop(change: Change) -> bool:
    return change.address.kind is Kind.ACCOUNT and change.action is Action.DELETE


def _late() -> ProviderError:
    return ProviderError(Trouble.BUSY, "one call's time was over before it was this change's turn", call="write")
