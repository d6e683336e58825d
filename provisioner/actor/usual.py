"""The runs that may come any day, of each person and pipeline of the files: what some targets lay ready for. Pure.

Only runs that one person alone sets going: of two, it would be all pairs. Decides nothing about who may run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from provisioner.actor.decide import Asked
from provisioner.actor.shares import Asking, assumed, held_there, said_of, shares
from provisioner.contract import Prepares, Provider, Usual
from provisioner.model.access import DeclaredAccess
from provisioner.model.assignment import Assignment
from provisioner.model.identity import Identity, IdentityKind
from provisioner.model.instant import Instant
from provisioner.model.target import Mode, Target
from provisioner.resolve.roles import Roles

_Held = tuple[Assignment, ...]


def prepared_targets(providers: Mapping[str, Provider], targets: Mapping[str, Target]) -> dict[str, Target]:
    """Those on which something can lie ready for runs, and that we may write to."""
    return {
        name: target
        for name, target in targets.items()
        if isinstance(providers[target.provider], Prepares) and target.mode is not Mode.REPORT
    }


def usual_runs(
    declared: DeclaredAccess, providers: Mapping[str, Provider], now: Instant, held: Collection[str]
) -> dict[str, list[Usual]]:
    """By target. `held` are those who were cut off."""
    found: dict[str, list[Usual]] = {}
    ready = prepared_targets(providers, declared.targets)
    roles = Roles(declared)
    for pipeline in declared.pipelines.data:
        there = {name: t for name, t in ready.items() if assumed(declared, pipeline, t) is not None}
        if not there or not said_of(declared, pipeline).get("scope"):
            continue
        starters = [i for i in _starters(declared, pipeline) if i.id not in held and i.present_at(now)]
        for environment in declared.environments:
            for asked, who in _alike(starters, declared, roles, environment):
                for share in shares(Asking(asked, (who[0].id,), pipeline), [declared], providers, now):
                    name = share.target.name
                    if name in there and share.things and not share.cannot:
                        found.setdefault(name, []).extend(
                            Usual(one.id, one.login_on(name), pipeline, share.things) for one in who
                        )
    return found


def _starters(declared: DeclaredAccess, pipeline: str) -> Iterator[Identity]:
    """Whoever may set it going: people, and the service that its schedules run as."""
    schedules = said_of(declared, pipeline).get("schedules")
    for identity in declared.identities.values():
        if identity.suspended is None and (identity.kind is IdentityKind.PERSON or identity.id == schedules):
            yield identity


def _alike(
    starters: Collection[Identity], declared: DeclaredAccess, roles: Roles, environment: str
) -> Iterator[tuple[Asked, list[Identity]]]:
    """What may be asked for in the environment, with those who hold the same there: many people hold what others do."""
    alike: dict[tuple[Asked, _Held], list[Identity]] = {}
    for identity in starters:
        reached = {role.id for held in identity.roles for role, _ in roles.reached_from(held.role)}
        for role in (None, *sorted(reached)):
            asked = Asked(environment, role)
            there = held_there(identity, declared, roles, asked).roles
            key = tuple(sorted({_what(held) for held in there}, key=repr))
            if there:
                alike.setdefault((asked, key), []).append(identity)
    for (asked, _), who in alike.items():
        yield asked, who


def _what(held: Assignment) -> Assignment:
    """Without where and why it stands."""
    return Assignment(held.role, held.environments, held.starts, held.until, length=held.length, floats=held.floats)
