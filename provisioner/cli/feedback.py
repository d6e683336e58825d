"""What a run in CI shows beside its log: the job summary, annotations at the lines, and the comment on a pull request.

Nothing of it decides anything, and all of it is told on stderr too. The libraries for a comment are loaded where one is
posted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.ci.recognise import this_run
from provisioner.cli.output import tell
from provisioner.diagnostics import Diagnostic, ProvisionError
from provisioner.load import git
from provisioner.load.files import find_top
from provisioner.model.instant import format_instant
from provisioner.report import diagnostics as problems
from provisioner.report import markdown
from provisioner.report.annotations import github
from provisioner.report.safe import safe

if TYPE_CHECKING:
    from provisioner.ci.comment import Thread
    from provisioner.ci.context import CiRun
    from provisioner.cli.wiring import Work
    from provisioner.plan.plan import Plan

SUMMARY_BYTES = 1024 * 1024
"""What GitHub takes of one step; a longer summary is dropped as a whole."""
_SUMMARY_CHARACTERS = 400_000
_ROOM = 1500
"""Characters of a comment beside the plan's own: the mark, and where the run is."""


def in_actions() -> bool:
    """Whether GitHub Actions runs us, whose log takes commands."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def annotate(found: Iterable[Diagnostic]) -> None:
    """Problems beside the lines of a pull request, where GitHub Actions runs us."""
    if in_actions():
        tell(github(found))


def summarize(text: Callable[[int], str]) -> None:
    """The job summary, where GitHub Actions runs us; `text` makes it of at most so many characters. What other commands
    of the same step wrote stays."""
    path = os.environ.get("GITHUB_STEP_SUMMARY", "")
    if not path or not in_actions():
        return
    try:
        with Path(path).open("ab") as file:
            room = SUMMARY_BYTES - file.tell()
            most = _SUMMARY_CHARACTERS
            while most > 4000:
                shown = (text(most) + "\n").encode("utf-8", "backslashreplace")
                if len(shown) <= room:
                    file.write(shown)
                    return
                most //= 2
        tell("the job summary has no room left for this\n")
    except OSError as error:
        tell(f"the job summary could not be written: {error.strerror}\n")


def summarize_output(title: str, output: Callable[[], str]) -> None:
    """What a command printed as the job summary, in a block where nothing of it is live."""
    summarize(lambda most: f"### {title}\n\n{markdown.block(output(), most)}")


def comment_plan(made: Plan, work: Work, digest: str) -> bool:
    """A plan as the comment on its pull request. Whether it could be posted; if not, that is told."""
    wanted = work.opened.wanted
    commit = made.revision if wanted.change is not None else None
    key = (work.files.loaded.folder, wanted.target, wanted.person)
    return _posted(key, commit, work.files.root, lambda most: markdown.text(made, digest=digest, most=most))


def comment_problems(error: ProvisionError, access: Path, change: str | None, which: tuple[str | None, ...]) -> bool:
    """Why there is no plan, in the place of one of an earlier commit. `which` are target and person."""
    root = find_top(access)
    commit = git.commit_of(root, change) if change is not None else None
    folder = os.path.relpath(access.absolute(), root.absolute())
    return _posted((folder, *which), commit, root, lambda most: markdown.problems(error.diagnostics, most=most))


def _posted(key: tuple[str | None, ...], commit: str | None, root: Path, text: Callable[[int], str]) -> bool:
    also = (git.run(root, "rev-parse", "HEAD^@") or "").split() if commit is None else []
    at = format_instant(datetime.now(UTC).replace(microsecond=0))
    try:
        PullRequestComment(*key, commit=commit, at=at, also=also if len(also) > 1 else ()).say(text)
    except ProvisionError as error:
        tell(problems.text(error.diagnostics))
        annotate(error.diagnostics)
        return False
    return True


class PullRequestComment:
    """The one comment that a plan has on its pull request. ProvisionError where it cannot be written, or may not."""

    def __init__(self, *key: str | None, commit: str | None, at: str, also: Iterable[str] = ()) -> None:
        """`key` tells it from the comments of other workflows; `commit` is the change's, where that is known better
        than the CI system says, and `also` are others that mean the same."""
        self._run = this_run(os.environ)
        self._key, self._at, self._also = key, at, tuple(also)
        self._commit = commit or self._run.head
        refuse_forks(self._run)

    def say(self, text: Callable[[int], str]) -> None:
        """Creates or updates it, with text of at most so many characters."""
        from provisioner.ci.comment import Mark, Posted, key_of, post

        thread = self._thread()
        url = f"\nThe log of this run has all of it: <{self._run.url}>\n" if _plain(self._run.url) else ""
        mark = Mark(key_of(*self._key), self._commit, self._at)
        shown = text(min(thread.longest, markdown.MOST + _ROOM) - _ROOM) + url
        told = post(thread, mark, shown, also=self._also)
        where = self._run.pull_request or "the pull request"
        words = {
            Posted.CREATED: "commented on",
            Posted.UPDATED: "updated the comment on",
            Posted.UNCHANGED: "the comment stands as it is on",
            Posted.OUTDATED: "nothing was said, a newer commit or run has its own plan, on",
        }
        tell(f"{words[told]} {safe(str(where))}\n")

    def _thread(self) -> Thread:
        from provisioner.ci.place import TOKEN, place_of

        token, place = os.environ.get(TOKEN, ""), place_of(self._run, os.environ)
        if isinstance(place, str):
            raise _not_posted(place, "run it where a CI system says which pull request this is, or leave --comment out")
        if not token:
            raise _not_posted(
                f"there is no token in {TOKEN}", f"let the job have one: {TOKEN} in the step's environment"
            )
        if place.forge == "gitlab":
            from provisioner.ci.gitlab_thread import GitLabThread

            return GitLabThread(place, token)
        from provisioner.ci.github_thread import thread_at

        return thread_at(place, token, self._commit)


def refuse_forks(run: CiRun) -> None:
    """ProvisionError for the pull request of a fork: no token is used for it, and no system called."""
    if run.fork:
        raise ProvisionError(
            Diagnostic(
                "fork-not-planned",
                "this pull request comes from a fork: it is validated, and not planned on the live systems",
                why="anybody may send one, and a live plan is read with credentials and tells what people have",
                fix="let the workflow run `provision validate` for forks; somebody who may push to this repository can "
                "take the change over on a branch",
            )
        )


def _not_posted(message: str, fix: str) -> ProvisionError:
    return ProvisionError(
        Diagnostic("comment-not-posted", message, why="reviewers would go by an older plan, or by none", fix=fix)
    )


def _plain(url: str) -> bool:
    """Whether an address can stand between `<` and `>`."""
    return bool(url) and not set(url) & set("<>`\\")
