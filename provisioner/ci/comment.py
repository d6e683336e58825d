"""One comment on a pull request, updated in place: found by a hidden mark, and only among what we said ourselves.

Nobody else's comment is ever edited, whatever mark it bears. A plan of an older commit does not replace one of a newer:
right before writing it is asked which commit the pull request is at. Nothing is cut here: what is too long is refused.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

_MARK = re.compile(
    r"\A<!-- provision:plan/1 key=([0-9a-f]{16}) commit=([0-9a-f]{40,64}|-) at=([0-9TZ:-]{20}) -->(?:\r?\n|\Z)"
)


@dataclass(frozen=True, slots=True)
class Mark:
    """What the first line of our comment holds, unseen: which comment it is, of which commit, and made when."""

    key: str
    commit: str
    at: str

    def __str__(self) -> str:
        return f"<!-- provision:plan/1 key={self.key} commit={self.commit or '-'} at={self.at} -->"


def key_of(*parts: str | None) -> str:
    """Which comment it is: two workflows that plan other files, targets or people have one each."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def mark_of(body: str) -> Mark | None:
    """The mark of a comment, if it begins with one."""
    found = _MARK.match(body)
    return Mark(found[1], "" if found[2] == "-" else found[2], found[3]) if found else None


@dataclass(frozen=True, slots=True)
class Comment:
    """`ours` is as the forge says, for the credential that asks."""

    id: str
    body: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Said:
    """The comments of a pull request, oldest first, and the newest commit of its branch."""

    head: str
    comments: Sequence[Comment]


class Thread(Protocol):
    """A pull request on some forge. `longest` is how many characters a comment may have."""

    longest: int

    def read(self) -> Said: ...

    def create(self, body: str) -> None: ...

    def update(self, comment: Comment, body: str) -> None: ...

    def delete(self, comment: Comment) -> None: ...


class Posted(StrEnum):
    """What became of it. `outdated`: the pull request is at another commit by now, or a later run has spoken."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    OUTDATED = "outdated"


def post(thread: Thread, mark: Mark, text: str, also: Sequence[str] = ()) -> Posted:
    """Says `text` in the one comment of this key. `also` are commits that stand for the mark's own, such as what a CI
    system merged it of."""
    said = thread.read()
    if said.head in also:
        mark = replace(mark, commit=said.head)
    body = f"{mark}\n{text}"
    if len(body) > thread.longest:
        raise ValueError(f"a comment of {len(body)} characters, where {thread.longest} are taken")
    if mark.commit and said.head and said.head != mark.commit:
        return Posted.OUTDATED
    mine = [(c, m) for c in said.comments if c.ours and (m := mark_of(c.body)) is not None and m.key == mark.key]
    if any(m.commit == mark.commit and m.at > mark.at for _, m in mine):
        return Posted.OUTDATED
    for extra, _ in mine[1:]:  # two runs that began at once
        thread.delete(extra)
    if not mine:
        thread.create(body)
        return Posted.CREATED
    first = mine[0][0]
    if first.body == body:
        return Posted.UNCHANGED
    thread.update(first, body)
    return Posted.UPDATED
