"""Every exit status, named and explained. A pipeline can tell from it what to do next (docs/exit-status.md)."""

from __future__ import annotations

from enum import IntEnum

from provisioner.diagnostics import ProvisionError


class Exit(IntEnum):
    """In the order of precedence: where several hold, the first is the one that is given."""

    BUG = 70
    INTERRUPTED = 130
    USAGE = 64
    LOCKED = 6
    PLAN_FILE = 4
    FILES = 1
    REFUSED = 3
    FAILED = 8
    INCOMPLETE = 5
    NOT_ALLOWED = 7
    PENDING = 2
    DONE = 0


EXPLAINED = {
    Exit.BUG: "our own bug",
    Exit.INTERRUPTED: "interrupted",
    Exit.USAGE: "wrong usage: an unknown command or option, or a file given by one that cannot be read or written",
    Exit.LOCKED: "another run is at work on the same targets",
    Exit.PLAN_FILE: "the plan file is stale, edited, used or not ours",
    Exit.FILES: "problems in the access files, in git history or journal, or in the pipeline that was checked",
    Exit.REFUSED: "a rule of safety refused something",
    Exit.FAILED: "some changes failed, or were refused because their live value had moved; or a comment was not posted",
    Exit.INCOMPLETE: "a target could not be read completely (`gate`: or the CI's API)",
    Exit.NOT_ALLOWED: "`gate`, `run`: not allowed",
    Exit.PENDING: "changes are pending (only with `--detailed-exitcode`)",
    Exit.DONE: "done",
}
_BY_CODE = {
    "adopt-incomplete": Exit.INCOMPLETE,
    "cannot-narrow": Exit.NOT_ALLOWED,
    "ci-not-ours": Exit.NOT_ALLOWED,
    "ci-unknown": Exit.USAGE,
    "ci-unreadable": Exit.INCOMPLETE,
    "ci-variable": Exit.USAGE,
    "comment-not-posted": Exit.FAILED,
    "fork-not-planned": Exit.REFUSED,
    "journal-in-working-folder": Exit.REFUSED,
    "journal-moved-on": Exit.LOCKED,
    "lock-lost": Exit.LOCKED,
    "live-unreadable": Exit.INCOMPLETE,
    "locked": Exit.LOCKED,
    "not-minted": Exit.FAILED,
    "option-value": Exit.USAGE,
    "output-not-written": Exit.USAGE,
    "reviews-of-other-commit": Exit.REFUSED,
    "reviews-unread": Exit.INCOMPLETE,
    "run-over": Exit.NOT_ALLOWED,
    "runs-unread": Exit.INCOMPLETE,
    "source-incomplete": Exit.INCOMPLETE,
    "source-other-system": Exit.REFUSED,
    "unknown-pipeline": Exit.USAGE,
    "which-forge": Exit.USAGE,
    "which-pipeline": Exit.USAGE,
}


def first(*found: Exit) -> Exit:
    """The status to give where all of `found` hold; DONE where none does."""
    return next((status for status in Exit if status in found), Exit.DONE)


def of_error(error: ProvisionError) -> Exit:
    """The status of expected trouble that ended a command before it did anything."""
    return first(*(_of_code(d.code) for d in error.diagnostics)) if error.diagnostics else Exit.FILES


def _of_code(code: str) -> Exit:
    return Exit.PLAN_FILE if code.startswith("plan-file-") else _BY_CODE.get(code, Exit.FILES)
