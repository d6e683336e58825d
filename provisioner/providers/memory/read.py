"""Reading a world: in bulk, and by address. Says what it covers."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from provisioner.contract import Me, ProviderError, Reading
from provisioner.model.address import Address, Kind
from provisioner.model.coverage import Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.resource import Resource
from provisioner.model.state import State
from provisioner.providers.memory import convert
from provisioner.providers.memory.calls import ReadCalls, rows


class MemoryReader:
    """Stands on `ReadCalls`, which has no method that writes."""

    def __init__(self, target: str, calls: ReadCalls) -> None:
        self._target = target
        self._calls = calls

    def system(self) -> str:
        return self._calls.identify()

    def me(self) -> Me:
        own = self._calls.who()
        if own is None:
            return Me("memory")
        return Me(f"memory as {own}", frozenset({Address(self._target, Kind.ACCOUNT, own)}))

    def read(self, want: frozenset[Scope]) -> Reading:
        named = {s.of for s in want if s.kind is Kind.CREDENTIAL and s.of is not None}
        if named and all(s.kind is Kind.CREDENTIAL for s in want):
            return self._credentials(named)
        accounts, all_accounts = self._calls.list_accounts()
        resources = [convert.account(self._target, login, row, self._calls.hides) for login, row in accounts.items()]
        scopes = [self._scope(Kind.ACCOUNT, len(accounts), all_accounts)]
        groups, all_groups = self._calls.list_groups()
        for name, group in groups.items():
            resources.append(convert.group(self._target, name, group))
            resources += [
                convert.membership(self._target, name, login, ways, accounts, group.locked_by)
                for login, ways in group.members.items()
            ]
        scopes += [self._scope(kind, len(groups), all_groups) for kind in (Kind.GROUP, Kind.MEMBERSHIP)]
        try:
            _, policy = self._calls.get_policy()
            resources += [convert.grant(self._target, *row) for row in rows(policy)]
            scopes.append(ScopeCoverage(Scope(Kind.GRANT), Verdict.COMPLETE, "one document"))
        except ProviderError as error:
            scopes.append(ScopeCoverage(Scope(Kind.GRANT), Verdict.DENIED, str(error)))
        controls, all_controls = self._calls.list_controls()
        resources += [convert.control(self._target, name, open_to) for name, open_to in controls.items()]
        scopes.append(self._scope(Kind.CONTROL, len(controls), all_controls))
        scopes.append(ScopeCoverage(Scope(Kind.CREDENTIAL), Verdict.UNREAD, "read by holder"))
        return Reading(State(resources), Coverage(scopes), calls=5)

    def _scope(self, kind: Kind, count: int, complete: bool) -> ScopeCoverage:
        proof = f"end mark after {count}" if complete else f"cut off after {count}"
        hides = self._calls.hides if kind is Kind.ACCOUNT else frozenset()
        return ScopeCoverage(Scope(kind), Verdict.COMPLETE if complete else Verdict.PARTIAL, proof, hides)

    def _credentials(self, logins: set[str]) -> Reading:
        resources = [
            convert.credential(self._target, login, key, active)
            for login in sorted(logins)
            for key, active in self._calls.list_keys(login).items()
        ]
        scopes = [ScopeCoverage(Scope(Kind.CREDENTIAL, login), Verdict.COMPLETE, "one list") for login in logins]
        return Reading(State(resources), Coverage(scopes), calls=len(logins))

    def look(self, these: Collection[Address]) -> Reading:
        """Whole listings without their size limit, as a point read is not cut."""
        found = {r.address: r for r in self._everything({a.principal.id for a in these if a.principal is not None})}
        asked = frozenset(these)
        state = State.from_mapping({a: r for a, r in found.items() if a in asked})
        return Reading(state, Coverage(), looked=asked, calls=4)

    def _everything(self, logins: set[str]) -> Iterator[Resource]:
        world = self._calls
        accounts = world._world.accounts
        world._call("look")
        for login, row in accounts.items():
            yield convert.account(self._target, login, row, world.hides)
        for name, group in world._world.groups.items():
            yield convert.group(self._target, name, group)
            for login, ways in group.members.items():
                yield convert.membership(self._target, name, login, ways, accounts, group.locked_by)
        for path, privilege, login, ways in rows(world._world.policy):
            yield convert.grant(self._target, path, privilege, login, ways)
        for name, open_to in world._world.controls.items():
            yield convert.control(self._target, name, open_to)
        for login in sorted(logins & set(accounts)):
            for key, active in accounts[login].keys.items():
                yield convert.credential(self._target, login, key, active)

    def close(self) -> None:
        """Nothing is held open."""
