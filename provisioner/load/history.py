"""Earlier states of the access files, from git: who was declared since a target last converged.

A history that is not all there is an error, never a smaller answer: whoever left in the missing part would keep their
access. Past files are read leniently, by the rules of today as far as they fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from provisioner.contract.protocols import Provider
from provisioner.diagnostics import Diagnostic, ProvisionError, in_order
from provisioner.load import git, limits
from provisioner.load.display import show
from provisioner.load.entries import FileEntries, read_entries
from provisioner.load.files import collector_paused
from provisioner.load.lenient import Usable
from provisioner.load.loader import Loaded
from provisioner.load.tree import EMPTY_TREE
from provisioner.load.world import World
from provisioner.model.instant import Instant

_FOLDER = "40000"
_FILES = ("100644", "100755", "100664")


@dataclass(frozen=True, slots=True)
class PastRevision:
    """A first-parent commit, git's tree id of the access folder in it, and when it was committed."""

    commit: str
    tree: str
    when: Instant


@dataclass(frozen=True, slots=True)
class Head:
    """`revision` is None before the first commit and outside of a repository; `tree` is that of the access folder as
    committed, empty where it is not. `uncommitted` says that the folder holds changes.
    """

    revision: str | None
    uncommitted: bool
    tree: str


def head(repo: Path, access: str) -> Head:
    """What is checked out. `access` is the access folder's path below the repository's top."""
    revision = git.commit_of(repo, "HEAD")
    if revision is None:
        return Head(None, True, "")
    tree = git.run(repo, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}:{_inside(access)}")
    changes = git.must(repo, "status", "--porcelain=v1", "-z", "--untracked-files=all", "--", str(repo / access))
    return Head(revision, bool(changes), (tree or "").strip())


def resolve(repo: Path, revision: str) -> str:
    """The commit that `revision` (a branch, a tag, an id) means. ProvisionError where git does not have it."""
    commit = git.commit_of(repo, revision)
    if commit is None:
        raise ProvisionError(
            Diagnostic(
                "unknown-revision",
                f"git has no revision {show(revision)}",
                why="what judges a change must be there to be read",
                fix="fetch it; in CI check the repository out with `fetch-depth: 0`",
            )
        )
    return commit


def revisions(repo: Path, access: str, start: str | None, end: str = "HEAD") -> list[PastRevision]:
    """The first-parent revisions of `end`, newest first, at which the access folder is another than at the next newer
    one; `start`, the revision that a target converged on, is the last. Without `start`, the whole history.

    ProvisionError where the history does not reach so far (a shallow clone), or git no longer has `start`.
    """
    here = git.commit_of(repo, end)
    first = git.commit_of(repo, start) if start is not None else None
    if start is not None and first is None:
        raise _incomplete(f"git has no revision {show(start)}", git.is_shallow(repo))
    if here is None:
        return []
    shallow = git.is_shallow(repo)
    if shallow:
        _check_reach(repo, here, first)
    wanted = here if first is None else f"{first}..{here}"
    listed = git.must(
        repo, "rev-list", "--first-parent", wanted, "--", str(repo / access) if access != "." else str(repo)
    )
    commits = [*listed.split(), *([first] if first is not None else [])]
    return _with_trees(repo, access, commits)


def contains(repo: Path, newer: str, older: str) -> bool:
    """Whether `older` is `newer` or one of its ancestors."""
    return git.run(repo, "merge-base", "--is-ancestor", older, newer) is not None


def _check_reach(repo: Path, here: str, first: str | None) -> None:
    """Refuses a shallow clone whose commits end before `first`."""
    if first is None:
        raise _incomplete("the whole history is needed, and this is a shallow clone", True)
    edge = git.boundary(repo)
    chain = git.must(repo, "rev-list", "--first-parent", f"{first}..{here}").split()
    if edge & set(chain) or git.run(repo, "merge-base", "--is-ancestor", first, here) is None:
        raise _incomplete(f"the history back to {show(first[:12])} is not all here: this is a shallow clone", True)


def _with_trees(repo: Path, access: str, commits: list[str]) -> list[PastRevision]:
    inside = _inside(access)
    found: list[PastRevision] = []
    with git.Objects(repo) as objects:
        for commit in dict.fromkeys(commits):
            told = objects.get(f"{commit}:{inside}")
            raw = objects.get(commit)
            if raw is None:
                raise _incomplete(f"git has no commit {show(commit)}", git.is_shallow(repo))
            tree = told[0] if told is not None and told[1] == "tree" else EMPTY_TREE
            found.append(PastRevision(commit, tree, _committed(raw[2])))
    return found


def _committed(commit: bytes) -> Instant:
    """When a commit was made, from its `committer` line."""
    for line in commit.split(b"\n"):
        if line.startswith(b"committer "):
            try:
                return datetime.fromtimestamp(int(line.split()[-2]), UTC)
            except (ValueError, IndexError, OverflowError, OSError):
                break
    return datetime.fromtimestamp(0, UTC)


class HistoryCache:
    """What past revisions are read with: one git process, and everything read so far by the files' ids.

    A file that did not change between two revisions gives the very same values. Close it, or use it in a `with`.
    """

    def __init__(self) -> None:
        self._objects: dict[Path, git.Objects] = {}
        self._files: dict[tuple[str, str], FileEntries] = {}
        self._trees: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.usable = Usable()

    def objects(self, repo: Path) -> git.Objects:
        if repo not in self._objects:
            self._objects[repo] = git.Objects(repo)
        return self._objects[repo]

    def close(self) -> None:
        """Ends the git processes; what was read stays."""
        for objects in self._objects.values():
            objects.close()
        self._objects.clear()

    def __enter__(self) -> HistoryCache:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def listing(self, repo: Path, tree: str, below: str = "") -> list[tuple[str, str]]:
        """The access files of a tree, by path and blob id."""
        key = (tree, below)
        known = self._trees.get(key)
        if known is not None:
            return known
        found: list[tuple[str, str]] = []
        told = self.objects(repo).get(tree)
        if told is not None and told[1] == "tree" and below.count("/") < limits.DEPTH:
            for mode, name, oid in _tree_entries(told[2], len(tree) // 2):
                if mode == _FOLDER:
                    found.extend(self.listing(repo, oid, f"{below}{name}/"))
                elif mode in _FILES and name.endswith(".yaml"):
                    found.append((f"{below}{name}", oid))
        self._trees[key] = found
        return found

    def entries(self, repo: Path, file: str, oid: str, providers: Mapping[str, Provider]) -> FileEntries:
        """What one past file declares."""
        key = (file, oid)
        known = self._files.get(key)
        if known is None:
            told = self.objects(repo).get(oid, limits.FILE_BYTES)
            known = self._files[key] = read_entries(file, told[2] if told is not None else b"", providers)
        return known


def declared_at(
    repo: Path, access: str, tree_or_commit: str, providers: Mapping[str, Provider], cache: HistoryCache
) -> Loaded:
    """The access files of a past revision, or of git's tree of the access folder.

    Lenient: what does not fit today's rules is told and left out, and nothing is checked across files. Unchanged files
    give the same values as before from one `cache`. ProvisionError where git does not have it.
    """
    with collector_paused():
        tree = _access_tree(repo, access, tree_or_commit, cache)
        prefix = "" if access in ("", ".") else f"{access.strip('/')}/"
        files = [cache.entries(repo, prefix + path, oid, providers) for path, oid in sorted(cache.listing(repo, tree))]
        world = World(file for file in files if not file.only_people)
        for file in files:
            for name, identity in file.identities.items():
                world.identities.setdefault(name, identity)
        cache.usable.keep(world, providers)
        told = in_order(p for file in files for p in file.problems)
        return Loaded(world.declared(tree), told, {}, access)


def files_at(repo: Path, access: str, tree_or_commit: str, cache: HistoryCache) -> dict[str, bytes]:
    """The bytes of the access files of a past revision, by their path below the access folder: for `load_files`."""
    tree = _access_tree(repo, access, tree_or_commit, cache)
    found: dict[str, bytes] = {}
    total = 0
    for path, oid in cache.listing(repo, tree):
        told = cache.objects(repo).get(oid, limits.FILE_BYTES + 1)
        data = told[2] if told is not None else b""
        total += len(data)
        if total > limits.TREE_BYTES:
            break
        found[path] = data
    return found


def _access_tree(repo: Path, access: str, name: str, cache: HistoryCache) -> str:
    if name == EMPTY_TREE:
        return name
    told = cache.objects(repo).get(name) if _is_id(name) else None
    if told is not None and told[1] == "tree":
        return told[0]
    commit = git.commit_of(repo, name)
    if commit is None:
        raise _incomplete(f"git has no revision {show(name)}", git.is_shallow(repo))
    folder = cache.objects(repo).get(f"{commit}:{_inside(access)}")
    return folder[0] if folder is not None and folder[1] == "tree" else EMPTY_TREE


def _is_id(name: str) -> bool:
    return len(name) in (40, 64) and all(c in "0123456789abcdef" for c in name)


def _inside(access: str) -> str:
    """The folder as git's `<commit>:<path>` wants it: empty for the top."""
    return "" if access in ("", ".") else access.strip("/")


def _tree_entries(data: bytes, size: int) -> list[tuple[str, str, str]]:
    """Mode, name and id of each entry of a raw tree object, whose ids have `size` bytes (SHA-1 20, SHA-256 32)."""
    found: list[tuple[str, str, str]] = []
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        name = data[space + 1 : end].decode("utf-8", "surrogateescape")
        found.append((data[at:space].decode("ascii"), name, data[end + 1 : end + 1 + size].hex()))
        at = end + 1 + size
    return found


def _incomplete(message: str, shallow: bool) -> ProvisionError:
    return ProvisionError(
        Diagnostic(
            "history-incomplete",
            message,
            why="who has left since the last run is read from it; what is missing would be access left behind",
            fix="check the repository out with `fetch-depth: 0` (git fetch --unshallow)"
            if shallow
            else "check the repository out with `fetch-depth: 0`; if the history was rewritten, restore the old branch",
        )
    )
