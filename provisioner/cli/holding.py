"""Who is cut off although the files still declare them (`offboard --now`, or a source that they left): in every plan
they count as gone.

A hold ends when the files have stopped declaring them, as the first-parent history since it was made tells, or when
somebody lifts it. Without git, only by the latter. Decides nothing about changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from provisioner.diagnostics import Diagnostic, ProvisionError, Severity
from provisioner.load.history import HistoryCache, declared_at, revisions
from provisioner.model.access import DeclaredAccess
from provisioner.model.identity import Identity
from provisioner.model.past import PastDeclared
from provisioner.model.target import Mode
from provisioner.records.holds import Hold, holds

if TYPE_CHECKING:
    from provisioner.cli.wiring import Opened

CUT_OFF = frozenset({"offboarded-now", "cut-by-source"})
"""The codes of what is told of those who are cut off."""
_AS_THEY_ARE = "the files as they are"


@dataclass(frozen=True)
class Held:
    """`words` say of each identity how it was cut off; `declared` does not have them, and `past` does. `over` are the
    keys of those that the files have ended."""

    declared: DeclaredAccess
    past: tuple[PastDeclared, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[Diagnostic, ...] = ()
    over: frozenset[str] = frozenset()
    by_source: frozenset[str] = frozenset()


def apply_holds(opened: Opened) -> Held:
    """The declared access without those who are held. ProvisionError where a hold cannot be read."""
    declared = opened.declared
    in_force, over = _in_force(opened, holds(opened.journal.store))
    if not in_force:
        return Held(declared, over=over)
    left = {i.id: i for i in declared.identities.values() if i.id not in in_force}
    # What the files say now is history for them; it does not make anything managed that was not.
    targets = {name: replace(t, mode=Mode.ADD) for name, t in declared.targets.items()}
    past = PastDeclared(_AS_THEY_ARE, replace(declared, targets=targets), frozenset(opened.targets))
    words = {who: hold.words for who, hold in in_force.items()}
    notes = tuple(_told(declared.identities[who], hold) for who, hold in in_force.items())
    by_source = frozenset(who for who, hold in in_force.items() if hold.source is not None)
    return Held(replace(declared, identities=left), (past,), words, notes, over, by_source)


def held_by_source(opened: Opened) -> frozenset[str]:
    """Those whom a source has cut off, and who still are. ProvisionError where a hold cannot be read."""
    in_force, _ = _in_force(opened, holds(opened.journal.store))
    return frozenset(who for who, hold in in_force.items() if hold.source is not None)


def _in_force(opened: Opened, found: Mapping[str, Hold]) -> tuple[dict[str, Hold], frozenset[str]]:
    """Those of people who are declared, by the ids that the files have for them now; and the runs of those that the
    files have ended."""
    if not found:
        return {}, frozenset()
    names = {old: i.id for i in opened.declared.identities.values() for old in (*i.was, i.id)}
    declared = {who: hold for who, hold in found.items() if who in names}
    over = {who for who, hold in declared.items() if _ended(opened, hold)}
    in_force = {names[who]: hold for who, hold in declared.items() if who not in over}
    return in_force, frozenset(declared[who].key for who in over)


def _ended(opened: Opened, hold: Hold) -> bool:
    """Whether a revision since then does not declare them: the files have said it, and what they say now is new."""
    files = opened.files
    if hold.revision is None or files.head.revision is None:
        return False
    try:
        since = revisions(files.root, files.loaded.folder, hold.revision, files.head.revision)
        with HistoryCache() as cache:
            for revision in since:
                if revision.commit != hold.revision:
                    past = declared_at(files.root, files.loaded.folder, revision.commit, files.providers, cache)
                    if not _declares(past.declared.identities.values(), hold.identity):
                        return True
    except ProvisionError:
        return False  # made on a revision that is not here: it cannot be told, so they stay out
    return False


def _declares(identities: Iterable[Identity], who: str) -> bool:
    return any(who == i.id or who in i.was for i in identities)


def _told(identity: Identity, hold: Hold) -> Diagnostic:
    if hold.source is not None:
        return Diagnostic(
            "cut-by-source",
            f"{identity.id} is declared, and was cut off {hold.words}: nothing is given to them",
            severity=Severity.WARNING,
            location=identity.location,
            length=len(identity.id),
            why="who leaves a directory that people come from is out before the review; that they are in it again lets "
            "nobody in",
            fix=f"merge what `provision pull {hold.source}` proposes, or lift it: "
            f"provision offboard {identity.id} --undo",
        )
    return Diagnostic(
        "offboarded-now",
        f"{identity.id} is declared, and was cut off {hold.words}: nothing is given to them",
        severity=Severity.WARNING,
        location=identity.location,
        length=len(identity.id),
        why="somebody needed them out before the review; what the files say of them was not undone by that",
        fix=f"merge the change that takes them out of the files, or lift it: provision offboard {identity.id} --undo",
    )
