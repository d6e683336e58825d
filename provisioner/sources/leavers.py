"""Who has left a source, and whether its word is taken for it. It only ever takes away.

Somebody leaves who is known from a source by their immutable id, and is gone there or switched off. Nobody does where
the source could not be read whole, where it is another system than before, or where more would go than it allows;
break-glass people never do. Somebody of two sources leaves when both say so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.guardrails.wording import list_of, meant, names, of
from provisioner.model.access import DeclaredAccess
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant
from provisioner.model.rules import Acknowledgement
from provisioner.model.source import Source
from provisioner.model.target import AccountsPolicy, Mode
from provisioner.sources.roster import Listed, Roster


class How(StrEnum):
    GONE = "gone"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Leaver:
    """`native` is their immutable id in the source."""

    identity: Identity
    source: str
    native: str
    how: How

    @property
    def words(self) -> str:
        what = "is gone from" if self.how is How.GONE else "is disabled in"
        return f"{self.identity.id} {what} {self.source} (id {self.native})"


@dataclass(frozen=True)
class Found:
    """What is known beside the rosters. `judging` are the files whose limits count, `held` those whom a source has cut
    off before."""

    declared: DeclaredAccess
    judging: DeclaredAccess
    now: Instant
    held: frozenset[str] = frozenset()


@dataclass
class Leaving:
    """`leavers` is who leaves, by id, each with what every source of theirs says. `refused` are the sources whose word
    is not taken, with the code of the rule; `told` all there is to say about it."""

    leavers: dict[str, tuple[Leaver, ...]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    told: list[Diagnostic] = field(default_factory=list)


def leaving(rosters: Mapping[str, Roster | None], found: Found) -> Leaving:
    """`rosters` is by source; None is one of which nothing could be read, which is told elsewhere."""
    out = Leaving()
    by_source: dict[str, dict[str, Leaver]] = {}
    for name, roster in rosters.items():
        if roster is None:
            out.refused[name] = "source-incomplete"
            continue
        refusal = _not_whole(roster)
        gone = {} if refusal is not None else _gone(roster, found)
        if refusal is None:
            refusal = _too_many(roster.source, gone, found)
            if refusal is not None:
                gone = {who: leaver for who, leaver in gone.items() if who in found.held}
        if refusal is not None:
            out.refused[name] = refusal.code
            out.told.append(refusal)
        by_source[name] = gone
    for identity in found.declared.identities.values():
        ours = [name for name in identity.sources if name in found.declared.sources]
        said = [leaver for name in ours if (leaver := by_source.get(name, {}).get(identity.id)) is not None]
        if not said or len(said) < len(ours):
            continue
        if identity.id in found.judging.rules.break_glass or identity.id in found.declared.rules.break_glass:
            out.told.append(_break_glass(said[0]))
            continue
        out.leavers[identity.id] = tuple(said)
    return out


def known_from(source: Source, found: Found) -> dict[str, tuple[Identity, str]]:
    """The people of the files who are known from `source`, by immutable id there. Who has left or has not begun by the
    files themselves is none of them."""
    known: dict[str, tuple[Identity, str]] = {}
    for identity in found.declared.identities.values():
        native = identity.account_on(source.target).id if source.id in identity.sources else None
        if native is not None and identity.kind is IdentityKind.PERSON and identity.present_at(found.now):
            known[native] = (identity, native)
    return known


def is_disabled(listed: Listed, identity: Identity, found: Found, source: Source) -> bool:
    """Whether that the source has them switched off says that they left. Not where the files have them suspended; and
    not where the lock is on an account of ours, which is ours to set and to lift."""
    if identity.suspended is not None:
        return False
    target = found.declared.targets[source.target]
    ours = listed.ours and target.accounts is AccountsPolicy.CREATE and target.mode is not Mode.REPORT
    return listed.switched_off or (listed.locked and not ours)


def _gone(roster: Roster, found: Found) -> dict[str, Leaver]:
    source = roster.source
    gone: dict[str, Leaver] = {}
    for native, (identity, _) in known_from(source, found).items():
        listed = roster.people.get(native)
        if listed is None:
            gone[identity.id] = Leaver(identity, source.id, native, How.GONE)
        elif is_disabled(listed, identity, found, source):
            gone[identity.id] = Leaver(identity, source.id, native, How.DISABLED)
    return gone


def _not_whole(roster: Roster) -> Diagnostic | None:
    source = roster.source
    if source.system is None:
        return Diagnostic(
            "source-unpinned",
            f"{source.id} does not say which system it is: nobody leaves by it",
            Severity.WARNING,
            source.location,
            why="the same settings may reach another directory one day, in which everybody is missing",
            fix=f"run `provision pull {source.id}`, which writes `system:`, and have it merged",
            target=source.target,
        )
    if roster.system != source.system:
        return other_system(roster)
    if roster.gaps:
        return incomplete(source, "; ".join(roster.gaps[:3]))
    return None


def other_system(roster: Roster) -> Diagnostic:
    """A source that is not the directory that people were taken from."""
    source = roster.source
    return Diagnostic(
        "source-other-system",
        f"{source.id} is {roster.system}, and was {source.system} when people were taken from it: nobody leaves by it",
        location=source.location,
        why="in another directory everybody is missing, and those who are there are other people",
        fix="see where its address leads; if it is right, take `system:` out of the source, in a change of its own",
        target=source.target,
    )


def incomplete(source: Source, why: str) -> Diagnostic:
    """A source that could not be read, or not all of it."""
    return Diagnostic(
        "source-incomplete",
        f"{source.id} could not be read completely: nobody leaves by it, and nothing is proposed: {why}",
        Severity.WARNING,
        source.location,
        why="whoever was not read would look like somebody who left",
        fix="mend the connection, or what its credential may see, and run again",
        target=source.target,
    )


def _too_many(source: Source, gone: Mapping[str, Leaver], found: Found) -> Diagnostic | None:
    """More than the source allows at once. Who was cut off before counts until the files say so: a directory that
    crumbles slowly is no better than one that breaks."""
    limits = found.judging.sources.get(source.id, Source(source.id, source.target))
    meant_to_go = acknowledged(found, source)
    counted = [who for who in gone if who not in meant_to_go]
    known = len(known_from(source, found))
    everybody = len(counted) >= 2 and len(counted) == known
    if not everybody and (len(counted) <= limits.few or len(counted) * 100 <= limits.percent * known):
        return None
    return Diagnostic(
        "too-many-leavers",
        f"{of(len(counted), known)} people of {source.id} are gone or disabled there: nobody leaves by it: "
        f"{names(counted, 10)}",
        location=source.location,
        why=f"at once at most {limits.percent} % of those who are known from it may go, or {limits.few}, and never "
        "all; more is nearly always a directory that was moved, or that shows less than it did",
        fix=meant(found.now, [f"people: {list_of(counted)}, removals: true"]),
        target=source.target,
    )


def acknowledged(found: Found, source: Source) -> frozenset[str]:
    """People of whom somebody said, in a reviewed entry that still counts, that they are meant to lose access."""
    return frozenset(who for entry in _letting_go(found, source.target) for who in entry.people)


def roles_let_go(found: Found, source: Source) -> frozenset[str]:
    """Roles that may be lost by however many."""
    return frozenset(e.role for e in _letting_go(found, source.target) if e.role is not None)


def _letting_go(found: Found, target: str) -> Iterable[Acknowledgement]:
    said = found.declared.rules.acknowledgements
    return (entry for entry in said if entry.removals and entry.until > found.now and entry.reaches(target))


def _break_glass(leaver: Leaver) -> Diagnostic:
    return Diagnostic(
        "break-glass",
        f"{leaver.words}, and is a break-glass identity: nothing of theirs is taken on the word of a source",
        Severity.WARNING,
        leaver.identity.location,
        why="whoever is the last way in must not depend on a directory that may be what failed",
        fix="see whether they left; then take them out of `guardrails.break_glass`, and offboard them",
    )
