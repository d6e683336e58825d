"""The way through: what reviewed entries of `guardrails.acknowledgements` let go and let in, until their end.

Nothing here opens administrators that are required, our own access or break-glass: those rules do not ask.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from provisioner.contract import Declare
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.guardrails.case import Case, Who, widens
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.assignment import Assignment
from provisioner.model.change import Change
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import format_instant
from provisioner.model.rules import Acknowledgement
from provisioner.model.target import Mode
from provisioner.plan.grounds import newly_managed
from provisioner.plan.side import Side
from provisioner.resolve.desired import desire

Thing = tuple[Kind, str, str | None]
_WHO = "\x00anybody"


class RoleThings:
    """What a role gives, on which target: by the files, by the base, and by what the files said since the targets
    converged. A role that is gone still names what it gave."""

    def __init__(self, trees: Iterable[DeclaredAccess], declares: Mapping[str, Declare]) -> None:
        self._trees = list(trees)
        self._declares = declares
        self._known: dict[str, dict[str, set[Thing]]] = {}

    def of(self, role: str, target: str) -> set[Thing]:
        if role not in self._known:
            found: dict[str, set[Thing]] = {}
            seen: set[int] = set()
            for tree in self._trees:
                given = tree.roles.get(role)
                if given is None or id(given) in seen:
                    continue
                seen.add(id(given))
                anybody = Identity(IdentityKind.PERSON, _WHO, roles=(Assignment(role, given.environments),))
                for name, desired in desire(tree, self._declares, None, only=[anybody]).items():
                    for address in desired.state.resources:
                        if address.principal is not None and address.principal.id == _WHO:
                            found.setdefault(name, set()).add((address.kind, address.object, address.slot))
            self._known[role] = found
        return self._known[role].get(target, set())


class Acknowledged:
    """The entries of the files that are applied, as far as they still count."""

    def __init__(self, case: Case) -> None:
        self._case = case
        said = case.declared.rules.acknowledgements
        self.entries = tuple(a for a in said if a.until > case.now)
        self.expired = tuple(a for a in said if a.until <= case.now)
        self._exceeded: list[Diagnostic] = []

    @cached_property
    def _roles(self) -> RoleThings:
        case = self._case
        trees = (case.declared, case.judging, *(p.declared for p in case.past))
        return RoleThings(trees, {name: side.declare for name, side in case.sides.items()})

    @cached_property
    def gone(self) -> frozenset[str]:
        """The narrowing changes, by id, that somebody has said may be made."""
        narrowing = [c for c in self._case.changes if c.narrows]
        entries = [a for a in self.entries if a.removals and a.count is None and a.system is None]
        counted = [a for a in self.entries if a.count is not None]
        if not entries and not counted:
            return frozenset()
        found = {c.id for c in narrowing if any(self._names(a, c) for a in entries)}
        found |= set(self._closed_with(narrowing, found))
        for entry in counted:
            found |= self._counted(entry, [c for c in narrowing if c.id not in found])
        return frozenset(found)

    def _names(self, entry: Acknowledgement, change: Change) -> bool:
        case, address = self._case, change.address
        if not entry.reaches(address.target):
            return False
        if entry.people:
            touched = case.touched(change)
            if touched and all(who.known and who.name in entry.people for who in touched):
                return True
        return self.role_gives(entry.role, address) or _named(entry, address)

    def role_gives(self, role: str | None, address: Address) -> bool:
        """Whether it is something that holders of `role` have, or had."""
        if role is None:
            return False
        return (address.kind, address.object, address.slot) in self._roles.of(role, address.target)

    def _closed_with(self, narrowing: list[Change], found: set[str]) -> Iterator[str]:
        """Accounts that are closed because what was let go was the last that somebody had there."""
        if not found:
            return
        case = self._case
        theirs: dict[tuple[str, frozenset[Who]], list[Change]] = {}
        for change in narrowing:
            theirs.setdefault((change.address.target, case.touched(change)), []).append(change)
        for changes in theirs.values():
            closing = [c for c in changes if c.address.kind is Kind.ACCOUNT and not case.leaves(c)]
            others = [c for c in changes if c.address.kind is not Kind.ACCOUNT]
            if others and all(c.id in found for c in others):
                yield from (c.id for c in closing)

    def _counted(self, entry: Acknowledgement, left: list[Change]) -> set[str]:
        """For each instance by itself: all of the kind, if they are not more than it says."""
        found: set[str] = set()
        by_target: dict[str, set[str]] = {}
        for change in left:
            if change.address.kind is entry.kind and entry.reaches(change.address.target):
                by_target.setdefault(change.address.target, set()).add(change.id)
        for target, ids in by_target.items():
            most = entry.count or 0
            if len(ids) <= most:
                found |= ids
                continue
            self._exceeded.append(
                Diagnostic(
                    "acknowledgement-exceeded",
                    f"{most} removals of kind {entry.kind} may be made on {target}, and this plan makes {len(ids)}",
                    Severity.WARNING,
                    entry.location,
                    why="it lets through what was counted when it was written, or nothing",
                    fix="if all of them are meant, correct `count`",
                    target=target,
                )
            )
        return found

    def lets_in(self, change: Change) -> bool:
        """Whether somebody has said that this may be given. What is about removals does not say so."""
        entries = (a for a in self.entries if not a.removals and a.count is None and a.system is None)
        return widens(change) and any(self._names(a, change) for a in entries)

    def journal_lost(self, target: str) -> bool:
        """Whether somebody has said that the journal of `target` is lost, and that it goes on without."""
        return any(a.journal_lost and a.target is not None and a.reaches(target) for a in self.entries)

    def of(self, address: Address) -> Acknowledgement | None:
        """The entry that lets this very thing stand open, if there is one."""
        entries = (a for a in self.entries if not a.removals and a.count is None and a.system is None)
        return next((a for a in entries if a.reaches(address.target) and _named(a, address)), None)

    @property
    def told(self) -> Iterator[Diagnostic]:
        """Entries that count for nothing; once everything was judged."""
        yield from self._exceeded
        for entry in self.expired:
            yield Diagnostic(
                "acknowledgement-expired",
                f"this acknowledgement ended {format_instant(entry.until)}, and lets nothing through any more",
                Severity.WARNING,
                entry.location,
                why=f"it was given until then: {entry.reason}",
                fix="take it out; what is still to be let through needs a new one",
            )


def _named(entry: Acknowledgement, address: Address) -> bool:
    return any(_means(text, address) for text in entry.addresses)


def _means(text: str, address: Address) -> bool:
    """Whether an address in the files is this one, or the thing that this one hangs on."""
    try:
        told = Address.parse(text)
    except ValueError:
        return False
    if told == address or text == str(address):
        return True
    whole = told.principal is None and told.slot is None
    return whole and told[:3] == address[:3]


def newly_managed_and_let_go(case: Case) -> dict[str, frozenset[Address]]:
    """Holders that were there before a thing came under full management, and that may go: by target. A role or address
    names them, or a person, or their number."""
    found: dict[str, frozenset[Address]] = {}
    said = Acknowledged(case)
    entries = [a for a in said.entries if a.removals or a.count is not None]
    for name, side in case.sides.items():
        here = [a for a in entries if a.reaches(name)]
        if here and side.target.mode is Mode.FULL:
            found[name] = frozenset(_let_go(case, said, side, here))
    return found


def _let_go(case: Case, said: Acknowledged, side: Side, entries: list[Acknowledgement]) -> Iterator[Address]:
    target = side.target.name
    newly = [
        (r.address, holder.id)
        for r in side.live
        if (holder := r.address.principal) is not None
        and holder.is_account
        and r.gives_access
        and r.address not in side.desired.state
        and newly_managed(side, r.address)
    ]
    for address, login in newly:
        who = case.who(target, login)
        for entry in entries:
            if entry.count is not None:
                named = entry.kind is address.kind and sum(a.kind is address.kind for a, _ in newly) <= entry.count
            else:
                named = (
                    (who.known and who.name in entry.people)
                    or _named(entry, address)
                    or said.role_gives(entry.role, address)
                )
            if named:
                yield address
                break
