"""The plan of all targets, from what was compared on each: in its order, for whom the run is, with all there is to say.

Before the guardrails it lines the changes up; after them it makes the plan of what they let through.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from provisioner.diagnostics import Diagnostic, in_order
from provisioner.model.address import Address, Kind
from provisioner.model.change import Action, Change
from provisioner.model.outstanding import Outstanding
from provisioner.model.target import Target
from provisioner.plan.copied import copied_later
from provisioner.plan.leavers import unknown_person
from provisioner.plan.order import dependencies
from provisioner.plan.order import in_order as ordered
from provisioner.plan.plan import Plan, TargetView, Withheld
from provisioner.plan.readable import readable
from provisioner.plan.side import Side, TargetPlan, gaps_of
from provisioner.plan.situation import Situation
from provisioner.plan.turns import Choose, Leave, as_held, chosen, keeping, only_for
from provisioner.plan.unfinished import still_open


@dataclass(frozen=True, slots=True)
class Lineup:
    """Changes in the order of doing. `first` are those of earlier runs; `left` counts what is another run's turn."""

    changes: tuple[Change, ...]
    withheld: tuple[Withheld, ...]
    left: Mapping[str, int]
    first: frozenset[tuple[Address, Action]]
    outstanding: tuple[Outstanding, ...]


def line_up(situation: Situation, sides: Mapping[str, Side], parts: Mapping[str, TargetPlan]) -> Lineup:
    """What the run is for, in order."""
    changes = [c for part in parts.values() for c in part.changes]
    wanted = {name: side.desired.state.resources for name, side in sides.items()}
    needs = dependencies(changes, situation.declares, wanted)
    outstanding = [o for known in situation.known.values() for o in known.outstanding]
    outstanding = [o for o in outstanding if still_open(o, sides, changes)]
    first = frozenset((o.address, o.action) for o in outstanding)
    lined_up = ordered(changes, first, needs)
    if situation.person is not None:
        lined_up = only_for(situation.person, lined_up)
    choose = before_review(keeping(situation.choose, situation.held), situation, sides)
    kept, withheld, left = chosen(choose, as_held(situation.held, situation.by_source, lined_up))
    return Lineup(kept, withheld, left, first, tuple(outstanding))


def before_review(choose: Choose | None, situation: Situation, sides: Mapping[str, Side]) -> Choose | None:
    """What the run is for, but that whoever a directory has cut off loses in the directory itself only what the files
    gave them: what else they are in there is its own word, which nobody here could put back."""
    if not situation.by_source:
        return choose
    theirs = frozenset(source.target for source in situation.declared.sources.values())

    def turn(change: Change) -> Leave | None:
        address = change.address
        ours = address.kind is Kind.ACCOUNT or address.target not in theirs
        if change.identity in situation.by_source and not ours and sides[address.target].once(address) is None:
            return Leave("cut-by-source", "the files did not give it, and the directory says itself who is in it")
        return choose(change) if choose is not None else None

    return turn


def assemble(
    situation: Situation,
    lineup: Lineup,
    views: Mapping[str, TargetView],
    sides: Mapping[str, Side],
    parts: Mapping[str, TargetPlan],
    told: Iterable[Diagnostic],
) -> Plan:
    """The plan. `told` is what else there is to say of it."""
    found = [*situation.diagnostics, *told]
    found += [d for part in parts.values() for d in part.diagnostics]
    found += [w for side in sides.values() for w in side.reading.warnings]
    found += copied_later(lineup.changes, sides)
    found += readable(lineup.changes, sides, situation.slots)
    outstanding: Iterable[Outstanding] = lineup.outstanding
    waiting = [w for part in parts.values() for w in part.waiting]
    strays = [s for part in parts.values() for s in part.strays]
    if situation.person is not None:
        departed = (side.departed for side in sides.values())
        found += unknown_person(situation.person, situation.declared.identities, departed)
        waiting = [w for w in waiting if w.identity == situation.person]
        strays = [s for s in strays if s.identity == situation.person]
        outstanding = [o for o in outstanding if o.identity == situation.person]
    return Plan(
        engine=situation.engine,
        as_of=situation.now,
        tree=situation.declared.tree,
        judged_by=situation.judges.tree,
        revision=situation.revision,
        uncommitted=situation.uncommitted,
        person=situation.person,
        targets=views,
        changes=lineup.changes,
        withheld=lineup.withheld,
        waiting=tuple(sorted(waiting, key=lambda w: (str(w.address), w.action))),
        strays=tuple(sorted(strays, key=lambda s: str(s.address))),
        outstanding=tuple(sorted(outstanding, key=lambda o: (o.since, str(o.address)))),
        diagnostics=in_order(found),
        preview=situation.preview,
        left=lineup.left,
    )


def view_of(
    side: Side,
    part: TargetPlan,
    system: str | None,
    refused: str | None,
    *,
    records: int = 0,
    unrecorded: int | None = None,
    unseen: tuple[Address, ...] = (),
) -> TargetView:
    """What the plan says of a target that was read."""
    gaps, reading, mode = gaps_of(side.coverage), side.reading, side.target.mode.value
    complete = not gaps and not part.held_back
    return TargetView(
        complete, mode, gaps, reading.state.counts(), reading.calls, system, None, refused, records, unrecorded, unseen
    )


def view_unread(target: Target, system: str | None, error: object, refused: str | None) -> TargetView:
    """What it says of one that was not."""
    return TargetView(False, target.mode.value, failed=str(error), system=system, refused=refused)
