"""What is outstanding, since when, and when each target was last in order: told from the journal alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    `system` what it really was when it was last applied to; `gap` since when it goes on without the journal before.
    `holder` names the run that has its lock, in words, and `under_way` is what that one has begun. `gone`: the files do
    not declare it any more. `runs` are those of `provision run` that may have left a credential there, in words."""

    name: str
    since: Instant | None = None
    revision: str | None = None
    uncommitted: bool = False
    outstanding: tuple[Outstanding, ...] = ()
    system: str | None = None
    gap: Instant | None = None
    holder: str = ""
    under_way: tuple[Outstanding, ...] = ()
    gone: bool = False
    runs: tuple[str, ...] = ()


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
        for told in _notes(target):
            lines += [f"{' ' * column}  {line}" for line in wrap(safe(told), columns - column - 2)]
        for item in target.outstanding:
            lines += _item(item, columns)
            why = f"since {moment(item.since)} ({age(now - item.since)}): {item.reason}"
            lines += [f"      {colours.dim(line)}" for line in wrap(safe(why), columns - 6)]
        for item in target.under_way[:_UNDER_WAY]:
            lines += _item(item, columns)
            lines.append(f"      {colours.dim('that run is at it')}")
        if len(target.under_way) > _UNDER_WAY:
            lines.append(f"    and {len(target.under_way) - _UNDER_WAY:,} more that it has begun")
    lines += ["", colours.dim(safe(f"Told by the journal {where}; `provision plan` asks the systems themselves."))]
    return "\n".join(guard(line) for line in lines) + "\n"


_UNDER_WAY = 5
"""So many changes that a run has begun are named."""


def _notes(target: TargetStatus) -> Iterator[str]:
    if target.holder:
        yield f"{target.holder} has its lock: it is at work, or the next run takes over what it left"
    if target.gone:
        yield "the files do not declare it any more: what was given there stays, and nothing is called"
    yield from target.runs
    if target.gap is not None:
        yield f"its records begin {moment(target.gap)}: the journal before is lost, with who was cut off then"


def _item(item: Outstanding, columns: int) -> list[str]:
    told = f"{item.action.value} {item.address}{f' of {item.identity}' if item.identity else ''}"
    first, *rest = wrap(safe(told), columns - 4)
    return [f"  - {first}", *(f"    {line}" for line in rest)]


def _headline(targets: Sequence[TargetStatus], now: Instant) -> str:
    items = [item for target in targets for item in target.outstanding]
    if not targets:
        return "No targets are declared."
    busy = sum(bool(target.holder) for target in targets)
    at_work = f"; a run is at work on {busy} of them" if busy else ""
    runs = sum(len(target.runs) for target in targets)
    at_work += f"; {plural(runs, 'credential')} of runs may be left over" if runs else ""
    if not items:
        return f"Nothing is outstanding on {plural(len(targets), 'target')}{at_work}."
    oldest = min(item.since for item in items)
    behind = f"{sum(bool(target.outstanding) for target in targets)} of {plural(len(targets), 'target')}"
    return f"{len(items):,} outstanding on {behind}, the oldest for {age(now - oldest)}{at_work}."


def _state(target: TargetStatus) -> str:
    if target.since is None:
        return "not in order yet, as far as this journal knows"
    of = f" with commit {target.revision[:12]}" if target.revision else ""
    more = ", and changes that were not committed" if target.uncommitted else ""
    return f"last in order {moment(target.since)}{of}{more}"
