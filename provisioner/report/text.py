"""A plan for people at a terminal. Counts and dangers first, then what earlier runs left, then target by target.

`-` takes access away, `+` gives it, `~` neither or both; `!` marks what needs a second look. Plain in a pipe.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from provisioner.model.change import Action, Change, Ender
from provisioner.model.effect import Direction, Level
from provisioner.model.instant import Instant
from provisioner.model.way import Evidence
from provisioner.plan.plan import Plan, Stray, Waiting
from provisioner.report import diagnostics as problems
from provisioner.report import layout
from provisioner.report.colour import PLAIN, Palette
from provisioner.report.layout import Group, Line, Open, Section
from provisioner.report.safe import guard, pad, safe, width
from provisioner.report.words import and_so_on, plural

COLUMNS = 110
LIST_STRAYS = 20
_NAMES = 200
_STANDING = 4
_WORDS = 200
"""So much of any one text from outside is shown; `--format json` has it whole."""
EVIDENCE = {
    Evidence.MARK: "marked as ours",
    Evidence.CONTAINER: "all of it is declared",
    Evidence.SUBJECT: "on their account",
    Evidence.HISTORY: "known from the files' history",
    Evidence.JOURNAL: "known from the journal",
}
"""Why something is ours to take away, in the words of a plan."""


def text(
    plan: Plan,
    *,
    apply_with: str | None = None,
    sources: problems.Sources | None = None,
    columns: int = COLUMNS,
    colours: Palette = PLAIN,
) -> str:
    """The whole plan. `apply_with` is the command that applies it, where there is one."""
    page = _Page(columns, colours)
    page.head(plan)
    page.left_over(plan)
    for section in layout.sections(plan):
        page.section(plan, section)
    page.held_back(plan)
    page.quiet_targets(plan)
    page.waiting(plan.waiting)
    page.strays(plan.strays)
    page.remarks(plan, sources)
    page.foot(plan, apply_with)
    return page.text


class _Page:
    """The lines so far, and how wide and colourful they may be."""

    def __init__(self, columns: int, colours: Palette) -> None:
        self._columns = columns
        self._colours = colours
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join(guard(line) for line in self._lines).rstrip("\n") + "\n"

    def _say(self, *lines: str) -> None:
        self._lines += lines

    def _gap(self) -> None:
        if self._lines and self._lines[-1]:
            self._lines.append("")

    def _loud(self, told: str) -> None:
        for number, line in enumerate(wrap(safe(told), self._columns - 2)):
            self._say(self._colours.yellow(("! " if number == 0 else "  ") + line))

    # Counts and dangers

    def head(self, plan: Plan) -> None:
        if not plan.changes:
            self._say(self._colours.bold(layout.no_changes(plan)))
        else:
            self._say(*map(self._colours.bold, wrap(layout.headline(plan), self._columns)))
            for label, told in layout.breakdown(plan):
                self._say(f"  {label}: {told}")
        if plan.preview:
            self._loud(f"as it will be at {moment(plan.as_of)}: this plan cannot be applied")
        for name, view in sorted(plan.targets.items()):
            if not view.complete:
                self._loud(layout.gap(plan, name))
        for told in layout.unrecorded(plan):
            self._loud(told)
        standing = layout.standing(plan)
        for told in standing[:_STANDING]:
            self._loud(told)
        if len(standing) > _STANDING:
            self._loud(f"{len(standing) - _STANDING:,} more such findings below")
        self._dangers("admin-like", [c for c in plan.changes if c.effect.level is Level.ADMIN])
        self._dangers("cannot be undone", [c for c in plan.changes if not c.reversible])
        refused = sum(d.is_error for d in layout.remarks(plan))
        if refused:
            about = "it is" if refused == 1 else "they are"
            self._loud(f"{plural(refused, 'error')} below: what {about} about is not done")

    def _dangers(self, label: str, changes: Sequence[Change]) -> None:
        if changes:
            told = and_so_on([f"{c.words} ({c.address.target})" for c in changes], 4)
            self._loud(f"{len(changes):,} {label}: {told}")

    # What earlier runs left

    def left_over(self, plan: Plan) -> None:
        found = layout.open_matters(plan)
        if not found:
            return
        self._gap()
        self._say(self._colours.bold("Outstanding from earlier runs"))
        for matter in found:
            self._open(matter, plan)

    def _open(self, matter: Open, plan: Plan) -> None:
        item, change = matter.item, matter.change
        told = f"since {moment(item.since)} ({age(plan.as_of - item.since)}): {item.reason}"
        if change is not None:
            self._wrapped(f"  {self._sign(change)} ", f"{safe(change.words, _WORDS)} ({safe(item.address.target)})", 4)
        else:
            self._wrapped("  ? ", safe(f"{item.action.value} {item.address}", _WORDS), 4)
            view = plan.targets.get(item.address.target)
            unread = view is not None and not view.complete
            told += (
                f"; not planned now, because {item.address.target} {'could not be read' if unread else 'is not in it'}"
            )
        self._indented(told, 6)

    # Target by target

    def section(self, plan: Plan, section: Section) -> None:
        self._gap()
        view = plan.targets.get(section.target)
        read = "" if view is None else layout.kinds(view.read.items())
        notes = [f"mode {view.mode}"] if view is not None and view.mode != "add" else []
        notes += [f"read: {read}"] if read else []
        name = safe(section.target)
        first, *rest = wrap(f"({'; '.join(notes)})" if notes else "", self._columns - width(name) - 2)
        self._say(self._colours.bold(name) + (self._colours.dim(f"  {first}") if first else ""))
        self._say(*(" " * (width(name) + 2) + self._colours.dim(line) for line in rest))
        for group in section.groups:
            self._group(group)

    def _group(self, group: Group) -> None:
        who = safe(group.who[0], 80) if group.who else "groups and settings"
        why, tail = safe(group.why, _WORDS), ""
        if len(group.who) > 1:
            tail = f" + {plural(len(group.who) - 1, 'other')}"
        elif group.login is not None:
            tail = f" (login {safe(group.login, 80)})"
        elif why.startswith(who):
            tail, why = why.removeprefix(who), ""
        tail += f": {why}" if why else ""
        tail += f"; {safe(group.source)}" if group.source else ""
        first, *rest = wrap(who + tail, self._columns - 2)
        self._say(f"  {self._colours.bold(first[: len(who)])}{first[len(who) :]}", *(f"      {line}" for line in rest))
        widths = [width(safe(line.change.words, _WORDS)) for line in group.lines]
        column = max((w for w in widths if w <= self._columns // 2), default=0)
        for line in group.lines:
            self._line(line, group, column)
        if len(group.who) > 1:
            self._indented("also " + and_so_on(group.who[1:], _NAMES), 6)

    def _line(self, line: Line, group: Group, column: int) -> None:
        change = line.change
        words = safe(change.words, _WORDS)
        tail = "; ".join(_because(line, group))
        mark = "!" if change.effect.level is Level.ADMIN else " "
        start = f"  {self._colours.yellow(mark)} {self._sign(change)} "
        if tail and 6 + max(column, width(words)) + 2 + width(tail) <= self._columns:
            self._say(start + pad(words, column) + "  " + self._colours.dim(tail))
        else:
            self._wrapped(start, words, 6)
            self._indented(tail, 8)
        if line.more:
            others = [c.address.object for c in line.more]
            self._indented(f"and {len(others):,} more like this: {and_so_on(others, 60)}", 8)

    def _wrapped(self, start: str, words: str, by: int) -> None:
        first, *rest = wrap(words, self._columns - by)
        self._say(start + first, *(" " * by + line for line in rest))

    def _sign(self, change: Change) -> str:
        sign = layout.SIGNS[change.effect.direction]
        if change.effect.direction is Direction.NARROWS:
            return self._colours.red(sign)
        return self._colours.green(sign) if change.effect.direction is Direction.WIDENS else self._colours.cyan(sign)

    def _indented(self, told: str, by: int) -> None:
        for line in wrap(safe(told), self._columns - by) if told else ():
            self._say(" " * by + self._colours.dim(line))

    # What is left as it is

    def held_back(self, plan: Plan) -> None:
        """What was not reviewed, or a guardrail refused: each by name, as far as a page can hold it."""
        left = layout.left_to_others(plan)
        if left is not None:
            self._gap()
            self._wrapped("", safe(left), 0)
        if not plan.withheld:
            return
        self._gap()
        self._say(self._colours.bold(f"Held back, and not done: {plural(len(plan.withheld), 'change')}"))
        for why, changes in layout.held_back(plan):
            self._wrapped("  ", safe(why, 2 * _WORDS), 4)
            for change in changes[:LIST_STRAYS]:
                words = f"{safe(change.words, _WORDS)} ({safe(change.address.target)})"
                self._wrapped(f"    {self._sign(change)} ", words, 6)
            if len(changes) > LIST_STRAYS:
                self._say(f"      and {len(changes) - LIST_STRAYS:,} more; --format json has them all")

    def quiet_targets(self, plan: Plan) -> None:
        busy = {c.address.target for c in plan.changes} | {w.change.address.target for w in plan.withheld}
        quiet = sorted(name for name, view in plan.targets.items() if name not in busy and view.complete)
        if plan.changes and quiet:
            self._gap()
            told = and_so_on(quiet, 6) if len(quiet) <= 6 else plural(len(quiet), "other target")
            self._say(f"Nothing to do on {safe(told)}.")

    def waiting(self, found: Sequence[Waiting]) -> None:
        if not found:
            return
        self._gap()
        self._say(self._colours.bold("Waiting"))
        for item in sorted(found, key=lambda w: (w.not_before is None, _due(w), str(w.address)))[:LIST_STRAYS]:
            self._indented(_later(item), 2)
        if len(found) > LIST_STRAYS:
            self._say(f"  and {len(found) - LIST_STRAYS:,} more; --format json has them all")

    def strays(self, found: Sequence[Stray]) -> None:
        if not found:
            return
        self._gap()
        are, them, they_carry = ("is", "it", "it carries") if len(found) == 1 else ("are", "them", "they carry")
        head = self._colours.bold(plural(len(found), "stray"))
        self._say(f"{head} {are} left alone: nobody declares {them}, and {they_carry} no mark of ours")
        if len(found) > LIST_STRAYS:
            counted: dict[str, dict[str, int]] = {}
            for stray in found:
                kinds = counted.setdefault(stray.address.target, {})
                kinds[stray.address.kind.value] = kinds.get(stray.address.kind.value, 0) + 1
            for target, kinds in sorted(counted.items()):
                self._say(f"  {safe(target)}: {layout.kinds(sorted(kinds.items()))}")
            theirs = [s for s in found if s.identity is not None or s.newly_managed]
            self._listed(theirs[:LIST_STRAYS])
            self._say("  --format json lists them all")
        else:
            self._listed(found)

    def _listed(self, found: Iterable[Stray]) -> None:
        for stray in found:
            self._indented(f"{stray.address}{f'  ({stray.why})' if stray.why else ''}", 2)

    def remarks(self, plan: Plan, sources: problems.Sources | None) -> None:
        found = layout.remarks(plan)
        if found:
            self._gap()
            self._say(problems.text(found, sources, colours=self._colours, fold=10).rstrip("\n"))

    # How to go on

    def foot(self, plan: Plan, apply_with: str | None) -> None:
        self._gap()
        commit = f"commit {plan.revision[:12]}" if plan.revision else "files that no commit has yet"
        told = f"Plan of {commit} at {moment(plan.as_of)}"
        if plan.uncommitted and plan.revision:
            told += ", with changes that are not committed"
        if plan.person is not None:
            told += f", for {safe(plan.person, 80)} alone"
        if plan.changes:
            told += f"; approves {plan.approves.removeprefix('sha256:')[:12]}"
        self._say(*(self._colours.dim(line) for line in wrap(told + ".", self._columns)))
        if plan.changes and apply_with is not None:
            self._say(f"Nothing was changed. To apply: {self._colours.bold(safe(apply_with))}")


def _because(line: Line, group: Group) -> list[str]:
    """Why, by which evidence, until when, and on which lines: what the group's head does not say already."""
    change = line.change
    told = [safe(change.why, _WORDS)] if change.why and not group.why else []
    if change.narrows and change.evidence is not None:
        told.append(EVIDENCE[change.evidence])
    if change.ends is not None:
        told.append(until(change.ends, change.ends_by))
    if change.sources and not group.source:
        lines = safe(str(change.sources[0]))  # the line of the person; --format json has those of the role too
        told.append(lines if line.people == 1 else f"{lines} and {plural(line.people - 1, 'other')}")
    return told


def _due(item: Waiting) -> str:
    """When it is due, as it is shown: by the day for what is deleted."""
    when = "" if item.not_before is None else moment(item.not_before)
    return when[:10] if item.action is Action.DELETE else when


def _later(item: Waiting) -> str:
    """`ada's account on corp-ldap is kept until 2026-12-22, then deleted`."""
    target, what = item.address.target, item.address.kind.value
    when = "" if item.not_before is None else moment(item.not_before)
    if item.action is Action.DELETE and item.identity is not None:
        until = f"until {when[:10]}, then deleted" if when else "for now"
        told = f"{item.identity}'s {what} on {target} is kept {until}"
    elif item.action is Action.CREATE and when:
        who = f" for {item.identity}" if item.identity else ""
        return f"{what} of {item.address.object} on {target}{who} begins {when}"
    elif item.action is Action.CREATE and item.identity:
        told = f"{target} waits for {item.identity} to accept"
    else:
        told = f"{item.action.value} {item.address}" + (f" from {when}" if when else "")
    return f"{told} ({item.why})" if item.why else told


def moment(value: Instant) -> str:
    """`2026-11-22 09:00 UTC`."""
    return f"{value:%Y-%m-%d %H:%M} UTC"


def until(end: Instant, by: Ender | None) -> str:
    """`until 2026-12-01 18:00 UTC, by expire`: when it ends, and whether the target or a run of ours ends it."""
    who = {None: "", Ender.TARGET: ", by the target", Ender.EXPIRE: ", by expire"}[by]
    return f"until {moment(end)}{who}"


def age(span: timedelta) -> str:
    """`2 days`, `5 hours`, `less than an hour`."""
    hours = int(span.total_seconds() // 3600)
    if hours < 1:
        return "less than an hour"
    return plural(hours, "hour") if hours < 48 else plural(hours // 24, "day")


def wrap(told: str, columns: int) -> list[str]:
    """Broken at spaces into lines of at most `columns`; a longer word stays whole."""
    lines = [""]
    for word in told.split(" "):
        if lines[-1] and width(lines[-1]) + 1 + width(word) > columns:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines
