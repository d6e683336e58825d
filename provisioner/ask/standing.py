"""What of the access files stands approved, after merges of which some lacked an approval. Pure.

Each step (a first-parent commit) is compared with the one before it, and its reviews are asked for. An entry whose
change lacks an approval stays, for what gives access, as it was approved last; also what later merges make of it, until
it is approved after all or taken back. The approved state says who owns what, who is who, and whether approvals are
required: a merge that nobody approved changes none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from provisioner.ask.approvals import Revision, approvals
from provisioner.load.contents import Entry
from provisioner.model.access import DeclaredAccess
from provisioner.model.approval import AccessChange, Need
from provisioner.model.identity import Identity
from provisioner.model.instant import Instant
from provisioner.model.review import Counted

Key = tuple[str, str]
Thing = TypeVar("Thing")
NOTHING = Revision(DeclaredAccess(), {})
"""Before the first files."""


@dataclass(frozen=True)
class Step:
    """One state of the files, and the commit that made it; `commit` is None for what is not committed."""

    commit: str | None
    revision: Revision

    @property
    def name(self) -> str:
        return "what is not committed" if self.commit is None else f"commit {self.commit[:12]}"


@dataclass(frozen=True)
class Unasked:
    """Nobody is known to have approved a step, and why; `unread`: it could not be found out."""

    why: str
    unread: bool = False


Ask = Callable[[Step, DeclaredAccess], Counted | Unasked]
"""Who approved a step, by the accounts that the declared access (what stands approved) has for them."""


@dataclass(frozen=True)
class Missing:
    """An approval that a step lacks."""

    step: Step
    change: AccessChange
    need: Need
    answer: Counted | Unasked


@dataclass(frozen=True)
class Held:
    """An entry as it was approved last (None: it was not there), and the declared access that it stands in."""

    entry: Entry | None
    declared: DeclaredAccess


@dataclass(frozen=True)
class Standing:
    """`held` are the entries that do not count as they are now. `required` says whether what stands approved wants
    approvals; without, nothing is held."""

    required: bool = False
    held: Mapping[Key, Held] = field(default_factory=dict)
    missing: tuple[Missing, ...] = ()

    @property
    def complete(self) -> bool:
        return not self.held

    def approved(self, declared: DeclaredAccess) -> DeclaredAccess:
        """`declared` with what is held as it was approved last."""
        return overlay(declared, self.held)


def standing(start: Revision, steps: Sequence[Step], ask: Ask, now: Instant) -> Standing:
    """Walks from `start`, which is approved, to the last of `steps`. A step is asked about only where it changes
    something and approvals are required."""
    walk = _Walk(start, ask, now)
    for step in steps:
        walk.take(step)
    return walk.standing()


class _Walk:
    def __init__(self, start: Revision, ask: Ask, now: Instant) -> None:
        self.before = start
        self.held: dict[Key, Held] = {}
        self.missing: dict[Key, list[Missing]] = {}
        self._ask, self._now = ask, now

    def standing(self) -> Standing:
        told = {(m.step.commit, m.change.what, m.need.of): m for found in self.missing.values() for m in found}
        return Standing(self._judging().declared.rules.approvals_required, dict(self.held), tuple(told.values()))

    def take(self, step: Step) -> None:
        before, after = self.before, step.revision
        changed = [
            k for k in {*before.entries, *after.entries} if not _same(before.entries.get(k), after.entries.get(k))
        ]
        judging = self._judging()
        if changed:
            wanting = self._wanting(step, judging) if judging.declared.rules.approvals_required else {}
            for key in changed:
                self._settle(key, after.entries.get(key), wanting.get(key, []))
        self.before = after

    def _judging(self) -> Revision:
        entries = {**self.before.entries, **{k: h.entry for k, h in self.held.items() if h.entry is not None}}
        for key, held in self.held.items():
            if held.entry is None:
                entries.pop(key, None)
        return Revision(overlay(self.before.declared, self.held), entries)

    def _wanting(self, step: Step, judging: Revision) -> dict[Key, list[Missing]]:
        """What a step lacks, by entry. What only takes away goes on without."""
        answer = self._ask(step, judging.declared)
        wrote = answer.wrote if isinstance(answer, Counted) else ()
        approved = tuple(answer.approved) if isinstance(answer, Counted) else ()
        found = approvals(self.before, step.revision, step.name, self._now, wrote=wrote, judging=judging)
        wanting: dict[Key, list[Missing]] = {}
        for change, need in replace(found, approved=approved).missing():
            if change.effect != "narrows":
                for key in change.entries:
                    wanting.setdefault(key, []).append(Missing(step, change, need, answer))
        return wanting

    def _settle(self, key: Key, now: Entry | None, wanting: list[Missing]) -> None:
        held = self.held.get(key)
        approved = held.entry if held is not None else self.before.entries.get(key)
        if _same(now, approved) or (held is None and not wanting):
            self.held.pop(key, None)
            self.missing.pop(key, None)
            return
        if held is None:
            self.held[key] = Held(approved, self.before.declared)
        self.missing.setdefault(key, []).extend(wanting)


def _same(one: Entry | None, other: Entry | None) -> bool:
    return one is other or (one is not None and other is not None and one.data == other.data)


def overlay(declared: DeclaredAccess, held: Mapping[Key, Held]) -> DeclaredAccess:
    """`declared` with some entries as they were at other times."""
    for (section, name), then in held.items():
        past = then.declared
        if section in ("people", "services"):
            found: Identity | None = past.identities.get(name) if then.entry is not None else None
            declared = replace(declared, identities=_with(declared.identities, name, found))
        elif section == "roles":
            role = past.roles.get(name) if then.entry is not None else None
            declared = replace(declared, roles=_with(declared.roles, name, role))
        elif section == "environments":
            environment = past.environments.get(name) if then.entry is not None else None
            declared = replace(declared, environments=_with(declared.environments, name, environment))
        elif section == "targets":
            others = {n: t for n, t in declared.targets.items() if t.family != name}
            own = {t.name: t for t in past.family(name)} if then.entry is not None else {}
            declared = replace(declared, targets={**others, **own})
        elif section == "guardrails":
            declared = replace(declared, rules=past.rules)
        elif section == "records":
            declared = replace(declared, records=past.records)
    return declared


def _with(known: Mapping[str, Thing], name: str, thing: Thing | None) -> dict[str, Thing]:
    found = {n: t for n, t in known.items() if n != name}
    if thing is not None:
        found[name] = thing
    return found


def families_held(held: Iterable[Key]) -> frozenset[str]:
    """The targets whose declaration does not count as it is now."""
    return frozenset(name for section, name in held if section == "targets")
