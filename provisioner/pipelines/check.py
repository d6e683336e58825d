"""A file, or all CI configuration of a folder, against what the access files declare."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.diagnostics import Diagnostic, Location, Severity, in_order
from provisioner.load.display import show
from provisioner.load.files import find_top
from provisioner.load.limits import FILE_BYTES
from provisioner.model.access import DeclaredAccess
from provisioner.pipelines import findings, judge_circleci, judge_github
from provisioner.pipelines.declared import Rules, rules_for
from provisioner.pipelines.document import Node, parse

CIRCLECI = ".circleci/config.yml"
WORKFLOWS = ".github/workflows"
_ENDINGS = (".yml", ".yaml")
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass
class Checked:
    """What was found. `files` are the bytes of all files that were read, by the path that places tell."""

    diagnostics: tuple[Diagnostic, ...]
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        return not any(d.is_error for d in self.diagnostics)


def check(path: Path, access: DeclaredAccess, pipeline: str | None) -> Checked:
    """Everything at `path` against the pipeline of that id; with None against what holds without an entry."""
    rules = rules_for(access, pipeline)
    checking = _Checking(path, rules)
    checking.all()
    return Checked(in_order(checking.found), checking.files)


class _Checking:
    def __init__(self, path: Path, rules: Rules) -> None:
        self.rules = rules
        self.path = path
        self.is_file = path.is_file()
        self.top = _top(path) if self.is_file else path
        self.shown = _shown(self.top)
        self.found: list[Diagnostic] = []
        self.files: dict[str, bytes] = {}
        self.trees: dict[str, Node | None] = {}

    def all(self) -> None:
        circleci, workflows = self._files()
        if not circleci and not workflows:
            self._nothing()
            return
        names = [name for file in circleci for name in self._circleci(file)]
        trees = {file: tree for file in workflows if (tree := self.tree(file)) is not None}
        told, more = judge_github.judge(trees, self.rules, self.tree)
        self.found += told
        if not self.is_file and not any(d.is_error and d.code in _UNREAD for d in self.found):
            self._missing([*names, *more])

    def tree(self, file: str) -> Node | None:
        """A file below the top, read once; None where it is not there, or cannot be used (which is told)."""
        if file not in self.trees:
            self.trees[file] = None
            data = self._read(file)
            if data is not None:
                shown = self._place(file)
                self.files[shown] = data
                self.trees[file], said = parse(shown, data)
                self.found += said
        return self.trees[file]

    def _circleci(self, file: str) -> list[str]:
        root = self.tree(file)
        if root is None:
            return []
        found, names = judge_circleci.judge(root, self.rules)
        self.found += found
        for more in judge_circleci.continued(root):
            if more not in self.trees:
                names += self._circleci(more)
        return names

    def _files(self) -> tuple[list[str], list[str]]:
        """The configuration of CircleCI, and the workflows of GitHub, by path below the top."""
        if self.is_file:
            file = self.path.absolute().relative_to(self.top.absolute()).as_posix()
            root = self.tree(file)
            is_workflow = file.startswith(WORKFLOWS) or (root is not None and "on" in root.keys and "jobs" in root.keys)
            return ([], [file]) if is_workflow else ([file], [])
        folder = self.top / WORKFLOWS
        names = sorted(e.name for e in os.scandir(folder)) if folder.is_dir() else []
        circleci = [CIRCLECI] if os.path.lexists(self.top / CIRCLECI) else []
        return circleci, [f"{WORKFLOWS}/{name}" for name in names if name.endswith(_ENDINGS)]

    def _read(self, file: str) -> bytes | None:
        """The bytes of a regular file, reached through no link."""
        parts = file.split("/")
        handle = os.open(self.top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for folder in parts[:-1]:
                inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=handle)
                os.close(handle)
                handle = inner
            with os.fdopen(os.open(parts[-1], _OPEN, dir_fd=handle), "rb") as opened:
                return opened.read(FILE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as wrong:
            self.found.append(_unreadable(self._place(file), wrong))
            return None
        finally:
            os.close(handle)

    def _place(self, file: str) -> str:
        return file if self.shown == "." else f"{self.shown}/{file}"

    def _missing(self, names: list[str]) -> None:
        for deploy in self.rules.deploys:
            for pattern in deploy.jobs:
                if not any(deploy.names_job(name) for name in names if _fits(name, pattern)):
                    self.found.append(
                        findings.missing_job(
                            self.rules.pipeline, pattern, deploy.environment, deploy.places[pattern], names
                        )
                    )

    def _nothing(self) -> None:
        self.found.append(
            Diagnostic(
                "no-pipeline",
                f"there is neither {CIRCLECI} nor a workflow below {WORKFLOWS} in {show(str(self.path))}",
                why="nothing was checked, and that must not pass for good",
                fix="name the file, or the folder of the repository",
            )
        )


_UNREAD = frozenset({"yaml-syntax", "pipeline-shape", "unreadable-file"})


def _fits(name: str, pattern: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase(name, pattern)


def _top(file: Path) -> Path:
    """The repository's folder, of a file in it."""
    for folder in file.absolute().parents:
        if folder.name in (".github", ".circleci"):
            return folder.parent
    return find_top(file)


def _shown(top: Path) -> str:
    """The repository's folder as places tell it: from the top of git's working tree, or as it was given."""
    root = find_top(top / "x")
    shown = os.path.relpath(top.absolute(), root)
    return "." if shown.startswith("..") else Path(shown).as_posix()


def _unreadable(file: str, wrong: OSError) -> Diagnostic:
    return Diagnostic(
        "unreadable-file",
        f"the file cannot be read: {wrong.strerror}",
        Severity.ERROR,
        Location(file),
        why="what is not read may not be taken for good; links are not followed",
        fix="put the file itself there, and let the user that runs this read it",
    )
