"""The engine, as one sentence: load, resolve, (lock, recover,) observe, plan, guardrails, apply.

Planning is handed readers only. The first thing to read here is `make_plan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from provisioner.contract import ProviderError, Reader, Reading
from provisioner.diagnostics import Diagnostic
from provisioner.guardrails import case_of, guarded, judge, newly_managed_and_let_go, other_system, pinned
from provisioner.load.files import collector_paused
from provisioner.model.desired import Desired
from provisioner.model.past import Past
from provisioner.model.state import State
from provisioner.observe.credentials import credentials_to_read, with_credentials
from provisioner.observe.inventory import (
    Observed,
    Observing,
    Told,
    doubt_emptiness,
    doubt_marks,
    observe,
    open_readers,
    unreadable,
)
from provisioner.observe.keyless import scopes_to_read
from provisioner.observe.logins import following, renamed_logins
from provisioner.observe.logins import told as told_of_logins
from provisioner.observe.matching import match_accounts
from provisioner.observe.relabel import relabel
from provisioner.plan.assemble import assemble, line_up, view_of, view_unread
from provisioner.plan.compare import compare
from provisioner.plan.leavers import Departed, departed_on, targets_gone, unsaid_renames
from provisioner.plan.plan import Plan, TargetView
from provisioner.plan.side import Side, TargetPlan
from provisioner.plan.situation import Known, Planned, Situation
from provisioner.plan.unseen import unseen
from provisioner.resolve.desired import desire
from provisioner.resolve.past import remember, trace

__all__ = ["Known", "Planned", "Situation", "make_plan"]


def make_plan(situation: Situation, told: Told | None = None) -> Planned:
    """Reads every target and says what would change. Writes nothing: it never holds a writer."""
    with collector_paused():
        return _planned(situation, told)


def _planned(situation: Situation, told: Told | None) -> Planned:
    situation = replace(situation, declared=trace(situation.declared, situation.past))
    readers, unopened = open_readers(situation.connections)
    try:
        want = scopes_to_read(situation.declared, situation.past, readers)
        with Observing(readers, want, told, pinned(situation)) as reads:
            # What the files ask for is worked out while the systems answer.
            desired = desire(situation.declared, situation.declares, situation.now)
            pasts = _remembered(situation)
            observed = unopened | reads.all()
        situation, desired, renamed = _follow(situation, desired, observed)
        sides, departed, diagnostics = _recognise(situation, desired, pasts, observed)
        diagnostics += renamed
        _read_credentials(readers, sides, told)
        let_go = newly_managed_and_let_go(case_of(situation, sides, observed, desired))
        for name, addresses in let_go.items():
            sides[name].let_go = addresses
        parts = {name: _compare(side, readers[name]) for name, side in sides.items()}
    except KeyboardInterrupt:
        readers.clear()  # some may be in a call that hangs: the process ends with them
        raise
    finally:
        for reader in readers.values():
            reader.close()
    plan = _judged(situation, observed, sides, parts, desired, diagnostics)
    return Planned(plan, desired, {n: s.reading for n, s in sides.items()}, sides, departed, parts)


def _remembered(situation: Situation) -> dict[str, Past]:
    """What the files said before. Each state of a target is read by a pure side of its own."""
    return remember(
        situation.past,
        situation.declared,
        situation.declares,
        situation.now,
        converged={n for n in situation.connections if situation.known_of(n).converged},
        declare_as=lambda target: situation.connections[target.name].provider.declare(target),
    )


def _follow(
    situation: Situation, desired: dict[str, Desired], observed: Mapping[str, Observed]
) -> tuple[Situation, dict[str, Desired], list[Diagnostic]]:
    """Where people change their logins themselves: what the files say, under the logins of today."""
    renamed: dict[str, dict[str, str]] = {}
    for name, seen in observed.items():
        connection = situation.connections[name]
        if seen.reading is None or connection.declare.capabilities.renames:
            continue
        logins = renamed_logins(connection.target, seen.reading.state, situation.declared.identities.values())
        if logins:
            renamed[name] = logins
    if not renamed:
        return situation, desired, []
    declared = following(situation.declared, renamed)
    again = {name: situation.declares[name] for name in renamed}
    desired = {**desired, **desire(declared, again, situation.now)}
    return replace(situation, declared=declared), desired, told_of_logins(situation.declared, renamed)


def _recognise(
    situation: Situation, desired: Mapping[str, Desired], pasts: Mapping[str, Past], observed: Mapping[str, Observed]
) -> tuple[dict[str, Side], dict[str, Departed], list[Diagnostic]]:
    """Whose account is whose, on every target that could be read."""
    readings: dict[str, Reading] = {}
    departed: dict[str, Departed] = {}
    for name, seen in observed.items():
        if seen.reading is None:
            continue
        known = situation.known_of(name)
        connection = situation.connections[name]
        counts = known.counts if known.system in (None, seen.system) else None  # those of another system say nothing
        readings[name] = doubt_marks(doubt_emptiness(seen.reading, counts), connection.target)
        departed[name] = departed_on(
            connection.target, seen.reading.state, situation.declared, pasts[name], situation.now, connection.owner
        )
    renamed, diagnostics = unsaid_renames(situation.declared, situation.past, departed)
    told = {d.target for d in situation.diagnostics if d.code == "target-gone"}
    gone = targets_gone(situation.declared, situation.past)
    diagnostics += [d for d in gone if d.target not in told and d.target not in situation.ended]
    sides = {
        name: _side(situation, name, desired[name], pasts[name], reading, departed[name], renamed)
        for name, reading in readings.items()
    }
    return sides, departed, diagnostics


def _side(
    situation: Situation,
    name: str,
    desired: Desired,
    past: Past,
    reading: Reading,
    departed: Departed,
    blocked: set[str],
) -> Side:
    connection = situation.connections[name]
    declare = connection.declare
    matched = match_accounts(
        connection.target,
        reading.state,
        {i.id: i for i in desired.logins.values()},
        {i.id: i for i in situation.declared.identities.values() if not i.departed_at(situation.now)},
        departed,
        connection.owner,
        folds_case=declare.capabilities.folds_case,
        renames=declare.capabilities.renames,
    )
    matched.blocked |= blocked
    environments = situation.declared.environments
    return Side(
        target=connection.target,
        declare=declare,
        desired=desired,
        reading=reading,
        live=relabel(name, reading.state, matched, desired.logins),
        matched=matched,
        past=past,
        now=situation.now,
        protected=frozenset(e.id for e in environments.values() if e.protected),
        complete_sets=frozenset(declare.complete()),
        outstanding=situation.known_of(name).outstanding,
        person=situation.person,
        kept=situation.known_of(name).kept,
        owner=connection.owner,
        departed=departed,
        rotations=situation.known_of(name).rotations,
    )


def _read_credentials(readers: Mapping[str, Reader], sides: Mapping[str, Side], told: Told | None) -> None:
    missing = {name: credentials_to_read(side.matched, side.coverage) for name, side in sides.items()}
    want = {name: scopes for name, scopes in missing.items() if scopes}
    for name, seen in observe(readers, want, told).items():
        side = sides[name]
        side.reading = with_credentials(side.reading, seen, want[name])
        if seen.reading is not None:
            side.live = relabel(name, side.reading.state, side.matched, side.desired.logins)


def _compare(side: Side, reader: Reader) -> TargetPlan:
    """Compares, and where a short read left a wish unproven, asks for it by name and compares again."""
    part = compare(side)
    if not part.unproven:
        return part
    try:
        found = reader.look(sorted(part.unproven, key=str))
    except ProviderError:
        return part
    side.proven_absent = frozenset(a for a in part.unproven if a in found.looked and a not in found.state)
    present = {a: r for a, r in found.state.resources.items() if a in part.unproven}
    if present:
        side.live = State.from_mapping({**side.live.resources, **present})
    return compare(side)


def _judged(
    situation: Situation,
    observed: Mapping[str, Observed],
    sides: Mapping[str, Side],
    parts: Mapping[str, TargetPlan],
    desired: Mapping[str, Desired],
    diagnostics: list[Diagnostic],
) -> Plan:
    """The plan of what the guardrails let through."""
    lineup = line_up(situation, sides, parts)
    strays = [s for part in parts.values() for s in part.strays]
    judgement = judge(case_of(situation, sides, observed, desired, lineup.changes, strays))
    changes, refused = guarded(judgement, lineup.changes, lineup.first)
    lineup = replace(lineup, changes=changes, withheld=(*lineup.withheld, *refused))
    views: dict[str, TargetView] = {}
    unread: list[Diagnostic] = []
    for name, seen in observed.items():
        if name in sides:
            views[name] = view_of(
                sides[name],
                parts[name],
                seen.system,
                judgement.refused.get(name),
                records=situation.known_of(name).records or 0,
                unrecorded=judgement.unrecorded.get(name),
                unseen=unseen(sides[name], parts[name].changes) if _said_otherwise(situation, name) else (),
            )
            continue
        why = _why_unread(situation, name, seen)
        target = situation.connections[name].target
        views[name] = view_unread(target, seen.system, seen.error, why.code if why.is_error else None)
        unread.append(why)
    return assemble(situation, lineup, views, sides, parts, [*diagnostics, *judgement.told, *unread])


def _said_otherwise(situation: Situation, name: str) -> bool:
    """Whether the files asked for something else since the target converged."""
    if situation.person is not None:
        return False  # only a plan for everybody can call it in order
    now = situation.declared.tree
    return bool(situation.held) or any(p.declared.tree != now for p in situation.past if name in p.targets)


def _why_unread(situation: Situation, name: str, seen: Observed) -> Diagnostic:
    if seen.was is not None and seen.system is not None:
        return other_system(situation.connections[name].target, seen.was, seen.system, situation.now)
    return unreadable(name, seen.error)
