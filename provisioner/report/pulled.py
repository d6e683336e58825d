"""What `pull` proposes: who joins, moves and leaves, and what somebody has to look at; as a page and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from provisioner.diagnostics import Diagnostic
from provisioner.report.diagnostics import to_json as problems_json
from provisioner.report.safe import guard, safe
from provisioner.report.words import plural

FORMAT = "provision.pull/1"
SHOWN = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One person: `kind` is joins, moves or leaves; `said` the keys of their entry that say something else now."""

    id: str
    kind: str
    new: bool
    login: str
    native: str
    gains: Sequence[str]
    loses: Sequence[str]
    said: Sequence[str]
    why: str


@dataclass(frozen=True)
class Pulled:
    """`doubts` are (login, immutable id, why), `renamed` (group as declared, as it is called). `branch` is its name and
    the commit on it."""

    source: str
    system: str
    calls: int
    people: int
    files: Sequence[str]
    rows: Sequence[Row]
    doubts: Sequence[tuple[str, str, str]]
    renamed: Sequence[tuple[str, str]]
    pinned: bool
    told: Sequence[Diagnostic]
    written: bool
    branch: tuple[str, str] | None = None


def text(pulled: Pulled) -> str:
    """The whole page."""
    return "\n".join(guard(line) for line in _lines(pulled)) + "\n"


def _lines(it: Pulled) -> Iterator[str]:
    name, read = safe(it.source), f"{plural(it.people, 'person', 'people')} read in {plural(it.calls, 'call')}"
    if not it.files:
        yield f"The access files follow {name} already; {read}."
    elif it.branch is not None:
        yield f"Branch {safe(it.branch[0])} lets the access files follow {name} (commit {it.branch[1][:12]}); {read}."
    elif it.written:
        yield f"{plural(len(it.files), 'file')} changed to follow {name}; {read}, and no system has changed."
    else:
        yield f"{plural(len(it.files), 'file')} would change to follow {name}; {read}, and nothing was written."
    for kind, title in (("joins", "join"), ("moves", "change"), ("leaves", "leave")):
        rows = [r for r in it.rows if r.kind == kind]
        if rows:
            yield ""
            yield f"{plural(len(rows), 'person', 'people')} {title}{'s' if len(rows) == 1 else ''}:"
            yield from (f"  {_row(r)}" for r in rows[:SHOWN])
            if len(rows) > SHOWN:
                yield f"  and {len(rows) - SHOWN:,} more"
    for old, new in it.renamed:
        yield f"The group {safe(old)} is called {safe(new)} by now."
    if it.pinned:
        yield f"The entry of {name} learns which system and which groups it means, by their immutable ids."
    if it.doubts:
        yield ""
        yield f"Doubtful, and not written ({len(it.doubts):,}):"
        yield from (f"  {safe(login, 80)}: {safe(why, 200)}" for login, _, why in it.doubts[:SHOWN])
        if len(it.doubts) > SHOWN:
            yield f"  and {len(it.doubts) - SHOWN:,} more"
    if it.branch is not None:
        yield f"To have it reviewed: git push origin {safe(it.branch[0])}"
    elif it.files and it.written:
        yield "Next: look at the files, `provision plan`, commit, and have it reviewed."


def _row(row: Row) -> str:
    told = [safe(row.id)]
    if row.kind == "joins":
        told.append("(new)" if row.new else "(declared before)")
    if row.kind == "leaves":
        return f"{' '.join(told)}: {safe(row.why, 300)}"
    parts = [f"+ {safe(g)}" for g in row.gains] + [f"- {safe(x)}" for x in row.loses]
    if row.said:
        parts.append(f"says otherwise: {', '.join(safe(s) for s in row.said)}")
    return f"{' '.join(told)}: {'; '.join(parts) or 'known by its id from now on'} ({safe(row.why, 200)})"


def to_json(it: Pulled) -> dict[str, Any]:
    """The data of `--format json`."""
    return {
        "format": FORMAT,
        "source": it.source,
        "system": it.system,
        "calls": it.calls,
        "read": it.people,
        "files": list(it.files),
        "branch": None if it.branch is None else {"name": it.branch[0], "commit": it.branch[1]},
        **{
            kind: [
                {
                    "id": r.id,
                    "new": r.new,
                    "login": r.login,
                    "native": r.native,
                    "gains": list(r.gains),
                    "loses": list(r.loses),
                    "changed": list(r.said),
                    "why": r.why,
                }
                for r in it.rows
                if r.kind == kind
            ]
            for kind in ("joins", "moves", "leaves")
        },
        "renamed": [{"group": old, "now": new} for old, new in it.renamed],
        "doubts": [{"login": login, "native": native, "why": why} for login, native, why in it.doubts],
        "diagnostics": problems_json(it.told)["diagnostics"],
    }
