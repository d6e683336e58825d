"""The newest first-parent revision whose access files are valid: what `expire` works from when main is broken.

Refuses a revision older than one that a target converged on: who came since would be taken for somebody who left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from provisioner.cli.files import Departed
from provisioner.contract import Provider
from provisioner.diagnostics import Diagnostic, ProvisionError, Severity
from provisioner.load import Loaded, load_files
from provisioner.load.history import Head, HistoryCache, contains, files_at, revisions
from provisioner.providers import catalog
from provisioner.records.tail import Converged

_SHORT = 12


def last_valid(broken: Loaded, root: Path, providers: Mapping[str, Provider]) -> tuple[Loaded, Head, Diagnostic] | None:
    """The files of that revision, where they are, and a warning that says so; None where no revision is valid.
    ProvisionError where the history is not all there."""
    departed = Departed(root / broken.folder, root, providers)
    with HistoryCache() as cache:
        for revision in revisions(root, broken.folder, None):
            if not (files := files_at(root, broken.folder, revision.commit, cache)):
                continue
            loaded = load_files(
                files,
                providers,
                folder=broken.folder,
                tree=revision.tree,
                planned=catalog.PLANNED,
                departed=departed,
            )
            if loaded.ok:
                return loaded, Head(revision.commit, False, revision.tree), _warning(broken, revision.commit)
    return None


def check_not_older(
    root: Path, folder: str, head: Head, converged: Mapping[str, Converged | None], applied: Mapping[str, Iterable[str]]
) -> None:
    """ProvisionError where a target converged on something newer than `head`, or where `applied`, the trees that runs
    applied to it since, has one that no revision up to `head` has."""
    known: set[str] | None = None
    for target, point in converged.items():
        revision = point.revision if point is not None else None
        if revision is not None and not contains(root, head.revision or "HEAD", revision):
            raise _newer(target, f"was in order at {revision[:_SHORT]}", head)
        uncommitted = [point.tree] if point is not None and point.uncommitted and point.tree else []
        for tree in (*uncommitted, *applied.get(target, ())):
            if known is None:
                known = {r.tree for r in revisions(root, folder, None, head.revision or "HEAD")}
            if tree not in known:
                raise _newer(target, f"has been given what tree {tree[:_SHORT]} says", head)


def _newer(target: str, what: str, head: Head) -> ProvisionError:
    last = (head.revision or "")[:_SHORT]
    return ProvisionError(
        Diagnostic(
            "no-valid-revision",
            f"{target} {what}, which is newer than the last valid revision of the files ({last})",
            why="whoever was declared since would be taken for somebody who left",
            fix="mend the access files; `provision validate` names every problem",
            target=target,
        )
    )


def _warning(broken: Loaded, commit: str) -> Diagnostic:
    errors = [d for d in broken.diagnostics if d.is_error]
    first = errors[0]
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    return Diagnostic(
        "files-broken",
        f"the access files are not valid ({first.code}: {first.message}{more}): worked from revision {commit[:_SHORT]}",
        severity=Severity.WARNING,
        location=first.location,
        length=first.length,
        why="what has lapsed must end all the same; what the files say since that revision waits until they are mended",
        fix="mend them; `provision validate` names every problem",
    )
