"""What is to be added to access files, file by file, as edits: new files, and entries put into those that are there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from provisioner.diagnostics import Diagnostic, Location, ProvisionError
from provisioner.files.edit import Edit
from provisioner.files.put import NotPutError, put
from provisioner.files.written import lines
from provisioner.load import Loaded

Trees = dict[str, dict[str, Any]]
"""By file below the access folder: what is added to it."""


def merge(trees: Trees, path: str, added: Mapping[str, Any]) -> None:
    """Adds to what is to be added to a file."""
    into = trees.setdefault(path, {})
    for section, entries in added.items():
        _join(into.setdefault(section, {}), entries)


def _join(into: dict[str, Any], added: Mapping[str, Any]) -> None:
    for key, value in added.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _join(into[key], value)
        else:
            into[key] = value


def path_of(loaded: Loaded, place: Location) -> str:
    """The file of a place, below the access folder."""
    return place.file if loaded.folder == "." else place.file.removeprefix(f"{loaded.folder}/")


def shown(loaded: Loaded, path: str) -> str:
    """A file below the access folder, as places in it are told."""
    return path if loaded.folder == "." else f"{loaded.folder}/{path}"


def new_file(path: str, tree: Mapping[str, Any], loaded: Loaded, access: Path) -> Edit:
    """A file that is not there yet. ProvisionError where it is."""
    if path in loaded.files or (access / path).exists():
        raise ProvisionError(
            Diagnostic(
                "file-exists",
                "there is a file of that name already",
                location=Location(shown(loaded, path)),
                why="new people are written into files of their own, and nothing is overwritten",
                fix="move it away, or declare the person by hand",
            )
        )
    text = "".join(f"{line}\n" for line in lines(tree))
    return Edit(access / path, shown(loaded, path), None, text.encode())


def added_to(data: bytes, file: str, tree: Mapping[str, Any]) -> bytes:
    """The file with `tree` in it. ProvisionError where that cannot be done without touching something else."""
    try:
        return put(data.decode(), tree).encode()
    except (NotPutError, UnicodeDecodeError) as why:
        raise not_edited(file, why, "; ".join(lines(tree))) from None


def not_edited(file: str, why: Exception, said: str) -> ProvisionError:
    """An edit that would touch something else; `said` is what somebody has to write by hand."""
    return ProvisionError(
        Diagnostic(
            "file-not-edited",
            f"what was found cannot be written without touching something else: {why}",
            location=Location(file),
            why="an edit changes what it is about, and nothing else",
            fix=f"write it in block style, or do it by hand: {said[:400]}",
        )
    )


def files_after(loaded: Loaded, edits: Iterable[Edit]) -> dict[str, bytes]:
    """The access files as they would be, by their path below the access folder."""
    files = dict(loaded.files)
    for edit in edits:
        path = path_of(loaded, Location(edit.shown))
        if edit.after is None:
            files.pop(path, None)
        else:
            files[path] = edit.after
    return files
