"""Branches and tags: what a filter lets in, what may be deployed from, and a case that shows the difference.

Filters of the CI systems are held against what the access files allow by their words: a pattern counts where it is the
allowed one, and only whole names are tried on patterns. So a pattern that might let more in never passes for one that
does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from provisioner.load.display import show
from provisioner.pipelines.conditions import UNKNOWN, Begins, Condition, Value, literals

HEADS, TAGS = "refs/heads/", "refs/tags/"
_MOST = 60
"""Names that conditions write, of which each is tried; with more, any branch may be any."""
_GLOB = re.compile(r"[*?\[\]{}!+]")


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or tag, or several at once. `name` is what conditions see; `pattern` is the filter's own words where it
    stands for more than one."""

    kind: str
    name: Value
    pattern: str = ""

    @property
    def full(self) -> Value:
        """As `github.ref` has it."""
        before = TAGS if self.kind == "tag" else HEADS
        if isinstance(self.name, Begins):
            return Begins(before + self.name.start)
        return before + self.name if isinstance(self.name, str) else self.name

    @property
    def words(self) -> str:
        """`the branch `x``, `any branch`."""
        if self.pattern:
            plural = "branches" if self.kind == "branch" else "tags"
            return f"{plural} such as {show(self.pattern)}"
        if isinstance(self.name, str):
            return f"the {self.kind} {show(self.name)}"
        if isinstance(self.name, Begins) and self.name.start:
            return f"any {self.kind} that begins with {show(self.name.start)}"
        return f"any {self.kind}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a protected environment is deployed from."""

    branches: tuple[str, ...]
    tags: tuple[str, ...]

    def holds(self, ref: Ref) -> bool:
        """Whether everything that `ref` stands for is allowed."""
        allowed = self.tags if ref.kind == "tag" else self.branches
        if ref.pattern:
            return any(_same(ref.pattern, a) for a in allowed)
        if isinstance(ref.name, str):
            return any(_matches(ref.name, a) for a in allowed)
        if isinstance(ref.name, Begins):
            return any(_begins(ref.name.start, a) for a in allowed)
        return False

    def holds_all_of(self, policy: str) -> bool:
        """Whether a pattern of an environment's branch policy lets in nothing but what is allowed."""
        return any(
            _same(policy, a) or (not is_pattern(a.replace("*", "")) and _matches(policy, a)) for a in self.branches
        )

    def words(self) -> str:
        """For messages: `branch main`, `branches main, release/*; tags v*`."""
        parts = [
            f"{one if len(names) == 1 else many} {', '.join(show(n) for n in names)}"
            for one, many, names in (("branch", "branches", self.branches), ("tag", "tags", self.tags))
            if names
        ]
        return " and ".join(parts) or "nothing"


def anything(kind: str, conditions: Iterable[Condition | None]) -> Iterator[Ref]:
    """Any branch (or tag): one that nobody wrote down, and those that the conditions write."""
    written = {word for c in conditions if c is not None for word in literals(c)}
    if len(written) > _MOST:
        yield Ref(kind, UNKNOWN)
        return
    yield Ref(kind, Begins())
    for word in sorted(written):
        name = word.removeprefix(TAGS if kind == "tag" else HEADS)
        if name and not name.startswith("refs/"):
            yield Ref(kind, name)
            yield Ref(kind, Begins(name))


def filtered(kind: str, patterns: Iterable[str], conditions: Iterable[Condition | None]) -> Iterator[Ref]:
    """What one list of a filter lets in, with the names among it that the conditions write."""
    known = list(conditions)
    for pattern in patterns:
        glob = as_glob(pattern)
        if glob == "*":
            yield from anything(kind, known)
        elif glob is None:
            yield Ref(kind, UNKNOWN, pattern)
        elif not is_pattern(glob):
            yield Ref(kind, glob)
        else:
            yield Ref(kind, _stands_for(glob), pattern)
            for ref in anything(kind, known):
                if (isinstance(ref.name, str) and fnmatchcase(ref.name, glob)) or (
                    isinstance(ref.name, Begins) and ref.name.start and _begins(ref.name.start, glob)
                ):
                    yield ref


def is_pattern(text: str) -> bool:
    """Whether a glob stands for more than the one name."""
    return _GLOB.search(text) is not None


def lets_all_in(patterns: Iterable[str]) -> bool:
    return any(as_glob(p) == "*" for p in patterns)


def as_glob(pattern: str) -> str | None:
    """A filter's entry as a glob, in which `*` stands for any text; None for a regular expression that is none."""
    if len(pattern) > 1 and pattern.startswith("/") and pattern.endswith("/"):
        inner = pattern[1:-1].removeprefix("^").removesuffix("$").replace("\\/", "/").replace("\\.", "\0")
        inner = re.sub(r"\.[*+]", "\1", inner)
        if not re.fullmatch(r"[\w/\0\1-]+", inner):
            return None
        pattern = inner.replace("\0", ".").replace("\1", "*")
    return re.sub(r"\*{2,}", "*", pattern)


def _stands_for(glob: str) -> Value:
    """`release/*` as any text that begins so; other globs as something that cannot be told."""
    start = glob.removesuffix("*")
    return Begins(start) if start != glob and not is_pattern(start) else UNKNOWN


def _matches(name: str, allowed: str) -> bool:
    glob = as_glob(allowed)
    return glob is not None and fnmatchcase(name, glob)


def _begins(start: str, allowed: str) -> bool:
    """Whether all that begins with `start` is allowed by `allowed`."""
    glob = as_glob(allowed) or ""
    fixed = glob.removesuffix("*")
    return fixed != glob and not is_pattern(fixed) and start.startswith(fixed)


def _same(pattern: str, allowed: str) -> bool:
    return pattern == allowed or ((glob := as_glob(pattern)) is not None and glob == as_glob(allowed))
