"""A tree of access files into DeclaredAccess, with everything that is wrong in it.

Never raises for what files hold: that is what the diagnostics are for. `declared` may be used for a plan only where
none of them is an error.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.contract.credentials import Holds
from provisioner.contract.protocols import Provider
from provisioner.diagnostics import Diagnostic, Location, in_order
from provisioner.load import references
from provisioner.load.credentials import Credentials
from provisioner.load.entries import FileEntries, read_entries
from provisioner.load.files import collector_paused, read_tree
from provisioner.load.tree import tree_id
from provisioner.load.world import World
from provisioner.model.access import DeclaredAccess

MOST_TOLD = 1000
"""How many problems are told in one run; more are counted."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """`files` are the bytes of the access files by their path below the access folder; `folder` is that folder as
    places name it.
    """

    declared: DeclaredAccess
    diagnostics: tuple[Diagnostic, ...]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    folder: str = "access"

    @property
    def ok(self) -> bool:
        """Whether `declared` may be used: warnings do not stop anything."""
        return not any(d.is_error for d in self.diagnostics)

    def line(self, place: Location) -> str | None:
        """The text of the line at `place`, for showing it; None where it was not read."""
        path = place.file.removeprefix(f"{self.folder}/") if self.folder != "." else place.file
        data = self.files.get(path)
        if data is None:
            return None
        lines = data.decode("utf-8", "replace").removeprefix("\ufeff").splitlines()
        return lines[place.line - 1] if 0 < place.line <= len(lines) else None


def load_access(
    access: Path,
    *,
    root: Path | None = None,
    providers: Mapping[str, Provider],
    planned: Collection[str] = (),
    departed: Collection[str] = (),
    stores: Mapping[str, Holds] | None = None,
) -> Loaded:
    """The access files below `access`.

    `root` is the repository's top, which places are told relative to. `planned` are providers that this version does
    not have yet. `departed` (only asked with `in`) are ids that were declared once: references to them are warnings.
    With `stores`, what can keep secrets, the credentials of services are checked too.
    """
    with collector_paused():
        tree = read_tree(access, root)
        yaml = tree.yaml()
        entries = [read_entries(tree.shown(path), data, providers, planned) for path, data in yaml]
        refused = [p.location.file for p in tree.problems if p.location is not None]
        world = World(entries, (Path(file).stem for file in refused))
        references.check(world, providers, departed)
        if stores is not None:
            Credentials(world, providers, stores).check()
        said = _all(tree.problems, entries, world)
        declared = world.declared(tree_id(tree.files, tree.executable))
    return Loaded(declared, said, dict(yaml), tree.folder)


def load_files(
    files: Mapping[str, bytes],
    providers: Mapping[str, Provider],
    *,
    folder: str = "access",
    tree: str | None = None,
    planned: Collection[str] = (),
    departed: Collection[str] = (),
) -> Loaded:
    """Access files from memory, by their path below the access folder. `tree` is their tree id where it is known: these
    may be only the YAML files of it.
    """
    with collector_paused():
        yaml = sorted((path, data) for path, data in files.items() if path.endswith(".yaml"))
        entries = [read_entries(f"{folder}/{path}", data, providers, planned) for path, data in yaml]
        world = World(entries)
        references.check(world, providers, departed)
        said = _all((), entries, world)
        declared = world.declared(tree if tree is not None else tree_id(files))
    return Loaded(declared, said, dict(yaml), folder)


def _all(first: Iterable[Diagnostic], entries: Iterable[FileEntries], world: World) -> tuple[Diagnostic, ...]:
    """Everything found, in order, each told once, and not without end."""
    said = in_order([*first, *(p for entry in entries for p in entry.problems), *world.problems])
    if len(said) <= MOST_TOLD:
        return said
    rest = Diagnostic(
        "too-many-problems",
        f"{len(said) - MOST_TOLD:,} more problems are not listed",
        why="the first ones are enough to begin with",
        fix="mend those above and run it again",
    )
    errors = [d for d in said if d.is_error]
    kept = (errors + [d for d in said if not d.is_error])[:MOST_TOLD]
    return (*in_order(kept), rest)
