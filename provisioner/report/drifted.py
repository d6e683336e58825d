"""What `drift` prints: for people what was changed by hand first, for machines everything. Decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from provisioner.model.answer import Difference, Differs, Drift, TargetDrift, Unclaimed
from provisioner.model.instant import format_instant
from provisioner.report.answers import Lines
from provisioner.report.colour import PLAIN, Palette
from provisioner.report.safe import safe
from provisioner.report.text import moment
from provisioner.report.words import plural

SHOWN = 20
_WORDS = 200
_SIGNS = {Differs.MISSING: "-", Differs.EXTRA: "+", Differs.CHANGED: "~", Differs.PENDING: "."}
_HEADS = {
    Differs.MISSING: "gone since it was in order; the files ask for it",
    Differs.EXTRA: "came since it was in order; the files do not ask for it",
    Differs.CHANGED: "otherwise than when it was in order",
}


def text(found: Drift, *, everything: bool = False, colours: Palette = PLAIN) -> str:
    """For a terminal; `everything` also lists the strays that are ignored."""
    lines = Lines(colours=colours)
    by_hand, pending = (sum(len(part) for part in parts) for parts in _both(found))
    strays = sum(len(t.strays) for t in found.targets)
    ignored = sum(len(t.ignored) for t in found.targets)
    counts = [plural(by_hand, "change") + " by hand", f"{pending:,} not applied yet", plural(strays, "stray")]
    counts += [f"{ignored:,} ignored"] if ignored else []
    lines.head(", ".join(counts) + f" on {plural(len(found.targets), 'target')}.")
    for target in found.targets:
        if target.incomplete:
            lines.loud(f"{safe(target.target)} was not read completely: {safe('; '.join(target.incomplete[:3]), 300)}")
    for target in found.targets:
        _target(lines, target, everything=everything)
    lines.gap()
    lines.say(f"Read at {moment(found.read_at)}. Nothing was changed.")
    return lines.text


def _both(found: Drift) -> tuple[list[tuple[Difference, ...]], list[tuple[Difference, ...]]]:
    return [t.by_hand for t in found.targets], [t.pending for t in found.targets]


def _target(lines: Lines, it: TargetDrift, *, everything: bool) -> None:
    hidden = it.ignored if everything else ()
    if not (it.differences or it.strays or hidden or it.notes or it.problems):
        return
    lines.head(safe(it.target) + ("" if it.in_order or it.incomplete else "  (was never in order)"))
    for kind, head in _HEADS.items():
        _listed(lines, head, [d for d in it.differences if d.differs is kind])
    _listed(lines, "not applied yet: `provision plan` shows it", it.pending)
    if it.strays:
        lines.say(f"{plural(len(it.strays), 'stray')}: nobody declares {'it' if len(it.strays) == 1 else 'them'}", by=2)
        if len(it.strays) > SHOWN:
            kinds = Counter(s.address.kind.value for s in it.strays)
            lines.say(", ".join(plural(n, kind) for kind, n in sorted(kinds.items())), by=4)
        lines.rows([("?", safe(str(s.address), _WORDS), safe(s.why, _WORDS)) for s in it.strays[:SHOWN]], by=4)
        _more(lines, it.strays)
    if hidden:
        lines.say("ignored, and meant:", by=2)
        lines.rows([("=", safe(str(s.address), _WORDS), safe(_meant(s), 300)) for s in hidden], by=4)
    for note in it.notes:
        lines.loud(safe(note, 300), by=2)
    if it.problems:
        told = f"{plural(it.problems, 'thing')} cannot be decided: `provision plan` says what, and how to mend it"
        lines.loud(told, by=2)


def _listed(lines: Lines, head: str, found: Sequence[Difference]) -> None:
    if not found:
        return
    lines.say(f"{head}:", by=2)
    rows = [(_SIGNS[d.differs], safe(d.words, _WORDS), safe(d.why, _WORDS)) for d in found[:SHOWN]]
    lines.rows(rows, by=4)
    _more(lines, found)


def _more(lines: Lines, found: Sequence[object]) -> None:
    if len(found) > SHOWN:
        lines.say(f"and {len(found) - SHOWN:,} more; --format json has them all", by=4)


def _meant(stray: Unclaimed) -> str:
    until = f" until {moment(stray.until)}" if stray.until is not None else ""
    return f"{stray.owner}: {stray.reason}{until}"


def to_json(found: Drift) -> dict[str, Any]:
    """The object of `drift --format json`."""
    return {
        "format": "provision.drift/1",
        "read_at": format_instant(found.read_at),
        "complete": found.complete,
        "targets": {
            t.target: {
                "in_order": t.in_order,
                "differences": [_difference(d) for d in t.differences],
                "strays": [_stray(s) for s in t.strays],
                "ignored": [_stray(s) for s in t.ignored],
                "notes": list(t.notes),
                "problems": t.problems,
                "incomplete": list(t.incomplete),
            }
            for t in found.targets
        },
    }


def _difference(it: Difference) -> dict[str, Any]:
    return {
        "address": str(it.address),
        "differs": it.differs.value,
        "words": it.words,
        "identity": it.identity,
        "why": it.why,
        "source": [str(s) for s in it.sources],
    }


def _stray(it: Unclaimed) -> dict[str, Any]:
    said: dict[str, Any] = {"address": str(it.address), "why": it.why, "identity": it.identity}
    if it.owner is None:
        return said
    until = None if it.until is None else format_instant(it.until)
    return {"address": said["address"], "owner": it.owner, "reason": it.reason, "until": until}
