"""`apply` asks again: with which pull request the files came, who approved it, and whether anything lacks an approval.

The forge is asked before the lock is taken and before any target is called. Where `guardrails: {approvals: required}`
holds, what gives access and was not approved is left out, and a target whose own declaration was not approved is
treated as it was approved last. Without it, who approved is put on record if the forge says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from provisioner.ask.approvals import Revision, approvals
from provisioner.ask.reviewers import counted
from provisioner.ask.standing import NOTHING, Missing, Standing, Step, Unasked, families_held, standing
from provisioner.ci.forge import Forge, UnreadReviewsError, forge_of
from provisioner.cli.choosing import only_approved
from provisioner.cli.reviewing import known_people, reviews_of, unread
from provisioner.cli.wiring import Opened, Work, now
from provisioner.diagnostics import Diagnostic, Severity
from provisioner.load.contents import contents
from provisioner.load.history import HistoryCache, PastRevision, contains, declared_at, files_at, revisions
from provisioner.model.access import DeclaredAccess
from provisioner.model.review import Counted, PullRequestReviews
from provisioner.report.approvals import missing_of
from provisioner.resolve.desired import desire

if TYPE_CHECKING:
    from provisioner.ci.reviews import Reviews
    from provisioner.plan.turns import Choose
    from provisioner.records.run import RunInfo

_RULE = "`guardrails: {approvals: required}` holds: what gives access waits for its owners, what takes it away goes on"


@dataclass(frozen=True)
class Stood:
    """What is known of the approvals of the files. `opened` is what the run goes on with; `of_head` the pull request
    that its commit came with. `walked`: all that the files say was asked about."""

    opened: Opened
    standing: Standing = field(default_factory=Standing)
    walked: bool = False
    of_head: Counted | None = None
    notes: tuple[Diagnostic, ...] = ()

    def on_record(self, run: RunInfo) -> RunInfo:
        """The run, with the pull request and its approvers as the forge says."""
        complete = self.walked and self.standing.complete
        if self.of_head is None:
            return replace(run, approved=complete)
        return replace(
            run,
            pull_request=self.of_head.of.url,
            approvers=tuple(self.of_head.approved),
            reviews=tuple(self.of_head.approved.items()),
            approved=complete,
        )

    def choose(self, work: Work, otherwise: Choose | None) -> Choose | None:
        """What may be done, of what `otherwise` lets through."""
        if self.standing.complete:
            return otherwise
        situation = work.situation
        approved = self.standing.approved(situation.declared)
        here = {n: i for n, i in approved.identities.items() if n not in situation.held}
        names = {n: d for n, d in situation.declares.items() if n in approved.targets}
        wanted = desire(situation.declared, situation.declares, situation.now)
        stands = desire(replace(approved, identities=here), names, situation.now)
        return only_approved(wanted, stands, otherwise, "it lacks an approval")


def stood(opened: Opened) -> Stood:
    """Asks for the approvals of everything that the files say. ProvisionError where the history does not tell."""
    asking = _Asking(os.environ)
    try:
        marked = _marked(opened)
        rules = opened.judging.rules, opened.files.declared.rules
        walked = marked is not None or any(r.approvals_required for r in rules)
        found = _walked(opened, marked, asking) if walked else Standing()
        of_head, notes = _of_head(opened, asking)
    finally:
        asking.close()
    notes = (*_told(found), *_targets_told(found, opened), *(notes if found.complete else ()))
    return Stood(_as_approved(opened, found), found, walked, of_head, notes)


def _marked(opened: Opened) -> str | None:
    """The newest revision that an apply found to be approved, of those that led to this one."""
    end = opened.files.head.revision
    known = {opened.journal.chain(name).approved() for name in opened.targets} - {None}
    if end is None or not known:
        return None
    here = [r for r in sorted(r for r in known if r is not None) if contains(opened.files.root, end, r)]
    newest = here[:1]
    for other in here[1:]:
        if contains(opened.files.root, other, newest[0]):
            newest = [other]
    return newest[0] if newest else None


def _walked(opened: Opened, marked: str | None, asking: _Asking) -> Standing:
    files = opened.files
    last = Step(None, Revision(files.declared, contents(files.loaded.files, files.loaded.folder)))
    steps: list[Step] = []
    if files.head.revision is not None:
        past = _Past(opened)
        with past.cache:
            steps = past.steps(marked, files.head.revision)
    if not steps:
        # No history: nobody can have approved anything, and the files' own word has to do for the rule.
        start = Revision(replace(NOTHING.declared, rules=files.declared.rules), {})
        return standing(start, [last], asking.about, now())
    if files.head.uncommitted:
        steps.append(last)
    return standing(steps[0].revision, steps[1:], asking.about, now())


@dataclass
class _Past:
    """Earlier states of the files."""

    opened: Opened
    cache: HistoryCache = field(default_factory=HistoryCache)

    def steps(self, marked: str | None, end: str) -> list[Step]:
        """Oldest first: from the revision that is approved (`marked`), or from the newest that does not ask for
        approvals, to the last commit."""
        files = self.opened.files
        found = revisions(files.root, files.loaded.folder, marked, end)
        chosen: list[PastRevision] = []
        for revision in found:
            chosen.append(revision)
            if marked is None and not self._declared(revision).rules.approvals_required:
                break
        return [Step(r.commit, self._revision(r)) for r in reversed(chosen)]

    def _declared(self, revision: PastRevision) -> DeclaredAccess:
        files = self.opened.files
        return declared_at(files.root, files.loaded.folder, revision.commit, files.providers, self.cache).declared

    def _revision(self, revision: PastRevision) -> Revision:
        files = self.opened.files
        found = files_at(files.root, files.loaded.folder, revision.commit, self.cache)
        return Revision(self._declared(revision), contents(found, files.loaded.folder))


class _Asking:
    """Questions to the forge, each asked once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._reviews: Reviews | None = None
        self._known: dict[str, PullRequestReviews | Unasked] = {}
        self.forge: Forge | None = None
        self.trouble = "no repository is named (GITHUB_REPOSITORY)"
        try:
            self.forge = forge_of(environ)
        except UnreadReviewsError as error:
            self.trouble = error.message

    def close(self) -> None:
        if self._reviews is not None:
            self._reviews.close()

    def about(self, step: Step, judging: DeclaredAccess) -> Counted | Unasked:
        """Who approved a step."""
        if step.commit is None:
            return Unasked("it is not committed")
        found = self.of(step.commit)
        if isinstance(found, Unasked):
            return found
        assert self.forge is not None
        return counted(found, known_people(judging, self.forge.host, self._environ))

    def of(self, commit: str) -> PullRequestReviews | Unasked:
        """The pull request that a commit came with."""
        if commit not in self._known:
            self._known[commit] = self._asked(commit)
        return self._known[commit]

    def _asked(self, commit: str) -> PullRequestReviews | Unasked:
        if self.forge is None:
            return Unasked(self.trouble, unread=True)
        try:
            self._reviews = self._reviews or reviews_of(self.forge)
            found = self._reviews.of_commit(commit)
        except UnreadReviewsError as error:
            return Unasked(error.message, unread=True)
        return Unasked("it came without a pull request") if found is None else found


def _of_head(opened: Opened, asking: _Asking) -> tuple[Counted | None, tuple[Diagnostic, ...]]:
    """For the record: the pull request of the commit that is applied, where a forge is known. Trouble is a note: what
    must be known is asked for elsewhere."""
    end = opened.files.head.revision
    if asking.forge is None or end is None:
        return None, ()
    found = asking.of(end)
    if isinstance(found, Unasked):
        if not found.unread:
            return None, ()
        return None, (replace(unread(f"who approved commit {end[:12]}", found.why), severity=Severity.NOTE),)
    said = counted(found, known_people(opened.judging, asking.forge.host, os.environ))
    return said, tuple(_not_required(opened, said))


def _not_required(opened: Opened, said: Counted) -> Iterable[Diagnostic]:
    """What the merge lacked, where approvals are not required: told, and no more."""
    if opened.base is None or opened.wanted.base is None or opened.judging.rules.approvals_required:
        return
    files = opened.files
    with HistoryCache() as cache:
        before = files_at(files.root, files.loaded.folder, opened.wanted.base, cache)
    sides = (
        Revision(opened.base, contents(before, files.loaded.folder)),
        Revision(files.declared, contents(files.loaded.files, files.loaded.folder)),
    )
    found = approvals(*sides, opened.wanted.base, now(), wrote=said.wrote)
    for change, need in replace(found, approved=tuple(said.approved)).missing():
        yield Diagnostic(
            "approval-missing",
            f"{change.what}: {said.of} lacks the approval of {missing_of(need, change)} ({need.of})",
            Severity.WARNING,
            change.place,
            why="the files do not ask for approvals (`guardrails: {approvals: required}`), so it is done all the same",
            fix="require them, or make `provision approvals` a required check",
        )


def _told(found: Standing) -> Iterable[Diagnostic]:
    unasked = {m.answer.why: m.step for m in found.missing if isinstance(m.answer, Unasked) and m.answer.unread}
    for why, step in unasked.items():
        yield unread(f"who approved {step.name}", why)
    yield from (_one(m) for m in found.missing)


def _one(missing: Missing) -> Diagnostic:
    who, answer = missing_of(missing.need, missing.change), missing.answer
    if isinstance(answer, Counted):
        came, fix = f"{missing.step.name}, {answer.of}", f"let {who} approve {answer.of}, which can still be done"
    else:
        reason = "its reviews could not be read" if answer.unread else answer.why
        came, fix = f"{missing.step.name}: {reason}", "take it back, and bring it in by a pull request"
        if answer.unread:
            fix = "run again when GitHub can be read"
    return Diagnostic(
        "approval-missing",
        f"{missing.change.what}: the approval of {who} is missing ({missing.need.of}; {came})",
        location=missing.change.place,
        why=_RULE,
        fix=fix,
    )


def _targets_told(found: Standing, opened: Opened) -> Iterable[Diagnostic]:
    approved = found.approved(opened.declared)
    for name, target in opened.targets.items():
        if target.family not in families_held(found.held):
            continue
        new = name not in approved.targets
        yield Diagnostic(
            "target-not-approved",
            f"{name} is {'not called' if new else 'treated as its declaration was approved last'}",
            Severity.WARNING,
            target.location,
            why="where credentials are sent, and what is managed there, is for the target's owners to approve",
            target=name,
        )


def _as_approved(opened: Opened, found: Standing) -> Opened:
    """Targets and guardrails as they stand approved."""
    held = families_held(found.held)
    if not held and ("guardrails", "") not in found.held:
        return opened
    approved = found.approved(opened.declared)
    if ("guardrails", "") in found.held:
        opened = replace(opened, base=replace(opened.judging, rules=approved.rules))
    targets = {n: approved.targets.get(n, t) for n, t in opened.targets.items()}
    new = {n for n, t in opened.targets.items() if t.family in held and n not in approved.targets}
    declared = replace(opened.declared, targets={**opened.declared.targets, **targets})
    return replace(opened, declared=declared, targets={n: t for n, t in targets.items() if n not in new})
