"""What commands that change systems have in common: lock, recover, plan, guardrails, apply, unlock.

The order is that of the laws: the lock is taken before anything is read that the plan rests on, and given back last.
Only what a task begins with comes before the lock: a hold that keeps somebody out must not wait for another run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from provisioner import __version__
from provisioner.apply import Applied, Progress, Waits, apply_plan
from provisioner.cli import preparing
from provisioner.cli.choosing import without_the_held
from provisioner.cli.exit_codes import Exit, first
from provisioner.cli.feedback import annotate, summarize_output
from provisioner.cli.holding import CUT_OFF
from provisioner.cli.locking import heads, locked, recovered, run_info
from provisioner.cli.output import show, tell
from provisioner.cli.preparing import lay_ready, with_notes
from provisioner.cli.rotating import Chosen, rotate_all, status
from provisioner.cli.running import columns, planned, progress_line
from provisioner.cli.slots import gone_slots, slots
from provisioner.cli.standing import Stood, stood
from provisioner.cli.wiring import Opened, Work, check_journal, now, situate
from provisioner.diagnostics import Diagnostic, ProvisionError, Severity, in_order
from provisioner.model.change import Action
from provisioner.plan.planfile import to_json
from provisioner.plan.turns import chosen
from provisioner.plan.validity import MAX_AGE, reasons_not_to_apply
from provisioner.records.published import count_alone, publish
from provisioner.records.run import RunInfo
from provisioner.records.used import Use, finish, take, use_of
from provisioner.report import applied as applied_report
from provisioner.report import diagnostics as problems
from provisioner.report.colour import PLAIN, Palette, palette
from provisioner.report.diagnostics import Sources
from provisioner.report.text import text

if TYPE_CHECKING:
    from provisioner.plan.plan import Plan
    from provisioner.plan.turns import Choose
    from provisioner.records.lock import Lock


_LOOKED_AT = (Action.CREATE, Action.ENABLE, Action.RENAME)
"""Changes of an account after which its credentials are looked at."""


@dataclass(frozen=True)
class Task:
    """What a run is to do: `saved` as it is, or what a new plan says of what `choose` lets through. `command` stands
    in the journal. `begin` is done first, before the lock is asked for, so that whoever has it keeps nobody in.
    `notes` are told with the plan. `gives`: it may give access, and so the approvals of the files are asked for.
    `rotates`: credentials that are due are made; False: only what is over is ended; None: they are left alone."""

    command: str
    saved: Plan | None = None
    choose: Choose | None = None
    begin: Callable[[Opened, RunInfo], None] | None = None
    notes: tuple[Diagnostic, ...] = ()
    gives: bool = False
    rotates: bool | None = None


def carry_out(opened: Opened, task: Task) -> int:
    """Does the task and tells what came of it; the exit status."""
    check_journal(opened)
    stand = stood(opened) if task.gives else Stood(opened)
    opened = stand.opened
    run = stand.on_record(run_info(opened, task.command))
    if task.begin is not None:
        task.begin(opened, run)
    with locked(opened, run, _targets(opened, task)) as lock:
        recovered(opened, run)
        work = situate(opened)
        if task.saved is not None:
            return _saved(task, task.saved, work, run, lock, stand)
        diagnostics = (*work.situation.diagnostics, *task.notes, *stand.notes)
        choose = stand.choose(work, task.choose)
        work = replace(work, situation=replace(work.situation, choose=choose, diagnostics=diagnostics))
        made = planned(work)
        made = with_notes(made, work) if task.rotates and stand.standing.complete else made
        _show(made, work)
        run = replace(run, plan=str(to_json(made)["digest"]))
        done, applied = _apply(made, work, run, lock)
        return first(done, *(after(task, made, applied, work, run, lock, stand) for after in (_credentials, _ready)))


def _approved(plan: Plan, work: Work, stand: Stood) -> Plan:
    """A saved plan without what lacks an approval by now."""
    choose = stand.choose(work, None)
    tell(problems.text(stand.notes))
    if choose is None:
        return plan
    kept, withheld, _ = chosen(choose, plan.changes)
    diagnostics = in_order((*plan.diagnostics, *stand.notes))
    return replace(plan, changes=kept, withheld=(*plan.withheld, *withheld), diagnostics=diagnostics)


def _targets(opened: Opened, task: Task) -> set[str]:
    """What this run may change: nothing else is locked."""
    return set(opened.targets) if task.saved is None else set(opened.targets) & set(task.saved.targets)


def _saved(task: Task, plan: Plan, work: Work, run: RunInfo, lock: Lock, stand: Stood) -> int:
    """A saved plan that may still be applied; ProvisionError with all reasons where it may not."""
    digest, store = str(to_json(plan)["digest"]), work.journal.store
    earlier = use_of(store, digest)
    _check(plan, work, earlier)
    run = replace(run, plan=digest)
    if not take(store, digest, run=run, at=now(), after=earlier):
        # Another run came first, this very moment: whether it will finish, nobody can say.
        came = use_of(store, digest)
        _check(plan, work, None if came is None else replace(came, finished=True))
    if earlier is not None:
        tell(f"this plan was begun {earlier.words}, and that run did not finish: it goes on from there\n")
    kept, withheld = without_the_held(plan, work.situation.held, work.situation.declared.identities)
    if withheld:
        tell(problems.text(d for d in work.situation.diagnostics if d.code in CUT_OFF))
        plan = replace(plan, changes=kept, withheld=(*plan.withheld, *withheld))
    plan = _approved(plan, work, stand)
    done, applied = _apply(plan, work, run, lock)
    after = [then(task, plan, applied, work, run, lock, stand) for then in (_credentials, _ready)]
    if not applied.interrupted and not applied.in_trouble:
        finish(store, digest, run=run, at=now())
    return first(done, *after)


def _credentials(task: Task, plan: Plan, applied: Applied, work: Work, run: RunInfo, lock: Lock, stand: Stood) -> Exit:
    """After the changes: the credentials of services on those targets that were read, and that no rule stopped."""
    if task.rotates is None or applied.interrupted or applied.in_trouble:
        return Exit.DONE
    opened, situation = work.opened, work.situation
    targets = {n: t for n, t in opened.targets.items() if n in plan.targets and not _left_alone(plan, applied, n)}
    gives = bool(task.rotates)
    wanted = slots(situation.declared, targets, situation.now, plan.person, situation.held, gives=gives)
    over = gone_slots(situation.declared, targets, work.journal, plan.person, situation.held)
    if (wanted or over) and task.rotates and not stand.standing.complete:
        tell("what the files say lacks an approval: no credential is made or delivered before it is there\n")
        return Exit.DONE
    made = frozenset(c.address for c in applied.succeeded if c.action in _LOOKED_AT)
    found = rotate_all(opened, wanted, run, lock, Chosen(gives=task.rotates, made=made, gone=over))
    if found:
        tell(heads(work.journal, {r.slot.target for r in found}))
    return status(found)


def _ready(task: Task, plan: Plan, applied: Applied, work: Work, run: RunInfo, lock: Lock, stand: Stood) -> Exit:
    """Last: what has to lie ready for runs, made from what is live now. Nothing is taken away as long as runs may be
    given something by other files, too."""
    if not task.rotates or applied.interrupted or applied.in_trouble or not stand.standing.complete:
        return Exit.DONE
    targets = {n for n in work.opened.targets if n in plan.targets and not _left_alone(plan, applied, n)}
    drops = plan.person is None and count_alone(work.journal.store, plan.tree)
    laid = lay_ready(work, targets, run, lock, drops=drops)
    if laid:
        tell(heads(work.journal, {one.target for one in laid}))
    return preparing.report(laid)


def _left_alone(plan: Plan, applied: Applied, target: str) -> bool:
    view = plan.targets[target]
    return view.refused is not None or view.failed is not None or target in applied.unreadable


def _check(plan: Plan, work: Work, use: Use | None) -> None:
    reasons = reasons_not_to_apply(
        plan,
        tree=work.files.declared.tree,
        judged_by=work.opened.judging.tree,
        engine=__version__,
        now=work.situation.now,
        used=use.words if use is not None and use.finished else None,
        max_age=work.opened.judging.records.plan_age or MAX_AGE,
        records={name: known.records for name, known in work.situation.known.items() if known.records is not None},
    )
    if reasons:
        raise ProvisionError(*reasons)


def _apply(plan: Plan, work: Work, run: RunInfo, lock: Lock) -> tuple[Exit, Applied]:
    _publish(plan, work, run)
    line = progress_line()

    def progress(step: Progress) -> None:
        changes = f"{step.of} change{'' if step.of == 1 else 's'}"
        line(f"{step.target} {step.done}/{step.of}: {step.words}", phase=f"{step.target}: {changes} to make")

    try:
        applied = apply_plan(
            plan,
            work.situation.connections,
            work.journal,
            run=run,
            clock=now,
            whole=plan.person is None,
            progress=progress,
            waits=Waits(call=work.opened.times.deadline),
            lock=lock,
        )
    finally:
        line.close()
    _tell(applied, plan, run.command)
    tell(heads(work.journal, work.situation.connections))
    return _status(plan, applied), applied


def _publish(plan: Plan, work: Work, run: RunInfo) -> None:
    """Keep the files, and say that they count from now on: for whoever is let in by them (`gate`) and has no other way
    to know. An `apply` that is not for all, or of which something is held back, gives nobody new a way in."""
    work.journal.publish(plan.tree, work.files.loaded.files)
    if run.command not in ("apply", "apply --reviewed", "expire"):
        return  # what `offboard --now` cuts off stands in its hold; its files may be older than what was applied
    all_targets = set(plan.targets) >= set(work.files.declared.targets)
    held_back = any(w.rule != "offboarded-now" for w in plan.withheld)
    whole = run.command != "expire" and plan.person is None and all_targets and not plan.refused and not held_back
    publish(
        work.journal.store,
        tree=plan.tree,
        whole=whole,
        over=work.over,
        begun=work.begun,
        folder=work.files.loaded.folder,
        run=run,
        at=now(),
    )


def _show(made: Plan, work: Work) -> None:
    sources = Sources(work.files.loaded.files, work.files.loaded.folder)
    tell(text(made, sources=sources, colours=palette(sys.stderr, os.environ)) + "\n")


def _tell(applied: Applied, plan: Plan, command: str) -> None:
    def told(colours: Palette) -> str:
        return applied_report.text(
            applied.changes,
            applied.outcomes,
            failed={c.id for c in applied.failed},
            converged=applied.converged,
            why_not={name: t.why_not for name, t in applied.targets.items() if not t.converged},
            held_back=len(plan.withheld),
            interrupted=applied.interrupted,
            diagnostics=(*_unrecorded(plan), *applied.diagnostics),
            columns=columns(sys.stdout),
            colours=colours,
        )

    show(told(palette(sys.stdout, os.environ)))
    annotate(applied.diagnostics)
    summarize_output(f"provision {command}", lambda: told(PLAIN))


def _unrecorded(plan: Plan) -> Iterable[Diagnostic]:
    """Told again where the run ends: by then the journal goes on as if it had always been so."""
    return (d for d in plan.diagnostics if d.code == "journal-missing" and d.severity is not Severity.NOTE)


def _status(plan: Plan, applied: Applied) -> Exit:
    found = [Exit.INTERRUPTED] if applied.interrupted else []
    found += [Exit.REFUSED] if plan.refused else []
    found += [Exit.FAILED] if applied.any_failed else []
    found += [Exit.INCOMPLETE] if applied.unreadable else []
    return first(*found)
