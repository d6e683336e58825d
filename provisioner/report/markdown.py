"""A plan, or what is wrong with the files, as a comment on a pull request.

Every text from outside stands in a code span, with a fence that it cannot break: there it makes no link, no image, no
mention and no HTML. What is dangerous comes first, and a plan too long for a comment is cut and says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from provisioner.diagnostics import Diagnostic, Severity, in_order
from provisioner.model.change import Action, Change
from provisioner.model.coverage import what_follows
from provisioner.model.effect import Level
from provisioner.plan.plan import Plan, Waiting
from provisioner.report import layout
from provisioner.report.layout import Group, Line, Section
from provisioner.report.safe import safe
from provisioner.report.text import EVIDENCE, age, moment, until
from provisioner.report.words import and_so_on, plural

MOST = 60_000
"""Characters in all: GitHub takes 65,536 in a comment, and whoever posts it adds some."""
_LONGEST = 200
_STANDING = 4
_LISTED = 20
_NAMED = 500
"""People with the very same changes who are all named."""
_TICKS = re.compile("`+")


def code(text: str, limit: int = _LONGEST) -> str:
    """`text` in a code span whose fence is longer than any run of backticks in it (CommonMark 6.1)."""
    shown = safe(text, limit)
    longest = max((len(run) for run in _TICKS.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    apart = " " if not shown or shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{apart}{shown or ' '}{apart}{fence}"


def block(text: str, most: int = MOST) -> str:
    """Several lines as they are, in a fence that nothing in them can close; cut, and that told, where they are many."""
    lines = [safe(line) for line in text.splitlines()]
    longest = max((len(run) for line in lines for run in _TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    kept, room = list[str](), most - 2 * len(fence) - 200
    for number, line in enumerate(lines):
        room -= len(line) + 1
        if room < 0:
            rest = f"\n**Cut here:** {len(lines) - number:,} more lines are in the log of the run.\n"
            return "\n".join([f"{fence}text", *kept, fence, rest])
        kept.append(line)
    return "\n".join([f"{fence}text", *kept, fence, ""])


def text(plan: Plan, *, digest: str, most: int = MOST) -> str:
    """The whole plan, or as much as fits: `digest` names the plan file that has all."""
    head, foot = _head(plan), _foot(plan, digest)
    room = most - len(head) - len(foot) - 300
    kept: list[str] = []
    for block in _blocks(plan):
        if len(block) > room:
            kept.append(
                f"\n**Cut here:** a comment cannot hold more of this plan; its file {code(digest)} has all of it.\n"
            )
            break
        kept.append(block)
        room -= len(block)
    return head + "".join(kept) + foot


def problems(diagnostics: Iterable[Diagnostic], *, most: int = MOST) -> str:
    """What is wrong with the access files, errors first."""
    found = _gravest_first(diagnostics)
    told = f"### provision: {'the access files have problems' if found else 'the access files are fine'}\n\n"
    for number, problem in enumerate(found):
        line = _problem(problem)
        if len(told) + len(line) > most - 100:
            return told + f"\n... and {len(found) - number:,} more\n"
        told += line
    return told


def _gravest_first(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return sorted(in_order(diagnostics), key=lambda d: list(Severity).index(d.severity))


def _head(plan: Plan) -> str:
    # The headline may name one identity; ids are plain, but a mark on a live account says whose it was, too.
    line = layout.headline(plan, shown=code) if plan.changes else layout.no_changes(plan)
    told = [f"### provision plan\n\n**{line}**\n"]
    counted = layout.breakdown(plan)
    if counted:
        told.append("\n" + "".join(f"- {label}: {kinds}\n" for label, kinds in counted))
    loud: list[str] = []
    if plan.preview:
        loud.append(f"as it will be at {moment(plan.as_of)}: this plan cannot be applied")
    for name, view in sorted(plan.targets.items()):
        if view.failed is not None:
            loud.append(f"{code(name)} could not be read: {code(view.failed)}; nothing is planned there")
        elif not view.complete:
            proofs = ", ".join(code(f"{c.scope}: {c.proof}") for c in view.coverage[:4]) or "the reading broke off"
            loud.append(f"{code(name)} could not be read completely: {proofs}; {what_follows(view.coverage)}")
    if len(loud) > _LISTED:
        loud = [*loud[:_LISTED], f"{len(loud) - _LISTED:,} more targets could not be read completely"]
    loud += [code(told, 300) for told in layout.unrecorded(plan)]
    standing = [code(told, 400) for told in layout.standing(plan)]
    loud += standing[:_STANDING] + (
        [f"{len(standing) - _STANDING:,} more such findings"] if standing[_STANDING:] else []
    )
    loud += _danger("admin-like", [c for c in plan.changes if c.effect.level is Level.ADMIN])
    loud += _danger("cannot be undone", [c for c in plan.changes if not c.reversible])
    if loud:
        told.append("\n" + "".join(f"> **!** {line}\n>\n" for line in loud).removesuffix(">\n"))
    return "".join(told)


def _danger(label: str, changes: Sequence[Change]) -> list[str]:
    if not changes:
        return []
    told = [f"{code(c.words)} ({code(c.address.target)})" for c in changes]
    return [f"{len(changes):,} {label}: {and_so_on(told, 5)}"]


def _blocks(plan: Plan) -> Iterable[str]:
    """What may be cut, the gravest first."""
    found = layout.open_matters(plan)
    if found:
        yield "\n#### Outstanding from earlier runs\n\n"
        for matter in found:
            item, change = matter.item, matter.change
            what = code(change.words if change is not None else f"{item.action.value} {item.address}")
            since = f"since {moment(item.since)} ({age(plan.as_of - item.since)}): {code(item.reason)}"
            later = "" if change is not None else "; not planned now"
            yield f"- {what} ({code(item.address.target)}) {since}{later}\n"
    errors = [d for d in _gravest_first(layout.remarks(plan)) if d.is_error]
    yield from _listed("Errors", errors)
    left = layout.left_to_others(plan)
    if left is not None:
        yield f"\n{code(left, 400)}\n"
    if plan.withheld:
        yield f"\n#### Held back, and not done: {plural(len(plan.withheld), 'change')}\n"
    for why, changes in layout.held_back(plan):
        yield f"\n{code(why, 400)}\n\n"
        for change in changes[:_LISTED]:
            yield f"- `{layout.SIGNS[change.effect.direction]}` {code(change.words)} ({code(change.address.target)})\n"
        yield _rest(len(changes))
    for section in layout.sections(plan):
        yield from _section(section)
    if plan.waiting:
        yield "\n#### Waiting\n\n" + "".join(_waiting(w) for w in plan.waiting[:_LISTED]) + _rest(len(plan.waiting))
    if plan.strays:
        summary = f"\n<details><summary>{plural(len(plan.strays), 'stray')}, left alone</summary>\n\n"
        listed = "".join(
            f"- {code(str(s.address))}{' ' + code(s.why) if s.why else ''}\n" for s in plan.strays[:_LISTED]
        )
        yield f"{summary}{listed}{_rest(len(plan.strays))}\n</details>\n"
    yield from _listed("Remarks", [d for d in _gravest_first(layout.remarks(plan)) if not d.is_error])


def _rest(number: int) -> str:
    return f"- and {number - _LISTED:,} more; the plan file has them all\n" if number > _LISTED else ""


def _section(section: Section) -> Iterable[str]:
    yield f"\n#### {code(section.target)}\n"
    for group in section.groups:
        yield f"\n{_who(group)}\n\n"
        for line in group.lines:
            yield _line(line, group)
        if len(group.who) > 1:
            others = and_so_on([code(who) for who in group.who[1:]], _NAMED)
            yield f"\n<details><summary>{plural(len(group.who) - 1, 'other')}</summary>\n\n{others}\n\n</details>\n"


def _who(group: Group) -> str:
    told = f"**{code(group.who[0])}**" if group.who else "**groups and settings**"
    if len(group.who) > 1:
        told += f" and {plural(len(group.who) - 1, 'other')}"
    if group.login is not None:
        told += f" (login {code(group.login)})"
    if group.why:
        told += f": {code(group.why)}"
    return told + (f", {code(group.source)}" if group.source else "")


def _line(line: Line, group: Group) -> str:
    change = line.change
    told = [code(change.why)] if change.why and not group.why else []
    if change.narrows and change.evidence is not None:
        told.append(EVIDENCE[change.evidence])
    if change.ends is not None:
        told.append(until(change.ends, change.ends_by))
    if change.sources and not group.source:
        more = len(change.sources) - 1 + line.people - 1
        told.append(code(str(change.sources[0])) + (f" and {more:,} more" if more else ""))
    sign = layout.SIGNS[change.effect.direction]
    mark = "**!** " if change.effect.level is Level.ADMIN else ""
    shown = f"- {mark}`{sign}` {code(change.words)}{': ' if told else ''}{', '.join(told)}\n"
    if line.more:
        names = [code(c.address.object) for c in line.more]
        shown += f"  - and {len(names):,} more like this: {and_so_on(names, 60)}\n"
    return shown


def _waiting(item: Waiting) -> str:
    when = "" if item.not_before is None else moment(item.not_before)
    if item.action is Action.DELETE:
        until = f"is kept until {when[:10]}, then deleted" if when else "is kept for now"
        return f"- {code(str(item.address))} {until}\n"
    if item.action is Action.CREATE and not when and item.identity:
        return f"- {code(item.address.target)} waits for {code(item.identity)} to accept\n"
    return f"- {item.action.value} {code(str(item.address))}{f' from {when}' if when else ''}\n"


def _listed(title: str, found: Sequence[Diagnostic]) -> Iterable[str]:
    if found:
        yield f"\n#### {title}\n\n" + "".join(_problem(d) for d in found[:_LISTED]) + _rest(len(found))


def _problem(problem: Diagnostic) -> str:
    where = code(str(problem.location)) if problem.location else code(problem.target) if problem.target else ""
    told = f"- **{problem.severity.value}** {code(problem.code)} {where}: {code(problem.message, 400)}\n"
    if problem.why:
        told += f"  - why: {code(problem.why, 400)}\n"
    if problem.fix:
        told += f"  - fix: {code(problem.fix, 400)}\n"
    return told


def _foot(plan: Plan, digest: str) -> str:
    commit = f"commit `{plan.revision[:12]}`" if plan.revision else "files that no commit has yet"
    told = f"Plan {code(digest)} of {commit} at {moment(plan.as_of)}"
    if plan.uncommitted and plan.revision:
        told += ", with changes that are not committed"
    if plan.person is not None:
        told += f", for {code(plan.person)} alone"
    if plan.changes:
        told += f". Approves {code(plan.approves)}"
    return f"\n---\n{told}.\n"
