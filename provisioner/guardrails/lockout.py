"""Nobody left to mend it: administrators that are required, how many there must be, and how many one plan may take.

Admin-like is what the provider calls so, live: held directly, or by a group, or by a group within a group.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from provisioner.diagnostics import Diagnostic
from provisioner.guardrails.case import Case, Held, Members, Who, people_called, widens
from provisioner.guardrails.removals import Refusal
from provisioner.guardrails.wording import count, let_through, names
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.effect import Direction, Level
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.resource import Resource
from provisioner.model.rules import Administrators
from provisioner.model.state import State
from provisioner.model.way import Phase
from provisioner.plan.side import Side

_HOLDING = (Kind.MEMBERSHIP, Kind.GRANT)
_NO_RULE = Administrators()
_NOBODY = Principal("", PrincipalKind.UNKNOWN)


@dataclass
class Lockout:
    """What is held back so that somebody stays, and what comes before what (`needs`). `before` has who is an
    administrator now, by target, once it was asked."""

    held: dict[str, Held] = field(default_factory=dict)
    needs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    told: list[Diagnostic] = field(default_factory=list)
    before: dict[str, Admins] = field(default_factory=dict)
    _after: dict[tuple[str, frozenset[str]], frozenset[Who]] = field(default_factory=dict)

    def now(self, case: Case, target: str) -> Admins:
        """Who is one before anything is done."""
        if target not in self.before:
            side = case.sides[target]
            self.before[target] = Admins(case, side, side.live)
        return self.before[target]

    def then(self, case: Case, target: str, changes: Iterable[Change]) -> frozenset[Who]:
        """Who is one once these are done. That is a whole state of the target to look through: each is made once."""
        changes = [c for c in changes if c.effect.direction is not Direction.NEUTRAL]
        key = (target, frozenset(c.id for c in changes))
        if key not in self._after:
            side = case.sides[target]
            self._after[key] = Admins(case, side, after(side, changes)).people
        return self._after[key]


class Admins:
    """Who is an administrator of one target in one state of it, and by what."""

    def __init__(self, case: Case, side: Side, state: State) -> None:
        self._case, self._side, self._state = case, side, state
        live = state is side.live
        self._members = (case.members(side.target.name) if live else Members(side, state)).entries
        self._grants = [r for r in state.of_kind(Kind.GRANT) if r.gives_access and self._is_admin_like(r)]

    def _is_admin_like(self, resource: Resource) -> bool:
        return self._side.declare.effect(None, resource, self._state).level is Level.ADMIN

    @cached_property
    def groups(self) -> frozenset[str]:
        """Groups whose members are administrators by it. A membership is as strong as its group."""
        name = self._side.target.name
        found = {group for group, members in self._members.items() if self._is_admin_like(members[0])}
        found |= {w.id for w in map(_holder, self._grants) if w.kind is PrincipalKind.GROUP and w.realm == name}
        waiting = list(found)
        while waiting:
            for who in map(_holder, self._members.get(waiting.pop(), ())):
                if who.kind is PrincipalKind.GROUP and who.realm == name and who.id not in found:
                    found.add(who.id)
                    waiting.append(who.id)
        return frozenset(found)

    @cached_property
    def people(self) -> frozenset[Who]:
        """Whoever is one by now, and whose account is not disabled: who was only invited cannot mend anything yet."""
        target = self._side.target.name
        things = [*self._grants, *(r for group in self.groups for r in self._members.get(group, ()))]
        things = [r for r in things if any(w.phase is Phase.ACTIVE for w in r.ways)]
        logins = {who.id for who in map(_holder, things) if who.is_account}
        return frozenset(self._case.who(target, login) for login in logins if self._usable(login))

    def _usable(self, login: str) -> bool:
        target = self._side.target.name
        match = self._side.match_of(Principal(target, PrincipalKind.PERSON, login))
        names = {login, match.login} if match is not None else {login}
        accounts = [self._state.get(Address(target, Kind.ACCOUNT, name)) for name in names]
        return all(a is None or a.attributes.get("enabled") is not False for a in accounts)

    def gives(self, change: Change) -> bool:
        """Whether what a change is about makes somebody an administrator, or is what an administrator cannot do
        without."""
        address = change.address
        if address.kind in (Kind.ACCOUNT, Kind.CREDENTIAL) or change.effect.level is Level.ADMIN:
            return True
        return address.kind in (Kind.MEMBERSHIP, Kind.GROUP) and address.object in self.groups


def _holder(resource: Resource) -> Principal:
    return resource.address.principal or _NOBODY


def after(side: Side, changes: Iterable[Change]) -> State:
    """The live state once these are done."""
    state = dict(side.live.resources)
    for change in changes:
        address = change.address
        have = state.get(address)
        if change.action in (Action.REVOKE, Action.DELETE):
            ended = {w.native_id for w in change.ways}
            left = tuple(w for w in have.ways if w.native_id not in ended) if have is not None and ended else ()
            if have is not None and any(w.gives_access for w in left):
                state[address] = replace(have, ways=left)
            else:
                state.pop(address, None)
        elif change.action is Action.CREATE:
            state[address] = side.desired.state.get(address) or Resource(address, dict(change.after or {}))
        elif change.action is not Action.RENAME and have is not None:
            state[address] = replace(have, attributes={**have.attributes, **(change.after or {})})
    return State.from_mapping(state)


def administrators(case: Case, changes: Iterable[Change]) -> Lockout:
    """Required ones and the minimum, on every target that something is taken on."""
    found = Lockout()
    by_target: dict[str, list[Change]] = {}
    for change in changes:
        by_target.setdefault(change.address.target, []).append(change)
    for target, ours in by_target.items():
        if _touches_one(case, found, target, ours):
            _Target(case, case.sides[target], ours, found).judge()
    return found


def _touches_one(case: Case, found: Lockout, target: str, changes: Iterable[Change]) -> bool:
    """Whether something is taken from an administrator at all: mostly not, and then there is nothing to work out."""
    taken = [c for c in changes if c.narrows]
    return bool(taken) and any(case.touched(c) & found.now(case, target).people for c in taken)


class _Target:
    """The changes of one target that no other rule holds back."""

    def __init__(self, case: Case, side: Side, changes: list[Change], found: Lockout) -> None:
        self._case, self._side, self._changes, self._found = case, side, changes, found
        self._name = side.target.name
        self._rule = case.rules.administrators_of(self._name)
        self._before = found.now(case, self._name)

    def judge(self) -> None:
        lost = self._before.people - self._people()
        if self._rule is not None and lost:
            for name in self._rule.required:
                if any(self._is(who, name) for who in lost):
                    self._keep(name, self._rule)
            self._count(self._rule)
        self._make_before_break(self._before.people)

    def _is(self, who: Who, name: str) -> bool:
        """Whether it is the person that a rule names, known there or by the login they would have."""
        return who in people_called(self._case, self._name, name)

    def _left(self) -> list[Change]:
        return [c for c in self._changes if c.id not in self._found.held]

    def _people(self, *, giving: bool = True) -> frozenset[Who]:
        return self._found.then(self._case, self._name, (c for c in self._left() if giving or c.narrows))

    def _takers(self, whom: Collection[Who]) -> list[Change]:
        """What takes admin-like access from somebody, and what they could not use it without."""
        about = [c for c in self._left() if c.narrows and not self._case.touched(c).isdisjoint(whom)]
        return [c for c in about if self._before.gives(c)]

    def _keep(self, name: str, rule: Administrators) -> None:
        """A required administrator: what makes them one stays, the rest of them goes."""
        takers = self._takers(people_called(self._case, self._name, name))
        why = f"{name} is a required administrator of {self._name}"
        self._found.held |= {c.id: Held("administrators-required", why) for c in takers}
        self._found.told.append(
            Diagnostic(
                "administrators-required",
                f"{name} stays an administrator of {self._name}, although the files do not ask for it any more: "
                f"not done is {names((c.words for c in takers), 3)}",
                location=self._case.place(rule.location),
                target=self._name,
                why=f"{name} is required there ({self._case.said(rule.location)}); everything else of theirs is done",
                fix="name somebody else as required first, in a change of its own; then this goes by itself",
            )
        )

    def _count(self, rule: Administrators) -> None:
        """As many as needed are kept, of those who stay before those who leave."""
        readable = all(self._side.coverage.is_complete(kind) for kind in (Kind.ACCOUNT, *_HOLDING))
        kept: list[Who] = []
        takers: list[Change] = []
        while True:
            left = self._people()
            lost = sorted(self._before.people - left - set(kept), key=self._last)
            if not lost or (readable and len(left) >= rule.minimum):
                break
            whom = lost[0]
            kept.append(whom)
            mine = self._takers({whom})
            takers += mine
            why = f"{self._name} must keep {count(rule.minimum, 'administrator')}"
            self._found.held |= {c.id: Held("administrators-minimum", why) for c in mine}
        if not takers:
            return
        here = len(self._before.people)
        counted = f"of {here} there are now" if readable else "and how many there are could not be read"
        self._found.told.append(
            Diagnostic(
                "administrators-minimum",
                f"{self._name} must keep {count(rule.minimum, 'administrator')}, {counted}: {names(kept)} "
                f"stay{'s' if len(kept) == 1 else ''} one",
                location=self._case.place(rule.location),
                target=self._name,
                why=f"with fewer nobody may be left to mend it ({self._case.said(rule.location)})",
                fix="make somebody else an administrator in the same change, or lower the minimum in one of its own",
            )
        )

    def _last(self, who: Who) -> tuple[bool, str]:
        return (who.known and who.name in self._side.departed, str(who))

    def _make_before_break(self, before: frozenset[Who]) -> None:
        """Where one administrator replaces another, the new one is there before the old one goes."""
        final = self._people()
        between = self._people(giving=False)
        gained = final - between
        rule = self._rule or _NO_RULE
        missing = [n for n in rule.required if any(self._is(who, n) for who in gained)]
        if not gained or (len(between) >= min(rule.minimum, len(final)) and not missing):
            return
        makers = tuple(
            c.id
            for c in self._left()
            if widens(c) and not c.narrows and self._case.touched(c) & gained and self._could_make(c)
        )
        for change in self._left():
            takes = change.narrows and self._case.touched(change) & before and self._before.gives(change)
            if takes and makers:
                self._found.needs[change.id] = makers

    @staticmethod
    def _could_make(change: Change) -> bool:
        return change.address.kind in (*_HOLDING, Kind.ACCOUNT)


def taken_from_many(
    case: Case, changes: Iterable[Change], gone: frozenset[str], found: Lockout
) -> Mapping[str, Refusal]:
    """Where the files say nothing about a target's administrators: more than one person's admin-like access in a plan
    needs somebody's word. By target."""
    people: set[Who] = set()
    by_target: dict[str, list[Change]] = {}
    for change in changes:
        if case.rules.administrators_of(change.address.target) is None:
            by_target.setdefault(change.address.target, []).append(change)
    unsaid: dict[str, list[Change]] = {}
    for target, here in by_target.items():
        if not _touches_one(case, found, target, here):
            continue
        before = found.now(case, target)
        lost = before.people - found.then(case, target, here)
        takers = [c for c in here if c.narrows and c.id not in gone and case.touched(c) & lost and before.gives(c)]
        if takers:
            people |= {who for c in takers for who in case.touched(c) & lost}
            unsaid[target] = takers
    if len(people) < 2:
        return {}
    fix = let_through(case, [c for taken in unsaid.values() for c in taken])
    return {
        target: Refusal(
            "administrators-taken",
            f"admin-like access would be taken from {len(people)} people in one plan",
            Diagnostic(
                "administrators-taken",
                f"{target} is refused: the plan takes admin-like access from {count(len(people), 'person', 'people')}: "
                f"{names(people)}",
                target=target,
                why="without `administrators:` for a target, one plan takes such access from one person",
                fix=fix,
            ),
        )
        for target in unsaid
    }
