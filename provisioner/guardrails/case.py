"""What guardrails judge: a plan's changes, with everything that is known about the targets they are for.

And the question that nearly all of them ask: who loses or gains by a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from provisioner.contract import Declare
from provisioner.diagnostics import Location
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.change import Change
from provisioner.model.desired import Desired
from provisioner.model.effect import Direction
from provisioner.model.instant import Instant
from provisioner.model.past import PastDeclared
from provisioner.model.principal import NAMELESS, Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.rules import Limit, Rules
from provisioner.model.state import State
from provisioner.observe.inventory import Observed
from provisioner.plan.plan import Stray
from provisioner.plan.side import Side
from provisioner.plan.situation import Known, Situation
from provisioner.resolve.desired import desire


class Who(NamedTuple):
    """Somebody: a declared id (`known`), or the login of an account on one target that nobody is known to have."""

    name: str
    known: bool = True
    target: str = ""

    def __str__(self) -> str:
        return self.name if self.known else f"account {self.name} on {self.target}"


class Held(NamedTuple):
    """Why a change is not made: the code of the rule, and the reason in words."""

    rule: str
    why: str


class Members:
    """Who is in which group of one target, in one state of it (live, if not said); through nested groups too."""

    def __init__(self, side: Side, state: State | None = None) -> None:
        self._side = side
        self._state = side.live if state is None else state
        self._entries: dict[str, list[Resource]] | None = None

    @property
    def entries(self) -> Mapping[str, list[Resource]]:
        """The memberships of each group that give access."""
        if self._entries is None:
            found: dict[str, list[Resource]] = {}
            for resource in self._state.of_kind(Kind.MEMBERSHIP):
                if resource.gives_access and resource.address.principal is not None:
                    found.setdefault(resource.address.object, []).append(resource)
            self._entries = found
        return self._entries

    def accounts(self, group: str) -> Iterator[Principal]:
        """Everybody who is in `group`, each once."""
        seen, waiting = {group}, [group]
        told: set[Principal] = set()
        while waiting:
            for entry in self.entries.get(waiting.pop(), ()):
                who = entry.address.principal
                if who is None or who in told:
                    continue
                told.add(who)
                if who.is_account:
                    yield who
                elif who.kind is PrincipalKind.GROUP and who.realm == self._side.target.name and who.id not in seen:
                    seen.add(who.id)
                    waiting.append(who.id)


@dataclass
class Case:
    """`declared` are the files that are applied, `judging` those whose rules count. `changes` are in order. `anchors`
    is what our own access hangs on, on all targets, and `names` as whom we are there. `declares` and `desired` are also
    of targets that could not be read, or are not for this run. `known` is what the journal knows of each target;
    `journal` says where it lies. `newly` are holders that stay because what they hold is newly managed."""

    declared: DeclaredAccess
    judging: DeclaredAccess
    sides: Mapping[str, Side]
    changes: tuple[Change, ...]
    now: Instant
    declares: Mapping[str, Declare] = field(default_factory=dict)
    desired: Mapping[str, Desired] = field(default_factory=dict)
    past: tuple[PastDeclared, ...] = ()
    anchors: frozenset[Address] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    person: str | None = None
    let_go: frozenset[Address] = frozenset()
    known: Mapping[str, Known] = field(default_factory=dict)
    journal: str = ""
    newly: tuple[Stray, ...] = ()
    _members: dict[str, Members] = field(default_factory=dict)
    _again: dict[str, frozenset[Address]] = field(default_factory=dict)
    _touched: dict[str, frozenset[Who]] = field(default_factory=dict)

    @property
    def rules(self) -> Rules:
        return self.judging.rules

    def members(self, target: str) -> Members:
        if target not in self._members:
            self._members[target] = Members(self.sides[target])
        return self._members[target]

    def who(self, target: str, login: str) -> Who:
        """Whose an account is, as the live state of `target` has its holder."""
        side = self.sides[target]
        match = side.match_of(Principal(target, PrincipalKind.PERSON, login)) or side.matched.by_login.get(login)
        if match is not None:
            return Who(match.identity.id)
        identity = side.desired.logins.get(login)
        account = Address(target, Kind.ACCOUNT, login)
        if identity is not None and identity.id not in side.matched.blocked and account not in side.live:
            return Who(identity.id)  # they have no account yet
        return Who(login, False, target)

    def people(self, target: str) -> frozenset[Who]:
        """Whoever can use `target` now: the accounts that are enabled; where it has no accounts, all holders."""
        side = self.sides[target]
        accounts = side.live.of_kind(Kind.ACCOUNT)
        if accounts:
            here = (a.address.object for a in accounts if a.attributes.get("enabled") is not False)
        else:
            holders = (r.address.principal for r in side.live if r.gives_access)
            here = (who.id for who in holders if who is not None and who.is_account)
        return frozenset(self.who(target, login) for login in here)

    def touched(self, change: Change) -> frozenset[Who]:
        """Everybody whose access a change is about: its holder; of a group, whoever is in it."""
        found = self._touched.get(change.id)
        if found is None:
            found = self._touched[change.id] = frozenset(self._whom(change))
        return found

    def _whom(self, change: Change) -> Iterable[Who]:
        address = change.address
        if change.identity is not None and (address.principal is None or address.principal.is_account):
            return (Who(change.identity),)
        if address.kind is Kind.ACCOUNT:
            return (self.who(address.target, address.object),)
        if address.kind is Kind.GROUP:
            return self._in_group(address.target, address.object)
        principal = address.principal
        if principal is None:
            return ()
        if principal.is_account:
            return (self.who(address.target, principal.id),)
        if principal.kind is PrincipalKind.GROUP:
            return self._in_group(principal.realm, principal.id)
        return self.people(address.target) if principal.kind in NAMELESS else ()

    def _in_group(self, target: str, group: str) -> Iterable[Who]:
        if target not in self.sides:
            return ()
        return (self.who(target, account.id) for account in self.members(target).accounts(group))

    def again(self, target: str) -> frozenset[Address]:
        """What an earlier run was let take away, and could not: it is as good as gone, and is not counted again."""
        if target not in self._again:
            left = {(o.address, o.action) for o in self.sides[target].outstanding}
            ours = (c for c in self.changes if c.address.target == target) if left else ()
            self._again[target] = frozenset(c.address for c in ours if c.narrows and (c.address, c.action) in left)
        return self._again[target]

    def leaves(self, change: Change) -> bool:
        """Whether it is about somebody who goes altogether."""
        return change.identity is not None and change.identity in self.sides[change.address.target].departed

    def place(self, location: Location | None) -> Location | None:
        """Where a rule stands, if that is in the files that are applied; lines of the base are told in words."""
        return location if self.judging is self.declared else None

    def said(self, limit: Limit | Location) -> str:
        """Where a limit stands, in words."""
        location = limit.location if isinstance(limit, Limit) else limit
        if location is None:
            return "the default"
        return str(location) if self.judging is self.declared else f"{location} of the base"


def widens(change: Change) -> bool:
    """Whether any of it gives access."""
    return change.effect.direction in (Direction.WIDENS, Direction.BOTH)


def people_called(case: Case, target: str, name: str) -> frozenset[Who]:
    """The person that a rule names: by the declared id, or by the login they have there if nobody knows the account."""
    identity = case.judging.identities.get(name) or case.declared.identities.get(name)
    login = identity.login_on(target) if identity is not None else name
    return frozenset({Who(name), Who(login, False, target)})


def case_of(
    situation: Situation,
    sides: Mapping[str, Side],
    observed: Mapping[str, Observed],
    desired: Mapping[str, Desired],
    changes: tuple[Change, ...] = (),
    strays: Iterable[Stray] = (),
) -> Case:
    """What the guardrails are given. What is asked for elsewhere matters to who may hold what together alone."""
    judging = situation.judges
    if judging.rules.separate and situation.others:
        desired = {**desire(situation.declared, situation.others, situation.now), **desired}
    known = {name: seen.me for name, seen in observed.items() if seen.me is not None}
    return Case(
        declared=situation.declared,
        judging=judging,
        declares={**situation.others, **situation.declares},
        desired=desired,
        sides=sides,
        changes=changes,
        now=situation.now,
        past=situation.past,
        anchors=frozenset(address for me in known.values() for address in me.anchors),
        names={name: me.name for name, me in known.items()},
        person=situation.person,
        let_go=frozenset(address for side in sides.values() for address in side.let_go),
        known={name: situation.known_of(name) for name in situation.connections},
        journal=situation.journal or "the journal",
        newly=tuple(s for s in strays if s.newly_managed and situation.person in (None, s.identity)),
    )
