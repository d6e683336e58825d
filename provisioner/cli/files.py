"""The access files as a command finds them. Imports neither SDK nor engine, so that `validate` starts quickly."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.contract import Provider
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.load import Loaded, load_access
from provisioner.load.files import find_top
from provisioner.model.access import DeclaredAccess
from provisioner.model.identity import Identity
from provisioner.providers import catalog

if TYPE_CHECKING:
    from provisioner.load.change import Merged


def read_files(access: Path) -> Loaded:
    """The access files with all that is wrong with them. A reference to somebody who left is a warning; who left is
    looked up only where a name is not known."""
    providers = catalog.all_providers()
    root = find_top(access)
    departed = Departed(access, root, providers)
    stores = catalog.all_stores()
    planned = catalog.PLANNED
    return load_access(access, root=root, providers=providers, planned=planned, departed=departed, stores=stores)


def read_change(access: Path, change: str, base: str) -> Merged:
    """The access files as a merge of the revision `change` onto `base` would have them; nothing is checked out."""
    from provisioner.load.change import merged

    providers = catalog.all_providers()
    root = find_top(access)
    folder = os.path.relpath(access.absolute(), root.absolute())
    departed = Departed(access, root, providers)
    return merged(root, folder, base, change, providers=providers, planned=catalog.PLANNED, departed=departed)


def blocking(loaded: Loaded) -> list[Diagnostic]:
    """The errors that keep a command from going on which calls no system: that a provider is still to come is none."""
    return [d for d in loaded.diagnostics if d.is_error and d.code != "provider-not-available"]


def read_revision(access: Path, revision: str) -> tuple[str, DeclaredAccess, dict[str, bytes]]:
    """An earlier state of the access files: its commit, what it declares, and the files themselves."""
    from provisioner.load.history import HistoryCache, declared_at, files_at, resolve

    root = find_top(access)
    folder = os.path.relpath(access.absolute(), root.absolute())
    commit = resolve(root, revision)
    with HistoryCache() as cache:
        declared = declared_at(root, folder, commit, catalog.all_providers(), cache).declared
        return commit, declared, files_at(root, folder, commit, cache)


class Departed(Collection[str]):
    """Ids that some earlier state of the files declared; looked up when first asked for, in as much history as there
    is. Where it cannot be told, nobody is taken for departed."""

    def __init__(self, access: Path, root: Path, providers: Mapping[str, Provider]) -> None:
        self._access, self._root, self._providers = access, root, providers
        self._found: dict[str, Identity] | None = None

    @property
    def last(self) -> Mapping[str, Identity]:
        """Everybody, as last declared."""
        if self._found is None:
            self._found = self._look()
        return self._found

    def _look(self) -> dict[str, Identity]:
        from provisioner.load.history import HistoryCache, declared_at, revisions

        folder = os.path.relpath(self._access.absolute(), self._root.absolute())
        try:
            with HistoryCache() as cache:
                states = [
                    declared_at(self._root, folder, r.commit, self._providers, cache)
                    for r in revisions(self._root, folder, None)
                ]
        except ProvisionError:
            return {}
        return {name: i for state in reversed(states) for name, i in state.declared.identities.items()}

    def __contains__(self, name: object) -> bool:
        return name in self.last

    def __iter__(self) -> Iterator[str]:
        return iter(self.last)

    def __len__(self) -> int:
        return len(self.last)
