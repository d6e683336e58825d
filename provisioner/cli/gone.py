"""Targets that the files had and have no more, and where something may still be: told until they were ended properly.

The journal has a chain of each. One was ended properly when the files that it last converged on gave nobody anything
there, and nothing is outstanding. Asks no system.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.load import load_files
from provisioner.load.history import HistoryCache, declared_at
from provisioner.plan.leavers import target_gone
from provisioner.records.verify import targets_of
from provisioner.resolve.desired import desire

if TYPE_CHECKING:
    from provisioner.cli.wiring import Opened
    from provisioner.model.access import DeclaredAccess
    from provisioner.records.tail import Converged


@dataclass(frozen=True)
class Gone:
    """Targets of which the journal has a chain and the files nothing: `left` are not settled, `ended` are."""

    left: tuple[str, ...] = ()
    ended: frozenset[str] = frozenset()
    told: tuple[Diagnostic, ...] = ()


def targets_gone(opened: Opened) -> Gone:
    """A chain that cannot be read is not settled."""
    known = {*opened.declared.targets, *opened.files.declared.targets}
    found = [name for name in targets_of(opened.journal.store) if name not in known]
    ended = frozenset(name for name in found if _settled(opened, name))
    left = tuple(name for name in found if name not in ended)
    return Gone(left, ended, tuple(_told(opened, name) for name in left))


def _told(opened: Opened, name: str) -> Diagnostic:
    last = _converged(opened, name)
    return target_gone(name, last.revision[:12] if last is not None and last.revision else "the journal")


def _settled(opened: Opened, name: str) -> bool:
    last = _converged(opened, name)
    if last is None or opened.journal.chain(name).open_items():
        return False
    try:
        declared = _declared(opened, last)
    except ProvisionError:
        return False  # what was given then is not known any more
    target = None if declared is None else declared.targets.get(name)
    provider = None if target is None else opened.files.providers.get(target.provider)
    if declared is None or target is None or provider is None:
        return False
    wanted = desire(declared, {name: provider.declare(target)}, last.at)[name]
    holders = (address.principal for address in wanted.state.resources)
    return not wanted.logins and not any(who is not None and who.is_account for who in holders)


def _converged(opened: Opened, name: str) -> Converged | None:
    try:
        return opened.journal.chain(name).converged()
    except ProvisionError:
        return None


def _declared(opened: Opened, last: Converged) -> DeclaredAccess | None:
    """The files that it converged on, from the journal or from git."""
    files = opened.files
    published = opened.journal.published(last.tree) if last.tree else None
    if published is not None:
        return load_files(published, files.providers, folder=files.loaded.folder, tree=last.tree).declared
    if last.revision is None or last.uncommitted or files.head.revision is None:
        return None
    with HistoryCache() as cache:
        return declared_at(files.root, files.loaded.folder, last.revision, files.providers, cache).declared
