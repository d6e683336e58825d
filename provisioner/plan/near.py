"""A group that a role names and that is not there, while one with nearly that name is: a slip, not a wish.

A name that the target itself declares is always meant.
"""

from __future__ import annotations

import difflib
import re

from provisioner.diagnostics import Severity
from provisioner.model.address import Kind
from provisioner.plan.side import Drafts

_SEPARATORS = re.compile(r"[-_. ]+")


def near_misses(drafts: Drafts) -> set[str]:
    """The groups that may not be created, each told with the name that was probably meant."""
    side = drafts.side
    there = {r.address.object for r in side.live.of_kind(Kind.GROUP)}
    missing = [
        r
        for r in side.desired.state.of_kind(Kind.GROUP)
        if r.address.object not in there and r.address not in side.desired.explicit
    ]
    if not missing:
        return set()
    wanted = {r.address.object for r in side.desired.state.of_kind(Kind.GROUP)}
    folded = {_fold(name): name for name in sorted(there)}
    slips: set[str] = set()
    for group in missing:
        name = group.address.object
        close = folded.get(_fold(name)) or _one_letter_off(name, there - wanted)
        if close is None:
            continue
        slips.add(name)
        drafts.problem(
            "near-miss",
            f"{side.target.name} has no group `{name}`, but has `{close}`",
            Severity.ERROR,
            location=group.sources[0] if group.sources else None,
            why="a missing group that a role names is made; a name so near an existing one is rather a slip",
            fix=f"write `{close}`, or declare `{name}` under `targets: {side.target.family}: groups:` if it is meant",
        )
    return slips


def _fold(name: str) -> str:
    return _SEPARATORS.sub("", name).casefold()


def _one_letter_off(name: str, there: set[str]) -> str | None:
    """A name that differs in one letter; one that differs in a digit (`team-1`, `team-2`) is another name."""
    if len(name) < 6:
        return None
    for close in difflib.get_close_matches(name, sorted(there), n=3, cutoff=0.85):
        edits = [op for op in difflib.SequenceMatcher(None, name, close).get_opcodes() if op[0] != "equal"]
        changed = "".join(name[a:b] + close[c:d] for _, a, b, c, d in edits)
        size = max((max(b - a, d - c) for _, a, b, c, d in edits), default=0)
        if len(edits) == 1 and size == 1 and changed.isalpha():
            return close
    return None
