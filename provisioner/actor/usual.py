"""The runs that may come any day, of each person and pipeline of the files: what some targets lay ready for. Pure.

Only runs that one person alone sets going: of two, it would be all pairs. Decides nothing about who may run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from provisioner.actor.decide import Asked
from provisioner.actor.shares import assumed, held_there, narrowing, said_of, scope_of, things_of
from provisioner.contract import Prepares, Provider, Shared, Usual
from provisioner.model.access import DeclaredAccess
from provisioner.model.assignment import Assignment
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant
from provisioner.model.resource import Resource
from provisioner.model.target import Mode, Target
from provisioner.resolve.desired import Resolver
from provisioner.resolve.roles import Roles
from provisioner.resolve.time import When, when, window


def prepared_targets(providers: Mapping[str, Provider], targets: Mapping[str, Target]) -> dict[str, Target]:
    """Those on which something can lie ready for runs, and that we may write to."""
    return {
        name: target
        for name, target in targets.items()
        if isinstance(providers[target.provider], Prepares) and target.mode is not Mode.REPORT
    }


def usual_runs(
    declared: DeclaredAccess,
    ready: Mapping[str, Target],
    providers: Mapping[str, Provider],
    now: Instant,
    held: Collection[str],
) -> dict[str, list[Usual]]:
    """By target, of those that are `ready` for it (`prepared_targets`). `held` are those who were cut off."""
    taken = {
        pipeline: there
        for pipeline in declared.pipelines.data
        if said_of(declared, pipeline).get("scope")
        and (there := [name for name, target in ready.items() if assumed(declared, pipeline, target) is not None])
    }
    if not taken:
        return {}
    declares, narrows = narrowing(ready, providers)
    resolver, roles = Resolver(declared, declares, now), Roles(declared)
    present = [
        i for i in declared.identities.values() if i.id not in held and i.suspended is None and i.present_at(now)
    ]
    alike = _alike(present, now)
    things: dict[object, dict[str, tuple[Resource, ...]]] = {}

    def things_by(who: Identity) -> dict[str, tuple[Resource, ...]]:
        key = frozenset((held.role, held.environments) for held in who.roles)
        if key not in things:
            things[key] = {name: things_of(one) for name, one in resolver.resolve([who]).items()}
        return things[key]

    asked = [
        (environment, things_by(one), who) for who in alike for environment, one in _asked(who, declared, roles, now)
    ]
    found: dict[str, list[Usual]] = {}
    known: dict[tuple[int, int], Shared] = {}
    for pipeline, there in taken.items():
        schedules = said_of(declared, pipeline).get("schedules")
        scopes = {e: things_by(scope_of(declared, pipeline, e)) for e in declared.environments}
        for environment, given, who in asked:
            for name in there:
                theirs, its = given[name], scopes[environment][name]
                if not theirs or not its:
                    continue
                shared = known.get((id(theirs), id(its)))
                if shared is None:
                    shared = known[id(theirs), id(its)] = narrows[name].shared(theirs, its)
                if shared.things and not shared.cannot:
                    found.setdefault(name, []).extend(
                        Usual(one.id, one.login_on(name), pipeline, shared.things)
                        for one in who
                        if one.kind is IdentityKind.PERSON or one.id == schedules
                    )
    return found


def _alike(present: Iterable[Identity], now: Instant) -> list[list[Identity]]:
    """Those who hold the same roles now together: many people hold what others do."""
    alike: dict[frozenset[Assignment], list[Identity]] = {}
    for identity in present:
        alike.setdefault(frozenset(_now(identity, now)), []).append(identity)
    return list(alike.values())


def _now(identity: Identity, now: Instant) -> Iterator[Assignment]:
    """What somebody holds now, and nothing of how they came to it or until when."""
    for held in identity.roles:
        if when(*window(identity, held.starts, held.until), now) is When.NOW:
            yield Assignment(held.role, held.environments)


def _asked(
    who: Sequence[Identity], declared: DeclaredAccess, roles: Roles, now: Instant
) -> Iterator[tuple[str, Identity]]:
    """What runs of them may be asked for: in each environment all that they hold there, and each role by itself."""
    one = replace(who[0], starts=None, until=None, roles=tuple(_now(who[0], now)))
    reached = {role.id for held in one.roles for role, _ in roles.reached_from(held.role)}
    for environment in declared.environments:
        seen = set()
        for role in (None, *sorted(reached)):
            there = held_there(one, declared, roles, Asked(environment, role))
            key = frozenset(there.roles)
            if key and key not in seen:
                seen.add(key)
                yield environment, there
