"""The files of an access folder, read once and safely.

Only regular files below the folder are opened, by their own name in a folder already open, never through a link; no
path comes from what a file says. What cannot be read is told, and the rest is read.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.diagnostics import Diagnostic, Location
from provisioner.load import limits
from provisioner.load.characters import HIDDEN_IN_NAME
from provisioner.load.decode import too_big
from provisioner.load.display import code_point, show

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_DEEPEST = 32
_MANY_OBJECTS = 100_000


@dataclass
class ReadTree:
    """`files` has the bytes of every regular file by its path below the folder, also of those that are not YAML: the
    tree's id covers them. `folder` is the access folder as it is told to people.
    """

    folder: str
    files: dict[str, bytes] = field(default_factory=dict)
    executable: set[str] = field(default_factory=set)
    problems: list[Diagnostic] = field(default_factory=list)

    def shown(self, path: str) -> str:
        """A path below the folder as it is told to people."""
        whole = path if self.folder == "." else f"{self.folder}/{path}"
        return whole if whole.isprintable() else show(whole)[1:-1]

    def yaml(self) -> list[tuple[str, bytes]]:
        """The access files, sorted by path."""
        return sorted((path, data) for path, data in self.files.items() if path.endswith(".yaml"))


def read_tree(access: Path, root: Path | None = None) -> ReadTree:
    """Everything below `access`. `root` is the repository's top, which places are told relative to; it is looked for
    where it is not given.
    """
    top = root if root is not None else find_top(access)
    tree = ReadTree(_shown(access, top))
    if access.is_symlink() or not _within(access, top):
        tree.problems.append(
            _refused("symlink", tree.folder, "the access folder is a symbolic link, or lies behind one")
        )
        return tree
    try:
        folder = os.open(access, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as wrong:
        tree.problems.append(
            Diagnostic(
                "no-access-folder",
                f"the access folder {show(access)} cannot be opened: {wrong.strerror}",
                why="nothing that is not read may be taken for nothing declared",
                fix="run the command in the repository's top folder, or name the folder with --access DIR",
            )
        )
        return tree
    try:
        _Walk(tree).folder(folder, "", 1)
    finally:
        os.close(folder)
    if not any(path.endswith(".yaml") for path in tree.files) and not tree.problems:
        tree.problems.append(
            Diagnostic(
                "nothing-declared",
                f"there is no *.yaml file in {show(tree.folder)}",
                location=Location(tree.folder),
                why="an empty folder could be one that was not checked out; it never means that all is to be removed",
                fix="run the command where the access files are, or begin with `provision init`",
            )
        )
    return tree


def find_top(access: Path) -> Path:
    """The nearest folder above `access` that holds `.git`, or else its parent."""
    start = Path(os.path.abspath(access))  # noqa: PTH100 - resolve() would follow the links that are refused here
    for folder in (start, *start.parents):
        if (folder / ".git").exists():
            return folder
    return start.parent


class _Walk:
    def __init__(self, tree: ReadTree) -> None:
        self.tree = tree
        self.bytes = 0
        self.full = False

    def folder(self, handle: int, below: str, depth: int) -> None:
        try:
            with os.scandir(handle) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as wrong:
            self._unreadable(below or ".", wrong)
            return
        if below and any(entry.name == ".git" for entry in entries):
            self._say("submodule", below, "the folder is a repository of its own (a Git submodule)")
            return
        self._check_clashes(below, [entry.name for entry in entries])
        for entry in entries:
            if self.full or (entry.name == ".git" and not below):
                continue
            path = f"{below}/{entry.name}" if below else entry.name
            if not (entry.name.isascii() and entry.name.isprintable()) and self._bad_name(path, entry.name):
                continue
            if entry.is_symlink():
                self._say("symlink", path, "the path is a symbolic link")
            elif entry.is_file(follow_symlinks=False):
                self._file(handle, entry.name, path)
            elif entry.is_dir(follow_symlinks=False):
                self._enter(handle, entry.name, path, depth)
            else:
                self._say("not-a-file", path, "the path is neither a regular file nor a folder")

    def _enter(self, handle: int, name: str, path: str, depth: int) -> None:
        if depth >= _DEEPEST:
            self._say("too-deep", path, f"folders are nested deeper than {_DEEPEST}")
            return
        try:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=handle)
        except OSError as wrong:
            self._unreadable(path, wrong)
            return
        try:
            self.folder(inner, path, depth + 1)
        finally:
            os.close(inner)

    def _file(self, handle: int, name: str, path: str) -> None:
        is_yaml = name.endswith(".yaml")
        if not is_yaml and name.lower().endswith((".yml", ".yaml")):
            self.tree.problems.append(
                Diagnostic(
                    "wrong-extension",
                    f"the file {show(name)} would not be read: access files end in .yaml",
                    location=Location(self._at(path)),
                    why="one spelling, so that nobody looks at a file that has no effect",
                    fix=f"rename it to {show(name.rpartition('.')[0] + '.yaml')}",
                )
            )
        try:
            number = os.open(name, _OPEN, dir_fd=handle)
        except OSError as wrong:
            self._unreadable(path, wrong)
            return
        try:
            status = os.fstat(number)
            if not stat.S_ISREG(status.st_mode):
                self._say("not-a-file", path, "the path is not a regular file")
                return
            if is_yaml and status.st_size > limits.FILE_BYTES:
                self.tree.problems.append(too_big(self._at(path), status.st_size))
                return
            self.bytes += status.st_size
            if self.bytes > limits.TREE_BYTES or len(self.tree.files) >= limits.TREE_FILES:
                self._too_much()
                return
            data = os.read(number, status.st_size + 1)
            while len(data) < status.st_size and (more := os.read(number, status.st_size + 1 - len(data))):
                data += more
        except OSError as wrong:
            self._unreadable(path, wrong)
            return
        finally:
            os.close(number)
        self.tree.files[path] = data
        if status.st_mode & stat.S_IXUSR:
            self.tree.executable.add(path)

    def _check_clashes(self, below: str, names: list[str]) -> None:
        folded = {name.casefold() for name in names}
        if len(folded) == len(names) and all(map(str.isascii, names)):
            return
        first: dict[str, str] = {}
        for name in names:
            known = first.setdefault(unicodedata.normalize("NFC", name).casefold(), name)
            if known != name:
                path = f"{below}/{name}" if below else name
                self.tree.problems.append(
                    Diagnostic(
                        "path-clash",
                        f"{show(name)} and {show(known)} are one file on some systems",
                        location=Location(self._at(path)),
                        why="on a disk that ignores case one of the two is missing, and reads as a removal",
                        fix="rename one of them",
                    )
                )

    def _bad_name(self, path: str, name: str) -> bool:
        try:
            name.encode("utf-8")
        except UnicodeEncodeError:
            self._say("bad-path", path, f"the name {show(name)} is not UTF-8")
            return True
        found = HIDDEN_IN_NAME.search(name)
        if found is not None:
            self._say("bad-path", path, f"the name {show(name)} holds {code_point(found[0])}")
        return found is not None

    def _too_much(self) -> None:
        self.full = True
        self.tree.problems.append(
            Diagnostic(
                "tree-too-big",
                f"the access folder has over {limits.TREE_BYTES >> 20} MiB, or over {limits.TREE_FILES:,} files",
                location=Location(self.tree.folder),
                why="so much cannot be reviewed, and could exhaust the machine that plans",
                fix="keep what declares no access elsewhere",
            )
        )

    def _say(self, code: str, path: str, message: str) -> None:
        self.tree.problems.append(_refused(code, self._at(path), message))

    def _unreadable(self, path: str, wrong: OSError) -> None:
        self.tree.problems.append(
            Diagnostic(
                "unreadable-file",
                f"the path cannot be read: {wrong.strerror}",
                location=Location(self._at(path)),
                why="what is not read may not be taken for nothing declared",
                fix="let the user that runs this read it",
            )
        )

    def _at(self, path: str) -> str:
        return self.tree.shown(path)


def _refused(code: str, file: str, message: str) -> Diagnostic:
    return Diagnostic(
        code,
        message,
        location=Location(file),
        why="only regular files that lie in the access folder themselves are read: nothing may point elsewhere",
        fix="put the file itself there, under a plain name",
    )


def _shown(access: Path, top: Path) -> str:
    shown = os.path.relpath(access, top)
    return access.name if shown.startswith("..") else Path(shown).as_posix()


def _within(access: Path, top: Path) -> bool:
    """Whether no link on the way leads out of the repository."""
    inside = Path(os.path.relpath(access, top))
    if inside.parts[:1] == ("..",):
        return True  # a folder elsewhere, named by whoever runs the command
    return access.resolve() == top.resolve() / inside


@contextmanager
def collector_paused() -> Iterator[None]:
    """Without Python's cyclic collector: loading makes many objects and no cycles, and it would visit them again.

    What a large tree leaves is used as long as the process runs, so it is taken out of later rounds as well.
    """
    import gc

    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if gc.get_count()[0] > _MANY_OBJECTS:
                gc.freeze()
            gc.enable()
