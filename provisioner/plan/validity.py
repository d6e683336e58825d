"""May a plan still be applied, or rested on? Asked of facts that are passed in; every reason has a code of its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from provisioner.diagnostics import Diagnostic, Severity
from provisioner.model.instant import Instant, format_duration, format_instant
from provisioner.plan.plan import Plan
from provisioner.plan.planfile import NEW_PLAN, shorten

MAX_AGE = timedelta(hours=24)
"""How long a saved plan may be applied, unless `records.plan_age` says otherwise."""
CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of this machine's clock the one that made the plan may be."""


def reasons_not_to_apply(
    plan: Plan,
    *,
    tree: str,
    judged_by: str,
    engine: str,
    now: Instant,
    used: str | None,
    max_age: timedelta = MAX_AGE,
    records: Mapping[str, int] | None = None,
) -> list[Diagnostic]:
    """Why a saved plan must not be applied any more, all reasons at once; empty when it may be.

    `tree` is the tree id of the access files as they are now, `judged_by` that of the files whose guardrails would
    judge a plan made now; `used` tells in words which run already applied it; `records` is the number of the newest
    record of each target in the journal.
    """
    found = []
    if used is not None:
        found.append(
            _told(
                "plan-file-used",
                f"this plan was already applied: {used}",
                "a plan is applied once; make a new one for the rest",
            )
        )
    if plan.preview:
        found.append(_as_of(plan))
    if plan.tree != tree:
        found.append(
            _told(
                "plan-file-other-tree",
                f"this plan is of other access files: of tree {shorten(plan.tree)}, and here is {shorten(tree)}",
                "what was reviewed is not what the files say now",
            )
        )
    # Files that judge themselves are told above.
    if plan.judged_by != judged_by and (plan.judged_by, judged_by) != (plan.tree, tree):
        found.append(_other_base(plan, judged_by, tree))
    found += _other_engine(plan, engine)
    found += _other_journal(plan, records or {})
    age = now - plan.as_of
    if age > max_age:
        found.append(
            _told(
                "plan-file-old",
                f"this plan was made {_ago(age)} ago; it may be applied for {format_duration(max_age)}",
                "the live systems have moved on since it was reviewed; how long a plan lasts is `records.plan_age`",
            )
        )
    if age < -CLOCK_SKEW and not plan.preview:
        found.append(
            _told(
                "plan-file-ahead",
                f"this plan was made at {format_instant(plan.as_of)}, which is still to come on this machine",
                "one of the two clocks is wrong, and grants that begin or end by time would be wrong with it",
            )
        )
    return found


def reasons_not_to_rest_on(plan: Plan, *, engine: str) -> list[Diagnostic]:
    """Why a plan file cannot tell what was reviewed (`apply --reviewed`). Its age and its tree do not matter: what it
    approves are changes, each by what it does."""
    return [*([_as_of(plan)] if plan.preview else []), *_other_engine(plan, engine)]


def _as_of(plan: Plan) -> Diagnostic:
    return _told(
        "plan-file-as-of",
        f"this plan shows how it will be at {format_instant(plan.as_of)} (`plan --as-of`)",
        "it is made of a time that has not come, and of systems as they were before it",
    )


def _other_base(plan: Plan, judged_by: str, tree: str) -> Diagnostic:
    def words(judge: str, own: str) -> str:
        return "its own access files" if judge == own else f"the base with tree {shorten(judge)}"

    return _told(
        "plan-file-other-base",
        f"this plan was judged by {words(plan.judged_by, plan.tree)}; here {words(judged_by, tree)} would judge it",
        "limits, administrators and owners are those of `--base`, and the plan was held against others",
        "give `apply` the `--base` that the plan was made with; where that has moved on, " + NEW_PLAN,
    )


def _other_engine(plan: Plan, engine: str) -> list[Diagnostic]:
    if plan.engine == engine:
        return []
    return [
        _told(
            "plan-file-other-engine",
            f"this plan was made by provision {shorten(plan.engine)}, this is {engine}",
            "another version may mean something else by the same plan",
        )
    ]


def _other_journal(plan: Plan, records: Mapping[str, int]) -> list[Diagnostic]:
    return [
        _told(
            "plan-file-other-journal",
            f"this plan was made when the journal of {name} was at record {view.records}, and here it is at "
            f"{records[name]}",
            "the journal is lost, cut, or another one: who was cut off since the plan was made could not be told",
            "restore the journal from a copy, or correct `records.journal`; if it is lost, " + NEW_PLAN,
        )
        for name, view in sorted(plan.targets.items())
        if name in records and records[name] < view.records
    ]


def _ago(age: timedelta) -> str:
    """In whole hours, or in minutes where that is not two of them."""
    minutes = int(age.total_seconds() // 60)
    return f"{minutes // 60} hours" if minutes >= 120 else f"{minutes} minutes"


def _told(code: str, message: str, why: str, fix: str = NEW_PLAN) -> Diagnostic:
    return Diagnostic(code, message, Severity.ERROR, why=why, fix=fix)
