"""What the files said since each target converged: from git, or from the declarations kept beside the journal.

Refuses to answer with less than that: a history that is cut short is an error, because a leaver could be in what is
missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.contract import Provider
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.load import Loaded, load_files
from provisioner.load.history import HistoryCache, PastRevision, declared_at, revisions
from provisioner.model.past import PastDeclared
from provisioner.records.journal import Journal
from provisioner.records.tail import Converged

_SHORT = 12
"""Characters of a commit, as people read it."""


@dataclass
class Memory:
    """Looks up earlier states of the access files. `access` is their folder as the repository calls it; `in_git` is
    False where there is no repository, or no commit yet; `end` is the revision that the files are of."""

    root: Path
    access: str
    in_git: bool
    journal: Journal
    providers: Mapping[str, Provider]
    end: str = "HEAD"
    _cache: HistoryCache = field(default_factory=HistoryCache, repr=False)

    def since(
        self, converged: Mapping[str, Converged | None], applied: Mapping[str, Iterable[str]], now: Loaded
    ) -> tuple[PastDeclared, ...]:
        """Newest first, each with the targets that it counts for. `applied` are the trees of access files that runs
        since then applied; `now` are the files as they are, which are not read again where a revision has the very
        same."""
        with self._cache:
            found = self._from_git(converged) if self.in_git else []
            told = [PastDeclared(r.commit[:_SHORT], self._declared(r, now).declared, names) for r, names in found]
        known = {r.tree: names for r, names in found}
        return (*self._between(applied, known, now), *told, *self._from_journal(converged, now))

    def _between(
        self, applied: Mapping[str, Iterable[str]], known: Mapping[str, frozenset[str]], now: Loaded
    ) -> Iterable[PastDeclared]:
        """States that a run applied, in whole or in part, and that no revision has: before a commit, or on a branch."""
        wanted: dict[str, set[str]] = {}
        for target, trees in applied.items():
            for tree in trees:
                if target not in known.get(tree, ()):
                    wanted.setdefault(tree, set()).add(target)
        for tree, targets in wanted.items():
            declared = now.declared if tree == now.declared.tree else self._published(tree).declared
            yield PastDeclared(f"applied tree {tree[:_SHORT]}", declared, frozenset(targets))

    def _from_git(self, converged: Mapping[str, Converged | None]) -> list[tuple[PastRevision, frozenset[str]]]:
        starts = {target: c.revision if c is not None else None for target, c in converged.items()}
        ranges = {start: revisions(self.root, self.access, start, self.end) for start in dict.fromkeys(starts.values())}
        places: dict[str, dict[str, PastRevision]] = {}
        for target, start in starts.items():
            for revision in ranges[start]:
                places.setdefault(revision.commit, {})[target] = revision
        return [(r, frozenset(places[r.commit])) for r in _merged(sorted(ranges.values(), key=len, reverse=True))]

    def _declared(self, revision: PastRevision, now: Loaded) -> Loaded:
        if revision.tree == now.declared.tree:
            return now
        return declared_at(self.root, self.access, revision.commit, self.providers, self._cache)

    def _from_journal(self, converged: Mapping[str, Converged | None], now: Loaded) -> list[PastDeclared]:
        """States that git does not have: applied before they were committed, or where there is no git."""
        wanted: dict[str, tuple[Converged, set[str]]] = {}
        for target, point in converged.items():
            if point is not None and (point.uncommitted or not self.in_git) and point.tree:
                wanted.setdefault(point.tree, (point, set()))[1].add(target)
        found = []
        for tree, (point, targets) in sorted(wanted.items(), key=lambda item: item[1][0].at, reverse=True):
            declared = now.declared if tree == now.declared.tree else self._published(tree).declared
            found.append(PastDeclared(f"applied {point.at:%Y-%m-%d %H:%M} UTC", declared, frozenset(targets)))
        return found

    def _published(self, tree: str) -> Loaded:
        files = self.journal.published(tree)
        if files is None:
            raise ProvisionError(
                Diagnostic(
                    "history-incomplete",
                    f"the access files of tree {tree[:_SHORT]}, applied last, are neither in git nor in the journal",
                    why="whoever was declared there and is not now could not be told, and would keep their access",
                    fix="restore the folder `declared/` beside the journal from a copy",
                )
            )
        return load_files(files, self.providers, folder=self.access, tree=tree)


def _merged(ranges: Iterable[Sequence[PastRevision]]) -> list[PastRevision]:
    """All revisions of all ranges, each range in its order. None is part of another: the revision that a target
    converged on need not have changed the access files, and is then listed for that target alone."""
    found: list[PastRevision] = []
    for one in ranges:
        places = {known.commit: place for place, known in enumerate(found)}
        at, missing = 0, list[tuple[int, PastRevision]]()
        for revision in one:
            if revision.commit in places:
                at = places[revision.commit] + 1
            else:
                missing.append((at, revision))
        for place, revision in reversed(missing):
            found.insert(place, revision)
    return found
