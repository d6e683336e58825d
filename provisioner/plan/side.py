"""What is known about one target when its plan is made, and how a change of it is drafted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from provisioner.contract import Declare, Reading
from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Cause, Change, Ender
from provisioner.model.coverage import Coverage, ScopeCoverage
from provisioner.model.desired import Desired, Over
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant, format_instant
from provisioner.model.match import Match, Matched
from provisioner.model.outstanding import Outstanding
from provisioner.model.ownership import ownership
from provisioner.model.past import Once, Past
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.rotation import Rotation
from provisioner.model.state import State
from provisioner.model.target import AccountsPolicy, Ignore, Target
from provisioner.model.way import Evidence, Ownership, Way
from provisioner.plan.effects import effect_of
from provisioner.plan.plan import Stray, Waiting


@dataclass
class Side:
    """Everything that is known about one target when its plan is made. `live` has its principals as the files call them
    (`observe.relabel`). `proven_absent` are addresses that a point read showed not to be there. `person` names the one
    identity that the run is for, if any: then also rows seen in a short read may go. `let_go` are newly managed holders
    of whom somebody acknowledged that they go. `rotations` are what the journal knows of credentials, None where nobody
    looked."""

    target: Target
    declare: Declare
    desired: Desired
    reading: Reading
    live: State
    matched: Matched
    past: Past
    now: Instant
    protected: frozenset[str] = frozenset()
    complete_sets: frozenset[tuple[Kind, Principal]] = frozenset()
    outstanding: tuple[Outstanding, ...] = ()
    person: str | None = None
    proven_absent: frozenset[Address] = frozenset()
    kept: frozenset[str] = frozenset()
    let_go: frozenset[Address] = frozenset()
    owner: str | None = None
    departed: Mapping[str, tuple[Identity, str]] = field(default_factory=dict)
    rotations: Mapping[str, Rotation] | None = None

    @property
    def coverage(self) -> Coverage:
        return self.reading.coverage

    @cached_property
    def _holders(self) -> dict[str, Match]:
        """Matches by the login under which `live` has their access: the desired one, where there is one."""
        blocked = self.matched.blocked
        desired = {i.id: login for login, i in self.desired.logins.items() if i.id not in blocked}
        return {desired.get(m.identity.id, login): m for login, m in self.matched.by_login.items()}

    def match_of(self, principal: Principal | None) -> Match | None:
        """Whose account a principal is, if anybody's that we know."""
        return self._holders.get(principal.id) if principal is not None and principal.is_account else None

    def once(self, address: Address) -> Once | None:
        """The past line that gave this to whoever holds it now, also under an earlier id, login or kind of theirs."""
        line = self.past.wanted.get(address)
        if line is not None and self._is_or_was(address.principal, line.identity):
            return line
        match = self.match_of(address.principal)
        for who in (match.identity.id, *match.identity.was) if match is not None else ():
            for login in sorted(self.past.logins.get(who, ())):
                for kind in (PrincipalKind.PERSON, PrincipalKind.SERVICE):
                    line = self.past.wanted.get(address._replace(principal=Principal(self.target.name, kind, login)))
                    if line is not None and line.identity == who:
                        return line
        return None

    def over(self, address: Address) -> Over | None:
        """The line that gives this to whoever holds it now, and whose time has ended."""
        line = self.desired.over.get(address)
        if line is not None and self._is_or_was(address.principal, line.identity):
            return line
        match = self.match_of(address.principal)
        if match is None or address.principal is None:
            return None
        line = self.desired.over.get(address._replace(principal=self._named(address.principal, match)))
        return line if line is not None and line.identity == match.identity.id else None

    def later(self, address: Address) -> Instant | None:
        """When a line begins to give this to whoever holds it now."""
        match = self.match_of(address.principal)
        if match is not None and address.principal is not None:
            address = address._replace(principal=self._named(address.principal, match))
        found = self.desired.later.get(address)
        return found[0] if found is not None else None

    def _named(self, principal: Principal, match: Match) -> Principal:
        """As the files of today call the holder of a matched account."""
        return principal._replace(id=match.identity.login_on(self.target.name))

    def _is_or_was(self, principal: Principal | None, identity: str | None) -> bool:
        """Whether what a line gave to `identity` is theirs still: their matched account, or an account that is gone. An
        account of that login which is not known to be theirs is somebody else's; but where accounts are somebody else's
        job, the login said whose it was when it was given, and says so when it is taken."""
        match = self.match_of(principal)
        if match is not None:
            return identity in (match.identity.id, *match.identity.was)
        if principal is None or not principal.is_account:
            return True
        if identity in self.matched.blocked:
            return False
        account = self.live.get(Address(self.target.name, Kind.ACCOUNT, principal.id))
        if account is None:
            return True
        if self.target.accounts is not AccountsPolicy.EXISTING or ownership(account, self.owner) is Ownership.FOREIGN:
            return False
        gone = self.departed.get(identity or "")
        pinned = gone[0].account_on(self.target.name).id if gone is not None else None
        return pinned is None or (account.facts is not None and account.facts.native_id == pinned)


@dataclass(slots=True)
class TargetPlan:
    """The part of a plan that is about one target. `unproven` are desired addresses that a short read did not show and
    that a point read must settle before they may be created. `reported` is what mode `report` would change and does
    not; `ignored` the strays that are meant, each with the entry that says so."""

    changes: list[Change] = field(default_factory=list)
    reported: list[Change] = field(default_factory=list)
    ignored: list[tuple[Address, Ignore]] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    unproven: set[Address] = field(default_factory=set)
    held_back: int = 0


class Drafts:
    """Makes changes of one target: each with its effect, its level, its words and what it needs."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.out = TargetPlan()

    @cached_property
    def _around(self) -> State:
        """Everything desired and live, which effects are judged by: made with the first change."""
        return State.from_mapping({**self.side.desired.state.resources, **self.side.live.resources})

    def add(
        self,
        action: Action,
        address: Address,
        before: Resource | None,
        after: Resource | None,
        *,
        cause: Cause,
        why: str,
        identity: str | None = None,
        evidence: Evidence | None = None,
        ways: tuple[Way, ...] = (),
        sources: tuple[Location, ...] = (),
        attributes: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None] | None = None,
        ends: Instant | None = None,
        starts: Instant | None = None,
        reversible: bool = True,
        words: str | None = None,
    ) -> None:
        was = before.attributes if before is not None else None
        becomes = after.attributes if after is not None else None
        if attributes is not None:
            was, becomes = attributes
        effect = effect_of(action, before, after, self._around, self.side)
        change = Change(
            action,
            address,
            was,
            becomes,
            cause,
            effect,
            identity,
            evidence,
            why,
            "",
            sources,
            starts,
            ends,
            reversible,
            ways,
            ends_by=_ender(self.side, after, ends),
        )
        self.out.changes.append(replace(change, words=self.side.declare.words(change) if words is None else words))

    def problem(self, code: str, message: str, severity: Severity, **more: Any) -> None:
        self.out.diagnostics.append(Diagnostic(code, message, severity=severity, target=self.side.target.name, **more))


def _ender(side: Side, after: Resource | None, ends: Instant | None) -> Ender | None:
    """A target's own end counts where it is no earlier than the grant's: it is what holds when nothing of ours runs."""
    if ends is None or after is None:
        return None
    held = side.declare.holds_until(after)
    return Ender.TARGET if held is not None and held >= ends else Ender.EXPIRE


def differences(
    have: Mapping[str, Any], want: Mapping[str, Any], hides: frozenset[str] = frozenset()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The attributes that the desired side names and the live one holds otherwise: as they are, and as they become."""
    if have == want:
        return {}, {}
    keys = [k for k in want if k not in hides and have.get(k) != want[k]]
    return {k: have.get(k) for k in keys}, {k: want[k] for k in keys}


def leaver_cause(now: Instant, match: Match) -> Cause:
    return Cause.TIME if match.identity.departed_at(now) else Cause.LEAVER


def why_left(now: Instant, match: Match) -> str:
    who = match.identity
    if who.departed_at(now) and who.until is not None:
        return f"{who.id}'s time ended {format_instant(who.until)}"
    if match.revision:
        return f"{who.id} is no longer declared (last in {match.revision})"
    return f"{who.id} is no longer declared (known by our mark)"


def gaps_of(coverage: Coverage) -> tuple[ScopeCoverage, ...]:
    """The scopes that were not read completely. Credentials are read for leavers alone, so that nobody's having been
    read is their normal state and no gap."""
    return tuple(g for g in coverage.gaps if not (g.scope.kind is Kind.CREDENTIAL and g.scope.of is None))
