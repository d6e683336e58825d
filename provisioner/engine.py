"""The engine, as one sentence: load, resolve, (lock, recover,) observe, plan, guardrails, apply.

Planning is handed readers only. The first thing to read here is `make_plan`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from provisioner import __version__
from provisioner.contract import Connection, Declare, ProviderError, Reader, Reading
from provisioner.diagnostics import Diagnostic, Severity, in_order
from provisioner.guardrails import Case, Judgement, acknowledged_system, judge, newly_managed_and_let_go, other_system
from provisioner.load.files import collector_paused
from provisioner.model.access import DeclaredAccess
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.coverage import EVERYTHING, Coverage, Scope, ScopeCoverage, Verdict
from provisioner.model.desired import Desired
from provisioner.model.instant import Instant
from provisioner.model.outstanding import Outstanding
from provisioner.model.past import Past, PastDeclared
from provisioner.model.state import State
from provisioner.observe.inventory import (
    Observed,
    Observing,
    Pinned,
    Told,
    doubt_emptiness,
    doubt_marks,
    observe,
    open_readers,
)
from provisioner.observe.logins import following, renamed_logins
from provisioner.observe.logins import told as told_of_logins
from provisioner.observe.matching import match_accounts
from provisioner.observe.relabel import relabel
from provisioner.plan.compare import compare
from provisioner.plan.leavers import Departed, departed_on, unsaid_renames
from provisioner.plan.order import dependencies
from provisioner.plan.order import in_order as ordered
from provisioner.plan.plan import Plan, TargetView, Withheld
from provisioner.plan.side import Side, TargetPlan, gaps_of
from provisioner.plan.turns import Choose, as_held, chosen, keeping
from provisioner.resolve.desired import desire
from provisioner.resolve.past import remember, trace


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of one target: what is outstanding, how much there was at the last converged run, and what
    system it was when it was last applied to. `converged` False: there was no such run, and the history goes back to
    the beginning."""

    outstanding: tuple[Outstanding, ...] = ()
    counts: Mapping[str, int] | None = None
    kept: frozenset[str] = frozenset()
    system: str | None = None
    converged: bool = True


@dataclass(frozen=True)
class Situation:
    """Everything that a run is given. `past` is what the files said since each target converged, newest first.
    `connections` holds the targets of this run; `person` narrows it to one identity, present or gone; `choose` leaves
    out what this run is not for (`expire` gives nothing, a reviewed apply nothing that was not reviewed). `judging` are
    the files whose guardrails count (the base's); None: the very files that are applied. `others` are the targets that
    are not for this run. `held` are those who were cut off before the files said so, with words for it: `declared` does
    not have them, `past` does. `preview` says that `now` is still to come.
    """

    declared: DeclaredAccess
    connections: Mapping[str, Connection]
    now: Instant
    past: tuple[PastDeclared, ...] = ()
    known: Mapping[str, Known] = field(default_factory=dict)
    revision: str | None = None
    uncommitted: bool = False
    person: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    choose: Choose | None = None
    judging: DeclaredAccess | None = None
    others: Mapping[str, Declare] = field(default_factory=dict)
    held: Mapping[str, str] = field(default_factory=dict)
    preview: bool = False
    engine: str = __version__

    @property
    def declares(self) -> dict[str, Declare]:
        return {name: connection.declare for name, connection in self.connections.items()}


@dataclass(frozen=True)
class Planned:
    """A plan, and what it was made of: for `apply`, and for answers to questions."""

    plan: Plan
    desired: Mapping[str, Desired]
    readings: Mapping[str, Reading]
    sides: Mapping[str, Side]
    departed: Mapping[str, Departed]
    parts: Mapping[str, TargetPlan] = field(default_factory=dict)


def make_plan(situation: Situation, told: Told | None = None) -> Planned:
    """Reads every target and says what would change. Writes nothing: it never holds a writer."""
    with collector_paused():
        return _planned(situation, told)


def _planned(situation: Situation, told: Told | None) -> Planned:
    situation = replace(situation, declared=trace(situation.declared, situation.past))
    readers, unopened = open_readers(situation.connections)
    try:
        with Observing(readers, dict.fromkeys(readers, EVERYTHING), told, _pinned(situation)) as reads:
            # What the files ask for is worked out while the systems answer.
            desired = desire(situation.declared, situation.declares, situation.now)
            pasts = _remembered(situation)
            observed = unopened | reads.all()
        situation, desired, renamed = _follow(situation, desired, observed)
        sides, departed, diagnostics = _recognise(situation, desired, pasts, observed)
        diagnostics += renamed
        _read_credentials(readers, sides, told)
        let_go = newly_managed_and_let_go(_case(situation, sides, observed, desired))
        for name, addresses in let_go.items():
            sides[name].let_go = addresses
        parts = {name: _compare(side, readers[name]) for name, side in sides.items()}
    except KeyboardInterrupt:
        readers.clear()  # some may be in a call that hangs: the process ends with them
        raise
    finally:
        for reader in readers.values():
            reader.close()
    plan = _assemble(situation, observed, sides, parts, desired, diagnostics)
    return Planned(plan, desired, {n: s.reading for n, s in sides.items()}, sides, departed, parts)


def _remembered(situation: Situation) -> dict[str, Past]:
    """What the files said before. Each state of a target is read by a pure side of its own."""
    return remember(
        situation.past,
        situation.declared,
        situation.declares,
        situation.now,
        converged={n for n in situation.connections if situation.known.get(n, Known()).converged},
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


def _pinned(situation: Situation) -> dict[str, Pinned]:
    """What each target was when it was last applied to, and whether it may be another system now."""
    said = situation.declared.rules.acknowledgements

    def may_be(target: str) -> Callable[[str], bool]:
        return lambda system: acknowledged_system(said, target, system, situation.now)

    known = {name: known.system for name, known in situation.known.items()}
    return {name: Pinned(system, may_be(name)) for name, system in known.items() if system is not None}


def _case(
    situation: Situation,
    sides: Mapping[str, Side],
    observed: Mapping[str, Observed],
    desired: Mapping[str, Desired],
    changes: tuple[Change, ...] = (),
) -> Case:
    """What the guardrails are given. What is asked for elsewhere matters to who may hold what together alone."""
    judging = situation.judging or situation.declared
    if judging.rules.separate and situation.others:
        desired = {**desire(situation.declared, situation.others, situation.now), **desired}
    known = {name: seen.me for name, seen in observed.items() if seen.me is not None}
    return Case(
        declared=situation.declared,
        judging=judging,
        declares={**situation.others, **situation.declares},
        desired=desired,
        sides=sides,
        changes=changes,
        now=situation.now,
        past=situation.past,
        anchors=frozenset(address for me in known.values() for address in me.anchors),
        names={name: me.name for name, me in known.items()},
        person=situation.person,
        let_go=frozenset(address for side in sides.values() for address in side.let_go),
    )


def _recognise(
    situation: Situation, desired: Mapping[str, Desired], pasts: Mapping[str, Past], observed: Mapping[str, Observed]
) -> tuple[dict[str, Side], dict[str, Departed], list[Diagnostic]]:
    """Whose account is whose, on every target that could be read."""
    readings: dict[str, Reading] = {}
    departed: dict[str, Departed] = {}
    for name, seen in observed.items():
        if seen.reading is None:
            continue
        known = situation.known.get(name, Known())
        connection = situation.connections[name]
        counts = known.counts if known.system in (None, seen.system) else None  # those of another system say nothing
        readings[name] = doubt_marks(doubt_emptiness(seen.reading, counts), connection.target)
        departed[name] = departed_on(
            connection.target, seen.reading.state, situation.declared, pasts[name], situation.now, connection.owner
        )
    renamed, diagnostics = unsaid_renames(situation.declared, situation.past, departed)
    diagnostics += _targets_gone(situation)
    sides = {
        name: _side(situation, name, desired[name], pasts[name], reading, departed[name], renamed)
        for name, reading in readings.items()
    }
    return sides, departed, diagnostics


def _targets_gone(situation: Situation) -> Iterator[Diagnostic]:
    """Targets that the files had and have no more: nothing is called there, and that must not pass for an end."""
    last = {t: p.name for p in reversed(situation.past) for t in p.declared.targets}
    for name in sorted(set(last) - set(situation.declared.targets)):
        yield Diagnostic(
            "target-gone",
            f"{name} is no longer declared (last in {last[name]}): what was given there stays, also that of leavers",
            severity=Severity.WARNING,
            target=name,
            why="a target that the files do not name is not called",
            fix="to end it properly, put it back, take its grants out of the roles, apply, and then remove it",
        )


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
        outstanding=situation.known.get(name, Known()).outstanding,
        person=situation.person,
        kept=situation.known.get(name, Known()).kept,
        owner=connection.owner,
        departed=departed,
    )


def _read_credentials(readers: Mapping[str, Reader], sides: Mapping[str, Side], told: Told | None) -> None:
    """Leavers' and suspended people's credentials, which no bulk read gives: only theirs, and only where they have an
    account."""
    want: dict[str, frozenset[Scope]] = {}
    for name, side in sides.items():
        logins = {m.login for m in side.matched.by_login.values() if m.departed or m.identity.suspended}
        missing = {Scope(Kind.CREDENTIAL, login) for login in logins}
        missing = {s for s in missing if not side.coverage.is_complete(s.kind, s.of)}
        if missing:
            want[name] = frozenset(missing)
    for name, seen in observe(readers, want, told).items():
        side = sides[name]
        if seen.reading is None:
            unread = [ScopeCoverage(scope, Verdict.UNREAD, str(seen.error)) for scope in want[name]]
            side.reading = replace(side.reading, coverage=Coverage((*side.coverage.scopes(), *unread)))
            continue
        merged = Reading(
            State.from_mapping({**side.reading.state.resources, **seen.reading.state.resources}),
            Coverage((*side.coverage.scopes(), *seen.reading.coverage.scopes())),
            seen.reading.server_time or side.reading.server_time,
            side.reading.looked,
            side.reading.calls + seen.reading.calls,
            side.reading.warnings + seen.reading.warnings,
        )
        side.reading = merged
        side.live = relabel(name, merged.state, side.matched, side.desired.logins)


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


def _assemble(
    situation: Situation,
    observed: Mapping[str, Observed],
    sides: Mapping[str, Side],
    parts: Mapping[str, TargetPlan],
    desired: Mapping[str, Desired],
    diagnostics: list[Diagnostic],
) -> Plan:
    changes = [c for part in parts.values() for c in part.changes]
    wanted = {name: side.desired.state.resources for name, side in sides.items()}
    needs = dependencies(changes, situation.declares, wanted)
    outstanding = [o for known in situation.known.values() for o in known.outstanding]
    outstanding = [o for o in outstanding if _still_open(o, sides, changes)]
    first = frozenset((o.address, o.action) for o in outstanding)
    lined_up = ordered(changes, first, needs)
    if situation.person is not None:
        lined_up = _only(situation.person, lined_up)
    lined_up, withheld, left = chosen(keeping(situation.choose, situation.held), as_held(situation.held, lined_up))
    judged = judge(_case(situation, sides, observed, desired, lined_up))
    lined_up, refused = _guarded(judged, lined_up, first)
    withheld += refused
    found = [*situation.diagnostics, *diagnostics, *judged.told]
    found += [d for part in parts.values() for d in part.diagnostics]
    found += [w for side in sides.values() for w in side.reading.warnings]
    views = {
        name: _view(situation.connections[name], seen, sides.get(name), parts.get(name), judged.refused.get(name))
        for name, seen in observed.items()
    }
    found += [_not_read(situation, name, seen) for name, seen in observed.items() if seen.error is not None]
    waiting = [w for part in parts.values() for w in part.waiting]
    strays = [s for part in parts.values() for s in part.strays]
    if situation.person is not None:
        found += _unknown(situation, sides)
        waiting = [w for w in waiting if w.identity == situation.person]
        strays = [s for s in strays if s.identity == situation.person]
        outstanding = [o for o in outstanding if o.identity == situation.person]
    return Plan(
        engine=situation.engine,
        as_of=situation.now,
        tree=situation.declared.tree,
        judged_by=(situation.judging or situation.declared).tree,
        revision=situation.revision,
        uncommitted=situation.uncommitted,
        person=situation.person,
        targets=views,
        changes=lined_up,
        withheld=withheld,
        waiting=tuple(sorted(waiting, key=lambda w: (str(w.address), w.action))),
        strays=tuple(sorted(strays, key=lambda s: str(s.address))),
        outstanding=tuple(sorted(outstanding, key=lambda o: (o.since, str(o.address)))),
        diagnostics=in_order(found),
        preview=situation.preview,
        left=left,
    )


def _still_open(item: Outstanding, sides: Mapping[str, Side], changes: list[Change]) -> bool:
    """Left over from an earlier run: until the live system proves otherwise. Something that is still to be done stands
    in the plan; something of an unreadable or short-read target cannot be told."""
    side = sides.get(item.address.target)
    if side is None:
        return True
    if any(c.address == item.address and c.action == item.action for c in changes):
        return True
    complete = side.coverage.at(item.address).verdict is Verdict.COMPLETE
    if item.action not in (Action.REVOKE, Action.DISABLE, Action.DELETE):
        return not complete
    if item.address in side.desired.state or _is_here(item, side):
        return False  # asked for again
    live = side.live.get(item.address)
    if live is None:
        return not complete
    return live.gives_access if item.action is Action.REVOKE else live.attributes.get("enabled") is not False


def _is_here(item: Outstanding, side: Side) -> bool:
    """Whether its holder has come back: their credentials are not looked at any more, and are theirs to use."""
    if item.address.kind is not Kind.CREDENTIAL:
        return False
    return any(i.id == item.identity and not i.suspended for i in side.desired.logins.values())


def _only(person: str, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    """Their changes, and what those need."""
    by_id = {c.id: c for c in changes}
    kept: set[str] = set()
    queue = [c.id for c in changes if c.identity == person]
    while queue:
        change_id = queue.pop()
        if change_id not in kept:
            kept.add(change_id)
            queue += by_id[change_id].needs
    return tuple(c for c in changes if c.id in kept)


def _guarded(
    judged: Judgement, changes: tuple[Change, ...], first: frozenset[tuple[Address, Action]]
) -> tuple[tuple[Change, ...], tuple[Withheld, ...]]:
    """What the guardrails let through, in the order that they ask for, and what they hold back."""
    refused = tuple(Withheld(c, *judged.held[c.id]) for c in changes if c.id in judged.held)
    kept = tuple(c for c in changes if c.id not in judged.held)
    if not judged.needs:
        return kept, refused
    return ordered(kept, first, {c.id: (*c.needs, *judged.needs.get(c.id, ())) for c in kept}), refused


def _view(
    connection: Connection, seen: Observed, side: Side | None, part: TargetPlan | None, refused: str | None
) -> TargetView:
    mode = connection.target.mode.value
    if seen.reading is None or side is None or part is None:
        if seen.was is not None:
            refused = "system-changed"
        return TargetView(False, mode, failed=str(seen.error), system=seen.system, refused=refused)
    gaps, reading = gaps_of(side.coverage), side.reading
    complete = not gaps and not part.held_back
    return TargetView(complete, mode, gaps, reading.state.counts(), reading.calls, seen.system, refused=refused)


def _unknown(situation: Situation, sides: Mapping[str, Side]) -> list[Diagnostic]:
    """Nothing to do for somebody whom nobody knows is rather a slip of the pen."""
    person, known = situation.person or "", situation.declared.identities
    if person in known or any(person in side.departed for side in sides.values()):
        return []
    now = next((i.id for i in known.values() if person in i.was), None)
    near = [now] if now is not None else difflib.get_close_matches(person, sorted(known), n=1)
    return [
        Diagnostic(
            "unknown-person",
            f"nobody called `{person}` is declared, has left since the last apply, or is known by a mark",
            severity=Severity.WARNING,
            why="that there is nothing to do says nothing about anybody then",
            fix=f"did you mean `{near[0]}`?" if near else "write the id as the access files have it",
        )
    ]


def _not_read(situation: Situation, name: str, seen: Observed) -> Diagnostic:
    if seen.was is not None and seen.system is not None:
        return other_system(situation.connections[name].target, seen.was, seen.system, situation.now)
    return Diagnostic(
        "target-unreadable",
        f"{name} could not be read: {seen.error}",
        severity=Severity.WARNING,
        target=name,
        why="what cannot be read is not taken for empty: nothing is planned there",
        fix="mend the connection or the credential, and run again",
    )
