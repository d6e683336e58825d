"""How `pull` goes about it: read the source, find out what the files would have to say, check that, then write.

Nothing is written where the source could not be read whole, is another system, or where the files would not be valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from provisioner.cli.branches import branch_from
from provisioner.cli.exit_codes import Exit
from provisioner.cli.files import Departed
from provisioner.cli.following import Followed, follow
from provisioner.cli.options import ProblemFormat
from provisioner.cli.output import show, tell
from provisioner.cli.running import progress_line
from provisioner.cli.wiring import Opened, Wanted, open_work
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.files import Edit, write_all
from provisioner.files.additions import files_after
from provisioner.files.branch import Branch
from provisioner.load import load_files
from provisioner.model.source import Source
from provisioner.report import diagnostics as problems
from provisioner.report import pulled as report
from provisioner.report.machine import json_text
from provisioner.report.safe import guard, safe
from provisioner.sources import Person, Proposal, Roster, edits_for, incomplete, line_of, other_system, propose


def run(name: str, access: Path, branch: str | None, *, diff: bool, form: ProblemFormat) -> int:
    """Does it, and tells what came of it; the exit status."""
    made = None if branch is None else branch_from(access, branch)
    opened = open_work(Wanted(access, planning=False))
    source = _source(opened, name)
    if made is not None and opened.files.head.uncommitted:
        raise _uncommitted()
    roster, followed = _whole(opened, source)
    departed = Departed(access, opened.files.root, opened.files.providers)
    proposal = propose(roster, followed.left, followed.found, lambda: departed.last)
    loaded = opened.files.loaded
    edits = edits_for(proposal, loaded, access if made is None else Path(loaded.folder))
    _check(opened, source, edits, departed)
    commit = None
    if diff:
        show("".join(f"{guard(safe(line, 300))}\n" for edit in edits for line in edit.diff()))
    elif made is None:
        write_all(edits)
    elif edits:
        commit = made.commit(edits, f"access: follow {source.id}")
    _tell(proposal, followed, roster, edits, made, commit, form=form, diff=diff)
    return Exit.REFUSED if proposal.refused else Exit.DONE


def _source(opened: Opened, name: str) -> Source:
    sources = opened.declared.sources
    if name not in sources:
        near = get_close_matches(name, sorted(sources), 1)
        raise ProvisionError(
            Diagnostic(
                "option-value",
                f"no source named `{name}`",
                why="SOURCE is an id under `sources:`",
                fix=f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(sources) or 'none at all'}",
            )
        )
    return sources[name]


def _whole(opened: Opened, source: Source) -> tuple[Roster, Followed]:
    """Who is in the source. ProvisionError where that is not all of them, or where it is another system.

    Of somebody who is known from other sources too, those need not be read: they say nothing about these lines."""
    line = progress_line()
    try:
        followed = follow(opened, [source], lambda name, words: line(f"{name}: {words}"), groups=True)
    finally:
        line.close()
    roster = followed.rosters[source.id]
    if roster is not None and source.system not in (None, roster.system):
        raise ProvisionError(other_system(roster))
    whole = next((d for d in followed.told if d.code == "source-incomplete"), None)
    if roster is None or not roster.complete:
        raise ProvisionError(whole or _gaps(source, roster))
    return roster, followed


def _gaps(source: Source, roster: Roster | None) -> Diagnostic:
    return incomplete(source, "; ".join(roster.gaps[:3]) if roster is not None else "it was not read")


def _check(opened: Opened, source: Source, edits: Sequence[Edit], departed: Departed) -> None:
    """ProvisionError where the files would not be valid as they would be."""
    loaded = opened.files.loaded
    files = files_after(loaded, edits)
    would_be = load_files(files, opened.files.providers, folder=loaded.folder, departed=departed)
    if would_be.ok:
        return
    found = [d for d in would_be.diagnostics if d.is_error]
    more = f", and {len(found) - 5} more" if len(found) > 5 else ""
    told = "; ".join(f"{d.code}: {d.message}" for d in found[:5])
    raise ProvisionError(
        Diagnostic(
            "pull-not-valid",
            f"the files that would be written for {source.id} would not be valid: {told}{more}",
            location=source.location,
            why="a change that `validate` refuses is no change to review",
            fix="mend what the source gives its groups: a reason, roles that may stand without an end, other ids",
        )
    )


def _uncommitted() -> ProvisionError:
    return ProvisionError(
        Diagnostic(
            "option-value",
            "the access files hold changes that are not committed",
            why="--branch makes a commit on what is checked out, and its review would not show them",
            fix="commit them or put them away, or leave --branch out",
        )
    )


def _tell(
    proposal: Proposal,
    followed: Followed,
    roster: Roster,
    edits: Sequence[Edit],
    branch: Branch | None,
    commit: str | None,
    *,
    form: ProblemFormat,
    diff: bool,
) -> None:
    told = [d for d in (*followed.told, *proposal.told) if d.code != "source-unpinned"]
    where = None if branch is None or commit is None else (branch.name, commit)
    found = report.Pulled(
        proposal.source.id,
        roster.system,
        roster.calls,
        len(roster.people),
        tuple(e.shown for e in edits),
        tuple(_row(p) for p in proposal.people),
        tuple((d.login, d.native, d.why) for d in proposal.doubts),
        tuple(proposal.renamed.items()),
        bool(proposal.pins),
        tuple(told),
        written=not diff,
        branch=where,
    )
    if form is ProblemFormat.JSON:
        show(json_text(report.to_json(found)))
        return
    tell(problems.text(told))
    show(report.text(found))


def _row(person: Person) -> report.Row:
    said = ["sources"] if person.binds and person.identity is not None else []
    said += [
        *(k for k in person.said.adds if k != "accounts"),
        *(f"accounts.{t}" for t in person.said.adds.get("accounts", {})),
    ]
    said += [".".join(path) for path, _ in person.said.changed]
    return report.Row(
        person.id,
        person.kind.value,
        person.identity is None,
        person.login,
        person.native,
        tuple(line_of(h) for h in person.gains),
        tuple(line_of(h) for h in person.loses),
        tuple(said) if person.identity is not None else (),
        person.why,
    )
