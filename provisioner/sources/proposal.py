"""What the access files would have to say so that they follow a source: who joins, moves, is called otherwise, leaves.

Proposes, and gives nothing. Lines that people wrote stay: only lines that carry the source's name are taken out. Who
somebody is, their immutable id says, then e-mail and login where nothing contradicts; whatever is doubtful is listed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.guardrails.removals import SMALL_GROUP
from provisioner.guardrails.wording import list_of, meant, names, of
from provisioner.model.assignment import Assignment
from provisioner.model.identity import Identity
from provisioner.model.source import Source
from provisioner.sources.leavers import Found, Leaving, acknowledged, is_disabled, known_from, roles_let_go
from provisioner.sources.recognising import Departed, Doubt, Recognising
from provisioner.sources.roster import Listed, Roster
from provisioner.sources.saying import Said, said_of

Given = tuple[str, frozenset[str] | None]
"""A role and where it is held: what makes two lines of a source the same."""


class Kind(StrEnum):
    JOINS = "joins"
    MOVES = "moves"
    LEAVES = "leaves"


@dataclass(frozen=True)
class Person:
    """What becomes of one person's entry. `identity` is None where they are new. `lines` are the places in their list
    of roles that are taken out; `said` what they are called."""

    id: str
    kind: Kind
    identity: Identity | None = None
    native: str = ""
    login: str = ""
    gains: tuple[Assignment, ...] = ()
    loses: tuple[Assignment, ...] = ()
    lines: tuple[int, ...] = ()
    said: Said = field(default_factory=Said)
    binds: bool = False
    why: str = ""

    @property
    def changes(self) -> bool:
        return self.kind is not Kind.MOVES or bool(self.gains or self.loses or self.said.changes or self.binds)


@dataclass
class Proposal:
    """`pins` is what the source's own entry learns: its system, and ids of groups. `renamed` are its groups that are
    called otherwise by now. `refused` says that a rule held something back."""

    source: Source
    people: list[Person] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    pins: dict[str, Any] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    told: list[Diagnostic] = field(default_factory=list)
    refused: bool = False


def propose(roster: Roster, left: Leaving, found: Found, departed: Departed) -> Proposal:
    """`left` is who leaves, as `leaving` judged it on this very roster; `departed` who was declared once, as last
    declared."""
    return _Proposing(roster, left, found, departed).run()


class _Proposing:
    def __init__(self, roster: Roster, left: Leaving, found: Found, departed: Departed) -> None:
        self.roster, self.left, self.found = roster, left, found
        self.source = roster.source
        self.departed = departed
        self.out = Proposal(self.source)
        self.known = {native: who for native, (who, _) in known_from(self.source, found).items()}
        self.roles_of: dict[str, tuple[Assignment, ...]] = {}
        self.unsure: set[Given] = set()

    def run(self) -> Proposal:
        if self.source.system is None:
            self.out.pins["system"] = self.roster.system
        self._groups()
        joining = [p for p in self._by_login() if p.id not in self.known and self._given(p) and not p.disabled]
        recognised = Recognising(self.roster, self.found, self.known, self.departed).run(joining)
        self.out.doubts = recognised.doubts
        people = [self._joins(listed, who, identity) for listed, who, identity in recognised.people]
        for native, identity in self.known.items():
            listed = self.roster.people.get(native)
            if identity.id in self.left.leavers:
                people.append(self._leaves(identity, native))
            elif listed is not None and not is_disabled(listed, identity, self.found, self.source):
                people.append(self._moves(listed, identity))
            elif listed is None or identity.suspended is None:
                people += self._of_others_too(identity, native)
        self._hold_back(people)
        self._back()
        self.out.people = sorted((p for p in people if p.changes), key=lambda p: p.id)
        self.out.refused |= self.left.refused.get(self.source.id, "source-unpinned") != "source-unpinned"
        return self.out

    def _by_login(self) -> list[Listed]:
        return sorted(self.roster.people.values(), key=lambda p: p.login)

    # The source's groups

    def _groups(self) -> None:
        """Each by its id where the files have one, else by its name, which then gets the id."""
        by_id = {native: name for name, native in self.roster.groups.items() if native is not None}
        by_name = {name.casefold(): name for name in self.roster.groups}
        for name, meant_by in self.source.groups.items():
            real = by_name.get(name.casefold()) if meant_by.id is None else by_id.get(meant_by.id)
            if real is None:
                self.unsure |= {_key(g) for g in meant_by.roles}
                self.out.refused = True
                self.out.told.append(self._no_group(name, by_name.get(name.casefold()), meant_by.id is not None))
                continue
            self.roles_of[real] = (*self.roles_of.get(real, ()), *meant_by.roles)
            native = self.roster.groups[real]
            if meant_by.id is None and native is not None:
                self.out.pins.setdefault("groups", {})[name] = {"id": native}
            if real.casefold() != name.casefold() and real not in self.source.groups:
                self.out.renamed[name] = real
            if self.roster.strangers.get(real):
                self.out.told.append(_strangers(self.source, real, self.roster.strangers[real]))

    def _no_group(self, name: str, other: str | None, pinned: bool) -> Diagnostic:
        what = f"{self.source.id} has no group `{name}`"
        if pinned:
            what += " of that id" + (": the one of that name is another" if other is not None else ", by whatever name")
        return Diagnostic(
            "source-group-missing",
            f"{what}: nobody gains or loses what it gives",
            location=self.source.groups[name].location,
            why="a group that is gone, or was made anew, would take from everybody what it gave",
            fix="correct its name; for a new group of that name take its `id:` out; if nobody shall hold its roles by "
            "it any more, take the entry out, and `pull` again",
            target=self.source.target,
        )

    def _given(self, listed: Listed) -> list[Assignment]:
        """What somebody's groups give them, each once; in the order of the source's entry."""
        given: dict[Given, Assignment] = {}
        for group, roles in self.roles_of.items():
            if group in listed.groups:
                for one in roles:
                    given.setdefault(_key(one), one)
        return list(given.values())

    # People

    def _joins(self, listed: Listed, who: str, identity: Identity | None) -> Person:
        gains = self._given(listed)
        if identity is not None:
            there = {_key(h) for h in identity.roles if h.source == self.source.id}
            gains = [g for g in gains if _key(g) not in there]
        said = said_of(listed, who, identity, self.source, self.out.doubts)
        why = f"in {names(sorted(listed.groups & self.roles_of.keys()))} of {self.source.id}"
        return Person(who, Kind.JOINS, identity, listed.id, listed.login, tuple(gains), said=said, binds=True, why=why)

    def _moves(self, listed: Listed, identity: Identity) -> Person:
        given = {_key(g): g for g in self._given(listed)}
        there = {n: h for n, h in enumerate(identity.roles) if h.source == self.source.id}
        has = {_key(h) for h in there.values()}
        gains = tuple(g for key, g in given.items() if key not in has)
        out = {n: h for n, h in there.items() if _key(h) not in given and _key(h) not in self.unsure}
        said = said_of(listed, identity.id, identity, self.source, self.out.doubts)
        why = f"in {names(sorted(listed.groups & self.roles_of.keys())) or 'none of the groups'} of {self.source.id}"
        loses = tuple(out.values())
        return Person(
            identity.id, Kind.MOVES, identity, listed.id, listed.login, gains, loses, tuple(out), said, why=why
        )

    def _leaves(self, identity: Identity, native: str) -> Person:
        listed = self.roster.people.get(native)
        why = "; ".join(leaver.words for leaver in self.left.leavers[identity.id])
        login = listed.login if listed is not None else ""
        return Person(identity.id, Kind.LEAVES, identity, native, login, loses=identity.roles, why=why)

    def _of_others_too(self, identity: Identity, native: str) -> Iterator[Person]:
        """Who is gone here, and does not leave: known from another source as well, or more than may go."""
        others = [s for s in identity.sources if s != self.source.id and s in self.found.declared.sources]
        if not others or self.source.id in self.left.refused or identity.id in self.found.judging.rules.break_glass:
            return
        out = {n: h for n, h in enumerate(identity.roles) if h.source == self.source.id and _key(h) not in self.unsure}
        why = f"gone from {self.source.id}, and known from {names(others)} too"
        yield Person(identity.id, Kind.MOVES, identity, native, loses=tuple(out.values()), lines=tuple(out), why=why)

    def _hold_back(self, people: list[Person]) -> None:
        """A role that more than half of its holders by this source would lose, by moving: nobody loses it."""
        ours = [h for who in self.known.values() for h in who.roles if h.source == self.source.id]
        let_go, roles = acknowledged(self.found, self.source), roles_let_go(self.found, self.source)
        for key in {_key(h) for h in ours}:
            losing = [p for p in people if p.kind is Kind.MOVES and any(_key(h) == key for h in p.loses)]
            lost = [p for p in losing if p.id not in let_go]
            whole = sum(_key(h) == key for h in ours)
            if key[0] in roles or whole < SMALL_GROUP or len(lost) < 2:
                continue
            limit = self.found.judging.rules.group.percent
            if len(lost) * 100 > limit * whole:
                self.out.refused = True
                self.out.told.append(self._too_many_moved(key[0], [p.id for p in lost], whole, limit))
                for person in losing:
                    people[people.index(person)] = _without(person, key)

    def _too_many_moved(self, role: str, lost: Collection[str], whole: int, limit: int) -> Diagnostic:
        return Diagnostic(
            "too-many-movers",
            f"{of(len(lost), whole)} would lose {role}, which {self.source.id} gave them: nobody does: "
            f"{names(lost, 10)}",
            location=self.source.location,
            why=f"one pull takes a role from at most {limit} % of those who hold it by a source; more is nearly always "
            "a group that was emptied, or renamed",
            fix=meant(self.found.now, [f"people: {list_of(lost)}, removals: true"]),
            target=self.source.target,
        )

    def _back(self) -> None:
        """Who was cut off by this source, and is there again: only a person lets them in."""
        for native, identity in self.known.items():
            listed = self.roster.people.get(native)
            if identity.id in self.found.held and listed is not None and not listed.disabled:
                self.out.told.append(back(identity, self.source))


def back(identity: Identity, source: Source) -> Diagnostic:
    """Somebody who was cut off on the word of a source, and whom it has again."""
    return Diagnostic(
        "back-at-source",
        f"{identity.id} is in {source.id} again, and stays cut off",
        Severity.WARNING,
        identity.location,
        why="a source takes away by its word alone, and never gives",
        fix=f"if they are meant to be back: provision offboard {identity.id} --undo",
    )


def _without(person: Person, key: Given) -> Person:
    left = [(n, h) for n, h in zip(person.lines, person.loses, strict=True) if _key(h) != key]
    return replace(person, lines=tuple(n for n, _ in left), loses=tuple(h for _, h in left))


def _key(held: Assignment) -> Given:
    return held.role, None if held.environments is None else frozenset(held.environments)


def _strangers(source: Source, group: str, number: int) -> Diagnostic:
    return Diagnostic(
        "source-strangers",
        f"{number:,} members of {group} are nobody of {source.id}",
        Severity.NOTE,
        source.groups[group].location if group in source.groups else source.location,
        why="a member counts whose entry lies below the source's base, and matches its filter",
        fix="widen `base` or `filter` if they are meant",
        target=source.target,
    )
