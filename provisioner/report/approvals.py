"""Whose approval each change of access needs, for people and as JSON. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from provisioner.diagnostics import Diagnostic
from provisioner.model.approval import AccessChange, Approvals, Need
from provisioner.model.review import Counted
from provisioner.report.colour import PLAIN, Palette
from provisioner.report.markdown import code
from provisioner.report.safe import guard, safe
from provisioner.report.words import and_so_on, plural

FORMAT = "provision.approvals/1"
_MOST = 12
_MOST_TOLD = 100
_SHORT = 12


def text(found: Approvals, *, colours: Palette = PLAIN) -> str:
    """Each change with the approvals that it needs, one paragraph a change."""
    if not found.changes:
        return f"No access changes since {safe(found.base)}.\n"
    lines: list[str] = []
    for change in found.changes:
        lines += [colours.bold(safe(change.what)), f"  {safe(str(change.place))}"]
        lines += [f"  {_need(need, change, found.approved, colours)}" for need in change.needs]
        lines.append("")
    everybody = _for_all(found)
    if everybody and found.approved is None and len(found.changes) > 1:
        lines.append(f"All of it may be approved by {_or(everybody)}.")
    if found.reviews is not None:
        lines += _reviews(found.reviews)
    return "\n".join(guard(line) for line in lines).rstrip("\n") + "\n"


def summary(found: Approvals) -> str:
    """`2 changes of access; 1 approval is missing`."""
    missing = len(list(found.missing()))
    told = plural(len(found.changes), "change") + " of access"
    if found.approved is None:
        return told + (f"; nobody may give {plural(missing, 'approval')} of those needed" if missing else "")
    return told + (f"; {plural(missing, 'approval')} missing" if missing else "; all that is needed is approved")


def to_json(found: Approvals) -> dict[str, Any]:
    """The object of `approvals --format json`."""
    return {
        "format": FORMAT,
        "base": found.base,
        "approved_by": None if found.approved is None else list(found.approved),
        "complete": not any(found.missing()),
        "pull_request": None if found.reviews is None else _reviews_json(found.reviews),
        "changes": [
            {
                "what": change.what,
                "effect": change.effect,
                "identity": change.identity,
                "role": change.role,
                "environments": list(change.environments),
                "source": str(change.place),
                "needs": [
                    {
                        "of": need.of,
                        "owners": list(need.owners),
                        "approvers": None if need.approvers is None else list(need.approvers),
                        "not": list(need.without),
                        "wrote": list(need.wrote),
                        "given": None if found.approved is None else need.given_by(found.approved, change.gains),
                    }
                    for need in change.needs
                ],
            }
            for change in found.changes
        ],
    }


def problems(found: Approvals) -> list[Diagnostic]:
    """What is missing, each where the change stands."""
    why = "it needs an owner of the role, the environment or the target, as the base names them, and never who gains"
    told: list[Diagnostic] = []
    for change, need in found.missing():
        who = missing_of(need, change)
        told.append(
            Diagnostic(
                "approval-missing",
                f"{change.what}: the approval of {who} is missing ({need.of})",
                location=change.place,
                why=why,
                fix=f"let {who} review its newest commit" if need.approvers != () else "name another owner first",
            )
        )
    return told


def missing_of(need: Need, change: AccessChange) -> str:
    """Whose approval it is: `fatima or linus`, `anybody but ada`."""
    if need.approvers is None:
        return f"anybody but {_or(sorted(change.gains))}" if change.gains else "anybody who did not write it"
    return _or(need.approvers) or "somebody who neither gains nor wrote it"


def markdown(found: Approvals) -> str:
    """For the summary of a job: what is missing first, then who approved and which reviews do not count."""
    missing = list(found.missing())
    mark = "❌" if missing else "✅"
    lines = [f"### {mark} Approvals: {code(summary(found))}", ""]
    for change, need in missing[:_MOST_TOLD]:
        who = code(missing_of(need, change))
        lines.append(
            f"- {code(change.what)}: approval of {who} for {code(need.of)} is missing ({code(str(change.place))})"
        )
    if len(missing) > _MOST_TOLD:
        lines.append(f"- and {len(missing) - _MOST_TOLD} more")
    if found.reviews is not None:
        lines += ["", *(code(line.strip()) + "  " for line in _reviews(found.reviews))]
    return "\n".join(lines) + "\n"


def _reviews(counted: Counted) -> list[str]:
    """Of which pull request, who approved it, and which reviews count for nothing."""
    of = counted.of
    approved = ", ".join(safe(p) for p in counted.approved) or "nobody"
    lines = [f"{safe(str(of))} at {safe(of.head[:_SHORT])}: approved by {approved}"]
    lines += [f"  does not count: {safe(out.name)} {safe(out.why)}" for out in counted.not_counted]
    return lines + [f"  note: {safe(note)}" for note in counted.notes]


def _reviews_json(counted: Counted) -> dict[str, Any]:
    of = counted.of
    return {
        "repository": of.repository,
        "number": of.number,
        "url": of.url,
        "head": of.head,
        "author": None if of.author is None else {"id": of.author.id, "login": of.author.login},
        "pushed_by": [{"id": a.id, "login": a.login} for a in of.pushed_by],
        "wrote": sorted(counted.wrote),
        "approved": [{"person": person, "review": review} for person, review in counted.approved.items()],
        "not_counted": [
            {
                "id": None if out.who is None else out.who.id,
                "login": None if out.who is None else out.who.login,
                "person": out.person,
                "why": out.why,
            }
            for out in counted.not_counted
        ],
        "notes": list(counted.notes),
    }


def _need(need: Need, change: AccessChange, approved: tuple[str, ...] | None, colours: Palette) -> str:
    """`role deployer: fatima or linus (not ada, who gains by it)`."""
    if need.approvers is None:
        who = f"anybody but {_or(sorted(change.gains))}" if len(change.gains) == 1 else "anybody"
        who += ": it has no owner" if not need.owners else ": no other owner is there"
    elif need.approvers:
        who = _or(need.approvers)
    else:
        who = "nobody may"
    if need.without and need.approvers is not None:
        who += f" (not {_or(need.without)}, who gain{'s' if len(need.without) == 1 else ''} by it)"
    if need.wrote:
        who += f" (not {_or(need.wrote)}, who wrote it)"
    line = f"{safe(need.of)}: {who}"
    if approved is None:
        return colours.red(line) if need.approvers == () else line
    if need.given_by(approved, change.gains):
        return f"{line}; approved"
    return colours.red(f"{line}; MISSING")


def _or(names: Iterable[str]) -> str:
    told = [safe(n) for n in names]
    if len(told) > _MOST:
        return and_so_on(told, _MOST)
    return " or ".join([", ".join(told[:-1]), told[-1]]) if len(told) > 1 else "".join(told)


def _for_all(found: Approvals) -> list[str]:
    """The people who may give every approval that is needed."""
    sets = [set(n.approvers) for c in found.changes for n in c.needs if n.approvers is not None]
    return sorted(set.intersection(*sets)) if sets else []
