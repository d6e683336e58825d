"""What is outstanding, since when, and when each target was last in order: told from the journal alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from provisioner.model.instant import Instant
from provisioner.model.outstanding import Outstanding
from provisioner.report.colour import PLAIN, Palette
from provisioner.report.safe import guard, pad, safe, width
from provisioner.report.text import COLUMNS, age, moment, wrap
from provisioner.report.words import plural


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target as the journal knows it. `since` is when an apply last left nothing to do there, at `revision`;
    `system` what it really was when it was last applied to; `gap` since when it goes on without the journal before."""

    name: str
    since: Instant | None = None
    revision: str | None = None
    uncommitted: bool = False
    outstanding: tuple[Outstanding, ...] = ()
    system: str | None = None
    gap: Instant | None = None


def text(
    targets: Sequence[TargetStatus], *, where: str, now: Instant, columns: int = COLUMNS, colours: Palette = PLAIN
) -> str:
    """`where` names the journal, in words."""
    lines = [colours.bold(safe(_headline(targets, now))), ""]
    column = max((width(safe(t.name)) for t in targets), default=0)
    for target in sorted(targets, key=lambda t: (not t.outstanding, t.name)):
        lines.append(f"{pad(safe(target.name), column)}  {safe(_state(target))}")
        if target.system is not None:
            lines.append(f"{' ' * column}  {colours.dim(safe(f'system {target.system}'))}")
        if target.gap is not None:
            told = f"its records begin {moment(target.gap)}: the journal before is lost, with who was cut off then"
            lines += [f"{' ' * column}  {line}" for line in wrap(safe(told), columns - column - 2)]
        for item in target.outstanding:
            told = f"{item.action.value} {item.address}{f' of {item.identity}' if item.identity else ''}"
            first, *rest = wrap(safe(told), columns - 4)
            lines += [f"  - {first}", *(f"    {line}" for line in rest)]
            why = f"since {moment(item.since)} ({age(now - item.since)}): {item.reason}"
            lines += [f"      {colours.dim(line)}" for line in wrap(safe(why), columns - 6)]
    lines += ["", colours.dim(safe(f"Told by the journal {where}; `provision plan` asks the systems themselves."))]
    return "\n".join(guard(line) for line in lines) + "\n"


def _headline(targets: Sequence[TargetStatus], now: Instant) -> str:
    items = [item for target in targets for item in target.outstanding]
    if not targets:
        return "No targets are declared."
    if not items:
        return f"Nothing is outstanding on {plural(len(targets), 'target')}."
    oldest = min(item.since for item in items)
    behind = f"{sum(bool(target.outstanding) for target in targets)} of {plural(len(targets), 'target')}"
    return f"{len(items):,} outstanding on {behind}, the oldest for {age(now - oldest)}."


def _state(target: TargetStatus) -> str:
    if target.since is None:
        return "not in order yet, as far as this journal knows"
    of = f" with commit {target.revision[:12]}" if target.revision else ""
    more = ", and changes that were not committed" if target.uncommitted else ""
    return f"last in order {moment(target.since)}{of}{more}"
