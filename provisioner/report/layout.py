"""What a plan shows in which order, for text and Markdown alike: by target, then person; many alike folded into one.

Within a target whoever loses access or gets admin-like access comes first, and within a person each such line.
Nothing is left out here: what is folded keeps all its changes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from provisioner.diagnostics import Diagnostic
from provisioner.model.address import Kind
from provisioner.model.change import Change
from provisioner.model.coverage import what_follows
from provisioner.model.effect import Direction, Level
from provisioner.model.outstanding import Outstanding
from provisioner.plan.plan import Plan
from provisioner.report.safe import safe
from provisioner.report.words import and_so_on, plural

FOLD_PEOPLE = 3
"""From so many people on with the same changes, they are shown as one and others."""
FOLD_LINES = 12
"""More lines alike of one person are shown as a few and a list of names."""
SHOWN_OF_FOLDED = 6
_TOKEN = re.compile(r"[\w@+-]+(?:\.[\w@+-]+)*")
TOLD_ABOVE = frozenset({"copied-later", "incomplete-read", "target-unreadable"})
"""Diagnostics whose matter a plan's header tells: not repeated below."""
STANDING = frozenset({"circleci-open-context", "circleci-unguarded-context", "copied-later", "separate-held"})
"""What guardrails find wrong with what is there already, and what a plan cannot take away at once: told above it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One change as shown. `people` is how many have one just like it; `more` are further ones of the same person."""

    change: Change
    people: int = 1
    more: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The changes of one person, of several who have the same, or of nobody in particular (`who` empty)."""

    who: tuple[str, ...]
    login: str | None
    lines: tuple[Line, ...]

    @property
    def why(self) -> str:
        """The reason that all lines share, if there are several and they do."""
        return self._shared([line.change.why for line in self.lines])

    @property
    def source(self) -> str:
        """The file line that all lines share, likewise."""
        return self._shared(["" if len(c.sources) != 1 else str(c.sources[0]) for c in (n.change for n in self.lines)])

    def _shared(self, told: Sequence[str]) -> str:
        return told[0] if len(told) > 1 and len(set(told)) == 1 and len(self.who) == 1 else ""


@dataclass(frozen=True, slots=True)
class Section:
    target: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Open:
    """An outstanding matter and the change that finishes it, where this plan can."""

    item: Outstanding
    change: Change | None


def open_matters(plan: Plan) -> tuple[Open, ...]:
    """What earlier runs left, oldest first."""
    planned = {(c.address, c.action): c for c in plan.changes}
    found = [Open(item, planned.get((item.address, item.action))) for item in plan.outstanding]
    return tuple(sorted(found, key=lambda o: (o.item.since, str(o.item.address))))


def held_back(plan: Plan) -> tuple[tuple[str, tuple[Change, ...]], ...]:
    """What is not done, by the reason that it shares: in the order of the plan, most of a kind together."""
    found: dict[tuple[str, str], list[Change]] = {}
    for item in plan.withheld:
        found.setdefault((item.rule, item.why), []).append(item.change)
    return tuple((f"{rule}: {why}", tuple(changes)) for (rule, why), changes in found.items())


def left_to_others(plan: Plan) -> str | None:
    """What this run is not for, in a line; None where that is nothing."""
    if not plan.left:
        return None
    where = and_so_on([f"{target} {count:,}" for target, count in sorted(plan.left.items())], 6)
    return f"Left to `apply`: {plural(sum(plan.left.values()), 'change')} that this run is not for ({where})."


def sections(plan: Plan) -> tuple[Section, ...]:
    """The targets that something is to be done on; what is outstanding stands elsewhere."""
    first = {o.change.id for o in open_matters(plan) if o.change is not None}
    by_target: dict[str, list[Change]] = {}
    for change in plan.changes:
        if change.id not in first:
            by_target.setdefault(change.address.target, []).append(change)
    return tuple(Section(target, _groups(by_target[target])) for target in sorted(by_target))


def _groups(changes: Sequence[Change]) -> tuple[Group, ...]:
    people: dict[str, list[Change]] = {}
    for change in changes:
        people.setdefault(change.identity or "", []).append(change)
    alike: dict[object, list[tuple[str, list[Change]]]] = {}
    for who, own in people.items():
        own.sort(key=gravity)
        alike.setdefault(_shape(who, own), []).append((who, own))
    groups: list[Group] = []
    for same in alike.values():
        same.sort()
        if len(same) >= FOLD_PEOPLE:
            who, own = same[0]
            groups.append(Group(tuple(w for w, _ in same), None, _lines(own, len(same))))
        else:
            groups += [Group((who,) if who else (), _login(who, own), _lines(own, 1)) for who, own in same]
    return tuple(sorted(groups, key=lambda g: (*gravity(g.lines[0].change), not g.who, g.who)))


def gravity(change: Change) -> tuple[bool, bool]:
    """Sorts admin-like changes first, then what takes access away."""
    return (change.effect.level is not Level.ADMIN, not change.narrows)


def _shape(who: str, changes: Iterable[Change]) -> object:
    """Equal for people whose changes are the same but for their names. Admin-like ones are each shown, and so is
    whoever has another login than their id."""
    own = list(changes)
    if not who or any(c.effect.level is Level.ADMIN for c in own) or _login(who, own) is not None:
        return who
    return tuple(_one_shape(who, c) for c in own)


def _one_shape(who: str, change: Change) -> object:
    address = change.address

    def nameless(text: str) -> str:
        return _TOKEN.sub(lambda found: "\0" if found[0] == who else found[0], text)

    return (
        change.action,
        address.kind,
        None if address.kind is Kind.ACCOUNT else address.object,
        address.slot,
        change.effect,
        change.cause,
        change.evidence,
        change.ends,
        change.ends_by,
        change.reversible,
        nameless(change.words),
        nameless(change.why),
    )


def _login(who: str, changes: Iterable[Change]) -> str | None:
    """The login, where it is not the id."""
    for change in changes:
        address = change.address
        login = address.principal.id if address.principal is not None else address.object
        if who and login != who and (address.principal is not None or address.kind is Kind.ACCOUNT):
            return login
    return None


def _lines(changes: Sequence[Change], people: int) -> tuple[Line, ...]:
    counted: dict[object, list[Change]] = {}
    for change in changes:
        counted.setdefault((change.action, change.address.kind, change.effect, change.why, change.evidence), []).append(
            change
        )
    lines: list[Line] = []
    for alike in counted.values():
        if len(alike) > FOLD_LINES and alike[0].effect.level is not Level.ADMIN:
            shown = [Line(c, people) for c in alike[: SHOWN_OF_FOLDED - 1]]
            lines += [*shown, Line(alike[SHOWN_OF_FOLDED - 1], people, tuple(alike[SHOWN_OF_FOLDED:]))]
        else:
            lines += [Line(c, people) for c in alike]
    return tuple(sorted(lines, key=lambda line: gravity(line.change)))


# Words that text and Markdown share.

_EFFECTS = {
    Direction.NARROWS: ("takes access away", "take access away"),
    Direction.WIDENS: ("gives access", "give access"),
    Direction.BOTH: ("takes and gives access", "take and give access"),
    Direction.NEUTRAL: ("changes nobody's access", "change nobody's access"),
}
SIGNS = {Direction.NARROWS: "-", Direction.WIDENS: "+", Direction.BOTH: "~", Direction.NEUTRAL: "~"}


def kinds(counted: Iterable[tuple[str, int]]) -> str:
    """`210 accounts, 1 group, 900 memberships`."""
    return ", ".join(plural(number, kind) for kind, number in counted if number)


def _named(identity: str) -> str:
    return safe(identity, 80)


def headline(plan: Plan, shown: Callable[[str], str] = _named) -> str:
    """The counts: how many changes, where, for how many, and what they do to access. `shown` writes the one name."""
    targets = len({c.address.target for c in plan.changes})
    people = {c.identity for c in plan.changes if c.identity}
    told = f"{plural(len(plan.changes), 'change')} on {plural(targets, 'target')}"
    if people:
        told += f", for {shown(people.pop()) if len(people) == 1 else plural(len(people), 'identity', 'identities')}"
    effects = []
    for direction in Direction:
        number = sum(c.effect.direction is direction for c in plan.changes)
        if number:
            effects.append(f"{number:,} {_EFFECTS[direction][number != 1]}")
    return f"{told}: {', '.join(effects)}."


def breakdown(plan: Plan) -> list[tuple[str, str]]:
    """By effect, the kinds of things: for plans that are too big to be counted by eye."""
    if len(plan.changes) <= FOLD_LINES:
        return []
    found = []
    for direction in Direction:
        counted: dict[str, int] = {}
        for change in plan.changes:
            if change.effect.direction is direction:
                counted[change.address.kind.value] = counted.get(change.address.kind.value, 0) + 1
        if counted:
            ordered = [(kind.value, counted.get(kind.value, 0)) for kind in Kind]
            found.append((_EFFECTS[direction][1], kinds(ordered)))
    return found


def no_changes(plan: Plan) -> str:
    """The line above a plan without changes: calm only where nothing is in doubt."""
    seen = sum(sum(view.read.values()) for view in plan.targets.values())
    read = f"{plural(len(plan.targets), 'target')} read, {plural(seen, 'thing')} seen"
    if plan.complete and not plan.outstanding and not plan.refused and not plan.withheld and not plan.unsettled:
        if plan.left:
            return f"Nothing is due. {read}."
        unwritten = sum(d.code == "report-only" for d in plan.diagnostics)
        if unwritten:
            return f"No changes are planned. {read}: {plural(unwritten, 'difference')} in mode `report`."
        if not plan.targets:
            return "No changes are planned: no target is declared, and no system was asked."
        return f"Nothing to do. {read}: all that is ours is as declared."
    done = sum(view.complete for view in plan.targets.values())
    if done < len(plan.targets):
        return f"No changes are planned. {done:,} of {plural(len(plan.targets), 'target')} could be read completely."
    return f"No changes are planned. {read}."


def gap(plan: Plan, target: str) -> str:
    """What could not be read of a target, and what follows from that."""
    view = plan.targets[target]
    if view.failed is not None:
        return f"{target} could not be read: {view.failed}; nothing is planned there"
    proofs = and_so_on([f"{c.scope}: {c.proof}" for c in view.coverage], 4) or "the reading broke off"
    told = f"{target} could not be read completely: {proofs}; {what_follows(view.coverage)}"
    held = [d.message for d in plan.diagnostics if d.code == "incomplete-read" and d.target == target]
    return f"{told} ({held[0]})" if held else told


def unrecorded(plan: Plan) -> list[str]:
    """The targets whose journal is lost, and what follows from that."""
    return [
        f"the journal of {name} is missing ({plural(view.unrecorded, 'thing')} there carry our mark): who was cut off, "
        "and what is outstanding, is not known"
        for name, view in sorted(plan.targets.items())
        if view.unrecorded is not None
    ]


def standing(plan: Plan) -> tuple[str, ...]:
    """What is wrong already, and what stays for a while, whatever the plan does."""
    return tuple(d.message for d in plan.diagnostics if d.code in STANDING and not d.is_error)


def remarks(plan: Plan) -> tuple[Diagnostic, ...]:
    """The diagnostics that the header does not tell."""
    return tuple(d for d in plan.diagnostics if d.code not in TOLD_ABOVE)
