"""Two things that nobody may hold both of: judged on what the files ask for and on what people hold live, by every way.

A side is held by whoever holds any part of it, on any target, directly or through a group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from provisioner.contract import Declare
from provisioner.diagnostics import Diagnostic, Location, Severity
from provisioner.guardrails.case import Case, Held, Members, Who, widens
from provisioner.guardrails.lockout import after
from provisioner.guardrails.wording import names
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.block import Block
from provisioner.model.change import Change
from provisioner.model.desired import Desired
from provisioner.model.principal import Principal, PrincipalKind
from provisioner.model.rules import Separate
from provisioner.model.state import State
from provisioner.resolve.blocks import block_for

Thing = tuple[str, Kind, str, str | None]
"""Target, kind, object, slot: what is held, whoever holds it."""
_WHO = "\x00anybody"


def separate(case: Case, changes: Iterable[Change]) -> tuple[dict[str, Held], list[Diagnostic]]:
    """What would give somebody both sides of a rule who does not hold both now; and who does, as a warning."""
    rules = case.rules.separate
    if not rules:
        return {}, []
    changes = list(changes)
    declares = case.declares
    now = _Holdings(case, {name: side.live for name, side in case.sides.items()})
    then = now
    if changes:
        then = _Holdings(case, {name: after(side, _of(changes, name)) for name, side in case.sides.items()})
    asked = case.desired
    held: dict[str, Held] = {}
    told: list[Diagnostic] = []
    for rule in rules:
        one, other = (things_of(case.judging, declares, side) for side in rule.sides)
        asked_one, asked_other = (_declared(asked, things) for things in (one, other))
        both_now = now.of(one) & now.of(other)
        both = (then.of(one) | asked_one) & (then.of(other) | asked_other)
        newly = both - both_now
        giving = [c for c in changes if widens(c) and case.touched(c) & newly and then.gives(c, one | other)]
        for change in giving:
            held.setdefault(change.id, Held("separate", f"`{rule.name}`: nobody may hold both"))
        told += _refused(case, rule, newly, asked_one & asked_other, giving)
        told += _told(case, rule, both & both_now)
    return held, told


def _of(changes: Iterable[Change], target: str) -> list[Change]:
    return [c for c in changes if c.address.target == target]


def things_of(declared: DeclaredAccess, declares: Mapping[str, Declare], side: Mapping[str, Block]) -> set[Thing]:
    """What the blocks of one side mean, in every environment and on every instance."""
    found: set[Thing] = set()
    environments = frozenset(declared.environments)
    for name, block in side.items():
        for target in declared.targets.values():
            if name not in (target.name, target.family) or target.name not in declares:
                continue
            declare = declares[target.name]
            filled = block_for(block, environments, target, declare)
            who = Principal(target.name, PrincipalKind.PERSON, _WHO)
            for resource in declare.expand(filled, who) if filled is not None else ():
                address = declare.canonical(resource).address
                if address.principal == who:
                    found.add((target.name, address.kind, address.object, address.slot))
    return found


def _thing(address: Address) -> Thing:
    return (address.target, address.kind, address.object, address.slot)


def _declared(desired: Mapping[str, Desired], things: set[Thing]) -> set[Who]:
    """Whoever is to hold any of these, by the files."""
    found: set[Who] = set()
    for name, want in desired.items():
        ours = {(kind, thing, slot) for target, kind, thing, slot in things if target == name}
        for address in want.state.resources if ours else ():
            who = address.principal
            if who is not None and (address.kind, address.object, address.slot) in ours and who.id in want.logins:
                found.add(Who(want.logins[who.id].id))
    return found


@dataclass
class _Holdings:
    """Who holds what, in one state of all targets."""

    case: Case
    states: Mapping[str, State]

    def of(self, things: set[Thing]) -> set[Who]:
        """Whoever holds any of these: directly, or by a group that does."""
        found: set[Who] = set()
        for name, state in self.states.items():
            ours = {t for t in things if t[0] == name}
            if not ours:
                continue
            groups: set[str] = set()
            for kind in {t[1] for t in ours}:
                for resource in state.of_kind(kind):
                    who = resource.address.principal
                    if who is None or not resource.gives_access or _thing(resource.address) not in ours:
                        continue
                    if who.is_account:
                        found.add(self.case.who(name, who.id))
                    elif who.kind is PrincipalKind.GROUP and who.realm == name:
                        groups.add(who.id)
            members = Members(self.case.sides[name], state)
            found |= {self.case.who(name, a.id) for group in groups for a in members.accounts(group)}
        return found

    def gives(self, change: Change, things: set[Thing]) -> bool:
        """Whether a change gives any of these: itself, or by the group that it lets somebody into."""
        address = change.address
        if _thing(address) in things:
            return True
        if address.kind is not Kind.MEMBERSHIP:
            return False
        state = self.states[address.target]
        groups = _above(state, address.target, address.object)
        return any(
            _thing(r.address) in things
            for group in groups
            for r in state.held_by(Principal(address.target, PrincipalKind.GROUP, group))
        )


def _above(state: State, target: str, group: str) -> set[str]:
    """The group, and every group that it is in."""
    found, waiting = {group}, [group]
    while waiting:
        for resource in state.held_by(Principal(target, PrincipalKind.GROUP, waiting.pop())):
            if resource.address.kind is Kind.MEMBERSHIP and resource.address.object not in found:
                found.add(resource.address.object)
                waiting.append(resource.address.object)
    return found


def _refused(
    case: Case, rule: Separate, newly: set[Who], by_the_files: set[Who], giving: list[Change]
) -> Iterator[Diagnostic]:
    people = {who for change in giving for who in case.touched(change) & newly} | (newly & by_the_files)
    if people:
        yield conflict(rule, people, case.place(rule.location), case.said(rule.location))


def conflict(rule: Separate, people: Iterable[Who], location: Location | None, where: str) -> Diagnostic:
    """Somebody would hold both."""
    return Diagnostic(
        "separate",
        f"`{rule.name}`: {names(people)} would hold both of what nobody may hold both of",
        location=location,
        why=f"the rule ({where}) keeps {_side(rule, 0)} and {_side(rule, 1)} apart",
        fix="take one of the two from them; if the rule is wrong, change it in a change of its own",
    )


def _told(case: Case, rule: Separate, people: set[Who]) -> Iterator[Diagnostic]:
    if people:
        yield Diagnostic(
            "separate-held",
            f"`{rule.name}`: {names(people)} hold{'s' if len(people) == 1 else ''} both now, and the plan does not "
            "mend it",
            Severity.WARNING,
            case.place(rule.location),
            why=f"the rule ({case.said(rule.location)}) keeps {_side(rule, 0)} and {_side(rule, 1)} apart",
            fix="take one of the two from them; what the files never gave is taken away by hand",
        )


def _side(rule: Separate, number: int) -> str:
    return " and ".join(sorted(f"{target} {_flat(block.data)}" for target, block in rule.sides[number].items()))


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_flat(v)}" for k, v in value.items())
    return ", ".join(map(_flat, value)) if isinstance(value, list | tuple) else str(value)


def declared_conflicts(
    declared: DeclaredAccess, declares: Mapping[str, Declare], desired: Mapping[str, Desired]
) -> Iterator[Diagnostic]:
    """What the files alone show: people whose roles give them both. For `validate`, which reads no system."""
    for rule in declared.rules.separate:
        one, other = (_declared(desired, things_of(declared, declares, side)) for side in rule.sides)
        if one & other:
            yield conflict(rule, one & other, rule.location, str(rule.location))
