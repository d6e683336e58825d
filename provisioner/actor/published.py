"""The declarations that count now, as `apply` published them beside the journal; never a job's checkout.

Refuses, with the reason, where they cannot be read whole: then nobody is let in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from provisioner.actor.decide import Counting
from provisioner.contract import Provider
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.load import load_files
from provisioner.model.access import DeclaredAccess
from provisioner.records.holds import holds
from provisioner.records.journal import Journal
from provisioner.records.published import Publication, newest
from provisioner.resolve.begin import begin


@dataclass(frozen=True)
class Published:
    """`declared` is what was applied last, and seen last where nothing was applied as a whole."""

    counting: Counting
    declared: DeclaredAccess
    entry: Publication


def published(journal: Journal, providers: Mapping[str, Provider], planned: tuple[str, ...] = ()) -> Published:
    """What counts. ProvisionError where nothing was published, or it cannot be read."""
    entry = newest(journal.store)
    if entry is None:
        raise ProvisionError(
            Diagnostic(
                "nothing-published",
                f"no declarations are published in {journal.store.where()}",
                why="`provision apply` keeps the files that it applies beside the journal, and `gate` lets in by those",
                fix="name the journal that `apply` writes (--journal), or run `provision apply` first",
            )
        )
    trees = [entry.seen] if entry.applied == entry.seen else [t for t in (entry.applied, entry.seen) if t is not None]
    read = [_read(journal, tree, entry, providers, planned) for tree in trees]
    # Of a hold that the files have ended, only a run with the history knows.
    held = {who: one.words for who, one in holds(journal.store).items() if one.key not in entry.over}
    counting = Counting(tuple(read) if entry.applied is not None else (), held)
    return Published(counting, read[0], entry)


def _read(
    journal: Journal, tree: str, entry: Publication, providers: Mapping[str, Provider], planned: tuple[str, ...]
) -> DeclaredAccess:
    files = journal.published(tree)
    if files is None:
        raise _unreadable(journal, tree, "they are not there")
    loaded = load_files(files, providers, folder=entry.folder, tree=tree, planned=planned, departed=_Anybody())
    if not loaded.ok:
        first = next(d for d in loaded.diagnostics if d.is_error)
        raise _unreadable(journal, tree, f"{first.code}: {first.message}")
    # What begins with an apply has not begun before one is on record.
    return begin(loaded.declared, entry.begun, None)[0]


class _Anybody(tuple[str, ...]):
    """Whoever is referred to and not declared was once: that was checked when the files were applied."""

    __slots__ = ()

    def __contains__(self, who: object) -> bool:
        return True


def _unreadable(journal: Journal, tree: str, why: str) -> ProvisionError:
    return ProvisionError(
        Diagnostic(
            "published-unreadable",
            f"the published declarations of tree {tree[:12]} in {journal.store.where()} cannot be used: {why}",
            why="nobody can be let in by declarations that are not read whole",
            fix="run `provision apply` with this version of provision, or the version of it that applied them",
        )
    )
